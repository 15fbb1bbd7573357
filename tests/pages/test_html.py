"""Every built page, read as text: nothing from elsewhere, links that lead somewhere, images that speak."""

import json
import re
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag

import pytest

pytestmark = pytest.mark.pages

LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src",
          "audio": "src", "embed": "src",
          "object": "data", "use": "href", "image": "href", "track": "src"}  # fmt: skip
ELSEWHERE = re.compile(r"(?:https?:)?//[\w.-]+\.\w+")


class Page(HTMLParser):
    """What the tests ask of a page: elements, the text under each id, inline scripts."""

    VOID = {
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "source",
        "track",
        "wbr",
    }

    def __init__(self, path):
        super().__init__()
        self.elements, self.text, self.inline, self._open = [], {}, [], []
        self.feed(path.read_text("utf-8"))
        self.ids = [attributes["id"] for _, attributes in self.elements if attributes.get("id")]

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.elements.append((tag, attributes))
        if tag not in self.VOID:
            self._open.append((tag, attributes.get("id")))

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        while any(opened == tag for opened, _ in self._open):
            if self._open.pop()[0] == tag:
                break

    def handle_data(self, data):
        for _, name in self._open:
            if name:
                self.text[name] = self.text.get(name, "") + data
        if self._open and self._open[-1][0] in ("script", "style"):
            self.inline.append(data)

    def name(self, attributes):
        """An element's accessible name."""
        labels = attributes.get("aria-labelledby", "").split()
        return (
            " ".join(self.text.get(label, "") for label in labels)
            or attributes.get("aria-label")
            or attributes.get("alt")
        )


@pytest.fixture(scope="session")
def pages(book):
    others = {"_static", "lite"}  # what the theme ships, and JupyterLite's own pages
    files = [f for f in book.rglob("*.html") if not others.intersection(f.relative_to(book).parts)]
    assert len(files) > 3
    return {file: Page(file) for file in files}


def loads(tag, attributes):
    if tag == "link" and attributes.get("rel") not in ("canonical", "next", "prev", "author", "license"):
        return attributes.get("href")
    return attributes.get(LOADED.get(tag))


def test_nothing_is_loaded_from_another_host(pages):
    found = []
    for file, page in pages.items():
        for tag, attributes in page.elements:
            found += [
                (file.name, a) for a in (loads(tag, attributes), attributes.get("srcset")) if a and ELSEWHERE.match(a)
            ]
            found += [
                (file.name, u)
                for u in re.findall(r"url\(([^)]*)\)", attributes.get("style") or "")
                if ELSEWHERE.search(u)
            ]
        found += [(file.name, address) for text in page.inline for address in ELSEWHERE.findall(text)]
    assert not found


def test_no_style_sheet_or_script_of_ours_loads_from_another_host(book):
    found = []
    for file in book.rglob("*.css"):
        text = re.sub(r"/\*.*?\*/", "", file.read_text("utf-8"), flags=re.S)
        found += [
            (file.name, a) for a in re.findall(r"(?:url\(|@import)\s*['\"]?([^)'\";]+)", text) if ELSEWHERE.match(a)
        ]
    for file in (book / "_static" / "press").glob("*.js"):
        found += [(file.name, address) for address in ELSEWHERE.findall(file.read_text("utf-8"))]
    assert not found


def test_every_image_says_what_it_shows(pages):
    said = 0
    for file, page in pages.items():
        for tag, attributes in page.elements:
            figure = attributes.get("role") == "img"
            if not figure and (
                tag != "img" or attributes.get("alt") == "" and attributes.get("role") == "presentation"
            ):
                continue
            name = " ".join((page.name(attributes) or "").split())
            assert len(name) > 30, f"{file.name}: an image says only {name!r}"
            assert not re.search(r"\.(png|svg|jpe?g)\b|[\\/]\w+[\\/]|^(image|figure|picture|plot)\b", name, re.I), (
                f"{file.name}: {name!r}"
            )
            assert not figure or re.search(r"\d", name), f"{file.name}: no number in {name!r}"
            said += 1
    assert said, "no figure in the whole book"


def test_ids_are_unique(pages):
    for file, page in pages.items():
        twice = {name for name in page.ids if page.ids.count(name) > 1}
        assert not twice, f"{file.name}: {sorted(twice)}"


def test_links_lead_somewhere(pages, book):
    broken = []
    for file, page in pages.items():
        for _tag, attributes in page.elements:
            for address in (attributes.get("href"), attributes.get("src")):
                if not address or re.match(r"[a-z]+:|//", address) or address == "#":
                    continue
                path, anchor = urldefrag(unquote(address))
                path = path.partition("?")[0]
                target = (file.parent / path).resolve() if path else file
                if not target.exists() or not target.is_relative_to(book):
                    broken.append((file.name, address))
                elif anchor and target in pages and anchor not in pages[target].ids:
                    broken.append((file.name, address))
    assert not broken


def test_a_figure_s_frames_weigh_at_most_a_megabyte(book):
    weights = {}
    for file in (book / "_static" / "press" / "frames").glob("*.js"):
        name = file.name.split(".")[0]
        weights[name] = weights.get(name, 0) + file.stat().st_size
    assert weights and max(weights.values()) <= 1_000_000, weights


def test_notebooks_in_the_browser_number_equations_as_the_pages_do(book, cannot):
    notebooks = sorted((book / "lite" / "files").rglob("*.ipynb"))
    if not notebooks:
        cannot("the book was built without the kernel's files, and so without notebooks in the browser: not tested")
    differ, seen = [], 0
    for notebook in notebooks:
        page = next(book.glob(f"chapters/**/{notebook.stem}.html")).read_text("utf-8")
        cells = json.loads(notebook.read_text("utf-8"))["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
        shown, tagged = re.findall(r'class="eqno">\((\d+)\)', page), re.findall(r"\\tag\{([^}]*)\}", text)
        seen += len(tagged)
        if shown != tagged:
            differ.append(f"{notebook.stem}: {shown} in the page, {tagged} in the notebook")
    assert seen and not differ, "\n".join(differ)
