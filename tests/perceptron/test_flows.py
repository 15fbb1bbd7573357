"""The flows: two integrators, descent itself at N = 1000, and laws for long times."""

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from bnlib.perceptron import creeping_length, fixed_point, flow, plain_flow, train, train_overlaps
from bnlib.perceptron.averages import FORMS, I123

ACTIVATIONS = ("relu", "erf", "identity")
START = (0.7, 0.3, 1.0)


def written_out(t, state, activation, eta, zeta):
    """L19 eq (6), term by term as printed."""
    gamma, R, L = state
    I1, I2, I3 = FORMS[activation](gamma, min(R, 1.0))
    return [
        eta * (I1 / gamma - zeta * gamma),
        eta * gamma / L**2 * I3 - eta * R / L**2 * I1 - eta**2 * gamma**2 * R / (2 * L**4) * I2,
        eta**2 * gamma**2 / (2 * L**3) * I2,
    ]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("zeta", [0.0, 0.1])
def test_two_solvers_agree(activation, zeta):
    """LSODA and an explicit method of order 8, both asked for 1e-10 and better: 1e-8 leaves room for the sum."""
    times = [0.0, 0.5, 3.0, 30.0]
    other = solve_ivp(
        written_out, (0, 30), START, "DOP853", times, args=(activation, 1.5, zeta), rtol=1e-12, atol=1e-13
    )
    assert abs(flow(START, times, activation=activation, learning_rate=1.5, zeta=zeta) - other.y.T).max() < 1e-8


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_two_solvers_agree_without_normalization(activation):
    def derivative(t, state):
        Q, R = state
        I1, I2, I3 = FORMS[activation](Q, min(R, 1.0))
        return [I1 / Q + I2 / (2 * Q), I3 / Q - R * I1 / Q**2 - R * I2 / (2 * Q**2)]

    times = [0.0, 0.5, 3.0, 30.0]
    other = solve_ivp(derivative, (0, 30), START[:2], "DOP853", times, rtol=1e-12, atol=1e-13)
    assert abs(plain_flow(START[:2], times, activation=activation, learning_rate=1.0) - other.y.T).max() < 1e-8


def distance(runs, theory, N):
    """Largest distance in standard errors; 2/N in quadrature for the bias that the limit neglects."""
    runs = np.asarray(runs)
    error = runs.std(axis=0, ddof=1) / math.sqrt(len(runs))
    return (abs(runs.mean(axis=0) - theory) / np.sqrt(error**2 + (2 / N) ** 2)).max()


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("normalization, zeta", [("weight", 0.1), ("none", 0.0)])
def test_descent_at_1000_inputs_follows_the_flow(activation, normalization, zeta, measure):
    """Twelve runs to t = 6; nine numbers or so are compared, so that 4 standard errors are rarely passed by chance."""
    N, times = 1000, np.array([1.0, 3.0, 6.0])
    start = START if normalization == "weight" else START[:2]
    rng = np.random.default_rng(11)
    runs = [
        train_overlaps(start, N, 6 * N, activation=activation, normalization=normalization, learning_rate=1.2,
                       zeta=zeta, record_every=N, rng=rng)[[1, 3, 6]]
        for _ in range(12)
    ]  # fmt: skip
    if normalization == "weight":
        theory = flow(start, times, activation=activation, learning_rate=1.2, zeta=zeta)
    else:
        theory = plain_flow(start, times, activation=activation, learning_rate=1.2)
    measure("L19-eq6", distance(runs, theory, N), 4)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("normalization", ["weight", "none"])
def test_overlaps_alone_have_the_law_of_the_weights(activation, normalization):
    """At N = 20 the limit is far off; means and variances of 400 and 400 runs agree within 4.2 standard errors."""
    start = (0.8, 0.4, 1.2) if normalization == "weight" else (0.8, 0.4)
    options = {"activation": activation, "normalization": normalization, "learning_rate": 0.8}
    rng = np.random.default_rng(5)
    weights = train(start, 20, 60, replicas=400, record_every=60, rng=rng, **options)[:, 1]
    alone = np.array([train_overlaps(start, 20, 60, record_every=60, rng=rng, **options)[1] for _ in range(400)])
    for one, two in ((weights, alone), ((weights - weights.mean(0)) ** 2, (alone - alone.mean(0)) ** 2)):
        error = np.sqrt((one.var(axis=0) + two.var(axis=0)) / 400)
        assert (abs(one.mean(axis=0) - two.mean(axis=0)) / error).max() < 4.2


