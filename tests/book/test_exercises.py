"""The exercises: stubs, references, other styles, mistakes, garbage, and that no solution is on display."""

import ast
import importlib
import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest

from bnlib.book.exercise import NOT_ATTEMPTED, NOT_YET, RIGHT
from bnlib.book.exercises import MODULES, find, names

ROOT = Path(__file__).parents[2]
# "committee-1" is solved in tests/solutions/committee_1.py
SOLVED = [importlib.import_module(f"tests.solutions.{chapter.replace('-', '_')}") for chapter in MODULES]
SOLUTIONS = {name: solution for module in SOLVED for name, solution in module.SOLUTIONS.items()}
CASES = [(name, mistake) for name, (_, _, mistakes) in SOLUTIONS.items() for mistake in mistakes]


def _not_implemented(*arguments):
    raise NotImplementedError


def _raises(*arguments):
    raise KeyError("a slip")


def _leaves(*arguments):
    raise SystemExit(3)


def _falls_forever(*arguments):
    return _falls_forever(*arguments)


STUBS = {
    "dots": ...,
    "none": None,
    "function of dots": lambda *arguments: ...,
    "function of none": lambda *arguments: None,
    "not implemented": _not_implemented,
}
GARBAGE = {
    "raises": _raises,
    "leaves": _leaves,
    "recursion": _falls_forever,
    "nan": lambda *arguments: math.nan,
    "wrong shape": lambda *arguments: np.zeros((2, 3, 4)),
    "text": lambda *arguments: "one third",
    "complex": lambda *arguments: 1j,
    "ragged": lambda *arguments: [[1.0], [1.0, 2.0]],
    "too few arguments": lambda: 1.0,
    "a string": "0.5",
    "a number": 3.0,
    "an array": np.zeros(3),
    "a dictionary": lambda *arguments: {"answer": 1},
    "dots within": lambda *arguments: [..., 1],
}


@pytest.fixture(params=names())
def exercise(request):
    return find(request.param)


def test_every_exercise_has_solutions_to_try():
    assert list(SOLUTIONS) == names() and len(names()) >= 3 * len(MODULES)


@pytest.mark.parametrize("stub", STUBS.values(), ids=STUBS)
def test_stub_is_not_attempted(exercise, stub):
    verdict = exercise.check(stub)
    assert verdict.state == NOT_ATTEMPTED and repr(verdict).startswith("not attempted") and not verdict.right


@pytest.mark.parametrize("style", [0, 1], ids=["reference", "another style"])
def test_solution_is_right_and_told_what_was_checked(exercise, style):
    verdict = exercise.check(SOLUTIONS[exercise.name][style])
    assert verdict.state == RIGHT and verdict.right, verdict
    flat = " ".join(repr(verdict).split())
    assert flat.startswith("right: ") and all(" ".join(check.says.split()) in flat for check in exercise.checks)


@pytest.mark.parametrize("name, mistake", CASES)
def test_mistake_gets_its_own_hint(name, mistake):
    exercise = find(name)
    verdict = exercise.check(SOLUTIONS[name][2][mistake])
    assert verdict.state == NOT_YET and verdict.mistake == mistake, verdict
    known = {known.name: known.hint for known in exercise.mistakes}
    assert " ".join(known[mistake].split()) in " ".join(repr(verdict).split())


def test_every_catalogued_mistake_is_tried(exercise):
    assert {mistake.name for mistake in exercise.mistakes} == set(SOLUTIONS[exercise.name][2])
    hints = [mistake.hint for mistake in exercise.mistakes]
    assert len(set(hints)) == len(hints)


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
def test_garbage_gives_words(exercise, garbage):
    verdict = exercise.check(garbage)
    assert verdict.state == NOT_YET and verdict.mistake is None
    assert repr(verdict).startswith("not yet: ") and len(repr(verdict)) > 40


def test_words_name_the_trouble():
    exercise = find("committee-2-1")
    assert "KeyError ('a slip')" in repr(exercise.check(_raises))
    assert "finite" in repr(exercise.check(lambda C: math.inf))
    assert "type str" in repr(exercise.check("0.5"))
    assert "has shape (2, 3, 4)" in repr(exercise.check(GARBAGE["wrong shape"]))


def test_unknown_error_gets_the_property_alone():
    verdict = find("committee-2-1").check(lambda C: 0.9 * SOLUTIONS["committee-2-1"][0](C))
    assert verdict.state == NOT_YET and verdict.mistake is None and "1/3" in repr(verdict)


@pytest.mark.parametrize("name", names())
def test_an_answer_that_spoils_its_arguments_is_still_judged(name):
    def spoiler(*arguments):
        value = SOLUTIONS[name][0](*arguments)
        for argument in arguments:
            if isinstance(argument, np.ndarray):
                argument[...] = np.nan
        return value

    assert find(name).check(spoiler).right


