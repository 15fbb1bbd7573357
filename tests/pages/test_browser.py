"""The pages in headless Chromium: a request to another host or a console error fails the test."""

import re

import pytest

from bnlib.book.figures import find

pytestmark = pytest.mark.pages


def part(page, name, selector):
    return page.locator(f'bn-explorer[name="{name}"] {selector}')


def reveal(page, name):
    """Pass by the question of a figure that asks for a prediction first."""
    if part(page, name, ".bn-skip:visible").count():
        part(page, name, ".bn-skip").click()


def seen(page, name):
    return part(page, name, ".bn-image").inner_html(), part(page, name, "figcaption").inner_text()


def controls(page, name):
    """[(parameter, selector of the input to move)]: a slider, or the chosen radio button."""
    names = part(page, name, "[data-parameter]").evaluate_all("all => [...new Set(all.map(e => e.dataset.parameter))]")
    return [(p, f'[data-parameter="{p}"]:is([type="range"], :checked)') for p in names]


def press(page, name, selector):
    """Move a control one step by keyboard, backwards from its end; return what is seen before and after."""
    control = part(page, name, selector)
    at_end = control.evaluate("e => e.type === 'range' && e.value === e.max")
    before = seen(page, name)
    control.focus()
    page.keyboard.press("ArrowLeft" if at_end else "ArrowRight")
    page.wait_for_function(
        "([n, t]) => document.querySelector(`bn-explorer[name='${n}'] figcaption`).innerText !== t",
        arg=[name, before[1]], timeout=5000,
    )  # fmt: skip
    return before, seen(page, name)


def predict(page, name):
    """The question comes first; a choice made by keyboard shows the picture and its verdict."""
    assert not part(page, name, ".bn-image").is_visible(), f"{name}: the picture is there before the prediction"
    choice = part(page, name, ".bn-predict button").first
    guess = choice.inner_text()
    choice.focus()
    page.keyboard.press("Enter")
    assert part(page, name, ".bn-image").is_visible(), f"{name}: a prediction does not show the picture"
    assert part(page, name, ".bn-verdict").inner_text().startswith(f"You said: {guess}."), f"{name}: no verdict"


def test_every_prediction_and_control_works_by_keyboard(visit, by_page, any_chapter):
    page = visit(any_chapter)
    for name in by_page[any_chapter]:
        if find(name).predict:
            predict(page, name)
        for parameter, selector in controls(page, name):
            before, after = press(page, name, selector)
            assert after[0] != before[0], f"{name}: moving {parameter} leaves the picture as it was"
            assert after[1] != before[1], f"{name}: moving {parameter} leaves the words as they were"
            assert f"{name}.{parameter}=" in page.url
            slider = part(page, name, f'[data-parameter="{parameter}"][type="range"]')
            if slider.count():
                said = part(page, name, f'output[for="{name}-{parameter}"]').inner_text()
                assert slider.get_attribute("aria-valuetext") == said and said
            part(page, name, ".bn-reset").click()
            page.wait_for_function(
                "([n, t]) => document.querySelector(`bn-explorer[name='${n}'] figcaption`).innerText === t",
                arg=[name, before[1]],
            )
            assert "=" not in page.url


def test_the_address_keeps_the_state(visit, one_a_part):
    for path, (name, *_) in one_a_part.values():
        page = visit(path)
        reveal(page, name)
        selectors = controls(page, name)[:2]
        for _, selector in selectors:
            move(page, name, selector)
        page.wait_for_timeout(300)
        words = seen(page, name)[1]
        again = visit(f"{path}#{page.url.partition('#')[2]}")
        reveal(again, name)
        again.wait_for_function(
            "([n, t]) => document.querySelector(`bn-explorer[name='${n}'] figcaption`).innerText === t",
            arg=[name, words],
            timeout=5000,
        )
        state = "n => JSON.stringify(document.querySelector(`bn-explorer[name='${n}']`).state)"
        assert again.evaluate(state, name) == page.evaluate(state, name)
        again.reload()
        assert again.evaluate(state, name) == page.evaluate(state, name)


