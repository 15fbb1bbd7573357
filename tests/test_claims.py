"""The ledger is true to itself: tests, places, items, gaps and verdicts all exist and fit."""

import ast
import json
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
LEDGER = yaml.safe_load((ROOT / "claims.yml").read_text())
CLAIMS = {claim["id"]: claim for claim in LEDGER["claims"]}
GAPS = json.loads((ROOT / "claims_gaps.json").read_text())
NEEDS = {
    "holds": [],
    "holds-if": ["condition"],
    "fails": ["counterexample", "holds_instead"],
    "open": [],
    "not-run": ["condition"],
}
TOLD = {"condition", "counterexample", "holds_instead"}
EVIDENCE = sorted({test for claim in CLAIMS.values() for test in claim["evidence"]})
SKIPS = ("skip", "skipif", "xfail", "importorskip")


@pytest.fixture(params=CLAIMS)
def claim(request):
    return CLAIMS[request.param]


def test_ids_are_unique():
    assert len(CLAIMS) == len(LEDGER["claims"])


def test_claim_is_whole(claim):
    assert claim["source"]["paper"] in LEDGER["papers"] and claim["id"].startswith(claim["source"]["paper"] + "-")
    assert claim["source"]["item"] and claim["statement"] and claim["where"]
    assert ("tolerance" in claim) == ("gap_is" in claim)
    known = {"id", "source", "statement", "verdict", "evidence", "where", "tolerance", "gap_is"}
    assert set(claim) <= known | TOLD


def test_verdict_has_what_it_needs(claim):
    assert TOLD & set(claim) == set(NEEDS[claim["verdict"]])
    assert claim["evidence"] or claim["verdict"] in ("open", "not-run")


def test_gap_is_measured_and_within_tolerance(claim):
    if "tolerance" in claim:
        assert GAPS[claim["id"]]["tolerance"] == claim["tolerance"]
        assert 0 <= GAPS[claim["id"]]["gap"] <= claim["tolerance"]
    else:
        assert claim["id"] not in GAPS


def test_gaps_belong_to_claims():
    assert set(GAPS) <= set(CLAIMS)


@pytest.mark.parametrize("node", EVIDENCE)
def test_evidence_exists_and_is_never_skipped(node):
    path, _, name = node.partition("::")
    tree = ast.parse((ROOT / path).read_text())
    functions = {part.name: part for part in tree.body if isinstance(part, ast.FunctionDef)}
    function = functions[name.partition("[")[0]]
    others = [
        part for part in tree.body if not isinstance(part, ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom)
    ]
    for part in [function, *others]:
        said = {
            word.attr if isinstance(word, ast.Attribute) else word.id
            for word in ast.walk(part)
            if isinstance(word, ast.Attribute | ast.Name)
        }
        assert not said & set(SKIPS), f"{node} may be skipped"


def test_every_claim_with_a_tolerance_is_measured_by_its_evidence():
    for claim in CLAIMS.values():
        files = {ROOT / test.partition("::")[0] for test in claim["evidence"]}
        assert "tolerance" not in claim or any(claim["id"] in file.read_text() for file in files), claim["id"]


@pytest.mark.parametrize("paper, count", [("T19", 8), ("T20", 14), ("L19", 22), ("B22", 23)])
def test_every_item_is_covered_or_planned(paper, count):
    items = [item for item in LEDGER["items"] if item["paper"] == paper]
    assert len(items) == count == len({item["item"] for item in items})
    assert all(
        item["status"] in ("covered", "planned") and ("claims" in item) == (item["status"] == "covered")
        for item in items
    )
    named = [claim for item in items for claim in item.get("claims", [])]
    assert sorted(named) == sorted(key for key, claim in CLAIMS.items() if claim["source"]["paper"] == paper)


def test_every_equation_of_the_papers_read_so_far_has_a_claim():
    assert {f"T19-eq{n}" for n in range(1, 27)} | {"T19-fig2"} <= set(CLAIMS)
    assert {f"T20-eq{n}" for n in range(1, 14)} | {"T20-dropped"} <= set(CLAIMS)


def _labels(chapter):
    """MyST labels and equation labels in a chapter's text."""
    path = ROOT / f"{chapter}.ipynb"
    if path.exists():
        cells = json.loads(path.read_text())["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    else:
        text = (ROOT / f"{chapter}.md").read_text()
    patterns = (
        r"^\(([\w-]+)\)=\s*$",
        r"^\$\$\s*\(([\w-]+)\)\s*$",
        r"^:(?:label|name):\s*([\w-]+)\s*$",
        r"\$\$ *\(([\w-]+)\)",
    )
    return {label for pattern in patterns for label in re.findall(pattern, text, re.MULTILINE)}


@pytest.mark.parametrize("target", sorted({where for claim in CLAIMS.values() for where in claim["where"]}))
def test_place_in_the_book_exists(target):
    chapter, _, anchor = target.partition("#")
    assert anchor in _labels(chapter)


def test_text_names_only_known_claims():
    """A misspelt {claim}`...` would fail the build; this says so earlier."""
    sources = [*(ROOT / "chapters").rglob("*.ipynb"), *(ROOT / "chapters").rglob("*.md")]
    named = {name for path in sources for name in re.findall(r"\{claim\}`([^`]+)`", path.read_text())}
    assert named <= set(CLAIMS)
