"""What a chapter's notebook may hold: executed cells, small stored outputs, little code.

The stored texts are compared with a fresh run by nbval. As nbval passes a cell that never ran, the first
test here demands that each has run.
"""

import ast
import base64
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
CODE_LINES_A_CHAPTER = 80
CODE_LINES_A_CELL = 15
LINES_A_FUNCTION = 6
BYTES_AN_IMAGE = 60_000

PATHS = sorted(
    path.relative_to(ROOT) for path in (ROOT / "chapters").rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts
)


@pytest.fixture(params=PATHS, ids=str)
def notebook(request):
    """Return one chapter's notebook after the other."""
    return nbformat.read(ROOT / request.param, as_version=4)


def code_cells(notebook):
    """Return the code cells that hold code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def code_lines(cell):
    """Return the number of lines in ``cell`` that are neither empty nor only a comment."""
    lines = (line.strip() for line in cell.source.splitlines())
    return sum(bool(line) and not line.startswith("#") for line in lines)


def outputs(notebook):
    """Return all stored outputs."""
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def test_there_are_chapters():
    assert PATHS


def test_is_valid(notebook):
    nbformat.validate(notebook)


def test_every_cell_was_executed_in_order(notebook):
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1)), "execute the chapter: make notebooks"


def test_code_keeps_its_budget(notebook):
    lines = [code_lines(cell) for cell in code_cells(notebook)]
    assert sum(lines) <= CODE_LINES_A_CHAPTER, "move code into bnlib"
    assert max(lines, default=0) <= CODE_LINES_A_CELL, "move code into bnlib, or split the cell"


def test_functions_are_short(notebook):
    for cell in code_cells(notebook):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                assert node.end_lineno - node.lineno < LINES_A_FUNCTION, f"{node.name} belongs in bnlib"


def test_stores_no_widget_state(notebook):
    assert "widgets" not in notebook.metadata


def test_stores_no_error(notebook):
    assert not [output for output in outputs(notebook) if output.output_type == "error"]
    assert not [output for output in outputs(notebook) if output.get("name") == "stderr"]


def test_stores_only_text_and_small_images(notebook):
    for output in outputs(notebook):
        data = output.get("data", {})
        assert set(data) <= {"text/plain", "image/png"}
        assert len(base64.b64decode(data.get("image/png", ""))) < BYTES_AN_IMAGE
        assert "text/plain" in data or not data, "an image needs its text beside it"


def test_names_the_plain_kernel_and_no_version(notebook):
    assert notebook.metadata.kernelspec.name == "python3"
    assert "version" not in notebook.metadata.get("language_info", {})


def test_opens_with_a_heading_and_says_who_it_is_for(notebook):
    first = notebook.cells[0]
    assert first.cell_type == "markdown"
    assert first.source.lstrip().startswith("# "), "a chapter opens with its title"
    opening = "\n".join(cell.source for cell in notebook.cells[:2] if cell.cell_type == "markdown")
    assert "who it is for" in opening.lower() or "for whom" in opening.lower()
