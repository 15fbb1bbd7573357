"""Exercises of chapter 11, focus: a bound that no unit breaks, cones, and how density grows with depth."""

import itertools

import numpy as np

from bnlib.book.exercise import Check, Exercise, Mistake, close

# ---- 11.1: how far from the data may a normalized unit stay?
PAIR = np.array([[0.0, 0.0], [3.0, 4.0]])
HOOK = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0], [4.0, 2.0], [4.0, 2.5]])  # edges 1, 2, 3, 0.5 of its tree
CLOUD = np.random.default_rng(3).standard_normal((8, 3))


def _widest_split(points):
    """The largest, over all ways to split the points in two, of the smallest distance between the parts."""
    between = np.linalg.norm(points[:, None] - points, axis=2)
    sides = (np.array((True, *rest)) for rest in itertools.product((True, False), repeat=len(points) - 1))
    return max(between[np.ix_(side, ~side)].min() for side in sides if not side.all())


def _is(bound, value, points=HOOK):
    return close(bound(points), value)


BOUND = Exercise(
    name="partition-11-1",
    title="A bound that no unit breaks",
    ask="points has shape (N, D). A unit with batch statistics of these points, sigma > 0 and shift 0, has points on "
    "both sides of its boundary. Prove that its boundary comes within half the longest edge of the points' minimum "
    "spanning tree of some point, and write bound(points), that half.",
    arguments=lambda: (HOOK,),
    shape=(),
    hints=(
        "The tree joins all points. If some are above and some below, one of its edges must join the two sides.",
        "A boundary that crosses an edge of length e is within e / 2 of one of its ends. Which edge it is you do not "
        "know, so take the longest.",
        "Grow the tree from one point: add, again and again, the point nearest to the tree, and remember the largest "
        "of these distances.",
    ),
    checks=(
        Check("two points give half their distance", lambda bound: _is(bound, 2.5, PAIR)),
        Check("on a chain with edges 1, 2, 3 and 0.5 it is 1.5", lambda bound: _is(bound, 1.5)),
        Check(
            "eight points in space agree with all 127 ways to split them",
            lambda bound: close(2 * bound(CLOUD), _widest_split(CLOUD)),
        ),
        Check("moving and mirroring the points changes nothing", lambda bound: _is(bound, 1.5, 7.0 - HOOK)),
        Check("twice as large is twice as far", lambda bound: close(bound(2 * CLOUD), 2 * bound(CLOUD))),
        Check("a point that is there twice counts once", lambda bound: _is(bound, 1.5, np.vstack([HOOK, HOOK]))),
    ),
    mistakes=(
        Mistake(
            "not halved", lambda bound: _is(bound, 3.0), "The nearer of the two ends is at most half the edge away."
        ),
        Mistake(
            "the whole tree",
            lambda bound: _is(bound, 3.25),
            "That is half the length of the whole tree: one edge counts.",
        ),
        Mistake(
            "the farthest pair",
            lambda bound: _is(bound, 0.5 * np.hypot(4, 2.5)),
            "That is half the largest distance of any two points, which is a bound too, but far from the best.",
        ),
        Mistake(
            "nearest neighbours",
            lambda bound: _is(bound, 1.0),
            "Nearest neighbours may form islands far apart. What is the longest step that a walk through all points "
            "cannot avoid?",
        ),
    ),
)

# ---- 11.2: layer normalization is a network without bias.
WEIGHT = np.array([[1.0, 0.5], [2.0, -1.0], [0.3, 2.0], [-1.0, 0.2]])


def _signs_agree(weights_for, seed=0, units=6, inputs=3):
    rng = np.random.default_rng(seed)
    weight, points = rng.standard_normal((units, inputs)) + 0.5, rng.standard_normal((400, inputs))
    own = weights_for(weight)
    u = points @ weight.T
    normed = (u - u.mean(axis=1, keepdims=True)) / u.std(axis=1, keepdims=True)
    return bool(own.shape == weight.shape and ((points @ own.T > 0) == (normed > 0)).all())


