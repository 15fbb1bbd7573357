"""Execute the chapters in place and store small, stable outputs: ``python press/notebooks.py [FILE ...]``.

With the front end "still" a figure's cell keeps its text and a small image. No widget state, no
times and no versions are stored, so that a second run with the same code changes nothing.
"""

import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

CHAPTERS = Path("chapters")
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def chapters():
    """Return the paths of all chapter notebooks, in order."""
    return sorted(path for path in CHAPTERS.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)


def execute(path):
    """Run the notebook at ``path`` from its own folder and write it back."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=600,
        kernel_name=KERNEL["name"],
        record_timing=False,
        store_widget_state=False,
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    nbformat.write(notebook, path)


def main(arguments):
    """Execute the named notebooks, or all chapters."""
    os.environ["BNLIB_FRONT_END"] = "still"
    for path in [Path(name) for name in arguments] or chapters():
        print(path, flush=True)
        execute(path)


if __name__ == "__main__":
    main(sys.argv[1:])
