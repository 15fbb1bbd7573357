"""What the notebooks in the browser are made from: the list of packages, the plain texts; and the archive."""

import hashlib
import json
import zipfile
from pathlib import Path

import pytest

from press import archive, lock, plain

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
    lock.pack_bnlib(ROOT, tmp_path)
    assert path.read_bytes() == first
    assert {"numpy", "scipy", "ipywidgets"} <= set(lock.entry(path, {"extra": ""})["depends"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(here)=\nBy {eq}`eq-a`, see {claim}`T1` and [the list](../list.md).", "By (a), see T1 and the list."),
        ("[a page](https://a.example/b.md), [there](#here)", "[a page](https://a.example/b.md), [there](#here)"),
        ("```{math}\n:label: eq-a\nx = 1\n```", "$$\nx = 1 \\tag{a}\n$$"),
        ("```{math}\n:label: eq-a\nx\n```\nand\n```{math}\ny\n```", "$$\nx \\tag{a}\n$$\nand\n$$\ny\n$$"),
        ("Code `f(x)` and $a[1](2)$ and ``{eq}``", "Code `f(x)` and $a[1](2)$ and ``{eq}``"),
    ],
)
def test_a_chapter_s_markdown_without_what_only_sphinx_knows(text, expected):
    assert plain.markdown(text) == expected


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
