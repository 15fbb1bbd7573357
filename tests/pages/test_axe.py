"""Every page, once light and wide, once dark and narrow: it fits, its mathematics is set, and axe-core finds nothing

serious or critical with its pictures in sight, the theme's own included (its search button is mended in
press/templates). A moderate one of the theme's stays: its sidebar's title stands outside of all landmarks. In the dark
only the colours are looked at again, at the full width, where more of a page is to be seen.
"""

import json
from importlib.resources import files

import pytest

pytestmark = pytest.mark.pages

WIDE = 1280
GRAVE = {"serious", "critical"}
RULES = {
    "light": {"rules": {"region": {"enabled": False}}},  # what it finds is moderate, and it takes its time
    "dark": {"runOnly": ["color-contrast"]},
}


def complaints(page, rules=None):
    """[(rule, impact, element, markup)] of the grave violations."""
    options = {"resultTypes": ["violations"], "preload": False} | (rules or {})
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8") + "; undefined")
    found = page.evaluate(f"axe.run(document, {json.dumps(options)})")
    return [
        (violation["id"], violation["impact"], " ".join(map(str, node["target"])), node["html"][:200])
        for violation in found["violations"]
        if violation["impact"] in GRAVE
        for node in violation["nodes"]
    ]


def misfits(page, layout):
    """What is wrong with the page at this width; all its pictures are in sight afterwards."""
    skips = page.locator(".bn-predict .bn-skip:visible")
    while skips.count():  # each click hides one
        skips.first.click()
    found = []
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append(f"{layout}: scrolls sideways")
    if page.locator("mjx-merror, merror").count():
        found.append("a formula with an error")
    for figure in page.locator("bn-explorer").all():
        if not figure.locator(f".bn-{layout} svg").is_visible():
            found.append(f"{figure.get_attribute('name')}: not the {layout} picture")
    return found


@pytest.mark.parametrize("layout, width, scheme", [("wide", WIDE, "light"), ("narrow", 400, "dark")])
def test_every_page_fits_and_has_no_grave_violation(visit, book, any_page, layout, width, scheme):
    page = visit(any_page, width=width, color_scheme=scheme, reduced_motion="reduce")
    if 'class="math' in (book / any_page).read_text("utf-8"):
        page.wait_for_selector("mjx-container", state="attached", timeout=10_000)
    page.wait_for_timeout(300)  # the theme's colours come in slowly
    found = misfits(page, layout)
    if width != WIDE:
        page.set_viewport_size({"width": WIDE, "height": 900})
        page.wait_for_timeout(200)
    found += [" | ".join(complaint) for complaint in complaints(page, RULES[scheme])]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_violation_would_be_seen(visit, scheme):
    """The check itself: a picture without words and pale text are found."""
    page = visit("chapters/intro.html", color_scheme=scheme)
    page.evaluate("""document.querySelector("article, main").insertAdjacentHTML("beforeend",
        "<img src='data:,'><p style='color: #777; background: #666'>pale</p>")""")
    expected = {"color-contrast"} | ({"image-alt"} if scheme == "light" else set())
    assert expected <= {rule for rule, *_ in complaints(page, RULES[scheme])}
