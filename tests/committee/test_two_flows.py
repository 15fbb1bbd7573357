"""Two gradients, two flows: each is followed by its own runs, and each keeps a quantity of its own."""

import numpy as np
import pytest

from bnlib.committee import OrderParameters, flow, train_overlaps
from tests.committee.printed import largest

UNEVEN = {"Q": np.diag([0.9, 1.1]), "R": [[0.15, 0.05], [0.0, 0.1]], "T": np.eye(2)}
OTHER = {"batch": "batch-stop-gradient", "batch-stop-gradient": "batch"}
NAMES = {"batch-stop-gradient": "T19-fig2", "batch": "own-flow-of-the-whole-gradient"}


@pytest.mark.parametrize("normalization", OTHER)
def test_each_gradient_follows_its_own_flow(normalization, measure):
    """T19's setting (eta = 1, N = b = 100, K = M = 2), 40 runs to t = 10: this flow and not the other."""
    start = OrderParameters(**UNEVEN, gain=[1.2, 0.7])
    run = train_overlaps(
        start,
        100,
        1000,
        replicas=40,
        normalization=normalization,
        batch_size=100,
        center=False,
        record_every=50,
        rng=np.random.default_rng(1),
    )

    def gap(other):
        theory = flow(start, run.times, normalization=other, batch_size=100)
        return largest(
            abs(getattr(run, name).mean(axis=0) - getattr(theory, name)).max() for name in ("Q", "R", "gain", "error")
        )

    assert gap(OTHER[normalization]) > 0.1
    measure(NAMES[normalization], gap(normalization), 0.01)


@pytest.mark.parametrize(
    "normalization, claim, kept",
    [
        ("batch", "own-length-kept", lambda Q, gain: Q),
        ("batch-stop-gradient", "own-difference-kept", lambda Q, gain: Q - gain**2),
    ],
    ids=["length", "difference"],
)
def test_what_each_gradient_keeps(normalization, claim, kept, measure):
    start = OrderParameters(**UNEVEN, gain=[1.2, 0.7])
    run = flow(start, np.linspace(0, 50, 51), normalization=normalization, input_variance=1.7)
    lengths = np.diagonal(run.Q, axis1=1, axis2=2)
    constant = kept(lengths, run.gain)
    other = lengths - run.gain**2 if normalization == "batch" else lengths
    assert abs(other - other[0]).max() > 0.01
    measure(claim, abs(constant - constant[0]).max(), 1e-6)


def test_stopped_gradient_is_plain_descent_in_disguise(measure):
    """tau = 1 and g^2 = Q: then h_i = x_i, and Q_ii - g_i^2 = 0 keeps it so."""
    times = np.linspace(0, 50, 51)
    normalized = flow(OrderParameters(**UNEVEN, gain=np.sqrt([0.9, 1.1])), times, normalization="batch-stop-gradient")
    plain = flow(OrderParameters(**UNEVEN), times, normalization="none")
    measure(
        "own-plain-in-disguise",
        largest(abs(getattr(normalized, name) - getattr(plain, name)).max() for name in "QR"),
        1e-6,
    )
