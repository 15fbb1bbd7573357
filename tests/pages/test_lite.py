"""The chapters as notebooks in the reader's browser, with every request that leaves this machine refused and counted.

Playwright's routes do not see what a service worker fetches, so that here the browser has a proxy for all
hosts but this one: what arrives there is the evidence.
"""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.pages.conftest import FLAGS, find_chromium

pytestmark = [pytest.mark.pages, pytest.mark.xdist_group("lite")]  # one reader goes through the whole file

PROMPTS = "[...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')]"
WAITING = f"() => {PROMPTS}.some(prompt => prompt.innerText.includes('[*]'))"
DONE = f"() => {PROMPTS}.every(prompt => /\\[\\d+\\]/.test(prompt.innerText))"
SECONDS = 180_000  # ms that a chapter may take, with Python's start, on a busy machine
RIGHT = """def batch_norm(x, gain, epsilon):
    return gain * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + epsilon)"""
WRONG = """def batch_norm(x, gain, epsilon):
    return gain * (x - x.mean(axis=0)) / (x.std(axis=0) + epsilon)"""


@pytest.fixture(scope="module")
def outside():
    """(address of a proxy, what it was asked for): it refuses everything."""
    asked = []

    class Refuse(BaseHTTPRequestHandler):
        def handle_one_request(self):
            asked.append(self.rfile.readline().decode("latin-1").strip())
            self.close_connection = True

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Refuse)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{proxy.server_port}", asked
    proxy.shutdown()
    proxy.server_close()
    assert not asked, f"requests to other hosts: {asked}"


def is_complaint(said):
    """JupyterLite names its icon too late for the browser, which has asked for the usual one by then."""
    return said.type == "error" and not said.location["url"].endswith("/favicon.ico")


@pytest.fixture(scope="module")
def reader(browser, outside):
    """A browser context whose storage lasts for the module, and all that it fetches and complains of."""
    own = browser.browser_type.launch(executable_path=find_chromium(), args=FLAGS)  # the proxy alone keeps it here
    context = own.new_context(
        viewport={"width": 1280, "height": 900}, proxy={"server": outside[0], "bypass": "127.0.0.1"}
    )
    context.complaints, context.fetched = [], {}
    context.on("weberror", lambda error: context.complaints.append(str(error.error)))
    context.on("console", lambda said: context.complaints.append(said.text) if is_complaint(said) else None)
    context.on("response", lambda answer: context.fetched.update({answer.url: answer.headers.get("content-length", 0)}))
    yield context
    own.close()


@pytest.fixture(scope="session", autouse=True)
def notebooks(book, cannot):
    """JupyterLite's site in the built book."""
    if not (book / "lite").is_dir():
        cannot("the book was built without the kernel's files, and so without notebooks in the browser: not tested")


@pytest.fixture(scope="module")
def chapters(book):
    """{page: the notebook that it opens}, from the pages' links."""
    found = {}
    for file in sorted((book / "chapters").rglob("*.html")):
        link = re.search(r'lite/notebooks/index\.html\?path=([^"]+)', file.read_text("utf-8"))
        if link:
            found[file.relative_to(book).as_posix()] = link[1]
    assert found, "no chapter has a link to its notebook"
    return found


def open_chapter(reader, site, path):
    page = reader.new_page()
    page.goto(f"{site}/{path}")
    reader.fetched.clear()
    reader.said = page.locator(".bn-notebook").inner_text()
    page.locator(".bn-notebook a").click()
    page.wait_for_selector(".jp-CodeCell", timeout=SECONDS)
    return page


def menu(page, name, entry):
    page.get_by_role("menubar").get_by_text(name, exact=True).click()
    page.get_by_role("menuitem", name=re.compile(entry)).first.click()


def run_all(page):
    menu(page, "Edit", "Clear Outputs of All Cells")
    menu(page, "Run", "Run All Cells")
    page.wait_for_function(WAITING, timeout=SECONDS)
    page.wait_for_function(DONE, timeout=SECONDS)


def texts(cell):
    """What a stored cell says, if it says it in words alone."""
    said = [output.get("text", output.get("data", {}).get("text/plain", "")) for output in cell["outputs"]]
    pictures = any("image/png" in output.get("data", {}) for output in cell["outputs"])
    return None if pictures else "".join("".join(text) for text in said).strip()


def outputs(cell):
    return "\n".join(cell.locator(".jp-OutputArea-output").all_inner_texts()).strip()


@pytest.fixture(scope="module")
def first(reader, site, chapters):
    """The page of the first chapter's notebook after a run, and what it has downloaded."""
    path = next(path for path in chapters if "1-teacher" in path)
    page = open_chapter(reader, site, path)
    run_all(page)
    return page, path, sum(map(int, reader.fetched.values())) / 1e6


def check_outputs(page, notebook):
    """Cells without words have sliders, the others say what the stored notebook says; nothing complains."""
    stored = [cell for cell in json.loads(notebook.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]
    cells = page.locator(".jp-CodeCell").all()
    assert len(cells) == len(stored)
    for now, then in zip(cells, stored):
        assert now.locator('[data-mime-type*="stderr"], [data-mime-type*="error"]').count() == 0, outputs(now)
        if texts(then) is None:
            assert now.locator(".jupyter-widgets").count(), f"no sliders under {''.join(then['source'])}"
        else:
            assert re.sub(r"\n+", "\n", outputs(now)) == re.sub(r"\n+", "\n", texts(then))
    checks = page.locator(".jp-CodeCell", has_text=".check(").count()
    assert page.get_by_text(re.compile("^not attempted: ")).count() == checks > 0


def test_a_chapter_runs_from_first_cell_to_last(first, reader, book, chapters):
    page, path, megabytes = first
    check_outputs(page, book / "lite" / "files" / chapters[path])
    said = int(re.search(r"downloads (\d+) MB", reader.said)[1])
    assert megabytes == pytest.approx(said, rel=0.05)
    assert not reader.complaints


def answer(page, code):
    """Put code in place of the stub (or of the last answer) of the first exercise, and ask its check."""
    stub = page.locator(".jp-CodeCell", has_text="def batch_norm").first
    stub.locator(".cm-content").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(code)
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Shift+Enter")
    return page.locator(".jp-CodeCell", has_text="exercise.check(batch_norm)").locator(".jp-OutputArea-output")


def test_an_answer_gets_its_words_and_edits_are_kept(first, reader, site):
    page, path, _ = first
    said = answer(page, WRONG)
    said.get_by_text("epsilon").wait_for(timeout=SECONDS)
    assert said.inner_text().startswith("not yet: ")
    said = answer(page, RIGHT)
    said.get_by_text(re.compile("^right: ")).wait_for(timeout=SECONDS)
    page.keyboard.press("ControlOrMeta+s")
    page.wait_for_timeout(1000)
    page.close()
    again = open_chapter(reader, site, path)
    assert "x.var(axis=0) + epsilon" in again.locator(".jp-CodeCell", has_text="def batch_norm").first.inner_text()
    with again.expect_download() as download:
        menu(again, "File", "Download")
    assert "x.var(axis=0) + epsilon" in Path(download.value.path()).read_text("utf-8")
    again.close()


@pytest.mark.parametrize("name", ["2-order-parameters", "14-initialisation"])
def test_another_chapter_runs_as_well(first, reader, site, book, chapters, name):
    """Chapter 14 reads images. All fifteen would take a quarter of an hour; those that train networks minutes each."""
    for path in [path for path in chapters if name in path]:
        page = open_chapter(reader, site, path)
        run_all(page)
        check_outputs(page, book / "lite" / "files" / chapters[path])
        page.close()
    assert not reader.complaints
