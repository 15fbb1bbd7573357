"""Gamma decay: activations, closed forms, theorem 1 word for word, weight normalization, bad input."""

import math
import pickle

import numpy as np
import pytest
from scipy import integrate

from bnlib.perceptron import (
    GammaDecay,
    LogPartition,
    as_weight_normalization,
    batch_normalize,
    gamma_decay,
    gaussian_sigma_part,
    log_partition,
    population_normalize,
    predicted_loss,
    predicted_minimizer,
)
from tests.perceptron.gaussian import W, Z


@pytest.mark.parametrize("name", ["softplus", "logistic", "identity", "hard-relu"])
def test_slope_and_curvature_are_derivatives(name):
    """Integrals of A'' and A' over intervals, by adaptive quadrature, to 1e-10."""
    A = log_partition(name)
    for low, high in ((-3.0, 0.0), (0.0, 2.5), (-40.0, 30.0)):
        for function, derivative in ((A.value, A.slope), (A.slope, A.curvature)):
            integral = integrate.quad(derivative, low, high, points=[0.0], epsabs=1e-12, epsrel=1e-12)[0]
            assert function(np.float64(high)) - function(np.float64(low)) == pytest.approx(integral, rel=1e-10)


def test_softplus_does_not_overflow():
    A = log_partition("relu")
    with np.errstate(all="raise", under="ignore"):
        value = A.value(np.array([-800.0, 800.0]))
    np.testing.assert_allclose(value, [0, 320000 + np.pi**2 / 6], rtol=1e-14)


@pytest.mark.parametrize("M", [2, 8, 32])
def test_decay_of_the_identity_and_of_the_kinked_relu(M, measure):
    zeta = gamma_decay(M, Z, activation="identity", weights=W)
    for value, expected in ((zeta, 3 / (4 * M)), (zeta.mu, 1 / (2 * M)), (zeta.sigma, 1 / (4 * M))):
        measure("L19-identity", abs(value / expected - 1), 1e-10)
    z = (np.arange(200) - 99.5) / 12  # no node on the kink
    kinked = gamma_decay(M, z, activation="hard-relu", weights=np.exp(-(z**2) / 2))
    assert kinked == pytest.approx(3 / (8 * M), rel=1e-10)  # by symmetry, half


def test_decay_is_theorem_1_word_for_word(measure):
    """On 1000 exponential values, with the sigmoid and the kurtosis written out; and parts that add up."""
    h = np.random.default_rng(0).standard_exponential(1000) * 3 + 1
    z = (h - h.mean()) / h.std()
    sigmoid, M = 1 / (1 + np.exp(-(0.7 * z - 0.4))), 16
    printed = ((z**4).mean() - 3 + 2) / (8 * M) * (sigmoid * z**2).mean() + sigmoid.mean() / (2 * M)
    zeta = gamma_decay(M, h, activation="relu", gamma=0.7, beta=-0.4)
    assert zeta == pytest.approx(printed, rel=1e-12) and zeta == pytest.approx(zeta.mu + zeta.sigma, rel=1e-15)
    assert pickle.loads(pickle.dumps(zeta)).mu == zeta.mu and isinstance(zeta, GammaDecay)
    general = LogPartition("cosine", lambda h: -np.cos(h), np.sin, np.cos)
    zeta = gamma_decay(M, h, activation=general, gamma=0.7, beta=-0.4)
    curvature = np.cos(0.7 * z - 0.4)
    by_hand = ((z**4).mean() - 1) / (8 * M) * (curvature * z**2).mean() + curvature.mean() / (2 * M)
    measure("L19-general", abs(zeta / by_hand - 1), 1e-10)
    assert gamma_decay(math.inf, h, activation="relu") == 0


