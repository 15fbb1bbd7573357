"""The Python in the page: every figure becomes live, its numbers are CPython's, and nothing that fails stays silent."""

import json
import math
import random
import re

import numpy as np
import pytest

from bnlib.book.figures import find
from bnlib.book.kernel import plain, setting
from tests.pages.touch import START, begin, complete, element, live

pytestmark = [pytest.mark.pages, pytest.mark.usefixtures("kernel")]

TOLERANCE = 1e-8  # relative to the largest number of an array
# An adaptive integrator chooses its steps by the last bits of its errors, so that two machines agree no better than
# it was asked to be: within ten times the relative tolerance of the figure's flow. Random draws are the same.
FLOWS = {
    "three-rules": 1e-6, "plateau": 1e-6, "single-runs": 1e-6, "kept": 1e-6, "delay-law": 1e-6,
    "phase-portrait": 1e-8, "past-the-maximum": 1e-7,  # the last runs away
    "batch-trajectory": 1e-6, "correction-parts": 1e-6, "batch-escape": 1e-5,
}  # fmt: skip
SETTINGS = 5


def choose(page, name, state):
    """Set all controls at once, as a link does, and wait for Python's answer; return the words."""
    page.evaluate(f"async state => {{ const e = {element(name)}; e.set(state); e.move(''); await e.update() }}", state)
    page.wait_for_function(
        f"bnPython.phase === 'failed' || (bnPython.phase === 'live' && !{element(name)}.pending)",
        timeout=START,
    )
    return page.locator(f'bn-explorer[name="{name}"] figcaption').inner_text()


def voice(page, name):
    return page.locator(f'bn-explorer[name="{name}"] .bn-voice').inner_text()


def random_states(figure):
    rng = random.Random(figure.name)
    return [{p.name: str(rng.randrange(len(p.values))) for p in figure.parameters} for _ in range(SETTINGS)]


def leaves(value, path=""):
    """{path: array or text} of a result in its plain form; nested lists of numbers are one array."""
    if isinstance(value, dict):
        return {key: leaf for part, inner in value.items() for key, leaf in leaves(inner, f"{path}/{part}").items()}
    if isinstance(value, list):
        array = np.array(value, dtype=object)
        if all(isinstance(number, int | float) for number in array.ravel()):
            return {path: array.astype(float)}
        return leaves({str(i): inner for i, inner in enumerate(value)}, path)
    return {path: np.array(float(value)) if isinstance(value, int | float) else value}


def gap(here, there):
    """The largest relative difference of two results, and where it is."""
    a, b = leaves(here), leaves(there)
    assert a.keys() == b.keys()
    worst = (0.0, "")
    for path, mine in a.items():
        if not isinstance(mine, np.ndarray):
            assert mine == b[path], path
            continue
        finite = np.isfinite(mine)
        assert np.array_equal(mine[~finite], b[path][~finite], equal_nan=True), path
        if finite.any():
            scale = np.abs(mine[finite]).max() or 1.0
            worst = max(worst, (float(np.abs(mine[finite] - b[path][finite]).max() / scale), path))
    return worst


def fetched(visit, kernel, names):
    """What a page has asked for other than it should: no pack and no frame of another page's figure, none twice."""
    packs = [re.search(r"/kernel/([^/]+)\.pack", url)[1] for url in visit.asked if ".pack" in url]
    right = {"pyodide.asm.wasm", "pyodide.asm.mjs", "stdlib.zip"}.union(*(kernel["needs"][name] for name in names))
    frames = {re.search(r"/frames/([^/]+)\.(wide|narrow)\.js", url)[1] for url in visit.asked if "/frames/" in url}
    found = [] if sorted(packs) == sorted(right) else [f"packs {sorted(packs)} instead of {sorted(right)}"]
    return found + [f"frames of {name}, which is elsewhere" for name in sorted(frames - set(names))]


