"""The Python in the page, as tests speak to it: touch a figure, wait until it is live."""

START = 60_000  # ms; a start takes about 4 s here, and several times that on a busy machine


def element(name):
    return f"document.querySelector(`bn-explorer[name='{name}']`)"


def begin(page, name):
    """Touch a figure, passing by its question, and wait until Python speaks."""
    figure = page.locator(f'bn-explorer[name="{name}"]')
    if figure.locator(".bn-skip:visible").count():
        figure.locator(".bn-skip").click()
    figure.locator("input:is([type=range], :checked)").first.focus()


def live(page, name):
    until(page, f"{element(name)}.getAttribute('python') === 'live'")


def complete(page):
    """Wait until Python is ready for all figures of the page: after the touched one come those beside it."""
    until(page, "bnPython.note === 'complete'")


def until(page, ready):
    """Wait for Python; where it fails, say why at once."""
    page.wait_for_function(f"{ready} || bnPython.phase === 'failed'", timeout=START)
    assert page.evaluate(ready), page.evaluate("`Python in the page: ${bnPython.phase}, ${bnPython.note}`")