def move(page, name, selector):
    control = part(page, name, selector)
    control.focus()
    page.keyboard.press("ArrowRight")


def test_a_nonsensical_address_falls_back_and_says_so(visit, one_a_part):
    for path, (name, *_) in one_a_part.values():
        parameter = find(name).parameters[0].name
        page = visit(f"{path}#{name}.{parameter}=97531&{name}.colour=red&nobody.x=1&%E0%A4%A")
        reveal(page, name)
        note = part(page, name, ".bn-status").inner_text()
        assert f"{parameter} = 97531" in note and "colour = red" in note and "default" in note
        assert page.evaluate("n => document.querySelector(`bn-explorer[name='${n}']`).off().length", name) == 0


def test_an_address_that_says_two_things_falls_back_and_says_so(visit, one_a_part):
    """The same parameter twice: two values are none; one value twice is that value."""
    for path, (name, *_) in one_a_part.values():
        first = find(name).parameters[0]
        words, key = first.words, f"{name}.{first.name}"
        other = next(i for i, value in enumerate(first.values) if value != first.default)
        page = visit(f"{path}#{key}={words[0]}&{key}={words[1]}")
        reveal(page, name)
        note = part(page, name, ".bn-status").inner_text()
        assert words[0] in note and words[1] in note and "default" in note
        assert page.evaluate(f"{explorer(name)}.off().length") == 0
        page = visit(f"{path}#{key}={words[other]}&{key}={words[other]}")
        assert page.evaluate(f"{explorer(name)}.state['{first.name}']") == str(other)
        assert not part(page, name, ".bn-status").inner_text()


def explorer(name):
    return f"document.querySelector(`bn-explorer[name='{name}']`)"


def go_back(page, address):
    page.evaluate("setTimeout(() => history.back())")
    page.wait_for_url(address)


def test_two_tabs_and_the_back_button_keep_their_states(visit, one_a_part):
    for path, (*_, name) in one_a_part.values():
        page = visit(path)
        parameter, selector = controls(page, name)[0]
        state = f"JSON.stringify({explorer(name)}.state)"
        default = page.evaluate(state)
        reveal(page, name)
        press(page, name, selector)
        here, there = page.url, page.context.new_page()
        assert page.evaluate(state) != default
        moved = page.evaluate(state)
        there.goto(here.partition("#")[0])  # a second tab of the same reader starts at the defaults
        assert there.evaluate(state) == default and page.evaluate(state) == moved
        there.close()
        page.goto(here.partition("/chapters")[0] + "/chapters/how-this-book-runs.html")
        go_back(page, here)
        page.wait_for_function(f"{explorer(name)}?.parameters && {state} === '{moved}'")
        page.evaluate(f"location.hash = '{name}.{parameter}=97531'")  # edited by hand in the address line
        page.wait_for_function(f"{state} === '{default}'")
        assert "97531" in part(page, name, ".bn-status").inner_text()
        go_back(page, here)
        page.wait_for_function(f"{state} === '{moved}'")
        assert not part(page, name, ".bn-status").inner_text()
        page.close()


def test_a_setting_without_a_frame_names_what_is_shown(visit, one_a_part):
    tried = 0
    for path, names in one_a_part.values():
        page = visit(path)
        for name in names:
            reveal(page, name)
            if len(controls(page, name)) < 2:
                continue
            for _, selector in controls(page, name):
                move(page, name, selector)
                page.wait_for_timeout(150)
            element = page.locator(f'bn-explorer[name="{name}"]')
            note = part(page, name, ".bn-status").inner_text()
            assert (element.get_attribute("near") is not None) == ("instead of" in note), f"{name}: {note!r}"
            tried += 1
    assert tried


