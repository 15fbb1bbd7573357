"""What the notebooks in the browser are made from: the list of packages, the plain texts; and the archive."""

import ast
import hashlib
import importlib
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from press import archive, lock, plain, wheels_list

ROOT = Path(__file__).parents[1]
INFO = {"python": "3.14.0", "platform": "emscripten", "arch": "wasm32", "abi_version": "1"}


def wheel(folder, name, *needs):
    """Write a wheel with one module."""
    with zipfile.ZipFile(folder / f"{name}-1-py3-none-any.whl", "w") as target:
        lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1", *(f"Requires-Dist: {need}" for need in needs)]
        target.writestr(f"{name}-1.dist-info/METADATA", "\n".join(lines))
        target.writestr(f"{name}.py", "")


def locked(folder):
    """Write the lock and return its packages."""
    lock.write_lock(folder, INFO)
    return json.loads((folder / "pyodide-lock.json").read_text("utf-8"))["packages"]


def test_a_lock_follows_the_browser_s_dependencies(tmp_path):
    wheel(tmp_path, "First_Part", "second>=1", 'psutil; sys_platform != "emscripten"', 'more; extra == "all"')
    wheel(tmp_path, "second")
    packages = locked(tmp_path)
    assert packages["first-part"]["depends"] == ["second"]
    assert packages["first-part"]["imports"] == ["First_Part"]
    data = (tmp_path / packages["second"]["file_name"]).read_bytes()
    assert packages["second"]["sha256"] == hashlib.sha256(data).hexdigest()


def test_a_package_that_is_not_there_is_named(tmp_path):
    wheel(tmp_path, "first", "second")
    with pytest.raises(ValueError, match="first needs second: add it to lite_wheels.txt"):
        locked(tmp_path)


def test_bnlib_s_wheel_holds_its_records_and_is_the_same_each_time(tmp_path):
    path = tmp_path / "bnlib-0.1.0-py3-none-any.whl"
    lock.pack_bnlib(ROOT, tmp_path)
    names, first = zipfile.ZipFile(path).namelist(), path.read_bytes()
    assert "bnlib/book/records/committee_figure_2.json" in names and "bnlib/__init__.py" in names
    assert not [name for name in names if name.startswith("bnlib/deep/")]  # it needs PyTorch
    lock.pack_bnlib(ROOT, tmp_path)
    assert path.read_bytes() == first
    assert {"numpy", "scipy", "ipywidgets"} <= set(lock.entry(path, {"extra": ""})["depends"])


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """A folder with what bnlib's wheel installs in the browser."""
    folder = tmp_path_factory.mktemp("wheel")
    lock.pack_bnlib(ROOT, folder)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_bnlib_s_wheel_holds_every_file_of_bnlib(unpacked):
    """Against the folder itself: so that a kind of file that pyproject.toml forgets is missed here, too."""
    there = {path.relative_to(ROOT) for path in (ROOT / "bnlib").rglob("[!.]*") if path.is_file()}
    wanted = {path for path in there if "__pycache__" not in path.parts and path.parts[1] != "deep"}
    assert {path.suffix for path in wanted} >= {".py", ".json", ".npz", ".md"}
    packed = {path.relative_to(unpacked) for path in (unpacked / "bnlib").rglob("*") if path.is_file()}
    assert packed == wanted
    assert all((unpacked / path).read_bytes() == (ROOT / path).read_bytes() for path in wanted)


