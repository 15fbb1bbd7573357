"""Timings of the figures and of the build."""

import subprocess
import sys
import time
from pathlib import Path

from benchmarks.committee import best
from bnlib.book.figures import NAMES, find


def figures():
    """compute + draw of every figure at its default setting."""
    for name in NAMES:
        figure = find(name)
        figure.image()  # records are read and modules imported once
        computed = best(figure.result)
        result = figure.result()
        drawn = best(lambda f=figure, r=result: f.picture(r))
        yield f"{name}: compute {1e3 * computed:.0f} ms + draw {1e3 * drawn:.0f} ms", computed + drawn, "100 ms"


def build():
    """The book's build with nothing changed since the last one (`make book` itself would not even start it)."""
    if not Path("_build/html/index.html").is_file():
        yield "book built again without change", "not run", "15 s (after make book)"
        return
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", ".", "-W", "--keep-going"]
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=False)
    took = time.perf_counter() - started
    yield "book built again without change", took if done.returncode == 0 else "failed", "15 s"
