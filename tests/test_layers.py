"""The shape of the house: which module may import which, how long a module may be, what no text may name.

Imports are read from the source with ``ast``, so that an import inside a function counts as well.
"""

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CACHES = {"__pycache__", ".ipynb_checkpoints", ".hypothesis", ".pytest_cache", ".ruff_cache"}
SKIPPED = CACHES | {".git", ".venv", ".venv-deep", "_build", "deep-results"}
MATHEMATICS = {"numpy", "scipy", "tqdm"}
EXTRA = {"torch", "pooch"}  # for bnlib.deep alone, which stands on the wing that it repeats with convolutions
BELOW_DEEP = "bnlib.classifier"
BOOK_ONLY_FIGURES = ("bnlib/book/style.py", "bnlib/book/figures/")
LONGEST_MODULE = 300


def sources(*folders):
    """Return the paths, relative to the root, of all Python files in ``folders``."""
    found = (path.relative_to(ROOT) for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return sorted(path for path in found if not SKIPPED.intersection(path.parts))


def module_name(path):
    """Return the dotted name of the module in the file ``path``, with its package for ``__init__``."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(text, path):
    """Return the dotted names that the source ``text`` of the file ``path`` imports, relative resolved."""
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = path.with_suffix("").parts[: -node.level] if node.level else ()
            base = ".".join([*package, *filter(None, [node.module])])
            names.add(base)
            names.update(f"{base}.{alias.name}" for alias in node.names)
    return names


def imports(path):
    """Return the dotted names that the file ``path`` imports."""
    return imported((ROOT / path).read_text(encoding="utf-8"), path)


def within(name, *packages):
    """Say whether the module ``name`` is one of ``packages`` or inside one of them."""
    return any(name == package or name.startswith(package + ".") for package in packages)


def is_standard(name):
    """Say whether ``name`` belongs to the standard library."""
    return name.partition(".")[0] in sys.stdlib_module_names


BNLIB = sources("bnlib")
WINGS = sorted({path.parts[1] for path in BNLIB if len(path.parts) > 2} - {"book"})
MATHEMATICAL = [path for path in BNLIB if path.parts[1] != "book"]


def test_imports_are_read_wherever_they_stand():
    text = "from . import gaussian\nfrom ..book.style import ink\ndef f():\n    import matplotlib.pyplot\n"
    names = imported(text, Path("bnlib/committee/dynamics.py"))
    assert {"bnlib.committee.gaussian", "bnlib.book.style", "matplotlib.pyplot"} <= names
    names = imported("from .training import a", Path("bnlib/committee/__init__.py"))
    assert "bnlib.committee.training" in names


def test_there_is_a_wing():
    assert "committee" in WINGS


@pytest.mark.parametrize("path", MATHEMATICAL, ids=str)
def test_mathematics_imports_only_mathematics(path):
    own, packages = {f"bnlib.{wing}" for wing in WINGS if path.parts[1] == wing}, MATHEMATICS
    if "bnlib.deep" in own:
        own, packages = own | {BELOW_DEEP}, MATHEMATICS | EXTRA
    shared = {module_name(other) for other in MATHEMATICAL if len(other.parts) == 2} - {"bnlib"}
    for name in imports(path):
        if within(name, "bnlib"):
            assert name == "bnlib" or within(name, *own, *shared), f"{path} imports {name}: wings stand alone"
        else:
            allowed = is_standard(name) or name.partition(".")[0] in packages
            assert allowed, f"{path} imports {name}: a wing needs only {', '.join(sorted(packages))}"


OUTSIDE_DEEP = [path for path in sources("bnlib", "press", "benchmarks") if path.parts[1] != "deep"]


@pytest.mark.parametrize("path", OUTSIDE_DEEP, ids=str)
def test_nothing_needs_the_extra(path):
    assert not [name for name in imports(path) if within(name, "bnlib.deep", *EXTRA)]


@pytest.mark.parametrize("path", sources("bnlib", "press", "benchmarks"), ids=str)
def test_drawing_and_widgets_have_one_place(path):
    for name in imports(path):
        if within(name, "matplotlib", "mpl_toolkits"):
            assert path.as_posix().startswith(BOOK_ONLY_FIGURES), f"{path} imports {name}"
        if within(name, "ipywidgets", "IPython"):
            assert path.as_posix() == "bnlib/book/widgets.py", f"{path} imports {name}"


@pytest.mark.parametrize("path", BNLIB, ids=str)
def test_the_package_knows_neither_press_nor_chapters_nor_tests(path):
    assert not [name for name in imports(path) if within(name, "press", "chapters", "tests", "benchmarks")]


@pytest.mark.parametrize("path", sources("press"), ids=str)
def test_press_knows_figures_and_no_chapter(path):
    wings = [f"bnlib.{wing}" for wing in WINGS]
    assert not [name for name in imports(path) if within(name, "chapters", "tests", *wings)]


@pytest.mark.parametrize("path", sources("bnlib", "press", "tests", "benchmarks"), ids=str)
def test_a_module_is_short(path):
    lines = len((ROOT / path).read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST_MODULE, f"{path} has {lines} lines: split it by what it is about"


# The registries' names are put together here so that this file itself does not match.
HOME_FOLDERS = re.compile(r"(?<![\w./-])/(?:root|home|Users|work|tmp)/\w|\b[A-Z]:\\+(?:Users|work)\b")
PYTHON_REGISTRY = "py" + "pi.org"
REGISTRIES = re.compile("|".join([re.escape(PYTHON_REGISTRY), "python" + "hosted", "index" + "-url", "npm" + "js"]))
TEXT_ENDINGS = {"", ".bib", ".cff", ".css", ".html", ".ipynb", ".js", ".json", ".md", ".py", ".toml", ".txt", ".yml"}


def texts():
    """Return the paths, relative to the root, of all text files of the project."""
    found = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
    kept = (path for path in found if not SKIPPED.intersection(path.parts) and ".egg-info" not in str(path))
    return sorted(path for path in kept if path.suffix in TEXT_ENDINGS)


def test_no_text_names_a_machine_or_a_registry():
    named = []
    for path in texts():
        for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), 1):
            # An embedded image is a long line of base64, in which any short word may turn up.
            if '"image/png": "' not in line and (HOME_FOLDERS.search(line) or REGISTRIES.search(line)):
                named.append(f"{path}:{number}: {line.strip()[:100]}")
    assert not named, "\n".join(named)


FOLDERS = ("home", "root", "Users", "tmp")


@pytest.mark.parametrize("line", [f"see /{name}/ann" for name in FOLDERS] + ["C:\\" + "Users\\ann", PYTHON_REGISTRY])
def test_such_a_name_is_seen(line):
    assert HOME_FOLDERS.search(line) or REGISTRIES.search(line)
