"""What an exercise says of code that cannot be judged: without a return, with an error, or still the stub."""

import itertools
import json
import math
import re
from pathlib import Path

import pytest

from bnlib.book.exercise import NOT_ATTEMPTED, NOT_YET
from bnlib.book.exercises import find, names

ROOT = Path(__file__).parents[2]


def cells(path):
    """The code cells of a chapter."""
    return ["".join(cell["source"]) for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]


def _forgets(C):
    """A sentence of its own does not make a stub."""
    value = C[0, 0]
    value += 1


def _sometimes(C):
    if C[0, 1] == 0:
        return 0.0


@pytest.mark.parametrize("answer", [_forgets, _sometimes, lambda C: print(end="")], ids=["all", "a branch", "print"])
def test_code_that_returns_none_is_told_so(answer):
    verdict = find("committee-2-1").check(answer)
    assert verdict.state == NOT_YET and "returned None: did you forget `return`?" in " ".join(repr(verdict).split())


def test_the_arguments_of_a_call_that_went_wrong_are_named():
    def told(name, answer):
        return " ".join(repr(find(name).check(answer)).split())

    assert told("committee-3-1", lambda K, M, tau: 1 / 0) == (
        "not yet: the function raised ZeroDivisionError (division by zero). It was given K = 2, M = 2, tau = 1."
    )
    assert "It was given an array of shape (5,), an array of shape (5,), 0.01." in told(
        "committee-3-2", lambda *_: {}["a slip"]
    )
    assert "not finite (NaN or infinity). It was given 1, 0.5, 2, 1." in told("committee-3-3", lambda *_: math.nan)
    lists = "an array of shape (6,), a list of 2, a list of 2, a list of 2, 0.1"
    assert f"type str. It was given {lists}." in told("partition-10-1", lambda *_: "text")
    pairs = "a = [0.2, 0.3, 0.25, 0.41], b = [0.18, 0.27, 0.24, 0.37]"
    assert told("classifier-13-1", lambda a, b: None if a[0] else a).endswith(f"`return`? It was given {pairs}.")


def test_a_chapter_s_stub_is_seen_to_be_one_until_somebody_writes_in_it():
    """As it stands in its cell; on every version of Python, for a stub is known by its bytecode."""
    seen = []
    for path in (ROOT / "chapters").rglob("*.ipynb"):
        for stub, check in itertools.pairwise(cells(path)):
            if asked := re.search(r'exercises\.find\("([a-z]+-[0-9-]+)"\)', check):
                found, written = {}, {}
                exec(stub, found)
                exec(stub.replace("    ...", "    note = 1.0"), written)
                (name,) = {key for key in found if key != "__builtins__"}
                seen.append(asked[1])
                assert find(asked[1]).check(found[name]).state == NOT_ATTEMPTED, stub
                assert "did you forget" in repr(find(asked[1]).check(written[name])), stub
    assert sorted(seen) == sorted(names())