def test_gain_as_printed_walks_at_random(measure):
    """(5) without the 1/N in the step of gamma: a walk in steps, not a flow in time, at any N.

    Every run changes its sign, at about 0.11 of the steps whatever N is (some 1000 and 16 000 changes are counted, in
    runs that are alike, so that 15 % is ample); with the 1/N no run does.
    """
    changes = []
    for N, count in ((100, 5), (1000, 8)):
        rng = np.random.default_rng(3)
        for literal in (True, False):
            runs = np.array([
                train_overlaps((0.7, 0.3, 1.0), N, 20 * N, activation="relu", normalization="weight", learning_rate=1.0,
                               literal_gain=literal, rng=rng)[5 * N :, 0] for _ in range(count)
            ])  # fmt: skip
            rates = np.mean(np.diff(np.sign(runs), axis=1) != 0, axis=1)
            assert (rates > 0.05).all() if literal else (rates == 0).all()
            if literal:
                changes.append(rates.mean())
                assert runs.std() > 1
    assert abs(changes[1] - 0.11) < 0.01
    measure("L19-eq5", abs(changes[1] / changes[0] - 1), 0.15)


@pytest.mark.parametrize("eta", [0.5, 2.0])
def test_length_creeps_under_gamma_decay(eta, measure):
    """L ~ (2 eta^2 gamma0^2 I2 t)^(1/4) and, for ReLU, 1 - R ~ (1 - gamma0) / (4 sqrt t); corrections are O(t^-1/2)."""
    time, zeta = 1e6, 0.25
    gamma, R, L = flow(START, [time], activation="relu", learning_rate=eta, zeta=zeta)[0]
    law = creeping_length("relu", time, learning_rate=eta, zeta=zeta)
    gamma0, _ = fixed_point("relu", zeta=zeta, normalization="batch")
    assert abs(gamma / gamma0 - 1) < 0.01
    assert abs(4 * math.sqrt(time) * (1 - R) / (1 - gamma0) - 1) < 0.02
    measure("L19-table1-fixed-points", abs(L / law - 1), 0.005)


def test_effective_rate_of_the_creep_does_not_depend_on_the_learning_rate():
    rates = []
    for eta in (0.5, 1.0, 4.0):
        gamma, _, L = flow(START, [1e6], activation="relu", learning_rate=eta, zeta=0.25)[0]
        rates.append(eta * gamma / L**2)
    assert max(rates) / min(rates) - 1 < 0.005
    assert abs(rates[0] * math.sqrt(2e6 * I123(2 / 3, 1.0, "relu")[1]) - 1) < 0.005


def test_without_decay_the_length_comes_to_rest():
    L = flow(START, [1e3, 1e6], activation="relu", learning_rate=1.0)[:, 2]
    assert L[1] - L[0] < 1e-6 and L[0] > 1.05


def test_weight_normalization_never_runs_away(measure):
    """Far beyond eta_max = 2, L grows until eta / L^2 is below it; the start decides where it stops."""
    ends = []
    for eta in (1, 3, 10, 30):
        gamma, R, L = flow(START, [1e4], activation="relu", learning_rate=eta)[0]
        assert abs(gamma - 1) < 1e-3 and 1 - R < 1e-3
        ends.append(eta / L**2)
    measure("own-no-runaway", max(ends), 2)


def test_times_may_start_late_and_repeat():
    path = flow(START, [1.0, 1.0, 2.0], activation="relu", learning_rate=1.0)
    assert (path[0] == path[1]).all() and (path[2] != path[1]).any()
    assert (flow(START, [0.0], activation="relu", learning_rate=1.0) == START).all()
    assert (plain_flow(START[:2], [0.0], activation="relu", learning_rate=1.0) == START[:2]).all()


@pytest.mark.parametrize("changes, name", [
    ({"start": (0.7, 1.3, 1.0)}, "R in start"), ({"start": (0.7, 0.3, 0.0)}, "L in start"),
    ({"start": (-0.7, 0.3, 1.0)}, "gamma in start"), ({"start": (0.7, 0.3)}, "start"), ({"zeta": -0.1}, "zeta"),
    ({"learning_rate": 0.0}, "learning_rate"), ({"times": [2.0, 1.0]}, "times"), ({"activation": "gelu"}, "activation"),
    ({"batch_size": 0}, "batch_size"), ({"zeta": "much"}, "zeta"), ({"zeta": math.inf}, "zeta"),
])  # fmt: skip
def test_bad_input_is_named(changes, name):
    arguments = {"start": START, "times": [0.0, 1.0], "activation": "relu", "learning_rate": 1.0} | changes
    with pytest.raises(ValueError, match=f"^{name} must"):
        flow(arguments.pop("start"), arguments.pop("times"), **arguments)


@pytest.mark.parametrize("changes, name", [
    ({"dimension": 1}, "dimension"), ({"steps": 0}, "steps"), ({"rng": 3}, "rng"),
    ({"normalization": "layer"}, "normalization"),
    ({"normalization": "none", "start": (1, 0), "zeta": 0.1}, "zeta"), ({"record_every": 0}, "record_every"),
])  # fmt: skip
def test_bad_training_is_named(changes, name):
    arguments = {
        "start": START, "dimension": 10, "steps": 5, "activation": "relu", "normalization": "weight",
        "learning_rate": 1.0, "rng": np.random.default_rng(0),
    } | changes  # fmt: skip
    for function in (train, train_overlaps):
        with pytest.raises(ValueError, match=f"^{name}"):
            function(**arguments)
