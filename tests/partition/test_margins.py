"""Networks on the moons: exact margins by another road, what the records hold, and flips against their law."""

import numpy as np
import pytest

from bnlib.book.figures import find
from bnlib.book.records import load
from bnlib.book.records.partition_networks import MOONS, margin_quantiles, restored, stored
from bnlib.partition import jitter, shapes, training
from bnlib.partition.margins import SQUARE, boundaries_by_batch, margins


def small_classifier():
    rng = np.random.default_rng(0)
    points, labels = shapes.moons(60, 0.2, rng)
    start = training.random_classifier([8, 8], rng)
    trained, _ = training.train(start, points, labels, 150, batch_size=20, rng=rng)
    return trained, points, labels


def test_distance_to_the_boundary_by_shooting_rays():
    """720 rays from 12 points in steps of 0.004: a ray misses the nearest place by a quarter of a degree at most."""
    trained, points, labels = small_classifier()
    net = trained.network(points)
    angles = np.arange(720) * np.pi / 360
    rays = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    reach = np.arange(0, 1.2, 0.004)
    for point, exact in zip(points[:12], np.abs(margins(net, points, labels))):
        logits = net.forward(point + reach[:, None, None] * rays)[..., 0]
        changed = (np.sign(logits) != np.sign(logits[0])).any(axis=1)
        shot = reach[np.argmax(changed)] if changed.any() else np.inf
        assert exact - 1e-9 <= shot <= exact * (1 + 1e-3) + 0.005


def test_boundaries_by_batch_are_zeros_of_the_logits():
    """The ends and middles of all segments: a logit of round-off size, with the statistics of that batch."""
    trained, points, _ = small_classifier()
    batches = jitter.draw_batches(len(points), 12, 5, np.random.default_rng(1))
    found = boundaries_by_batch(trained.network(points), points, batches, 4 * SQUARE)
    for batch, segments in zip(batches, found):
        on_it = np.concatenate([segments[:, 0], segments[:, 1], segments.mean(axis=1)])
        assert len(segments) and np.abs(trained.logits(on_it, points[batch])).max() < 1e-9
    assert not np.array_equal(found[0], found[1])


@pytest.mark.parametrize("call, named", [
    (lambda net, x: margins(net, x, np.zeros(60)), r"labels must be \+1 or -1"),
    (lambda net, x: margins(net.up_to(1), x, np.ones(60)), "network must end in a linear layer of one unit"),
    (lambda net, x: margins(net, x, np.ones(60), reach=0.0), "reach must be a finite number > 0"),
])  # fmt: skip
def test_bad_input_is_named(call, named):
    trained, points, _ = small_classifier()
    with pytest.raises(ValueError, match=named):
        call(trained.network(points), points)


def test_margin_quantiles_have_the_sign_of_the_answer():
    trained, points, labels = small_classifier()
    right = margin_quantiles(trained, points, labels, np.linspace(0, 1, 21))
    wrong = margin_quantiles(trained, points, -labels, np.linspace(0, 1, 21))
    np.testing.assert_allclose(right, -wrong[::-1], rtol=1e-12)
    assert (right > 0).mean() > 0.8


def test_stored_classifiers_come_back():
    trained, points, _ = small_classifier()
    again = restored(stored(trained))
    np.testing.assert_allclose(again.logits(points), trained.logits(points), rtol=1e-3, atol=1e-4)  # six digits kept


def test_the_record_of_the_moons():
    """Data and start are drawn again; the trained networks have learned, but for the smallest batches."""
    record = load("partition_moons")
    rng = np.random.default_rng(record["config"]["seed"])
    points, labels = shapes.moons(MOONS["points"], MOONS["noise"], rng)
    start = training.random_classifier(MOONS["widths"], rng)
    data = record["data"]
    np.testing.assert_allclose(data["points"], points, atol=1e-5)
    np.testing.assert_allclose(restored(data["initial"]).weights[1], start.weights[1], atol=1e-5)
    for B in (16, 64, 256):
        assert np.mean(np.sign(restored(data[str(B)]).logits(points)) == labels) > 0.97
    assert np.mean(np.sign(restored(data["4"]).logits(points)) == labels) < 0.9


@pytest.mark.parametrize("trained_with", [16, 256])
def test_what_figure_6_shows(trained_with, measure):
    """Boundaries move less with larger batches, and the share of flips falls about as 1 / sqrt(B) or faster."""
    figure = find("boundary-jitter")
    shares = []
    for B in (16, 256):
        stages = figure.result(batch_size=B, trained_with=trained_with)["stages"]
        shares.append([stages[stage]["flips"] for stage in ("initial", "learned")])
    small, large = np.array(shares)
    assert (small > 0.03).all() and (large < small / 2).all()
    measure("B22-fig6", float((large / small).max()), 0.5)


def test_flips_under_batches_of_four_as_the_chapter_says():
    """Before training, trained with 16 and with 256: one network each, a hint and no more."""
    figure = find("boundary-jitter")
    small, large = (figure.result(batch_size=4, trained_with=B)["stages"] for B in (16, 256))
    flips = [stage["flips"] for stage in (small["initial"], small["learned"], large["learned"])]
    np.testing.assert_allclose(flips, [0.164, 0.159, 0.208], atol=0.0006)


def test_flips_follow_the_law_in_layer_1_and_exceed_it_below(measure):
    """1 920 pairs of point and unit, 120 batches each: the share is known to about 0.001; projections are only nearly
    Gaussian and 400 points stand for all."""
    figure = find("flip-law")
    gaps = []
    for B in (8, 16, 32, 64):
        shares, laws = (figure.result(batch_size=B)[part] for part in ("by_depth", "laws"))
        gaps.append(abs(shares[0] - laws[0]))
        assert (np.diff(shares) > 0).all() and shares[-1] > 2 * shares[0]
    deep = figure.result(batch_size=16, depth=5)
    assert 2.5 < deep["all"] / deep["laws"][4] < 3.5
    measure("own-flips", max(gaps), 0.01)


def test_what_the_margins_say(measure):
    """Paired differences over the seeds in standard errors: medians 5 or more, the closest tenth only at B = 32."""
    record = load("partition_margins")["data"]
    arms = {key: np.array(rows) for key, rows in record["arms"].items()}
    z, ahead = {}, {}
    for B in (8, 32):
        difference = arms[f"{B} batch"] - arms[f"{B} data"]
        ahead[B] = int(np.sum(difference[:, 0] > 0))
        z[B] = difference.mean(axis=0) / (difference.std(axis=0, ddof=1) / np.sqrt(len(difference)))
    median, closest, accuracy = range(3)
    assert z[8][median] > 5 and z[32][median] > 5 and z[32][closest] > 5
    assert abs(z[8][closest]) < 2.5 and abs(z[8][accuracy]) < 2.5 and z[32][accuracy] > 5
    assert len(difference) == 48 and ahead == {8: 48, 32: 46}
    measure("B22-margin", float(abs(z[8][closest])), 2.5)