def disagreements(page, name):
    """Where the figure in the page says other words than CPython, or computes other numbers, at random settings."""
    figure, found = find(name), []
    for state in random_states(figure):
        words = choose(page, name, state)
        assert page.evaluate(f"{element(name)}.getAttribute('speaker')") == "python", (
            f"{name} {state}: {voice(page, name)}"
        )
        assert "Computed by Python" in voice(page, name)
        result = figure.result(**setting(figure, json.dumps(state)))
        if words != (expected := figure.describe(result)):
            found.append(f"{name} {state}: {words!r} instead of {expected!r}")
        reply = page.evaluate(
            "([figure, state]) => new Promise(done => bnPython.ask({}, { figure, state, numbers: true }, done))",
            [name, state],
        )
        distance, where = gap(plain(result), json.loads(reply["numbers"]))
        if distance > max(TOLERANCE, 10 * FLOWS.get(name, 0)):
            found.append(f"{name} {state}: {distance:.1e} in {where}")
    return found


def test_every_figure_is_live_and_agrees_with_cpython(visit, by_page, any_chapter, kernel):
    """And one start, with what the page's own figures need, serves them all."""
    page = visit(any_chapter, python=True)
    names = page.locator("bn-explorer").evaluate_all("all => all.map(e => e.getAttribute('name'))")
    begin(page, by_page[any_chapter][-1])
    found = []
    for name in by_page[any_chapter]:
        begin(page, name)
        live(page, name)
        found += disagreements(page, name)
    complete(page)
    found += fetched(visit, kernel, names)
    assert not found, "\n".join(found)
    assert len(page.workers) == 1


def test_nothing_is_fetched_before_the_first_touch(visit, places):
    name, path = next(iter(places.items()))
    page = visit(path, python=True)
    page.wait_for_timeout(1000)
    assert not [url for url in visit.asked if "/kernel/" in url or "worker.js" in url] and not page.workers
    assert voice(page, name) == "Prepared picture."
    begin(page, name)
    live(page, name)
    assert [url for url in visit.asked if "/kernel/" in url]
    assert not [url for url in visit.asked if "rest.pack" in url]


def test_a_file_that_no_default_opened_is_fetched_with_the_rest(visit, places, kernel):
    """As if drawing the defaults had opened nothing of SciPy: the page still becomes live."""
    name, path = next((name, path) for name, path in places.items() if "scipy.special" in kernel["needs"][name])
    less = kernel | {"needs": dict.fromkeys(kernel["needs"], ["base", "bnlib"])}

    def before(page):
        body = f"bnKernel({json.dumps(less)});"
        page.route("**/kernel.js", lambda route: route.fulfill(body=body, content_type="text/javascript"))

    page = visit(path, python=True, before=before)
    begin(page, name)
    live(page, name)
    assert [url for url in visit.asked if "rest.pack" in url]
    state = random_states(find(name))[0]
    assert choose(page, name, state) == find(name).text(**setting(find(name), json.dumps(state)))


def test_one_python_a_page_and_leaving_frees_it(visit, places):
    path = next(iter(places.values()))
    page = visit(path, python=True)
    for name in [name for name, place in places.items() if place == path]:
        begin(page, name)
    live(page, name)
    assert len(page.workers) == 1
    page.goto(page.url.partition("/chapters")[0] + "/index.html")
    page.wait_for_timeout(300)
    assert not page.workers


def counting(page):
    """Count what the page asks of its Python."""
    page.add_init_script(
        "window.asked = 0; const post = Worker.prototype.postMessage;"
        "Worker.prototype.postMessage = function (m) { asked += !m.plan; post.call(this, m); };"
    )


def test_what_is_live_does_not_ask_again_when_the_page_is_complete(visit, places):
    """That the figures beside it are ready is no news for the one that shows an answer."""
    path = next(iter(places.values()))
    names = [name for name, place in places.items() if place == path]
    assert len(names) > 1, "nothing is beside the first figure"
    page = visit(path, python=True, before=counting)
    page.evaluate("new Promise(done => { if (document.readyState === 'complete') done(); else onload = done; })")
    said = page.evaluate(f"async () => {{ const e = {element(names[0])}; await e.update(); return e.turn }}")
    assert said == 1
    begin(page, names[0])
    complete(page)
    page.wait_for_function(f"!{element(names[0])}.pending")
    assert page.evaluate("asked") == 1, "the setting that waited for Python was asked for more than once"