def test_without_script_the_still_and_its_words_show(visit, by_page, any_chapter):
    page = visit(any_chapter, java_script_enabled=False)
    for name in by_page[any_chapter]:
        assert part(page, name, ".bn-wide svg").is_visible() and part(page, name, "figcaption").is_visible()
        assert not part(page, name, "form").is_visible(), "a control that does nothing"
        assert not part(page, name, ".bn-predict").count() or not part(page, name, ".bn-predict").is_visible()


def test_a_link_to_a_case_passes_by_the_question(visit, places):
    """The question is about the defaults: a reader sent to another case is shown that case."""
    name = "three-rules"
    page = visit(f"{places[name]}#{name}.squared_norm=0.25")
    part(page, name, ".bn-image").wait_for(state="visible")
    assert not part(page, name, ".bn-predict button").first.is_visible()
    page.wait_for_function("document.querySelector('#three-rules-text').textContent.includes('|J|² = 0.25')")


@pytest.mark.parametrize("key, asked, shown", [
    ("plateau.asymmetry", ("1e-06", "1e−06", "10⁻⁶", "0.000001"), "10⁻⁶"),
    ("double-descent.zeta", ("0.00390625", "0.00391"), "0.00391"), ("double-descent.reading", ("zeta", "ζ"), "ζ"),
    ("margin-pilot.measure", ("closest_tenth", "closest tenth"), "closest tenth"),
    ("past-the-maximum.activation", ("erf",), "erf"), ("held-start.weights", ("uniform-variance",), "variance 1/(3D)"),
    ("finite-size.rule", ("batch", "none"), None),
])  # fmt: skip
def test_an_address_may_have_the_name_of_a_value_or_its_words(visit, places, key, asked, shown):
    """Names of code keep old links alive, whatever people read; a reader's own setting is remembered by name."""
    name, parameter = key.split(".")
    for value in asked:
        page = visit(f"{places[name]}#{key}={value}")
        page.wait_for_function(f"{explorer(name)}?.parameters")
        state = page.evaluate(f"{explorer(name)}.state['{parameter}']")
        assert page.evaluate(f"{explorer(name)}.word('{parameter}', {state})") == (shown or value)
        assert "does not have" not in part(page, name, ".bn-status").inner_text()
    page.evaluate(f"{explorer(name)}.remember()")
    again = visit(f"{places[name]}#{page.url.partition('#')[2]}")
    again.wait_for_function(f"{explorer(name)}?.parameters")
    assert again.evaluate(f"{explorer(name)}.state['{parameter}']") == state


def test_frames_that_do_not_load_are_missed_in_words(visit, places):
    name, path = next(iter(places.items()))
    page = visit(path, before=lambda page: page.route("**/frames/**", lambda route: route.abort()))
    reveal(page, name)
    move(page, name, controls(page, name)[0][1])
    page.wait_for_function(
        "n => document.querySelector(`bn-explorer[name='${n}'] .bn-status`).innerText.includes('loaded')",
        arg=name,
    )
    assert part(page, name, "svg:visible").count()
    assert all("ERR_FAILED" in error for error in visit.errors)  # the refused frames themselves
    visit.errors.clear()


def test_opened_as_files_the_figures_still_move(visit, places, book):
    name, path = next(iter(places.items()))
    page = visit((book / path).as_uri())
    reveal(page, name)
    before, after = press(page, name, controls(page, name)[0][1])
    assert before[0] != after[0]


def test_ink_follows_the_theme(visit, places):
    name, path = next(iter(places.items()))
    inks = []
    for scheme in ("light", "dark"):
        page = visit(path, color_scheme=scheme)
        reveal(page, name)
        inks.append(part(page, name, "svg text").first.evaluate("e => getComputedStyle(e).fill"))
    light, dark = (sum(map(int, re.findall(r"\d+", ink)[:3])) for ink in inks)
    assert light < 200 and dark > 560, inks
