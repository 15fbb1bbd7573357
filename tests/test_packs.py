"""What makes a page start soon and a build short: packages that import on demand, and what frames depend on."""

import subprocess
import sys
from pathlib import Path

import pytest

from press import frames

ROOT = Path(__file__).parents[1]
MODULES = {
    "__init__": """from .numbers import one, two as zwei
from .same import same
from . import numbers
SIZE = 3
__all__ = ["one", "same"]
""",
    "numbers": "def one(): return 1\ndef two(): return 2\n",
    "same": "def same(): return 'function'\n",
    "other": "loaded = True\n",
}
PROGRAM = """
import sys
sys.path[:0] = [{folder!r}, {press!r}]
import lazy_packages
import parts
{program}
"""


def run(folder, program):
    """Run a program that has imported the package ``parts`` from the folder; return what it prints."""
    text = PROGRAM.format(folder=str(folder), press=str(ROOT / "press"), program=program)
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def write(folder, **modules):
    for name, text in (MODULES | modules).items():
        (folder / "parts").mkdir(exist_ok=True)
        (folder / "parts" / f"{name}.py").write_text(text)


def test_a_lazy_package_has_the_same_names_and_imports_them_on_demand(tmp_path):
    write(tmp_path)
    whole = "print(parts.__all__, parts.one(), parts.zwei(), parts.same(), parts.SIZE, parts.numbers.two())"
    told = run(tmp_path, whole)
    table = run(tmp_path, "print(repr(lazy_packages.tables(lambda name: True)['parts']))")
    (tmp_path / "parts" / "__init__.py").write_text(f"import lazy_packages\nlazy_packages.attach(__name__, *{table})")
    assert run(tmp_path, "print(*(name for name in sys.modules if name.startswith('parts.')))").strip() == ""
    assert run(tmp_path, whole) == told
    # importing the module must not put it in the place of the function
    assert run(tmp_path, "import parts.same, parts.other; print(parts.same(), parts.other.loaded)") == "function True\n"
    assert run(tmp_path, "from parts import *; print(one(), same())") == "1 function\n"
    assert "no attribute 'no'" in run(tmp_path, "try: parts.no\nexcept AttributeError as error: print(error)")


@pytest.mark.parametrize("own", ["def own(): pass", "own = object()", "own = {1: 2}", "own = float('nan')"])
def test_a_package_with_things_of_its_own_stays_as_it_is(tmp_path, own):
    write(tmp_path, __init__=MODULES["__init__"] + own)
    assert run(tmp_path, "print(lazy_packages.tables(lambda name: name == 'parts'))") == "{}\n"


def test_most_of_scipy_can_be_lazy():
    """If a version of SciPy makes that false, pages start slowly: better to know."""
    program = "import scipy.special, scipy.integrate\nprint(*lazy_packages.tables(lambda name: True))"
    text = PROGRAM.format(folder="", press=str(ROOT / "press"), program=program).replace("import parts\n", "")
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60)
    lazy = done.stdout.split()
    assert {"scipy.special", "scipy.integrate", "scipy.linalg", "scipy.optimize"} <= set(lazy), done.stderr


def test_frames_depend_on_what_a_figure_imports_and_on_its_wing_s_records_alone():
    names = [file.relative_to(ROOT).as_posix() for file in frames.inputs("figure-2")]
    assert "bnlib/book/figures/committee/order_parameters.py" in names and "bnlib/book/style.py" in names
    assert "bnlib/committee/dynamics.py" in names and "bnlib/book/records/committee_figure_2.json" in names
    assert "bnlib/book/figures/committee/teacher_student.py" not in names
    assert not [name for name in names if "exercise" in name]
    wings = {name.split("/")[1] for name in names} - {"book"}
    assert {wing for wing in wings if not wing.endswith(".py")} == {"committee"}


def test_a_changed_input_gives_another_key(monkeypatch, tmp_path):
    before = frames.key("figure-2")
    assert frames.key("figure-2") == before
    changed = tmp_path / "record.json"
    changed.write_text("{}")
    monkeypatch.setattr(frames, "inputs", lambda name: [changed])
    first = frames.key("figure-2")
    changed.write_text("[]")
    assert frames.key("figure-2") != first != before
