"""The prepared frames of the page front end: what a reader's move shows at once, computed by the build.

A file ``NAME.LAYOUT.js`` holds one call, ``bnFrames("NAME", "LAYOUT", {key: {svg, text}})``, and is loaded by
a script element: unlike a fetched JSON file, that also works in a book opened as files.
"""

import ast
import hashlib
import json
import os
import platform
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import bnlib
from bnlib.book.figures import NAMES, find
from bnlib.book.style import LAYOUTS

BUDGET = 1_000_000  # bytes a figure, over both layouts
MOST = 8  # processes; each needs about 150 MB
JOINT = 60  # at most so many combinations of several parameters, if they fit the budget


def build(name):
    """{layout: text of the frame file} of a figure."""
    figure = find(name)
    frames = {layout: {} for layout in LAYOUTS}
    add(figure, frames, figure.settings())
    joint = figure.settings(joint=True)
    each = sum(map(weight, frames.values())) / len(frames["wide"])
    if len(joint) <= JOINT and each * len(joint) < 0.95 * BUDGET:
        add(figure, frames, joint)
    return {layout: f'bnFrames("{name}", "{layout}", {as_json(found)});\n' for layout, found in frames.items()}


def add(figure, frames, settings):
    """Fill in what is missing; one result serves both layouts."""
    for key, changes in settings.items():
        if key not in frames["wide"]:
            result = figure.result(**changes)
            for layout, found in frames.items():
                found[key] = figure.frame(result, layout)


def as_json(data):
    """Compact JSON."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def weight(data):
    """Bytes of the data as JSON."""
    return len(as_json(data).encode())


ROOT = Path(bnlib.__file__).parents[1]


@cache
def read(module):
    """(file, modules of bnlib that it imports anywhere, its text constants) of a module of bnlib, or None."""
    place = ROOT.joinpath(*module.split("."))
    file = next((f for f in (place.with_suffix(".py"), place / "__init__.py") if f.is_file()), None)
    if file is None:
        return None
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    imported, words = set(), set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            imported |= {base} | {f"{base}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            words.add(node.value)
    return file, {name for name in imported if name.startswith("bnlib")}, words


def inputs(name):
    """The files of bnlib that a figure is made of: modules, by what is imported, and records.

    Records count if a module names them or if they are of the figure's wing.
    """
    wing = NAMES[name].partition(".")[0]
    todo, found, words = {f"bnlib.book.figures.{NAMES[name]}"}, {}, set()
    while todo:
        module = todo.pop()
        found[module] = None
        if (seen := read(module)) is not None:
            found[module] = seen[0]
            words |= seen[2]
            todo |= seen[1] | {module.rpartition(".")[0]} - {""}
        todo -= found.keys()
    records = [
        file
        for file in (ROOT / "bnlib" / "book" / "records").glob("*.json")
        if file.stem in words or file.stem.startswith(f"{wing}_")
    ]
    # where figures are listed is read for every figure, and changes with every other one
    listing = ROOT / "bnlib" / "book" / "figures" / "__init__.py"
    return sorted({file for file in found.values() if file not in (None, listing)}.union(records))


def key(name, *more):
    """A digest of all that a figure's frames depend on: its inputs, the files ``more``, and Python's version."""
    digest = hashlib.sha256(platform.python_version().encode())
    for file in (*inputs(name), Path(__file__), *more):
        digest.update(f"\0{file.name}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def prepare(names, folder, *more):
    """Write the missing frame files of the named figures, in as many processes as there are cores.

    Each figure's are in a folder of their own under ``folder``, named by what they depend on: `inputs` and the files
    ``more``. Returns {name: (its folder, bytes)}.
    """
    folders = {name: folder / f"{name}.{key(name, *more)}" for name in names}
    missing = [name for name in names if not all(path(folders[name], name, layout).exists() for layout in LAYOUTS)]
    if missing:
        # "spawn": the build has threads of its own, which a fork would not survive
        workers = min(os.cpu_count() or 1, len(missing), MOST)
        with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
            for name, texts in zip(missing, pool.map(build, missing)):
                folders[name].mkdir(parents=True, exist_ok=True)
                for layout, text in texts.items():
                    path(folders[name], name, layout).write_text(text, "utf-8")
    return {name: (place, sum(file.stat().st_size for file in place.iterdir())) for name, place in folders.items()}


def path(folder, name, layout):
    """The frame file of a figure in a layout."""
    return folder / f"{name}.{layout}.js"
