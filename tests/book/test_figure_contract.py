"""Every figure keeps its contract, and still, frame and notebook say the same numbers."""

import itertools
import pickle
import re
import warnings
from dataclasses import fields, is_dataclass
from html import escape

import numpy as np
import pytest

from bnlib.book import style
from bnlib.book.figure import Figure, Parameter, Prediction
from bnlib.book.figures import NAMES, find

ALL = list(NAMES)


def waves_draw(result):
    figure, axes = style.grid(2, 4)
    for ax in axes.ravel():
        ax.plot(result["t"], result["y"])
    return figure


def waves_compute(speed, shape):
    t = np.linspace(0.0, 1.0, 20)
    return {"speed": speed, "shape": shape, "t": t, "y": np.sin(speed * t) * (1 if shape == "whole" else 0.5)}


SMALL = Figure(
    "small", "A small figure",
    (Parameter("speed", "v", (1.0, 2.0, 3.0), 2.0), Parameter("shape", "", ("whole", "half"), "whole")),
    waves_compute, waves_draw, lambda r: f"At speed {r['speed']:g} the wave ends at {r['y'][-1]:.3f}.",
    Prediction("Where does it end?", ("below 0.5", "at 0.5 or above"), lambda r: r["y"][-1] >= 0.5),
)  # fmt: skip


def ends(figure):
    """The defaults with each parameter at its first and last value, and all corners if at most 16."""
    settings = [{}]
    settings += [{p.name: value} for p in figure.parameters for value in (p.values[0], p.values[-1])]
    if 2 ** len(figure.parameters) <= 16:
        corners = itertools.product(*((p.values[0], p.values[-1]) for p in figure.parameters))
        settings += [dict(zip([p.name for p in figure.parameters], corner)) for corner in corners]
    return settings


def numbers(result):
    """All numbers in a result, however it is nested."""
    if is_dataclass(result):
        result = {field.name: getattr(result, field.name) for field in fields(result)}
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, (list, tuple)):
        return [number for item in result for number in numbers(item)]
    if isinstance(result, (int, float, np.number)):
        return [float(result)]
    if isinstance(result, np.ndarray) and result.dtype.kind in "fiu":
        return [float(number) for number in result.ravel()]
    return []


@pytest.mark.parametrize("name", ALL)
def test_the_name_finds_the_figure(name):
    assert find(name).name == name


@pytest.mark.parametrize("name", ALL)
def test_no_control_says_its_name_twice(name):
    assert not [p.name for p in find(name).parameters if p.symbol == p.label]


@pytest.mark.parametrize("name", ALL)
def test_a_state_refuses_what_it_does_not_know(name):
    figure = find(name)
    with pytest.raises(ValueError, match="no parameter 'colour'.*" + figure.parameters[0].name):
        figure.state(colour="red")
    with pytest.raises(ValueError, match=re.escape(f"{figure.parameters[0].name} = 'neither'") + ".*is not one of"):
        figure.state(**{figure.parameters[0].name: "neither"})
    assert figure.state() == {p.name: p.default for p in figure.parameters}


@pytest.mark.parametrize("name", ALL)
def test_compute_is_deterministic(name):
    figure = find(name)
    assert pickle.dumps(numbers(figure.result())) == pickle.dumps(numbers(figure.result()))


@pytest.mark.parametrize("name", ALL)
def test_the_ends_of_all_ranges_give_finite_numbers_and_no_warning(name):
    figure = find(name)
    for changes in ends(figure):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            result = figure.result(**changes)
            with style.context("narrow"):
                figure.draw(result)
            words = figure.describe(result)
        found = numbers(result)
        assert found, f"{changes}: the result holds no number"
        # infinity may stand for "never" or for an infinite batch; no number may be undefined
        assert not np.isnan(found).any(), f"{changes}: not a number in the result"
        assert not re.search(r"\b(nan|inf|None)\b", words), words


@pytest.mark.parametrize("name", ALL)
def test_the_words_are_a_few_sentences_with_numbers(name):
    words = find(name).text()
    assert re.search(r"\d", words)
    assert words.endswith(".") and 1 <= len(re.findall(r"[.!?](?=\s+[A-Z0-9]|$)", words)) <= 4, words
    assert "\n" not in words and len(words) > 30


@pytest.mark.parametrize("name", ALL)
def test_still_frame_and_notebook_agree_at_random_settings(name, monkeypatch):
    pytest.importorskip("ipywidgets")
    from bnlib.book.widgets import Explorer

    figure = find(name)
    check_default(figure, monkeypatch)
    rng = np.random.default_rng(20)
    widget = Explorer(figure)
    for _ in range(2):
        changes = {p.name: p.values[rng.integers(len(p.values))] for p in figure.parameters}
        wide, narrow = figure.shown("wide", **changes), figure.shown("narrow", **changes)
        assert wide["text"] == narrow["text"] == figure.text(**changes)
        assert wide["svg"] == figure.image(**changes) and narrow["svg"] == figure.image("narrow", **changes)
        for parameter, value in figure.state(**changes).items():
            widget.controls[parameter].value = value
        assert widget.words.value == escape(wide["text"])
        assert widget.shows(figure.image(format="png", **changes))


