"""axe-core on every page, light and dark, with its pictures in sight: nothing serious or critical, the theme's own

included (its search button is mended in press/templates). A moderate one of the theme's stays: its sidebar's title
stands outside of all landmarks.
"""

from importlib.resources import files

import pytest

pytestmark = pytest.mark.pages

GRAVE = {"serious", "critical"}

def complaints(page):
    """[(rule, impact, element, markup)] of the grave violations."""
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8") + "; undefined")
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'], preload: false })")
    return [
        (violation["id"], violation["impact"], " ".join(map(str, node["target"])), node["html"][:200])
        for violation in found["violations"]
        if violation["impact"] in GRAVE
        for node in violation["nodes"]
    ]


def own_pages(book):
    others = {"_static", "lite"}  # what the theme ships, and JupyterLite's own pages
    pages = [f for f in sorted(book.rglob("*.html")) if not others.intersection(f.relative_to(book).parts)]
    return [f for f in pages if 'http-equiv="Refresh"' not in f.read_text("utf-8")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_grave_violation(visit, book, scheme):
    grave = {}
    for file in own_pages(book):
        path = file.relative_to(book).as_posix()
        page = visit(path, color_scheme=scheme, reduced_motion="reduce")
        if 'class="math' in file.read_text("utf-8"):
            page.wait_for_selector("mjx-container", state="attached", timeout=10_000)
        skips = page.locator(".bn-predict .bn-skip:visible")
        while skips.count():  # each click hides one
            skips.first.click()
        page.wait_for_timeout(300)  # the theme's colours come in slowly
        if found := complaints(page):
            grave[path] = found
        page.context.close()
    lines = [f"{path}: {' | '.join(complaint)}" for path, found in grave.items() for complaint in found]
    assert not lines, "\n".join(lines)


def test_a_violation_would_be_seen(visit, book):
    """The check itself: a picture without words and pale text are found."""
    page = visit(own_pages(book)[0].relative_to(book).as_posix())
    page.evaluate("""document.querySelector("article, main").insertAdjacentHTML("beforeend",
        "<img src='data:,'><p style='color: #ccc; background: #fff'>pale</p>")""")
    assert {"image-alt", "color-contrast"} <= {rule for rule, *_ in complaints(page)}
