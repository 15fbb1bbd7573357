"""Evidence for chapter 14: the recorded experiments on starts, concentration, noise and margins."""

import numpy as np
import pytest

from bnlib.book.records import load
from bnlib.classifier import crossed_units, paired_difference, random_network, split
from bnlib.partition.concentration import detection_probability, half_detection_distance
from tests.classifier.test_experiments import CLEAN, WRONG, accuracy, doubt, loss, surely_above

RATES = (0.003, 0.01)


def shares(start, centres):
    """Shares (radii, seeds)."""
    return np.array(load("classifier_concentration")["data"][f"{start} | {centres}"])


def test_concentration(measure):
    near, far = shares("batch statistics", "images")[:5], shares("batch statistics", "random")[:5]
    others = [shares(start, "images")[:5] for start in ("zero bias", "random bias")]
    pairs = [(near[k], other[k]) for other in (far, *others) for k in range(5)]
    surely_above(measure, "B22-fig4", *pairs)


def test_two_moments_are_enough(measure):
    near, like = (shares("batch statistics", centres)[:5].mean(1) for centres in ("images", "random, same covariance"))
    added = near - shares("zero bias", "images")[:5].mean(1)
    measure("own-covariance", np.abs((near - like) / added).max(), 0.1)


def test_concentration_again_by_the_gradient():
    """Another road, one other seed: the first layer's units are met within r where |h| <= r |w|, a distance.

    Sampled directions miss thin caps, so the sampled share is below; both are larger with the data's statistics.
    """
    images, rng = split("digits", 600, 1, test=100, first_seed=77), np.random.default_rng(5)
    exact, sampled = [], []
    for start in ("none", "frozen"):
        network = random_network([64, 128, 10], 1, np.random.default_rng(6), normalization=start, x=images.x)
        lengths = np.sqrt((network.folded().weights[0] ** 2).sum(1))
        distance = np.abs(network.preactivations(images.test_x)[0][0]) / lengths
        exact.append([(distance < radius).mean() for radius in (0.25, 1.0)])
        sampled.append(crossed_units(network, images.test_x, 1.0, 32, rng)[0, 0])
    assert exact[1][0] > 1.3 * exact[0][0] and sampled[1] > 1.3 * sampled[0]
    assert sampled[0] < exact[0][1] and sampled[1] < exact[1][1]


def test_directions_see_a_part_of_the_radius():
    """What 32 directions meet at r = 1, by the law of a cap: half at a quarter of r, and little beyond.

    The law is for points of a ball; those of a sphere are, in one coordinate, as in a ball of two dimensions less.
    """
    images = split("digits", 600, 1, test=100, first_seed=78)
    network = random_network([64, 128, 10], 1, np.random.default_rng(7), normalization="frozen", x=images.x)
    lengths = np.sqrt((network.folded().weights[0] ** 2).sum(1))
    distance = np.minimum(np.abs(network.preactivations(images.test_x)[0][0]) / lengths, 1)
    expected = detection_probability(distance, 62, 32).mean()
    found = [crossed_units(network, images.test_x, 1.0, 32, np.random.default_rng([8, k]))[0, 0] for k in range(8)]
    error = np.std(found, ddof=1) / 8**0.5
    assert abs(np.mean(found) - expected) < 4 * error < 0.01  # eight draws of all directions: four standard errors
    assert abs(half_detection_distance(62, 32) - 0.25) < 0.01
    assert expected < 0.4 < 0.8 < (distance < 1).mean()


def starts(weights, rate, arm, when="first"):
    return 100 * np.array(load("classifier_start")["data"][f"{weights} {rate} {arm}"][when])


def test_held_statistics(measure):
    pairs = [
        (starts(weights, rate, "batch statistics"), starts(weights, rate, "zero bias"))
        for weights in ("he", "uniform-variance")
        for rate in RATES
    ]
    surely_above(measure, "B22-fig5", *pairs)
    # it breaks at 0.1, is not better at the end, and much of it is the deviation's alone
    assert (
        starts("he", 0.1, "batch statistics", "last").mean()
        < 20
        < 90
        < starts("he", 0.1, "live batch normalization", "last").mean()
    )
    for rate in RATES:
        assert 0 < doubt(starts("he", rate, "zero bias", "last"), starts("he", rate, "batch statistics", "last")) < 1
    for weights in ("he", "uniform-variance"):
        assert 0 < doubt(starts(weights, 0.01, "deviation only"), starts(weights, 0.01, "zero bias")) < 1
        assert not 0 < doubt(starts(weights, 0.01, "mean only"), starts(weights, 0.01, "zero bias")) < 1


def test_gain_and_shift(measure):
    data = load("classifier_affine")["data"]
    gaps = []
    for name in (CLEAN, "fashion"):
        mean, error = paired_difference(accuracy(data[f"{name} learned"]), accuracy(data[f"{name} held"]))
        gaps.append(100 * (abs(mean) + 2 * error))
    measure("B22-table1", max(gaps), 0.6)
    for name in (CLEAN, WRONG, "fashion"):
        assert 0 < doubt(loss(data[f"{name} learned"]), loss(data[f"{name} held"])) < 1
    assert 0 < doubt(accuracy(data[f"{WRONG} held"]), accuracy(data[f"{WRONG} learned"])) < 1


def test_added_noise(measure):
    data = load("classifier_noise")["data"]
    quiet = {name: data[f"{name} 0"] for name in (CLEAN, WRONG, "fashion")}
    pairs = [(loss(quiet["fashion"]), loss(data[f"fashion {strength}"])) for strength in (2, 3, 4)]
    surely_above(measure, "B22-noise", *pairs)
    for name, strength in [(name, strength) for name in quiet for strength in (1, 2)]:
        assert not 0 < doubt(accuracy(data[f"{name} {strength}"]), accuracy(quiet[name])) < 1


def margins(labels, rows, which):
    return np.array(load("classifier_boundary")["data"]["margins"][f"{labels} {rows}"][which])


def test_margins_with_the_noise_of_descent_kept(measure):
    pairs = [
        (margins(CLEAN, "M=32", which), margins(CLEAN, "all rows", which)) for which in ("median", "closest tenth")
    ]
    surely_above(measure, "own-margins-images", *pairs)
    assert 0 < doubt(margins(CLEAN, "all rows", "median"), margins(CLEAN, "M=8", "median")) < 1
    for rows in ("M=8", "M=32"):  # with wrong labels the images that are nearest come nearer
        closest = [margins(WRONG, arm, "closest tenth") for arm in ("all rows", rows)]
        assert 0 < doubt(*closest) < 1


@pytest.mark.parametrize("state, slope", [("untrained", -0.5), ("trained", -0.5)])
def test_jitter_falls_with_the_batch(state, slope):
    """Between 4 and 64 rows: at least as fast as the root, within 0.1 for untrained networks with clean labels."""
    data = load("classifier_boundary")
    shares = np.array(data["data"]["jitter"][f"{CLEAN} {state}"]).mean(1)[:5]
    found = np.polyfit(np.log(data["config"]["drawn"][:5]), np.log(shares), 1)[0]
    assert found < slope + 0.01 and (state == "trained" or found > slope - 0.1)