CONE = Exercise(
    name="partition-11-2",
    title="The cone of layer normalization",
    ask="A layer with weights W of shape (n, d), without biases, is followed by layer normalization: each sample's "
    "pre-activations are centred and scaled by the mean and the deviation over the n units. Write weights(W), the "
    "weights (n, d) of a layer without bias and without normalization that has the same signs for every input, and "
    "whose pre-activations are those of the layer before scaling.",
    arguments=lambda: (WEIGHT,),
    shape=(4, 2),
    hints=(
        "Dividing by a deviation above zero changes no sign. What does subtracting the mean over the units do?",
        "The mean over the units of W x is a linear function of x as well.",
        "(W x)_k - mean_j (W x)_j = sum_i (W_ki - mean_j W_ji) x_i.",
    ),
    checks=(
        Check("the signs agree on 400 points with 6 units", _signs_agree),
        Check("they agree with 3 units in 9 dimensions", lambda weights: _signs_agree(weights, 1, 3, 9)),
        Check("the units' weights add up to zero", lambda weights: close(weights(WEIGHT).sum(axis=0), np.zeros(2))),
        Check("doing it twice changes nothing more", lambda weights: close(weights(weights(WEIGHT)), weights(WEIGHT))),
        Check(
            "differences between units stay as they are",
            lambda weights: close(np.diff(weights(WEIGHT), axis=0), np.diff(WEIGHT, axis=0)),
        ),
    ),
    mistakes=(
        Mistake(
            "RMS in place of layer normalization",
            lambda weights: close(weights(WEIGHT), WEIGHT),
            "With W unchanged you have the signs of RMS normalization, which does not centre.",
        ),
        Mistake(
            "mean over the inputs",
            lambda weights: close(weights(WEIGHT), WEIGHT - WEIGHT.mean(axis=1, keepdims=True)),
            "You subtract each unit's mean over its inputs. Layer normalization takes the mean over the units.",
        ),
        Mistake(
            "one mean for all",
            lambda weights: close(weights(WEIGHT), WEIGHT - WEIGHT.mean()),
            "There is a mean over the units for every input, not one for the whole matrix.",
        ),
        Mistake(
            "scaled as well",
            lambda weights: close(weights(WEIGHT), (WEIGHT - WEIGHT.mean(axis=0)) / WEIGHT.std(axis=0)),
            "The signs are right where they are by chance; the scale of a sample depends on x and is no constant "
            "of the weights. Only centre.",
        ),
    ),
)


# ---- 11.3: how density grows with depth.
def _by_averages(slope, nodes=120):
    """E a'^2 and Var a of a standard normal level, by quadrature on each side of the kink."""
    t, w = np.polynomial.legendre.leggauss(nodes)
    t, w = 5 * (t + 1), 5 * w * np.exp(-0.5 * (5 * (t + 1)) ** 2) / np.sqrt(2 * np.pi)
    mean, square = (1 - slope) * (w @ t), (1 + slope**2) * (w @ t**2)
    return np.array([w.sum() * (1 + slope**2), square - mean**2])


def _growth(slope, power):
    top, bottom = _by_averages(slope)
    return (top / bottom) ** power


def _measured(rate):
    """A random network of 6 layers of 300 units: the gradient's growth from layer 3 on, which has its own 3 percent."""
    rng = np.random.default_rng(2)
    z, jacobian, lengths = rng.standard_normal((300, 12)), np.eye(12)[:, None] * np.ones((1, 300, 1)), []
    for _ in range(6):
        weight = rng.standard_normal((300, z.shape[1]))
        u = z @ weight.T
        h, jacobian = (u - u.mean(axis=0)) / u.std(axis=0), jacobian @ weight.T / u.std(axis=0)
        lengths.append(np.sqrt(np.mean(np.sum(jacobian**2, axis=0))))
        z, jacobian = np.maximum(h, 0), jacobian * (h > 0)
    return abs((lengths[-1] / lengths[2]) ** (1 / 3) / rate(0.0) - 1) < 0.03


RATE = Exercise(
    name="partition-11-3",
    title="Denser with every layer",
    ask="A level h is standard normal over the data, and a(h) = h above zero and slope times h below. The next layer, "
    "wide and random, normalizes its levels over the data. Derive the factor by which the root mean square of the "
    "gradient grows from layer to layer, and write rate(slope), for slopes from -1 to 1.",
    arguments=lambda: (0.1,),
    shape=(),
    hints=(
        "The next level is a sum of a(h_k) over many units with random weights, over its deviation on the data.",
        "Its squared gradient averages to E a'(h)^2 times the sum of squared weights, its variance to Var a(h) times "
        "the same sum.",
        "E a'^2 = (1 + slope^2) / 2 and E a = (1 - slope) / sqrt(2 pi), so that Var a = (1 + slope^2) / 2 minus "
        "(1 - slope)^2 / (2 pi).",
    ),
    checks=(
        Check("a straight line grows nothing", lambda rate: close(rate(1.0), 1.0)),
        Check(
            "it is the root of two averages, taken by quadrature",
            lambda rate: all(close(rate(s), _growth(s, 0.5), rtol=1e-5) for s in (-1.0, -0.4, 0.0, 0.1, 0.6)),
        ),
        Check("a random network of six layers grows so, within 3 percent", _measured),
    ),
    mistakes=(
        Mistake(
            "root forgotten",
            lambda rate: close(rate(0.1), _growth(0.1, 1), rtol=1e-5),
            "That is the growth of the squared gradient.",
        ),
        Mistake(
            "not centred",
            lambda rate: close(rate(0.1), 1.0) and close(rate(-1.0), 1.0),
            "Without centring nothing grows. Batch normalization divides by the deviation, from which the mean of "
            "a is gone.",
        ),
        Mistake(
            "upside down",
            lambda rate: close(rate(0.1), _growth(0.1, -0.5), rtol=1e-5),
            "The variance is divided by: a smaller one makes gradients larger.",
        ),
        Mistake(
            "ReLU only",
            lambda rate: (
                close(rate(-1.0), _growth(0.0, 0.5), rtol=1e-5) and close(rate(0.0), _growth(0.0, 0.5), rtol=1e-5)
            ),
            "Your answer is right for slope 0 and does not depend on the slope.",
        ),
    ),
)

EXERCISES = (BOUND, CONE, RATE)