def code(path):
    """The syntax tree of a chapter's code cells."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return ast.parse("\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"))


def test_chapters_find_in_the_wheel_what_they_import_and_read(unpacked):
    """Every import of every chapter, and every set of images that one splits, in a Python that has the wheel alone."""
    trees = [code(path) for path in sorted((ROOT / "chapters").glob("*/*.ipynb"))]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    imports = {ast.unparse(node) for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom))}
    calls = {ast.unparse(n) for n in nodes if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "split"}
    assert len(trees) == 15 and len(imports) > 15 and calls
    program = "\n".join([*sorted(imports), *sorted(calls), "import bnlib; print(bnlib.__file__)"])
    variables = {**os.environ, "PYTHONPATH": str(unpacked)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=unpacked, env=variables, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    assert Path(done.stdout.strip()) == unpacked / "bnlib" / "__init__.py"


def test_the_images_are_among_what_the_site_is_made_of(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "press")
    lite = importlib.import_module("lite")
    files, before = lock.package_files(ROOT), lite.site_key(ROOT)
    for name in ("digits.npz", "NOTICE.md"):
        monkeypatch.setattr(lite.lock, "package_files", lambda root, name=name: [f for f in files if f.name != name])
        assert lite.site_key(ROOT) != before


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(here)=\nBy {eq}`eq-a`, see {claim}`T1` and [the list](../list.md).", "By (a), see T1 and the list."),
        ("[a page](https://a.example/b.md), [there](#here)", "[a page](https://a.example/b.md), [there](#here)"),
        ("```{math}\n:label: eq-a\nx = 1\n```", "$$\nx = 1 \\tag{a}\n$$"),
        ("$$\na\n$$\nand\n\n$$\nb\n$$ (jit-b)\n", "$$\na\n$$\nand\n\n$$\nb \\tag{jit-b}\n$$\n"),
        ("$$ a $$\n\n$$b$$ (c)", "$$ a $$\n\n$$\nb \\tag{c}\n$$"),
        ("```{math}\n:label: eq-a\nx\n```\nand\n```{math}\ny\n```", "$$\nx \\tag{a}\n$$\nand\n$$\ny\n$$"),
        ("See {ref}`exercise 3.1 <exercise-3-1>`, {numref}`here`.", "See exercise 3.1, here."),
        ("````{dropdown} Proof\n```{math}\nx\n```\nend\n````", "**Proof**\n\n$$\nx\n$$\nend"),
        ("```{dropdown} Proof\nA\n```\n\nB", "**Proof**\n\nA\n\nB"),
        ("Code `f(x)` and $a[1](2)$ and ``{eq}``", "Code `f(x)` and $a[1](2)$ and ``{eq}``"),
    ],
)
def test_a_chapter_s_markdown_without_what_only_sphinx_knows(text, expected):
    assert plain.markdown(text) == expected


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """(the words for references by chapter, the folder with the chapters' copies)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "press")  # as in Sphinx, whose extensions import one another by name
        lite = importlib.import_module("lite")
    folder = tmp_path_factory.mktemp("copied")
    lite.copy_chapters(ROOT, folder)
    return importlib.import_module("references").references(ROOT), folder


LABEL = r"^:label: (\S+)|^\$\$ \((\S+)\)$"


def prose(path):
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def test_copied_chapters_have_no_bare_names(copied):
    """Each equation's number stands beside it and wherever it is named; each claim has its verdict's mark."""
    said, folder = copied
    claims = {claim["id"]: claim["verdict"] for claim in yaml.safe_load((ROOT / "claims.yml").read_text())["claims"]}
    words = {"holds": "✓ holds", "holds-if": "◐ holds if", "fails": "✗ fails", "open": "? open", "not-run": "– not run"}
    count = 0
    for path in sorted((ROOT / "chapters").glob("*/*.ipynb")):
        before, after = prose(path), prose(folder / path.relative_to(ROOT / "chapters"))
        assert not re.search(r"\{[a-z-]+\}`|^`{3,}|\$ \([a-z-]+\)$|^\([\w-]+\)=|\]\(\S*\.md", after, re.MULTILINE), path
        own = [first or second for first, second in re.findall(LABEL, before, re.MULTILINE)]
        tags = re.findall(r"\\tag\{(\d+)\}", after)
        assert own and tags == [said[path]["eq"][label] for label in own] and after.count("$$") % 2 == 0
        count += len(own)
        for label in set(re.findall(r"\{eq\}`([^`]+)`", before)):
            assert f"({said[path]['eq'][label]})" in after
        for name in set(re.findall(r"\{claim\}`([^`]+)`", before)):
            assert f"{words[claims[name]]} [ledger: {name}]" in after.replace("\u00a0", " ")
    numbers = [int(w) for words in said.values() for w in words["eq"].values() if w.isdigit()]
    assert sorted(numbers) == list(range(1, count + 1)) and count > 80


def test_equations_count_in_the_order_of_the_book(copied):
    """Not in that of folders: chapter 5 follows 4, and the last chapter lies in the folder of the first."""
    said, _ = copied
    order = [int(path.name.partition("-")[0]) for path in said]
    assert order == sorted(order) == list(range(1, 16))
    last = [path for path in said if path.name.startswith("15-")][0]
    own = [int(words) for words in said[last]["eq"].values() if words.isdigit()]
    assert own == list(range(len(said[last]["eq"]) - len(own) + 1, len(said[last]["eq"]) + 1))


def test_the_archive_holds_the_book_and_how_to_open_it(tmp_path):
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "index.html").write_text("<title>A book</title>")
    archive.main([str(tmp_path / "book"), str(tmp_path / "a-book.zip")])
    with zipfile.ZipFile(tmp_path / "a-book.zip") as packed:
        assert packed.namelist() == ["a-book/HOW-TO-OPEN.txt", "a-book/index.html"]
        assert packed.read("a-book/HOW-TO-OPEN.txt").decode().count("\n") == 2


