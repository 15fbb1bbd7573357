"""Timings of the figures in a reader's browser: headless Chromium, the built book over loopback."""

import os
import re
import shutil
import statistics
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BOOK = Path("_build/html")
MOVES = 12  # per figure

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


class Quiet(SimpleHTTPRequestHandler):
    """A handler without a line for each request."""

    def log_message(self, *args):
        """Say nothing."""


def figures():
    """First touch to live on every page with figures, then frames and moves of every figure."""
    chromium = os.environ.get("BNLIB_CHROMIUM") or shutil.which("chromium")
    plan = BOOK / "_static" / "press" / "kernel" / "kernel.js"
    if not chromium or not plan.is_file() or '"missing"' in plan.read_text("utf-8"):
        yield "figures in a browser", "not run", "(needs Chromium and a book built with its Python)"
        return
    from playwright.sync_api import sync_playwright

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(BOOK)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield from measured(browser, f"http://127.0.0.1:{server.server_port}")
        browser.close()
    server.shutdown()


def measured(browser, site):
    """The rows, page by page."""
    moves = {}
    for file in sorted(BOOK.rglob("*.html")):
        names = re.findall(r'<bn-explorer name="([^"]+)"', file.read_text("utf-8"))
        if not names:
            continue
        page = browser.new_context().new_page()  # a context of its own has an empty cache
        page.goto(f"{site}/{file.relative_to(BOOK).as_posix()}")
        page.wait_for_timeout(500)
        for name in names:
            page.evaluate(MOVE, [name, 0, "frame"])  # its prepared pictures are loaded
            times = [page.evaluate(MOVE, [name, index, "frame"]) for index in range(1, MOVES + 1)]
            yield f"{name}: a prepared picture, median", statistics.median(times) / 1e3, "25 ms"
        yield f"{file.stem}: first touch to live", touch(page, names[0]), "4 s (2.5 s without scipy)"
        for name in names:
            page.evaluate(MOVE, [name, 0, "python"])
            moves[name] = statistics.median(
                page.evaluate(MOVE, [name, index, "python"]) for index in range(1, MOVES + 1)
            )
            yield f"{name}: a move when live, median", moves[name] / 1e3, "300 ms for the slowest"
        page.context.close()
    yield "median over all figures", statistics.median(moves.values()) / 1e3, "120 ms"


def touch(page, name):
    """Seconds from a focus on the first control to a picture by Python."""
    began = time.perf_counter()
    page.evaluate(f"""() => {{ const figure = document.querySelector('bn-explorer[name="{name}"]');
        figure.querySelector(".bn-shown").hidden = false;
        figure.querySelector("form input").focus();
        figure.move(""); }}""")
    page.wait_for_selector(f'bn-explorer[name="{name}"][speaker="python"]', timeout=60_000, state="attached")
    return time.perf_counter() - began
