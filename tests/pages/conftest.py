"""The built book, served on a free loopback port, and a Chromium that may reach nothing else."""

import json
import os
import re
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-features=AutofillServerCommunication"]  # fmt: skip
KEPT_OPEN = 4  # pages of a test


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def book_folder():
    return Path(os.environ.get("BNLIB_BOOK", "_build/html")).resolve()


def own_pages(folder):
    """The book's pages: not what the theme ships, nor JupyterLite's, nor one that only leads to another."""
    pages = [f for f in sorted(folder.rglob("*.html")) if not {"_static", "lite"} & set(f.relative_to(folder).parts)]
    texts = {f.relative_to(folder).as_posix(): f.read_text("utf-8") for f in pages}
    return {path: text for path, text in texts.items() if 'http-equiv="Refresh"' not in text}


def pytest_generate_tests(metafunc):
    """A test with `any_page` or `any_chapter` runs once for each page, or for each that shows a figure."""
    for name, marker in (("any_page", "<html"), ("any_chapter", "<bn-explorer")):
        if name in metafunc.fixturenames:
            paths = [path for path, text in own_pages(book_folder()).items() if marker in text]
            metafunc.parametrize(name, paths or ["no built book"], ids=[Path(path).stem for path in paths] or None)


@pytest.fixture(scope="session")
def book():
    """The folder of the built pages."""
    folder = book_folder()
    if not (folder / "index.html").is_file():
        pytest.fail(f"no built book in {folder}: run `make book` first, or name its folder in BNLIB_BOOK")
    return folder


@pytest.fixture(scope="session")
def places(book):
    """{figure's name: the first page that shows it}."""
    found = {}
    for file in sorted(book.rglob("*.html")):
        for name in re.findall(r'<bn-explorer name="([^"]+)"', file.read_text("utf-8")):
            found.setdefault(name, file.relative_to(book).as_posix())
    assert found, "no figure in the whole book"
    return found


@pytest.fixture(scope="session")
def by_page(places):
    """{page: the names of its figures}."""
    found = {}
    for name, path in places.items():
        found.setdefault(path, []).append(name)
    return found


@pytest.fixture(scope="session")
def one_a_part(by_page):
    """{part: (its first page, the names of that page's figures)}, for what is the page's own doing, not a figure's."""
    return {path.rpartition("/")[0]: (path, names) for path, names in reversed(by_page.items())}


@pytest.fixture(scope="session")
def site(book):
    """The address of the served book."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(book)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def cannot():
    """cannot(why): a test that cannot run here is skipped, but in continuous integration it fails."""
    return pytest.fail if os.environ.get("CI") == "true" else pytest.skip


@pytest.fixture(scope="session")
def kernel(book, cannot):
    """The kernel's files in the built book."""
    text = (book / "_static" / "press" / "kernel" / "kernel.js").read_text("utf-8")
    if '"missing"' in text:
        cannot("the book was built without the browser's Python (its files could not be had): not tested")
    return json.loads(text.removeprefix("bnKernel(").removesuffix(");\n"))


def find_chromium():
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("BNLIB_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(scope="session")
def with_a_cache(browser):
    """with_a_cache(folder) -> a browser context that keeps a cache on disk, as a reader's does; close it."""

    def start(folder):
        only_here = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
        return browser.browser_type.launch_persistent_context(
            folder, executable_path=find_chromium(), args=[*FLAGS, only_here]
        )

    return start


@pytest.fixture(scope="session")
def browser(cannot):
    path = find_chromium()
    if path is None:
        cannot("no Chromium found (on PATH or in BNLIB_CHROMIUM): the pages are not opened in a browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, site):
    """visit(path, **context options) -> a page; other hosts are refused and, like errors, fail the test.

    The page's Python stays away unless ``python`` is true: most tests are about the page without it.
    """
    contexts, outside, errors = [], [], []

    def route(route):
        if route.request.url.startswith((site, "data:", "blob:", "file:")):
            return route.continue_()
        outside.append(route.request.url)
        return route.abort()

    def visit(path, width=1280, before=None, python=False, **options):
        if len(contexts) >= KEPT_OPEN:  # a test that walks through the book needs its last pages only
            contexts.pop(0).close()
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, **options))
        contexts[-1].route("**/*", route)
        if not python:
            without = {"body": 'bnKernel({"missing": "a test"});', "content_type": "text/javascript"}
            contexts[-1].route("**/kernel.js", lambda route: route.fulfill(**without))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        if before:
            before(page)
        page.goto(path if path.startswith("file:") else f"{site}/{path}")
        return page

    visit.errors = errors
    yield visit
    for context in contexts:
        context.close()
    assert not outside, f"requests to other hosts: {outside}"
    assert not errors, f"errors in the browser's console: {errors}"
