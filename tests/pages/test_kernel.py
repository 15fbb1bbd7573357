"""The Python in the page: every figure becomes live, its numbers are CPython's, and nothing that fails stays silent."""

import json
import random

import numpy as np
import pytest

from bnlib.book.figures import find
from bnlib.book.kernel import numbers, setting
from tests.pages.touch import START, begin, element, live

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
        f"(() => {{ const e = {element(name)}; return e.getAttribute('python') !== 'starting' && !e.pending }})()",
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


def test_every_figure_is_live_and_agrees_with_cpython(visit, places):
    page, current, differ, far = None, None, [], []
    for name, path in sorted(places.items(), key=lambda item: item[1]):
        if path != current:
            page, current = visit(path, python=True), path
        begin(page, name)
        live(page, name)
        figure = find(name)
        for state in random_states(figure):
            words = choose(page, name, state)
            assert page.evaluate(f"{element(name)}.getAttribute('speaker')") == "python"
            assert "Computed by Python" in voice(page, name)
            indices = json.dumps(state)
            expected = figure.text(**setting(figure, indices))
            if words != expected:
                differ.append((name, state, words, expected))
            reply = page.evaluate(
                "([figure, state]) => new Promise(done => bnPython.ask({}, { figure, state, numbers: true }, done))",
                [name, state],
            )
            distance, where = gap(json.loads(numbers(name, indices)), json.loads(reply["numbers"]))
            if distance > max(TOLERANCE, 10 * FLOWS.get(name, 0)):
                far.append(f"{name} {state}: {distance:.1e} in {where}")
    assert not differ and not far, "\n".join([*map(str, differ), *far])


def test_nothing_is_fetched_before_the_first_touch(visit, places):
    name, path = next(iter(places.items()))
    asked = []
    page = visit(path, python=True, before=lambda page: page.on("request", lambda request: asked.append(request.url)))
    page.wait_for_timeout(1000)
    assert not [url for url in asked if "/kernel/" in url or "worker.js" in url] and not page.workers
    assert voice(page, name) == "Prepared picture."
    begin(page, name)
    live(page, name)
    assert [url for url in asked if "/kernel/" in url]
    assert not [url for url in asked if "rest.pack" in url]


def test_a_file_that_no_default_opened_is_fetched_with_the_rest(visit, places, kernel):
    """As if drawing the defaults had opened nothing of SciPy: the page still becomes live."""
    name, path = next((name, path) for name, path in places.items() if "scipy.special" in kernel["needs"][name])
    less = kernel | {"needs": dict.fromkeys(kernel["needs"], ["base", "bnlib"])}
    asked = []

    def before(page):
        body = f"bnKernel({json.dumps(less)});"
        page.route("**/kernel.js", lambda route: route.fulfill(body=body, content_type="text/javascript"))
        page.on("request", lambda request: asked.append(request.url))

    page = visit(path, python=True, before=before)
    begin(page, name)
    live(page, name)
    assert [url for url in asked if "rest.pack" in url]
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


def test_a_fast_reader_gets_the_last_setting_and_no_queue(visit, places):
    name, path = next(iter(places.items()))
    count = "window.asked = 0; const post = Worker.prototype.postMessage;" \
            "Worker.prototype.postMessage = function (m) { asked += !m.plan; post.call(this, m); };"  # fmt: skip
    page = visit(path, python=True, before=lambda page: page.add_init_script(count))
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