def check_default(figure, monkeypatch):
    """The stored still and the page's element show what a reader gets at the defaults."""
    shown = figure.shown()
    monkeypatch.setenv("BNLIB_FRONT_END", "still")
    still = figure._repr_mimebundle_()
    assert set(still) == {"text/plain", "image/png"}
    assert still["text/plain"] == shown["text"] and still["image/png"] == figure.image(format="png")
    assert len(still["image/png"]) < 40_000
    monkeypatch.setenv("BNLIB_FRONT_END", "page")
    page = figure._repr_mimebundle_()
    assert set(page) == {"text/plain", "text/html"} and page["text/plain"] == shown["text"]
    assert shown["svg"] in page["text/html"] and figure.image("narrow") in page["text/html"]
    assert escape(shown["text"]) in page["text/html"]


def test_frames_are_what_is_shown():
    frames = SMALL.frames("narrow")
    assert list(frames) == ["speed=0", "", "shape=1", "speed=2"]
    assert frames["speed=0"] == SMALL.shown("narrow", speed=1.0)
    joint = SMALL.frames("wide", joint=True)
    assert len(joint) == 6 and joint["speed=2,shape=1"] == SMALL.shown(speed=3.0, shape="half")
    assert joint[""]["answer"] == 1 and joint["speed=2"]["answer"] == 0


def test_two_pictures_on_a_page_share_no_id():
    wide, narrow = SMALL.image("wide"), SMALL.image("narrow")
    ids = [set(re.findall(r' id="([^"]+)"', picture)) for picture in (wide, narrow)]
    assert ids[0] and not ids[0] & ids[1]
    for picture, own in zip((wide, narrow), ids):
        assert set(re.findall(r'(?:href="|url\()#([^")]+)', picture)) <= own


def test_a_page_picture_follows_the_theme():
    picture = SMALL.image()
    assert "currentColor" in picture and "var(--bn-accent," in picture
    assert "DejaVu" not in picture and "<style" not in picture and style.INK not in picture


def test_an_unknown_front_end_is_refused(monkeypatch):
    monkeypatch.setenv("BNLIB_FRONT_END", "paper")
    with pytest.raises(ValueError, match="BNLIB_FRONT_END = 'paper' is not one of"):
        SMALL._repr_mimebundle_()


@pytest.mark.parametrize(
    "wrong", [("a b", (1, 2), 1), ("a", (1,), 1), ("a", (1, 1), 1), ("a", (1, "x"), 1), ("a", (1, 2), 3)]
)
def test_a_wrong_parameter_is_refused(wrong):
    name, values, default = wrong
    with pytest.raises(ValueError, match=name):
        Parameter(name, "", values, default)


def test_a_prediction_names_one_of_its_choices():
    with pytest.raises(ValueError, match="choices"):
        Prediction("Which?", ("only one",), lambda r: 0)
    with pytest.raises(ValueError, match="answer: 2"):
        Prediction("Which?", ("a", "b"), lambda r: 2).right({})


@pytest.mark.parametrize("call", [
    lambda: SMALL.image("tall"), lambda: SMALL.image(format="gif"), lambda: style.panels(5),
])  # fmt: skip
def test_looks_refuse_what_they_do_not_know(call):
    with pytest.raises(ValueError, match="is not one of"):
        call()


def everything_named(figure):
    """What a reader meets in words: labels, symbols and values of controls, the question, and captions at both ends."""
    for parameter in figure.parameters:
        yield from (parameter.label, parameter.symbol, *parameter.words)
    if figure.predict:
        yield from (figure.predict.question, *figure.predict.choices)
    for parameter in figure.parameters:
        yield from (figure.text(**{parameter.name: value}) for value in (parameter.values[0], parameter.values[-1]))


RAW = re.compile(r"_|\d[eE][-+−]?\d|\b(relu|rms|he|cpu|alpha|beta|gamma|lambda|sigma|tau|eta|zeta)\b(?! decay)")


@pytest.mark.parametrize("name", ALL)
def test_nobody_meets_a_name_of_code(name):
    """No underscore, no exponent of a program, no Greek letter spelled out."""
    assert not [words for words in everything_named(find(name)) if RAW.search(words)]


@pytest.mark.parametrize("name", ALL)
def test_words_and_addresses_tell_values_apart(name):
    for parameter in find(name).parameters:
        assert len(set(parameter.words)) == len(set(parameter.names)) == len(parameter.values)
        # an address may have either, and none of them means two values
        either = [{name, words} for name, words in zip(parameter.names, parameter.words)]
        assert len(set.union(*either)) == sum(map(len, either)), parameter.name
