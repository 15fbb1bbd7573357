"""What the Python in the page calls gives a figure's own frame and numbers."""

import json

import numpy as np
import pytest

from bnlib.book.figures import find
from bnlib.book.kernel import numbers, plain, setting, show

NAME = "three-gradients"


def test_a_setting_is_shown_as_the_figure_shows_it():
    figure = find(NAME)
    frame = json.loads(show(NAME, "narrow", '{"angle": "0", "gain": 3}'))
    assert min(frame.pop("compute"), frame.pop("draw")) > 0
    assert frame == figure.shown("narrow", angle=figure.parameters[0].values[0], gain=figure.parameters[2].values[3])


def test_numbers_are_those_of_the_result():
    result = find("gaussian-average").result(samples=300)
    found = json.loads(numbers("gaussian-average", '{"samples": "1"}'))
    assert found.keys() == result.keys()
    np.testing.assert_array_equal(found["mean"], result["mean"])


@pytest.mark.parametrize("indices", ['{"colour": 0}', '{"gain": 4}', '{"gain": -1}'])
def test_what_the_figure_does_not_have_is_named(indices):
    with pytest.raises(ValueError, match="indices: .*(colour|gain)"):
        setting(find(NAME), indices)


def test_what_has_no_plain_form_is_refused():
    assert plain([1 + 2j, True, float("inf")]) == [[1.0, 2.0], True, float("inf")]
    with pytest.raises(ValueError, match="value: .* object"):
        plain(object())