def test_without_a_book_there_is_no_archive(tmp_path):
    with pytest.raises(SystemExit, match="There is no built book"):
        archive.main([str(tmp_path), str(tmp_path / "a-book.zip")])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"as listed", b"changed"])
def test_a_wheel_of_another_hash_is_refused(monkeypatch, tmp_path, content):
    digest = hashlib.sha256(b"as listed").hexdigest()
    (tmp_path / "list.txt").write_text(f"# a list\na-part==1 # MIT # {digest}\n")
    (tmp_path / "wheels").mkdir()
    wheel = tmp_path / "wheels" / "A_part-1-py3-none-any.whl"
    wheel.write_bytes(content)
    monkeypatch.setattr(wheels_list, "WHEELS", tmp_path / "list.txt")
    if content == b"as listed":
        wheels_list.check([wheel])
        with pytest.raises(RuntimeError, match="no wheel of a-part"):
            wheels_list.check([])
    else:
        with pytest.raises(ValueError, match=r"A_part-1.* has SHA-256 .* list\.txt has " + digest):
            wheels_list.check([wheel])
        assert not wheel.exists(), "the next build would take it from the cache"


def test_a_wheel_that_is_not_listed_is_refused(monkeypatch, tmp_path):
    (tmp_path / "other-1-py3-none-any.whl").write_bytes(b"")
    with pytest.raises(ValueError, match="other-1.* has none for other"):
        wheels_list.check([tmp_path / "other-1-py3-none-any.whl"])


def test_every_listed_wheel_has_a_licence_and_a_hash():
    lines = wheels_list.WHEELS.read_text("utf-8").splitlines()
    names = [line.split()[0].partition("==")[0] for line in lines if line[0] != "#"]
    assert names == list(wheels_list.listed()) and len(names) > 10


@pytest.mark.parametrize("file", ["test_kernel.py", "test_lite.py"])
@pytest.mark.parametrize("ci", ["true", ""])
def test_a_book_without_its_python_fails_the_page_tests_of_continuous_integration(tmp_path, file, ci):
    """And is a skip with its reason elsewhere: a fresh run of the file on a book that was built without the kernel."""
    (tmp_path / "_static" / "press" / "kernel").mkdir(parents=True)
    (tmp_path / "_static" / "press" / "kernel" / "kernel.js").write_text('bnKernel({"missing": "no source"});\n')
    (tmp_path / "index.html").write_text('<bn-explorer name="figure">')
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(ROOT / "tests" / "pages" / file)]
    variables = {**os.environ, "CI": ci, "BNLIB_BOOK": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=120)
    assert "was built without" in done.stdout and "passed" not in done.stdout
    assert done.returncode == (1 if ci else 0), done.stdout[-2000:]
    assert ("skipped" in done.stdout) == (not ci)
