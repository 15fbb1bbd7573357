"""What the Python in the page costs a reader: bytes and requests of two visits, only what a page needs, and memory."""

import os
import random
import re
import threading
from functools import partial

import pytest

from bnlib.book.figures import find
from press import serve
from tests.pages.touch import begin, complete, element, live

pytestmark = [pytest.mark.pages, pytest.mark.usefixtures("kernel")]


def test_a_hundred_moves_leave_no_more_behind_than_ten(visit, places):
    """Counts that no garbage collector blurs: the heap of the page's Python, which never shrinks, and the nodes."""
    name = "three-gradients"
    path = places[name]
    page = visit(path, python=True)
    begin(page, name)
    live(page, name)
    figure = find(name)
    rng = random.Random(name)
    states = [{p.name: str(rng.randrange(len(p.values))) for p in figure.parameters} for _ in range(10)]
    move = f"""states => new Promise(async (done) => {{
        for (const state of states) {{
            {element(name)}.set(state);
            await new Promise((shown) => bnPython.ask({element(name)}, {{ figure: "{name}", layout: "wide", state }}, (reply) => {{
                {element(name)}.show(reply, "wide", false);
                shown();
            }}));
        }}
        bnPython.ask({{}}, {{ figure: "{name}", state: states[0], numbers: true }}, ({{ heap }}) =>
            done([heap, document.querySelectorAll("*").length]));
    }})"""  # noqa: E501
    heap, nodes = page.evaluate(move, states)
    assert heap > 1e7 and nodes > 100
    for _ in range(9):
        more = page.evaluate(move, states)  # the same settings, so that the last picture is the same
    assert more[0] <= 1.1 * heap and more[1] == nodes


@pytest.fixture
def counted(book, with_a_cache, tmp_path):
    """(page of a browser with a cache on disk, like a reader's; address; [(path, bytes)] of all that is sent to it).

    Served as `make serve` does. There is no route here, as Playwright's routes switch the cache off.
    """
    sent = []

    class Counting(serve.BookHandler):
        def copyfile(self, source, outputfile):
            sent.append((self.path, os.fstat(source.fileno()).st_size))
            super().copyfile(source, outputfile)

        def send_response(self, code, message=None):
            if code != 200:
                sent.append((self.path, 0))
            super().send_response(code, message)

    server = serve.BookServer(("127.0.0.1", 0), partial(Counting, directory=str(book)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    context = with_a_cache(tmp_path)
    yield context, f"http://127.0.0.1:{server.server_port}", sent
    context.close()
    server.shutdown()
    server.server_close()


def test_what_a_first_and_a_second_visit_download(counted, places, kernel):
    context, address, sent = counted
    visits = []
    for name, path in heaviest(places, kernel):
        sent.clear()
        page = context.new_page()
        page.goto(f"{address}/{path}")
        begin(page, name)
        live(page, name)
        complete(page)
        page.close()
        python = [(path, size) for path, size in sent if "/kernel/" in path or "worker.js" in path]
        visits.append((len(python), sum(size for _, size in python), sum(size for _, size in sent)))
    (_, first, _), (asked, second, everything) = visits
    assert 5e6 < first <= 25e6, visits
    assert first <= 15e6 or any(name.startswith("scipy") for name in kernel["needs"][name]), visits
    # What has a version in its address is not even asked for; of the rest the server says that it has not changed.
    assert asked <= 4 and second == 0 and everything < 1e4, (visits, [entry for entry in sent if entry[1]])


def heaviest(places, kernel):
    """Twice the figure that asks for most."""
    weight = {name: sum(kernel["bytes"][part] for part in kernel["needs"][name]) for name in places}
    name = max(weight, key=weight.get)
    return [(name, places[name])] * 2


def test_the_touched_figure_comes_first(visit, by_page, kernel):
    """What only the figures beside it need is asked for when all that the touched one needs has been."""
    path, first, more = next(
        (path, name, more)
        for path, names in by_page.items()
        for name in names
        if (more := set().union(*(kernel["needs"][other] for other in names)) - set(kernel["needs"][name]))
    )
    page = visit(path, python=True)
    begin(page, first)
    live(page, first)
    complete(page)
    packs = [found[1] for url in visit.asked if (found := re.search(r"/kernel/([^/?]+)\.pack", url))]
    own = {"pyodide.asm.wasm", "pyodide.asm.mjs", "stdlib.zip", *kernel["needs"][first]}
    assert set(packs[: len(own)]) == own and set(packs[len(own) :]) == more
