"""Fold angles against the folded line itself, found by its zeros on a small circle, and against numerical maxima."""

import math

import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar

from bnlib.partition.folds import (
    facet_normals,
    fold_angle,
    fold_of_sigma,
    fold_parameters,
    sharpest_fold,
    wall_angle,
)


def two_layers(seed, slope, units=5):
    """A random normalized layer in the plane, a second row, and one vertex where its zero line meets a first line."""
    rng = np.random.default_rng(seed)
    weight, sigma = rng.standard_normal((units, 2)), rng.uniform(0.3, 2, units)
    mu, row = rng.standard_normal(units), rng.standard_normal(units)

    def level(x):
        h = (weight @ x - mu) / sigma
        return row @ np.where(h > 0, h, slope * h)

    unit = int(rng.integers(units))
    w = weight[unit]
    foot, along = w * mu[unit] / (w @ w), np.array([-w[1], w[0]]) / np.linalg.norm(w)
    threshold = level(foot + rng.uniform(-2, 2) * along)  # the unit's own mu: the level at some point of the line
    grid = np.linspace(-3, 3, 400)
    heights = np.array([level(foot + s * along) for s in grid]) - threshold
    crossing = np.flatnonzero(heights[:-1] * heights[1:] < 0)[0]
    place = brentq(lambda s: level(foot + s * along) - threshold, *grid[crossing : crossing + 2], xtol=1e-14)
    vertex = foot + place * along
    return weight, mu, sigma, row, unit, vertex, lambda x: level(x) - threshold


def rays(zero, vertex, w, radius):
    """Directions in which the zero line leaves a vertex, towards the positive side of w and towards the other."""
    angles = np.linspace(0, 2 * np.pi, 721) + 0.001
    heights = np.array([zero(vertex + radius * np.array([np.cos(a), np.sin(a)])) for a in angles])
    found = [
        brentq(lambda a: zero(vertex + radius * np.array([np.cos(a), np.sin(a)])), angles[i], angles[i + 1], xtol=1e-14)
        for i in np.flatnonzero(heights[:-1] * heights[1:] < 0)
    ]
    directions = [np.array([np.cos(a), np.sin(a)]) for a in found]
    return [d for d in directions if d @ w > 0], [d for d in directions if d @ w < 0]


@pytest.mark.parametrize("slope", [0.0, 0.1, -1.0])
@pytest.mark.parametrize("seed", range(8))
def test_the_fold_is_the_angle_between_the_two_rays(slope, seed):
    """Zeros on a circle of 1e-4 around the vertex: straight rays, so only round-off 1e-12 / 1e-4 is left."""
    weight, mu, sigma, row, unit, vertex, zero = two_layers(seed, slope)
    radius = 1e-4
    clear = np.abs(weight @ vertex - mu) / np.linalg.norm(weight, axis=1)
    assert np.delete(clear, unit).min() > radius  # no other line passes through the circle
    above, below = rays(zero, vertex, weight[unit], radius)
    slopes = np.where(weight @ vertex > mu, 1.0, slope)
    v, other = facet_normals(weight, sigma, row, slopes, unit, slope)
    assert len(above) == len(below) == 1
    between = np.arctan2(np.linalg.norm(above[0] - below[0]) / 2, np.linalg.norm(above[0] + below[0]) / 2) * 2
    assert np.pi - fold_angle(v, other) == pytest.approx(between, abs=1e-7)
    for normal, ray in ((v, above[0]), (other, below[0])):
        along = np.array([-weight[unit, 1], weight[unit, 0]]) / np.linalg.norm(weight[unit])
        assert wall_angle(normal, weight[unit]) == pytest.approx(math.acos(min(1, abs(ray @ along))), abs=1e-6)


