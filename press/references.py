"""What a chapter's references say where Sphinx does not resolve them: the numbers and verdicts that the pages show."""

import nbformat
import plain
import yaml
from bnledger import marked, read_ledger


def references(root):
    """{chapter's path: {"eq": {label: words}, "claim": {id: words}}} for the chapters that are notebooks.

    Equations count through the book in the order of _toc.yml, as Sphinx counts them; of another chapter's the words
    name the chapter. A claim's words are its mark, its verdict and where to look it up.
    """
    ledger, _ = read_ledger(root)
    claims = {claim["id"]: f"{marked(claim['verdict'])} [ledger: {claim['id']}]" for claim in ledger["claims"]}
    files = [file for part in contents(root)["parts"] for file in part["chapters"]]
    paths = [path for file in files if (path := root / f"{file['file']}.ipynb").is_file()]
    places = [(label, path) for path in paths for label in labels(path)]
    said = {}
    for here in paths:
        equations = {
            label: str(number) if path == here else f"{number}, chapter {path.name.partition('-')[0]}"
            for number, (label, path) in enumerate(places, 1)
        }
        said[here] = {"eq": equations, "claim": claims}
    return said


def contents(root):
    """The book's table of contents."""
    return yaml.safe_load((root / "_toc.yml").read_text("utf-8"))


def labels(path):
    """The labels of a notebook's numbered equations, in order."""
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]
    return [label for cell in cells for label in plain.labels(cell)]
