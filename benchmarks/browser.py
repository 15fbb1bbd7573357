"""Timings of the figures in a reader's browser: headless Chromium, the built book over loopback."""

import json
import os
import re
import shutil
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path

from benchmarks import line

BOOK = Path("_build/html")
MOVES, TOUCHES = 12, 3  # per figure; per page, each with an empty cache

# Move a control and wait for a picture by the wanted speaker: the milliseconds it took, or null if none came.
MOVE = """([name, index, speaker]) => new Promise((done) => {
  const figure = document.querySelector(`bn-explorer[name="${name}"]`), began = performance.now();
  const [[parameter, { words }]] = figure.parameters;
  figure.set({ ...figure.start, [parameter]: String(index % words.length) });
  figure.setAttribute("speaker", "");
  new MutationObserver((_, watch) => {
    if (figure.getAttribute("speaker") !== speaker) return;
    watch.disconnect();
    requestAnimationFrame(() => done(performance.now() - began));
  }).observe(figure, { attributes: true });
  figure.move(parameter);
  setTimeout(() => done(null), 20000);
})"""

WANTED = {"with": "4 s", "without": "2.5 s"}
START = ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]


def figures():
    """First touch to live, frames, moves; then a slow line, a second visit, and memory."""
    chromium = os.environ.get("BNLIB_CHROMIUM") or shutil.which("chromium")
    plan = BOOK / "_static" / "press" / "kernel" / "kernel.js"
    if not chromium or not plan.is_file() or '"missing"' in plan.read_text("utf-8"):
        yield "figures in a browser", "not run", "(needs Chromium and a book built with its Python)"
        return
    from playwright.sync_api import sync_playwright

    needs = json.loads(plan.read_text("utf-8").removeprefix("bnKernel(").removesuffix(");\n"))["needs"]
    server, _ = line.serve(BOOK, rate=1e12, latency=0)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=START)
        yield from measured(browser, f"http://127.0.0.1:{server.server_port}", needs)
        browser.close()
        start = partial(playwright.chromium.launch_persistent_context, executable_path=chromium, args=START)
        yield from visits(start, needs)
    server.shutdown()


def pages():
    """(address, names of its figures) of every page with figures."""
    for file in sorted(BOOK.rglob("*.html")):
        names = re.findall(r'<bn-explorer name="([^"]+)"', file.read_text("utf-8"))
        if names:
            yield file.relative_to(BOOK).as_posix(), names


def measured(browser, site, needs):
    """The rows, page by page, and a summary."""
    moves, touches = {}, {"with": [], "without": []}
    for address, names in pages():
        page = opened(browser, f"{site}/{address}")
        for name in names:
            page.evaluate(MOVE, [name, 0, "frame"])  # its prepared pictures are loaded
            times = [page.evaluate(MOVE, [name, index, "frame"]) for index in range(1, MOVES + 1)]
            yield f"{name}: a prepared picture, median", statistics.median(times) / 1e3, "25 ms"
        scipy = "with" if any(part.startswith("scipy") for name in names for part in needs[name]) else "without"
        took = [touch(page, names[0])]
        for _ in range(1, TOUCHES):
            page.context.close()
            page = opened(browser, f"{site}/{address}")
            took.append(touch(page, names[0]))
        touches[scipy].append(statistics.median(took))
        yield f"{Path(address).stem}: first touch to live, {scipy} SciPy, median", touches[scipy][-1], WANTED[scipy]
        for name in names:
            page.evaluate(MOVE, [name, 0, "python"])
            moves[name] = statistics.median(
                page.evaluate(MOVE, [name, index, "python"]) for index in range(1, MOVES + 1)
            )
            yield f"{name}: a move when live, median", moves[name] / 1e3, "300 ms for the slowest"
        if len(moves) == len(names):
            yield from memory(page, names[0])
        page.context.close()
    for scipy, found in touches.items():
        yield f"slowest page, {scipy} SciPy: first touch to live", max(found), WANTED[scipy]
    slowest = max(moves, key=moves.get)
    yield f"slowest figure, {slowest}: a move when live", moves[slowest] / 1e3, "300 ms"
    yield "median over all figures: a move when live", statistics.median(moves.values()) / 1e3, "120 ms"


def opened(browser, address):
    """The page in a context of its own, which has an empty cache."""
    page = browser.new_context().new_page()
    page.goto(address)
    page.wait_for_timeout(500)
    return page


def memory(page, name):
    """What 100 moves leave behind, compared with 10: Python's heap, and the script's after a collection."""
    page.context.set_default_timeout(120_000)
    session = page.context.new_cdp_session(page)
    found = []
    for moves in (10, 90):
        for index in range(moves):
            page.evaluate(MOVE, [name, index, "python"])
        session.send("HeapProfiler.collectGarbage")
        used = session.send("Runtime.getHeapUsage")["usedSize"]
        heap = page.evaluate(
            "name => new Promise(done => bnPython.ask({}, { figure: name, state: {}, numbers: true }, done))", name
        )["heap"]
        found.append((heap, used))
    for words, before, after in zip(("heap of the page's Python", "heap of the page's script"), *found):
        yield f"{words}, {before / 1e6:.0f} MB after 10 moves, after 100", f"{after / before:.2f} x", "at most 1.10 x"


def visits(start, needs):
    """The pages whose figures ask for most and for least: a first and a second visit over a slow line."""
    sizes = {address: len({part for name in names for part in needs[name]}) for address, names in pages()}
    for address in dict.fromkeys((max(sizes, key=sizes.get), min(sizes, key=sizes.get))):
        server, slow = line.serve(BOOK)
        name = dict(pages())[address][0]
        with tempfile.TemporaryDirectory() as folder:
            context = start(folder)  # with a cache on disk, as a reader's browser has
            for visit in ("first", "second"):
                page = context.new_page()
                page.goto(f"http://127.0.0.1:{server.server_port}/{address}")
                page.wait_for_timeout(500)
                slow.reset()
                took = touch(page, name)
                words = f"{Path(address).stem}, 20 Mbit/s, 30 ms, {visit} visit: first touch to live"
                yield words, took, "8 s" if visit == "first" else "(less)"
                wanted = "15 MB (25 MB with SciPy)" if visit == "first" else "near nothing"
                yield f"  downloaded for it, in {slow.requests} requests", f"{slow.bytes / 1e6:.2f} MB", wanted
                page.close()
            context.close()
        server.shutdown()


def touch(page, name):
    """Seconds from a focus on the first control to a picture by Python."""
    began = time.perf_counter()
    page.evaluate(f"""() => {{ const figure = document.querySelector('bn-explorer[name="{name}"]');
        figure.querySelector(".bn-shown").hidden = false;
        figure.querySelector("form input").focus();
        figure.move(""); }}""")
    page.wait_for_function(  # asked at every picture of the screen
        "name => document.querySelector(`bn-explorer[name='${name}']`).getAttribute('speaker') === 'python'",
        arg=name,
        timeout=60_000,
    )
    return time.perf_counter() - began
