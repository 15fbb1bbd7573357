"""axe-core on every page, light and dark, with its pictures in sight: nothing serious or critical, the theme's own

included (its search button is mended in press/templates). A moderate one of the theme's stays: its sidebar's title
stands outside of all landmarks. In the dark only the colours are looked at again.
"""

import json
from importlib.resources import files

import pytest

pytestmark = pytest.mark.pages

GRAVE = {"serious", "critical"}
RULES = {"light": {}, "dark": {"runOnly": ["color-contrast"]}}


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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_grave_violation(visit, book, any_page, scheme):
    page = visit(any_page, color_scheme=scheme, reduced_motion="reduce")
    if 'class="math' in (book / any_page).read_text("utf-8"):
        page.wait_for_selector("mjx-container", state="attached", timeout=10_000)
    skips = page.locator(".bn-predict .bn-skip:visible")
    while skips.count():  # each click hides one
        skips.first.click()
    page.wait_for_timeout(300)  # the theme's colours come in slowly
    found = complaints(page, RULES[scheme])
    assert not found, "\n".join(" | ".join(complaint) for complaint in found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_violation_would_be_seen(visit, scheme):
    """The check itself: a picture without words and pale text are found."""
    page = visit("chapters/intro.html", color_scheme=scheme)
    page.evaluate("""document.querySelector("article, main").insertAdjacentHTML("beforeend",
        "<img src='data:,'><p style='color: #777; background: #666'>pale</p>")""")
    expected = {"color-contrast"} | ({"image-alt"} if scheme == "light" else set())
    assert expected <= {rule for rule, *_ in complaints(page, RULES[scheme])}
