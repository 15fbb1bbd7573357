"""The prepared frames of the page front end: what a reader's move shows at once, computed by the build.

A file ``NAME.LAYOUT.js`` holds one call, ``bnFrames("NAME", "LAYOUT", {key: {svg, text}})``, and is loaded by
a script element: unlike a fetched JSON file, that also works in a book opened as files.
"""

import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from bnlib.book.figures import find
from bnlib.book.style import LAYOUTS

BUDGET = 1_000_000  # bytes a figure, over both layouts
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


def prepare(names, folder):
    """Write the missing frame files of the named figures, two figures at a time; return {name: bytes}."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [name for name in names if not all(path(folder, name, layout).exists() for layout in LAYOUTS)]
    if missing:
        # "spawn": the build has threads of its own, which a fork would not survive
        with ProcessPoolExecutor(min(2, len(missing)), get_context("spawn")) as pool:
            for name, texts in zip(missing, pool.map(build, missing)):
                for layout, text in texts.items():
                    path(folder, name, layout).write_text(text, "utf-8")
    return {name: sum(path(folder, name, layout).stat().st_size for layout in LAYOUTS) for name in names}


def path(folder, name, layout):
    """The frame file of a figure in a layout."""
    return folder / f"{name}.{layout}.js"
