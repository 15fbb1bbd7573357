"""The built book, served on a free loopback port, and a Chromium that may reach nothing else."""

import json
import os
import re
import shutil
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-features=AutofillServerCommunication"]  # fmt: skip
ONLY_HERE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
# What one page has compiled of Python's WebAssembly serves the next: a third of a start's work.
ONE_PROCESS = "--process-per-site"
KEPT_OPEN = 4  # pages of a test
LONGEST = ["test_lite", "test_kernel", "test_downloads"]  # they come first, so that no worker has one left at the end


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


class WithoutPython(Quiet):
    """The same book as if built without the browser's Python: most tests are about the page without it."""

    def do_GET(self):
        if not self.path.endswith("/kernel.js"):
            return super().do_GET()
        body = b'bnKernel({"missing": "a test"});'
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def pytest_collection_modifyitems(items):
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


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


@contextmanager
def served(book, handler):
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(book)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def site(book):
    """The address of the served book."""
    with served(book, Quiet) as address:
        yield address


@pytest.fixture(scope="session")
def site_without_python(book):
    with served(book, WithoutPython) as address:
        yield address


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
        return browser.browser_type.launch_persistent_context(
            folder, executable_path=find_chromium(), args=[*FLAGS, ONLY_HERE]
        )

    return start


@pytest.fixture(scope="session")
def browser(cannot):
    path = find_chromium()
    if path is None:
        cannot("no Chromium found (on PATH or in BNLIB_CHROMIUM): the pages are not opened in a browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS, ONLY_HERE, ONE_PROCESS])
        yield browser
        browser.close()


class Desk:
    """Browser contexts, and all that is asked for and complained of in them.

    Tests share them, so that most of a page is in the browser's cache; a test that tampers with a page has its own.
    """

    def __init__(self, browser):
        self.browser, self.shared, self.asked, self.errors = browser, {}, [], []

    def new(self, options):
        context = self.browser.new_context(**options)
        context.on("request", lambda request: self.asked.append(request.url))
        context.on("weberror", lambda error: self.errors.append(str(error.error)))
        context.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        return context

    def context(self, options):
        key = tuple(sorted(options.items()))
        if key not in self.shared:
            self.shared[key] = self.new(options)
        return self.shared[key]


@pytest.fixture(scope="session")
def desk(browser):
    return Desk(browser)


@pytest.fixture
def visit(desk, site, site_without_python):
    """visit(path, **context options) -> a page; a request to another host and an error fail the test.

    ``before(page)`` tampers with the page before it is loaded. The page's Python stays away unless ``python`` is true.
    `visit.asked` and `visit.errors` hold all addresses asked for and all complaints of the test.
    """
    close = []
    desk.asked.clear()
    desk.errors.clear()

    def visit(path, width=1280, before=None, python=False, **options):
        if len(close) >= KEPT_OPEN:  # a test that walks through the book needs its last pages only
            close.pop(0)()
        context = desk.new(options) if before else desk.context(options)
        page = context.new_page()
        close.append(context.close if before else page.close)
        page.set_viewport_size({"width": width, "height": 900})
        if before:
            before(page)
        page.goto(path if path.startswith("file:") else f"{site if python else site_without_python}/{path}")
        return page

    visit.asked, visit.errors = desk.asked, desk.errors
    yield visit
    for leave in close:
        leave()
    here = (site, site_without_python, "data:", "blob:", "file:")
    outside = [address for address in desk.asked if not address.startswith(here)]
    assert not outside, f"requests to other hosts: {outside}"
    assert not desk.errors, f"errors in the browser's console: {desk.errors}"