def test_what_shows_is_marked_while_another_setting_is_computed(visit, places):
    name = max(places, key=lambda name: math.prod(len(p.values) for p in find(name).parameters))  # too many to prepare
    figure, page = find(name), visit(places[name], python=True)
    begin(page, name)
    live(page, name)
    state = {p.name: str((p.values.index(p.default) + 1) % len(p.values)) for p in figure.parameters}
    asked = f"e = {element(name)}; e.set(state); await e.update(); return e.matches('[behind]')"
    assert page.evaluate(f"async state => {{ const {asked} }}", state)
    words = choose(page, name, state)
    assert words == figure.text(**setting(figure, json.dumps(state)))
    assert not page.evaluate(f"{element(name)}.matches('[behind]')")


def test_a_fast_reader_gets_the_last_setting_and_no_queue(visit, places):
    name, path = next(iter(places.items()))
    page = visit(path, python=True, before=counting)
    begin(page, name)
    live(page, name)
    figure = find(name)
    page.evaluate("asked = 0")
    states = [state for _ in range(6) for state in random_states(figure)]
    rush = f"states => {{ const e = {element(name)}; for (const s of states) {{ e.set(s); e.move('') }} }}"
    page.evaluate(rush, states)
    words = choose(page, name, states[-1])
    assert words == figure.text(**setting(figure, json.dumps(states[-1])))
    assert page.evaluate("asked") <= 3, "settings that nobody waits for any more were computed"


@pytest.mark.parametrize("broken", ["kernel/base.pack*", "kernel/kernel.js", "worker.js"])
def test_a_python_that_fails_leaves_the_frames_and_says_so(visit, places, broken):
    name, path = next(iter(places.items()))
    page = visit(path, python=True, before=lambda page: page.route(f"**/{broken}", lambda route: route.abort()))
    begin(page, name)
    page.wait_for_function(f"{element(name)}.getAttribute('python') === 'failed'", timeout=START)
    assert "Python is not available in this page" in voice(page, name)
    frames_move(page, name)
    assert all("ERR_FAILED" in error for error in visit.errors)  # the refused file itself
    visit.errors.clear()


def frames_move(page, name):
    """One parameter off its default shows its prepared picture."""
    figure = find(name)
    first = figure.parameters[0]
    value = next(value for value in first.values if value != first.default)
    state = {p.name: str(p.values.index(p.default)) for p in figure.parameters}
    words = choose(page, name, state | {first.name: str(first.values.index(value))})
    assert words == figure.text(**{first.name: value})
    assert voice(page, name).startswith("Prepared picture.")


def test_a_book_without_python_says_so(visit, places):
    name, path = next(iter(places.items()))
    page = visit(path)
    begin(page, name)
    frames_move(page, name)
    assert "built without it" in voice(page, name)


def test_a_book_opened_as_files_says_so(visit, places, book):
    name, path = next(iter(places.items()))
    page = visit((book / path).as_uri(), python=True)
    begin(page, name)
    frames_move(page, name)
    assert "opened as files" in voice(page, name)


def test_a_computation_that_hangs_is_stopped_and_the_frame_stays(visit, places, book):
    name = "three-gradients"
    path, figure = places[name], find(name)
    state = random_states(figure)[0]
    hung = json.dumps(state, separators=(",", ":"))
    hang = f"""
        const real = onmessage;
        onmessage = (event) => {{ while (JSON.stringify(event.data.state) === '{hung}'); return real(event); }};"""
    source = (book / "_static" / "press" / "worker.js").read_text("utf-8") + hang
    changed = {"body": source, "content_type": "text/javascript"}
    change = lambda page: page.route("**/worker.js", lambda route: route.fulfill(**changed))  # noqa: E731
    page = visit(path, python=True, before=change)
    begin(page, name)
    live(page, name)
    choose(page, name, state)
    note = page.locator(f'bn-explorer[name="{name}"] .bn-status').inner_text()
    assert "more than 10 seconds and was stopped" in note
    assert page.locator(f'bn-explorer[name="{name}"] svg:visible').count() == 1
    live(page, name)
    other = random_states(figure)[1]
    assert choose(page, name, other) == figure.text(**setting(figure, json.dumps(other)))
    for _ in range(50):  # the stopped one takes a moment to go
        if len(page.workers) == 1:
            break
        page.wait_for_timeout(100)
    assert len(page.workers) == 1
