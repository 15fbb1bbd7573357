"""The notebook front end: controls redraw, predictions hold the picture back, failures are told."""

from dataclasses import replace

import pytest

from bnlib.book.figure import Figure, Parameter, Prediction
from bnlib.book.figures import NAMES, find
from bnlib.book.style import panels

pytest.importorskip("ipywidgets")
from bnlib.book.widgets import Explorer  # noqa: E402


def compute(slope, kind):
    if slope == 3:
        raise ArithmeticError("too steep")
    return {"slope": slope, "kind": kind}


def draw(result):
    figure, (ax,) = panels(1)
    ax.plot([0, 1], [0, result["slope"]], ls="-" if result["kind"] == "solid" else ":")
    return figure


PARAMETERS = (Parameter("slope", "a", (1, 2, 3), 1), Parameter("kind", "", ("solid", "dotted"), "solid"))
LINE = Figure("line", "A line", PARAMETERS, compute, draw, lambda r: f"Slope {r['slope']}, {r['kind']}.")
ASKED = replace(LINE, predict=Prediction("Steeper than 1?", ("no", "yes"), lambda r: r["slope"] > 1))


@pytest.mark.parametrize("name", list(NAMES))
def test_moving_each_control_redraws(name):
    widget = Explorer(find(name))
    for parameter in find(name).parameters:
        control, before = widget.controls[parameter.name], (widget.picture.value, widget.words.value)
        at = parameter.values.index(parameter.default)
        control.value = parameter.values[at + 1 if at + 1 < len(parameter.values) else at - 1]
        assert widget.picture.value != before[0], f"{parameter.name}: the picture stays the same"
        assert widget.words.value != before[1], f"{parameter.name}: the words stay the same"
        control.value = parameter.default
        assert (widget.picture.value, widget.words.value) == before


def test_a_failure_is_said_and_raised():
    widget = Explorer(LINE)
    with pytest.raises(ArithmeticError, match="too steep"):
        widget.controls["slope"].value = 3
    assert widget.words.value == "This setting failed: too steep" and widget.picture.value == ""


def test_the_picture_carries_its_words():
    assert 'alt="Slope 1, solid."' in Explorer(LINE).picture.value


def test_a_prediction_comes_before_the_picture():
    widget = Explorer(ASKED)
    assert widget.shown not in widget.children
    widget.choices[1].click()
    assert widget.shown in widget.children
    assert widget.verdict.value == "You said: yes. Here it is: no."
    widget.controls["slope"].value = 2
    assert widget.verdict.value == "You said: yes. That is right here."


def test_a_reader_may_just_look():
    widget = Explorer(ASKED)
    widget.skip.click()
    assert widget.shown in widget.children and widget.verdict.value == "Here: no."


def test_without_ipywidgets_the_still_remains(monkeypatch):
    import sys

    monkeypatch.delenv("BNLIB_FRONT_END", raising=False)
    assert "application/vnd.jupyter.widget-view+json" in LINE._repr_mimebundle_()
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    monkeypatch.delitem(sys.modules, "bnlib.book.widgets")
    with pytest.raises(ModuleNotFoundError):
        import ipywidgets  # noqa: F401
    assert set(LINE._repr_mimebundle_()) == {"text/plain", "image/png"}