@pytest.mark.parametrize(
    "M, fifteen_digits", [(8, 0.19279111019624), (32, 0.0205751870526098), (1024, 0.000492530015595769)]
)
def test_gamma_functions_are_a_mean_square(M, fifteen_digits, measure):
    """E (1/sigma_B - 1)^2 by adaptive quadrature over the chi law; and 1/(2M) + 71/(16 M^2) to O(1/M^3)."""

    def over(s):
        return (
            (1 / s - 1) ** 2
            * 2
            * (M / 2) ** ((M - 1) / 2)
            * math.exp((M - 2) * math.log(s) - M * s * s / 2 - math.lgamma((M - 1) / 2))
            if M < 200
            else 0.0
        )

    if M < 200:
        integral = sum(integrate.quad(over, *ends, epsabs=0, epsrel=1e-12, limit=400)[0] for ends in ((0, 1), (1, 6)))
        measure("L19-gamma-functions", abs(gaussian_sigma_part(M) / integral - 1), 1e-10)
    assert gaussian_sigma_part(M) == pytest.approx(fifteen_digits, rel=1e-11)
    assert gaussian_sigma_part(M) == pytest.approx(1 / (2 * M) + 71 / (16 * M**2), abs=60 / M**3)


def test_population_is_weight_normalization_for_isotropic_inputs(measure):
    """Eq (4) on inputs of covariance a^2 I, made so exactly; and off by more than 10 % on stretched ones."""
    rng = np.random.default_rng(8)
    x = rng.standard_normal((400, 5))
    x = (x - x.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T, bias=True)).T) * 1.7 + rng.standard_normal(
        5
    )
    w = rng.standard_normal(5)
    h = x @ w
    upsilon, b = as_weight_normalization(0.8, 0.3, h.mean(), 1.7, np.linalg.norm(w))
    weight_normalized = upsilon * h / np.linalg.norm(w) + b
    measure("L19-eq4", abs(population_normalize(h, h.mean(), h.std(), 0.8, 0.3) - weight_normalized).max(), 1e-12)
    np.testing.assert_allclose(batch_normalize(h, 0.8, 0.3), weight_normalized, atol=1e-12)
    stretched = (x * [1, 1, 1, 1, 3.0]) @ w
    scale = (x * [1, 1, 1, 1, 3.0]).std()
    upsilon, b = as_weight_normalization(0.8, 0.3, stretched.mean(), scale, np.linalg.norm(w))
    off = upsilon * stretched / np.linalg.norm(w) + b - batch_normalize(stretched, 0.8, 0.3)
    assert abs(off).max() > 0.1 * 0.8


@pytest.mark.parametrize("wrong, match", [
    (lambda: gamma_decay(1, Z, activation="relu"), "batch_size must be a whole number >= 2; got 1"),
    (lambda: gamma_decay(8, Z, activation="gelu"), "activation must be one of .*'relu'.* got 'gelu'"),
    (lambda: gamma_decay(8, [1.0, 1.0], activation="relu"), "preactivation must not be constant"),
    (lambda: gamma_decay(8, [1.0, math.nan], activation="relu"), "preactivation"),
    (lambda: gamma_decay(8, Z, activation="relu", gamma=math.inf), "gamma must be a finite number; got inf"),
    (lambda: gamma_decay(8, Z, activation="relu", weights=-W), "weights must be >= 0"),
    (lambda: gamma_decay(8, Z, activation="relu", weights=W[:3]), "weights must have axes"),
    (lambda: gamma_decay(8, np.ones(91), activation="relu", weights=W), "must not be constant"),
    (lambda: predicted_loss(8, Z, Z[:4], activation="relu"), "target must have axes"),
    (lambda: predicted_loss(8, Z, Z, activation="relu", form="exact"), "form must be one of 'population'"),
    (lambda: predicted_loss(8, Z, Z, activation="relu", gamma=[1.0, math.nan]), "gamma must be finite"),
    (lambda: predicted_minimizer(8, Z, -Z, activation="identity"), "bracket"),
    (lambda: as_weight_normalization(1.0, 0.0, 0.0, 0.0, 1.0), "scale must be a finite number > 0; got 0.0"),
    (lambda: population_normalize(Z, 0.0, -1.0), "deviation must be a finite number > 0; got -1.0"),
    (lambda: batch_normalize([2.0]), "at least two"),
])  # fmt: skip
def test_bad_input_is_named(wrong, match):
    with pytest.raises(ValueError, match=match):
        wrong()