def test_verdict_is_the_same_every_time(exercise):
    for answer in (..., SOLUTIONS[exercise.name][0], _raises, lambda *arguments: np.ones(exercise.shape)):
        assert repr(exercise.check(answer)) == repr(exercise.check(answer))
        assert max(map(len, repr(exercise.check(answer)).splitlines())) <= 92


def test_three_hints_in_turn(exercise):
    exercise._hints_given = 0
    given = [repr(exercise.hint()) for _ in range(4)]
    assert given[2] == given[3] and len(set(given)) == 3
    assert [hint.split(":")[0] for hint in given] == [
        "hint 1 of 3",
        "hint 2 of 3",
        "hint 3 of 3",
        "hint 3 of 3",
    ]
    assert repr(exercise.hint(1)) == given[0]
    with pytest.raises(ValueError, match="number"):
        exercise.hint(4)


def test_find_names_what_there_is():
    assert find("committee-1-1") is find("committee-1-1")
    with pytest.raises(ValueError, match="committee-2-3"):
        find("committee-9-9")


def test_spread_of_a_real_run_shrinks_as_the_exercise_says(measure):
    """Exercise 2.3 on the data it asks for: R_11 at t = 2 by overlaps alone, 100 replicas, three sizes."""
    from bnlib.committee import OrderParameters, train_overlaps

    sizes, replicas, spreads, means = np.array([20, 80, 320]), 100, [], []
    start = OrderParameters(Q=np.eye(1), R=np.full((1, 1), 0.1), T=np.eye(1))
    for N in sizes:
        run = train_overlaps(
            start,
            int(N),
            2 * int(N),
            replicas=replicas,
            normalization="none",
            batch_size=1,
            record_every=2 * int(N),
            rng=np.random.default_rng(int(N)),
        )
        spreads.append(run.R[:, -1, 0, 0].std(ddof=1))
        means.append(run.R[:, -1, 0, 0].mean())
    exponent, needed = SOLUTIONS["committee-2-3"][0](sizes, spreads, means[1], 80, 0.01)
    error = 1 / np.sqrt(2 * replicas) / np.linalg.norm(np.log(sizes) - np.log(sizes).mean())
    assert needed > 1
    measure("own-spread", abs(exponent + 0.5) / error, 4)


# ---- no solution where a student reads: the artefacts are looked at, not a flag
def _code(path):
    if path.suffix != ".ipynb":
        return [path.read_text()]
    return ["".join(cell["source"]) for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]


def _shape_of(node):
    """A function body without its names: alike for a copy under other names."""
    body = [part for part in node.body if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))]
    tree = ast.Module(body, [])
    names_seen = {}
    for part in ast.walk(tree):
        if isinstance(part, ast.Name):
            part.id = names_seen.setdefault(part.id, f"n{len(names_seen)}")
    return ast.dump(tree)


def _functions(code):
    try:
        return [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.FunctionDef)]
    except SyntaxError:  # a cell with a line magic
        return []


def test_no_solution_in_the_pages_or_the_package():
    solutions = set()
    for module in SOLVED:
        answers = {function.__name__ for pair in module.SOLUTIONS.values() for function in pair[:2]}
        for function in _functions(Path(module.__file__).read_text()):
            if function.name in answers:
                solutions.add(_shape_of(function))
    assert len(solutions) == 2 * len(names())
    looked_at = [
        *(ROOT / "bnlib" / "book").rglob("*.py"),
        *(ROOT / "chapters").rglob("*.ipynb"),
        *(ROOT / "chapters").rglob("*.md"),
    ]
    assert any(path.suffix == ".ipynb" for path in looked_at)
    for path in looked_at:
        for code in _code(path):
            assert "solutions" not in code or "import" not in code or "tests" not in code, path
            assert not solutions & {_shape_of(function) for function in _functions(code)}, path


@pytest.fixture
def little_memory():
    """At most 3 GB: helpers that are called with another exercise's arguments may ask for any amount."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (3 * 2**30, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def test_no_function_of_the_package_is_an_answer(little_memory):
    """Whatever an exercise module can call is no answer; differences of the loss are the second road of 1.2."""
    modules = [value for key, value in sys.modules.items() if key.startswith("bnlib.book.exercise")]
    functions = {id(f): f for module in modules for f in vars(module).values() if callable(f)}
    assert len(functions) > 30
    for function in functions.values():
        for name in names():
            road = (name, getattr(function, "__name__", "")) == ("committee-1-2", "_differences")
            assert find(name).check(function).right == road, (function, name)


def test_stub_cells_of_the_chapters_are_untouched():
    """Every exercise has a cell in its chapter that checks it; the stored verdict there is "not attempted"."""
    told = {}
    for path in (ROOT / "chapters").rglob("*.ipynb"):
        for cell in json.loads(path.read_text())["cells"]:
            source = "".join(cell["source"])
            for name in names():
                if cell["cell_type"] == "code" and name in source and ".check(" in source:
                    told[name] = json.dumps(cell["outputs"])
    assert sorted(told) == sorted(names())
    assert all("not attempted" in output for output in told.values()), told