def test_the_fold_in_terms_of_b_c_t_in_many_dimensions():
    rng = np.random.default_rng(1)
    for _ in range(50):
        weight, sigma, row = rng.standard_normal((6, 4)), rng.uniform(0.2, 3, 6), rng.standard_normal(6)
        slope = rng.choice([0.0, 0.1, 0.5, -1.0])
        slopes, unit = rng.choice([1.0, slope], 6), int(rng.integers(6))
        slopes[unit - 1] = 1.0  # with every other ReLU unit off there is no facet on one side
        v, other = facet_normals(weight, sigma, row, slopes, unit, slope)
        b, c, t = fold_parameters(weight, sigma, row, slopes, unit)
        assert fold_angle(v, other) == pytest.approx(fold_of_sigma(sigma[unit], b, c, t, slope), abs=1e-13)
        across = v - other  # continuity: the normals differ along the hyperplane's own normal
        assert np.linalg.norm(across - (across @ weight[unit]) * weight[unit] / (weight[unit] @ weight[unit])) < 1e-13


@pytest.mark.parametrize("slope", [0.01, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("c", [-2.0, -0.3, 0.0, 1.5])
@pytest.mark.parametrize("b", [-1.3, 0.7])
def test_the_hump_by_numerical_search(slope, c, b):
    """A bounded search over log sigma; at a maximum an error of 1e-5 in place costs 1e-10 in height."""
    t = 0.8
    sigma, fold = sharpest_fold(b, c, t, slope)
    found = minimize_scalar(
        lambda s: -fold_of_sigma(np.exp(s), b, c, t, slope), bounds=(-9, 9), method="bounded", options={"xatol": 1e-8}
    )
    assert -found.fun == pytest.approx(fold, abs=1e-10)
    assert math.exp(found.x) == pytest.approx(sigma, rel=1e-5)
    ratio = math.copysign(1, b) * c / t
    tangent = math.atan2(1 - slope, 2 * math.sqrt(slope * (1 + ratio**2)) + (1 + slope) * ratio)
    assert fold == pytest.approx(tangent, abs=1e-13)


@pytest.mark.parametrize(
    "slope, c, b", [(0.0, 0.7, 1.0), (0.0, 0.7, -1.0), (0.0, -2.0, 1.0), (-1.0, 0.5, 1.0), (-0.3, -1.0, 2.0)]
)
def test_without_a_hump_the_fold_grows_to_its_limit(slope, c, b):
    """At sigma = 1e-9 the distance to the limit is at most t sigma / (|slope b|), far below 1e-7."""
    sigmas = np.geomspace(1e3, 1e-9, 200)
    folds = fold_of_sigma(sigmas, b, c, 1.0, slope)
    assert (np.diff(folds) > 0).all() and folds[0] < 0.01
    assert sharpest_fold(b, c, 1.0, slope) == (0.0, pytest.approx(folds[-1], abs=1e-7))


def test_slope_one_folds_nothing():
    assert sharpest_fold(1.0, 0.3, 2.0, 1.0) == (0.0, 0.0)
    assert fold_of_sigma(np.array([0.1, 10]), 1.0, 0.3, 2.0, 1.0).tolist() == [0.0, 0.0]


def test_a_hairpin_is_not_flat():
    """With an absolute value in the cosine this fold would read as a thousandth of a degree."""
    fold = fold_angle([1.0, 0.0], [-math.cos(1e-5), math.sin(1e-5)])
    assert fold == pytest.approx(math.pi - 1e-5, abs=1e-12)
    assert wall_angle([1.0, 0.0], [-math.cos(1e-5), math.sin(1e-5)]) == pytest.approx(1e-5, abs=1e-12)


@pytest.mark.parametrize("call, named", [
    (lambda: fold_of_sigma([0.1, 0.0], 1, 0, 1, 0.1), "sigma must be finite and > 0"),
    (lambda: fold_of_sigma(1.0, 1, 0, 0.0, 0.1), "t must be"),
    (lambda: sharpest_fold(0.0, 0, 1, 0.1), "b must be finite and not 0"),
    (lambda: sharpest_fold(1.0, 0, 1, 1.5), r"slope must be a number in \[-1, 1\]; got 1.5"),
    (lambda: fold_angle([0.0, 0.0], [1.0, 0.0]), "normal must be finite and not 0"),
    (lambda: facet_normals([[1.0, 0.0]], [0.0], [1.0], [1.0], 0, 0.0), "sigma must be > 0"),
    (lambda: facet_normals([[1.0, 0.0]], [1.0], [1.0], [1.0], 1, 0.0), "unit must be below 1; got 1"),
])  # fmt: skip
def test_bad_input_is_named(call, named):
    with pytest.raises(ValueError, match=named):
        call()
