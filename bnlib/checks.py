"""Checks of arguments, shared by all wings: each raises a ``ValueError`` that names the argument, the value and the
allowed range."""

import math

import numpy as np

ROUND_OFF = 1e-9  # how far from symmetric or from positive semidefinite a matrix may be, relative to its largest entry
SHORT = 120  # characters of a value that an error message repeats; of what is longer it names the first bad entry


def one_of(name, value, allowed):
    """`value`, if it is one of the `allowed` ones."""
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}; got {value!r}")
    return value


def positive(name, value, *, allow_infinity=False):
    """`value` as a float, if it is a number > 0."""
    number = _number(name, value)
    if not number > 0 or (math.isinf(number) and not allow_infinity):
        raise ValueError(f"{name} must be a {'' if allow_infinity else 'finite '}number > 0; got {value!r}")
    return number


def real(name, value):
    """`value` as a float, if it is a finite number."""
    number = _number(name, value)
    if math.isinf(number):
        raise ValueError(f"{name} must be a finite number; got {value!r}")
    return number


def between(name, value, low, high, ends="[]"):
    """`value`, a number or an array of any shape, as float64, if all of it is between `low` and `high`.

    `ends` says whether they count: "[" and "]" if so, "(" and ")" if not.

    >>> between("momentum", 0.9, 0, 1, "[)")
    0.9
    """
    numbers = _numbers(name, value)
    above = numbers >= low if ends[0] == "[" else numbers > low
    below = numbers <= high if ends[1] == "]" else numbers < high
    if not (above & below).all():
        raise ValueError(f"{name} must be in {ends[0]}{low:g}, {high:g}{ends[1]}; got {_told(value, above & below)}")
    return numbers if numbers.ndim else float(numbers)


def finite(name, value, *, above=None, least=None):
    """`value`, a number or an array of any shape, as a float64 array, if all of it is finite, > `above` and >= `least`.

    >>> finite("sigma", [0.5, 2], above=0)
    array([0.5, 2. ])
    """
    numbers = _numbers(name, value)
    bounds = [f" and {sign} {end:g}" for sign, end in ((">", above), (">=", least)) if end is not None]
    fits = np.isfinite(numbers) & (above is None or numbers > above) & (least is None or numbers >= least)
    if not np.all(fits):
        raise ValueError(f"{name} must be finite{''.join(bounds)}; got {_told(value, fits)}")
    return numbers


def whole(name, value, minimum):
    """`value` as an int, if it is a whole number >= `minimum`."""
    number = _number(name, value)
    if not math.isfinite(number) or number != int(number) or number < minimum:
        raise ValueError(f"{name} must be a whole number >= {minimum}; got {value!r}")
    return int(number)


def array(name, value, axes, **lengths):
    """`value` as a float64 array whose axes are `axes`, such as ``("K", "N")``; `lengths` fixes some of them.

    Every axis must hold at least one entry, and every entry must be finite.
    """
    try:
        result = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be an array of numbers with axes ({', '.join(axes)}); got {value!r}") from None
    wanted = ", ".join(f"{axis} = {lengths[axis]}" if axis in lengths else axis for axis in axes)
    fits = result.ndim == len(axes) and all(lengths.get(axis, n) == n >= 1 for axis, n in zip(axes, result.shape))
    if not fits:
        raise ValueError(f"{name} must have axes ({wanted}), each of length >= 1; got shape {result.shape}")
    if not np.isfinite(result).all():
        raise ValueError(f"{name} must be finite everywhere; got {_told(result, np.isfinite(result))}")
    return result


def covariance(name, matrix):
    """`matrix` (..., n, n), if it is finite, symmetric and positive semidefinite up to round-off."""
    matrix = np.asarray(matrix, dtype=np.float64)
    if matrix.ndim < 2 or matrix.shape[-1] != matrix.shape[-2] or matrix.shape[-1] == 0:
        raise ValueError(f"{name} must have axes (..., n, n) with n >= 1; got shape {matrix.shape}")
    if not np.isfinite(matrix).all():
        raise ValueError(f"{name} must be finite everywhere; got {_told(matrix, np.isfinite(matrix))}")
    size = np.abs(matrix).max()
    lopsided = np.abs(matrix - np.swapaxes(matrix, -1, -2)).max()
    if lopsided > ROUND_OFF * size:
        raise ValueError(
            f"{name} must be symmetric; its entries differ from their mirror images by up to {lopsided:.3g}"
        )
    lowest = np.linalg.eigvalsh(matrix).min()
    if lowest < -ROUND_OFF * size:
        raise ValueError(f"{name} must be positive semidefinite (eigenvalues >= 0); its lowest is {lowest:.3g}")
    return matrix


def increasing(name, values):
    """`values` as a float64 vector, if it starts at or above zero and never decreases.

    >>> increasing("times", [0, 2, 1])
    Traceback (most recent call last):
    ValueError: times must start at or above 0 and never decrease; got times[1] = 2 and then times[2] = 1
    """
    values = array(name, values, ("times",))
    if values[0] < 0:
        raise ValueError(f"{name} must start at or above 0 and never decrease; got {name}[0] = {values[0]:.6g}")
    falls = np.flatnonzero(np.diff(values) < 0)
    if falls.size:
        pair = " and then ".join(f"{name}[{i}] = {values[i]:.15g}" for i in (falls[0], falls[0] + 1))
        raise ValueError(f"{name} must start at or above 0 and never decrease; got {pair}")
    return values


def generator(name, value):
    """`value`, if it is a ``numpy.random.Generator``."""
    if not isinstance(value, np.random.Generator):
        raise ValueError(f"{name} must be a numpy.random.Generator, such as numpy.random.default_rng(0); got {value!r}")
    return value


def _told(value, fits):
    """A short `value` itself; of a long one its shape and the first entry that is not among those that fit."""
    said = repr(value)
    if len(said) <= SHORT:
        return said
    index = tuple(map(int, np.argwhere(~fits)[0]))
    return f"{np.asarray(value)[index]:.6g} at {list(index)} of an array of shape {fits.shape}"


def _numbers(name, value):
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a number or an array of numbers; got {value!r}") from None


def _number(name, value):
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a number; got {value!r}") from None
    if math.isnan(number):
        raise ValueError(f"{name} must be a number; got {value!r}")
    return number
