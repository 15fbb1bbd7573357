"""Shapes have equal steps; gradients of the small classifier by finite differences; training does what it says."""

import numpy as np
import pytest

from bnlib.partition import shapes, training


@pytest.mark.parametrize("name", shapes.SHAPES)
def test_shapes_are_where_they_should_be(name):
    points = shapes.shape(name, 50)
    assert points.shape == (50, 2) and np.abs(points).max() <= 1.0 + 1e-12
    np.testing.assert_allclose(shapes.shape(name, 50, (3.0, -1.0)), points + [3.0, -1.0], atol=1e-12)
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    if name in ("ring", "spiral"):  # a chord is shorter than its arc by a relative (step / radius)^2 / 24
        assert np.ptp(steps[10:]) < 0.02 * steps.mean()


def test_star_and_ring_have_their_mean_at_the_middle():
    for name in ("star", "ring"):
        np.testing.assert_allclose(shapes.shape(name, 50).mean(axis=0), 0, atol=1e-12)


def test_moons_reach_into_each_other_and_have_labels():
    points, labels = shapes.moons(200, 0.1, np.random.default_rng(0))
    assert (labels == 1).sum() == 100
    assert points[labels == 1, 1].mean() > points[labels == -1, 1].mean()
    assert points[labels == 1, 0].max() > points[labels == -1, 0].min()


@pytest.mark.parametrize("counted", [None, np.array([1, 4, 5])])
@pytest.mark.parametrize("slope", [0.0, 0.1])
def test_gradient_by_finite_differences(slope, counted):
    """Central differences of 1e-6: relative errors of 1e-7 at most, if no unit changes its sign on the way."""
    rng = np.random.default_rng(2)
    points, labels = rng.standard_normal((9, 2)), rng.choice([-1.0, 1.0], 9)
    start = training.random_classifier([5, 4], rng, slope=slope)
    _, (weights, row, bias) = training.loss_and_gradient(start, points, labels, counted)

    def loss(classifier):
        return training.loss_and_gradient(classifier, points, labels, counted)[0]

    for layer, gradient in enumerate(weights):
        for index in np.ndindex(gradient.shape):
            sides = []
            for sign in (1, -1):
                moved = [w.copy() for w in start.weights]
                moved[layer][index] += sign * 1e-6
                sides.append(loss(training.Classifier(tuple(moved), start.row, start.bias, slope)))
            assert gradient[index] == pytest.approx((sides[0] - sides[1]) / 2e-6, rel=1e-5, abs=1e-8)
    for k in range(4):
        kick = 1e-6 * np.eye(4)[k]
        sides = [loss(training.Classifier(start.weights, start.row + s * kick, start.bias, slope)) for s in (1, -1)]
        assert row[k] == pytest.approx((sides[0] - sides[1]) / 2e-6, rel=1e-5, abs=1e-8)
    sides = [loss(training.Classifier(start.weights, start.row, start.bias + s * 1e-6, slope)) for s in (1, -1)]
    assert bias == pytest.approx((sides[0] - sides[1]) / 2e-6, rel=1e-5, abs=1e-8)


def test_logits_are_the_networks():
    rng = np.random.default_rng(3)
    points, labels = rng.standard_normal((20, 2)), rng.choice([-1.0, 1.0], 20)
    classifier = training.random_classifier([6, 6], rng)
    logits = classifier.logits(points)
    loss = training.loss_and_gradient(classifier, points, labels)[0]
    assert np.mean(np.logaddexp(0, -labels * logits)) == pytest.approx(loss, rel=1e-12)
    assert classifier.logits(points[:3], statistics_of=points) == pytest.approx(logits[:3], rel=1e-12)


@pytest.mark.parametrize("statistics", training.STATISTICS)
def test_training_learns_the_moons(statistics):
    rng = np.random.default_rng(4)
    points, labels = shapes.moons(128, 0.1, rng)
    start = training.random_classifier([16, 16], rng)
    trained, losses = training.train(start, points, labels, 200, batch_size=32, statistics=statistics, rng=rng)
    assert losses[-20:].mean() < 0.25 * losses[:5].mean()
    assert np.mean(np.sign(trained.logits(points)) == labels) > 0.95


def test_scaling_a_row_of_weights_changes_nothing():
    rng = np.random.default_rng(5)
    points = rng.standard_normal((20, 2))
    one = training.random_classifier([6, 6], rng)
    scaled = training.Classifier((one.weights[0] * 3.0, one.weights[1]), one.row, one.bias)
    np.testing.assert_allclose(scaled.logits(points), one.logits(points), rtol=1e-10)


@pytest.mark.parametrize("call, named", [
    (lambda rng: shapes.shape("square", 10), "name must be one of 'star'"),
    (lambda rng: shapes.shape("star", 1), "count must be a whole number >= 2"),
    (lambda rng: shapes.moons(10, -0.1, rng), "noise must be finite and >= 0"),
    (lambda rng: training.train(training.random_classifier([3], rng), np.eye(2), [0, 1], 5, batch_size=2, rng=rng),
     "labels must be"),
    (lambda rng: training.train(training.random_classifier([3], rng), np.eye(2), [-1, 1], 5, batch_size=3, rng=rng),
     "batch_size must be at most the 2 points; got 3"),
    (lambda rng: training.train(
        training.random_classifier([3], rng), np.eye(2), [-1, 1], 5, batch_size=2, statistics="both", rng=rng
    ), "statistics must be one of 'batch', 'data'"),
])  # fmt: skip
def test_bad_input_is_named(call, named):
    with pytest.raises(ValueError, match=named):
        call(np.random.default_rng(0))
