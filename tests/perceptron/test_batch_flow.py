"""Batch normalization itself: its flow against descent on weights, and where the gain comes to rest."""

import math

import numpy as np
import pytest

from bnlib.perceptron import batch_fixed_gain, batch_flow, fixed_point, train
from bnlib.perceptron.averages import activation_and_slope
from bnlib.perceptron.batch_dynamics import BatchAverages
from bnlib.perceptron.training import _Unit

START = (0.7, 0.3, 1.0)


@pytest.mark.parametrize("activation", ["relu", "erf", "identity"])
def test_step_is_the_gradient_of_the_batch_loss(activation):
    """Central differences of (1/2) mean (g(t) - g(gamma z))^2 over all weights and gamma, step 1e-6."""
    rng = np.random.default_rng(2)
    N, M, h = 7, 5, 1e-6
    unit = _Unit([0.8, 0.4, 1.1], N, 1, "batch", activation)
    unit.w += 0.3 * rng.standard_normal((1, N))
    x = rng.standard_normal((1, M, N)) / math.sqrt(N)
    g, _ = activation_and_slope(activation)

    def loss(w, gamma):
        field = x[0] @ w
        z = (field - field.mean()) / field.std()
        return 0.5 * np.mean((g(math.sqrt(N) * x[0, :, 0]) - g(gamma * z)) ** 2)

    w, gamma = unit.w[0].copy(), 0.8
    slopes = [(loss(w + h * e, gamma) - loss(w - h * e, gamma)) / (2 * h) for e in np.eye(N)]
    slope = (loss(w, gamma + h) - loss(w, gamma - h)) / (2 * h)
    unit.step(x, 0.5, 0.0, 0.25)
    assert np.allclose(unit.w[0] - w, -0.5 * np.array(slopes), atol=1e-8)
    assert abs(unit.gain[0] - gamma + 0.25 * slope) < 1e-8


def test_closed_averages_of_the_identity():
    """Against a sample of 200 000 batches of 6, within 4 standard errors."""
    rng = np.random.default_rng(4)
    sampled = BatchAverages("relu", 6, rng, 200_000)
    sampled.g, sampled.slope = activation_and_slope("identity")
    found = sampled(0.8, 0.6)
    exact = BatchAverages("identity", 6, None, 0)(0.8, 0.6)
    sampled.activation = "relu"
    # spreads over batches of the three means are below 1.5, so that 4 standard errors are 4 * 1.5 / sqrt(200 000)
    assert np.allclose(found, exact, atol=4 * 1.5 / math.sqrt(200_000))


@pytest.mark.parametrize("activation", ["relu", "identity"])
def test_descent_follows_the_flow(activation, measure):
    """N = 300, M = 8, ten runs to t = 6; the limit's bias is of order M/N (2 % was seen before at this size)."""
    N, M, times = 300, 8, np.array([2.0, 6.0])
    runs = train(
        START, N, 6 * N, activation=activation, normalization="batch", learning_rate=1.0, batch_size=M,
        replicas=10, record_every=2 * N, rng=np.random.default_rng(8),
    )[:, [1, 3]]  # fmt: skip
    theory = batch_flow(
        START, times, activation=activation, learning_rate=1.0, batch_size=M, batches=4000, rng=np.random.default_rng(1)
    )
    error = runs.std(axis=0, ddof=1) / math.sqrt(10)
    gap = np.maximum(abs(runs.mean(axis=0) - theory) - 3 * error, 0.0)
    measure("own-batch-flow", gap.max(), 0.02)


@pytest.mark.parametrize("M, gain", [(4, 0.8212129075), (8, 0.9087123348), (32, 0.9769653736)])
def test_relu_gain(M, gain):
    assert abs(batch_fixed_gain("relu", M) - gain) < 1e-9


@pytest.mark.parametrize("activation", ["relu", "erf", "identity"])
@pytest.mark.parametrize("M", [3, 8, 40])
def test_gain_rests_there_in_a_large_sample(activation, M):
    """<mean(delta z)> = 0 over 100 000 batches, within 4 standard errors."""
    g, slope = activation_and_slope(activation)
    a = np.random.default_rng(M).standard_normal((100_000 if M < 40 else 20_000, M))
    z = (a - a.mean(axis=1, keepdims=True)) / a.std(axis=1, keepdims=True)
    h = batch_fixed_gain(activation, M) * z
    along = (slope(h) * (g(a) - g(h)) * z).mean(axis=1)
    assert abs(along.mean()) < 4 * along.std() / math.sqrt(len(a))


def test_gain_tends_to_one_as_one_over_m(measure):
    """Identity 3/4, ReLU 3/4 as well: M (1 - gain) at M = 1024, corrections O(1/M)."""
    assert abs(1024 * (1 - batch_fixed_gain("identity", 1024)) - 0.75) < 0.01
    assert abs(1024 * (1 - batch_fixed_gain("relu", 1024)) - 0.75) < 0.01
    surrogate, _ = fixed_point("relu", zeta=3 / 32, normalization="batch")  # zeta = 3/4M at M = 8
    measure("own-true-gain", abs(batch_fixed_gain("relu", 8) - surrogate), 0.08)
    for M, percent in ((8, 7.3), (32, 2.2)):  # the numbers of chapter 7
        surrogate, _ = fixed_point("relu", zeta=3 / (4 * M), normalization="batch")
        assert abs(100 * (1 - surrogate / batch_fixed_gain("relu", M)) - percent) < 0.1


def test_identity_comes_to_rest_and_the_surrogate_creeps():
    """Noiseless identity: no noise is left at R = 1, so that L stops."""
    L = batch_flow(START, [1e2, 1e4], activation="identity", learning_rate=1.0, batch_size=8)[:, 2]
    assert L[1] - L[0] < 1e-8
    relu = batch_flow(
        START, [1e2, 1e4], activation="relu", learning_rate=1.0, batch_size=8, rng=np.random.default_rng(1), batches=500
    )[:, 2]
    assert relu[1] > 1.5 * relu[0]


@pytest.mark.parametrize("changes, name", [
    ({"batch_size": 3}, "batch_size"), ({"activation": "tanh"}, "activation"), ({"rng": None}, "rng"),
    ({"batches": 1}, "batches"), ({"learning_rate": -1}, "learning_rate"), ({"start": (1, -2, 1)}, "R in start"),
])  # fmt: skip
def test_bad_input_is_named(changes, name):
    arguments = {
        "start": START, "times": [1.0], "activation": "relu", "learning_rate": 1.0, "batch_size": 8, "batches": 100,
        "rng": np.random.default_rng(0),
    } | changes  # fmt: skip
    with pytest.raises(ValueError, match=f"^{name} must"):
        batch_flow(**arguments)
    with pytest.raises(ValueError, match="batch_size must"):
        batch_fixed_gain("relu", 2)
