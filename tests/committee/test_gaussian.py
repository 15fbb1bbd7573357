"""I2, I3 and I4 by three roads: the closed forms, Gauss-Hermite quadrature, and random samples with error bars."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnlib.committee import I2, I3, I4, phi, phi_slope

SETTINGS = settings(max_examples=25, deadline=None, derandomize=True)


def covariance(seed, fields, size=1.2, rank=None):
    """A random covariance of variances of order size^2; singular where rank < fields."""
    rank = rank or fields
    A = size * np.random.default_rng(seed).standard_normal((fields, rank)) / np.sqrt(rank)
    return A @ A.T


def quadrature(function, C, nodes):
    """<function(z)> for z (fields,) of covariance C, on a grid of Gauss-Hermite nodes along its principal axes."""
    values, vectors = np.linalg.eigh(C)
    x, w = np.polynomial.hermite_e.hermegauss(nodes)
    grid = np.stack(np.meshgrid(*[x] * len(C), indexing="ij")).reshape(len(C), -1)
    weight = np.prod(np.stack(np.meshgrid(*[w / w.sum()] * len(C), indexing="ij")).reshape(len(C), -1), axis=0)
    return weight @ function((vectors * np.sqrt(np.maximum(values, 0))) @ grid)


def check_by_quadrature(closed, function, C, nodes):
    """The tolerance is what the last refinement of the grid still changed."""
    coarse, fine = quadrature(function, C, nodes - 6), quadrature(function, C, nodes)
    assert abs(closed - fine) <= 3 * abs(fine - coarse) + 1e-12


SEEDS = st.integers(0, 2**32 - 1)


@SETTINGS
@given(seed=SEEDS)
def test_I2_against_quadrature(seed):
    C = covariance(seed, 2)
    check_by_quadrature(I2(C)[0, 1], lambda z: phi(z[0]) * phi(z[1]), C, 60)


@SETTINGS
@given(seed=SEEDS)
def test_I3_against_quadrature(seed):
    C = covariance(seed, 3)
    check_by_quadrature(I3(C, 1)[0, 1, 2], lambda z: phi_slope(z[0]) * z[1] * phi(z[2]), C, 36)


@SETTINGS
@given(seed=SEEDS)
def test_I4_against_quadrature(seed):
    C = covariance(seed, 4, size=0.8)
    check_by_quadrature(
        I4(C, 2)[0, 1, 2, 3], lambda z: phi_slope(z[0]) * phi_slope(z[1]) * phi(z[2]) * phi(z[3]), C, 26
    )


@pytest.mark.parametrize("rank", [4, 2])
def test_all_averages_against_samples(rank):
    """Every entry of the three arrays, repeated indices and singular covariances included."""
    C = covariance(7 + rank, 4, rank=rank)
    values, vectors = np.linalg.eigh(C)
    rng = np.random.default_rng(11)
    z = (vectors * np.sqrt(np.maximum(values, 0))) @ rng.standard_normal((4, 400_000))
    f, slope = phi(z), phi_slope(z)
    K, n = 2, range(4)
    samples = {("I2", p, q): f[p] * f[q] for p, q in product(n, n)}
    samples |= {("I3", i, k, p): slope[i] * z[k] * f[p] for i, k, p in product(range(K), n, n)}
    samples |= {
        ("I4", i, j, p, q): slope[i] * slope[j] * f[p] * f[q] for i, j, p, q in product(range(K), range(K), n, n)
    }
    closed = {"I2": I2(C), "I3": I3(C, K), "I4": I4(C, K)}
    scores = [(v.mean() - closed[name[0]][name[1:]]) / (v.std() / np.sqrt(v.size)) for name, v in samples.items()]
    assert np.max(np.abs(scores)) < 4.5  # 112 scores: one in a thousand such tests would see a larger one by chance


def test_small_and_large_variances():
    """Small fields: phi is linear with slope sqrt(2/pi). Large fields: phi is a sign, and I2 the arcsine law of
    signs."""
    r = 0.6
    C = np.array([[1, r], [r, 1]])
    eps = 1e-4
    assert I2(eps * C)[0, 1] == pytest.approx(2 / np.pi * eps * r, rel=4 * eps)  # the next order is eps relative
    assert I2(C / eps**2)[0, 1] == pytest.approx(2 / np.pi * np.arcsin(r), abs=eps)  # the next order is eps^2


@SETTINGS
@given(seed=SEEDS)
def test_integration_by_parts(seed):
    """Price's theorem, d<phi phi>/dC_pq = <phi' phi'>, with <phi' phi'> a Gaussian integral."""
    C = covariance(seed, 2) + 0.3 * np.eye(2)
    h = 1e-6
    bump = np.array([[0, h], [h, 0]])
    slope = (I2(C + bump)[0, 1] - I2(C - bump)[0, 1]) / (2 * h)
    exact = 2 / np.pi / np.sqrt((1 + C[0, 0]) * (1 + C[1, 1]) - C[0, 1] ** 2)
    assert slope == pytest.approx(exact, rel=1e-7)  # central differences: h^2 and round-off / h, both below 1e-9


def test_leading_axes_are_independent_cases():
    C = np.stack([covariance(s, 3) for s in range(4)])
    for average in (I2, lambda C: I3(C, 2), lambda C: I4(C, 2)):
        np.testing.assert_allclose(average(C), np.stack([average(one) for one in C]), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ([[1.0, 0.2], [0.3, 1.0]], "symmetric"),
        ([[1.0, 2.0], [2.0, 1.0]], "positive semidefinite"),
        ([[1.0, 0.2, 0.1]], "axes"),
        ([[np.nan]], "finite"),
        (np.zeros((0, 0)), "n >= 1"),
    ],
)
def test_bad_covariances_are_refused(bad, says):
    for average in (I2, lambda C: I3(C, 1), lambda C: I4(C, 1)):
        with pytest.raises(ValueError, match=f"C must.*{says}"):
            average(bad)


@pytest.mark.parametrize("K", [0, 3, 1.5, "two"])
def test_bad_numbers_of_students_are_refused(K):
    with pytest.raises(ValueError, match="K must"):
        I3(np.eye(2), K)
