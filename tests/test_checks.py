"""Checks of arguments: what they let through, ends of intervals included, and what they say of the rest."""

import math

import numpy as np
import pytest

from bnlib import checks


@pytest.mark.parametrize("ends, low_counts, high_counts", [("[]", 1, 1), ("[)", 1, 0), ("(]", 0, 1), ("()", 0, 0)])
def test_ends_of_an_interval(ends, low_counts, high_counts):
    inner = [math.nextafter(0, 1), 0.5, math.nextafter(1, 0)]
    for value in [*inner, *([0, 0.0] * low_counts), *([1, True] * high_counts)]:
        got = checks.between("share", value, 0, 1, ends)
        assert type(got) is float and got == value
    outside = [-5e-324, math.nextafter(1, 2), math.nan, math.inf]
    for value in [*outside, *([] if low_counts else [0.0]), *([] if high_counts else [1])]:
        with pytest.raises(ValueError) as info:
            checks.between("share", value, 0, 1, ends)
        assert str(info.value) == f"share must be in {ends[0]}0, 1{ends[1]}; got {value!r}"


def test_arrays_are_checked_throughout_and_keep_their_shape():
    assert checks.between("R", [[-1, 0.5]], -1, 1).shape == checks.finite("R", [[-1, 0.5]]).shape == (1, 2)
    with pytest.raises(ValueError, match=r"R must be in \[-1, 1\]"):
        checks.between("R", [0.0, np.nan], -1, 1)
    for bad in ([1.0, np.inf], [np.nan], [[1.0], [-2.0]], [0.0]):
        with pytest.raises(ValueError, match="sigma must be finite and > 0; got"):
            checks.finite("sigma", bad, above=0)
    assert checks.finite("noise", 0, least=0) == 0
    with pytest.raises(ValueError, match="noise must be finite and >= 0; got -0.1"):
        checks.finite("noise", -0.1, least=0)


@pytest.mark.parametrize(
    "check",
    [
        lambda x: checks.array("x", x, ("a", "b")),
        lambda x: checks.finite("x", x),
        lambda x: checks.finite("x", x.tolist(), above=0),
        lambda x: checks.between("x", x, 0, 2),
    ],
)
def test_of_a_long_array_the_first_bad_entry_is_named(check):
    x = np.ones((40, 30))
    x[3, 5:] = np.nan
    with pytest.raises(ValueError, match=r"^x must be .*; got nan at \[3, 5\] of an array of shape \(40, 30\)$"):
        check(x)


@pytest.mark.parametrize(
    ("times", "told"),
    [
        (np.linspace(0, 200, 401)[::-1], r"times\[0\] = 200 and then times\[1\] = 199\.5"),
        ([0, 1, 3, 2, 1], r"times\[2\] = 3 and then times\[3\] = 2"),
        ([0.3, 0.3 - 1e-12], r"times\[0\] = 0\.3 and then times\[1\] = 0\.299999999999"),
        (np.linspace(-1, 1, 401), r"times\[0\] = -1"),
    ],
)
def test_of_times_in_disorder_the_first_pair_is_named(times, told):
    with pytest.raises(ValueError, match=f"^times must start at or above 0 and never decrease; got {told}$"):
        checks.increasing("times", times)
    assert checks.increasing("times", np.sort(np.abs(times)))[0] >= 0


@pytest.mark.parametrize("value", ["one", None, [1, [2, 3]], 1j])
@pytest.mark.parametrize("check", [checks.finite, lambda name, value: checks.between(name, value, 0, 2)])
def test_what_is_no_number_is_named(check, value):
    with pytest.raises(ValueError, match="^level must be"):
        check("level", value)
