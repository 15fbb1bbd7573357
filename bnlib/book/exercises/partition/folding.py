"""Exercises of chapter 10, folding: the map of a region, the sharpest fold, and a line that comes nearer and is not."""

import numpy as np

from bnlib.book.exercise import Check, Exercise, Mistake, close


# ---- 10.1: the affine map of a region, against the forward pass.
def _net(widths=(3, 4, 2), seed=10):
    """Weights, means and deviations of a network with batch normalization."""
    rng = np.random.default_rng(seed)
    weights = [rng.standard_normal((n, d)) for d, n in zip(widths, widths[1:])]
    return weights, [rng.standard_normal(n) for n in widths[1:]], [rng.uniform(0.5, 2, n) for n in widths[1:]]


def _forward(x, weights, mus, sigmas, slope):
    """The output at one input, and the code of its region."""
    code = []
    for W, mu, sigma in zip(weights, mus, sigmas):
        h = (W @ x - mu) / sigma
        code.append(h > 0)
        x = np.where(h > 0, h, slope * h)
    return x, np.concatenate(code).astype(float)


def _is_forward(answer, slope, widths=(3, 4, 2)):
    net = _net(widths)
    for x in np.random.default_rng(1).standard_normal((6, widths[0])):
        y, code = _forward(x, *net, slope)
        if not close(answer(code, *net, slope) @ np.append(x, 1.0), y):
            return False
    return True


def _frozen(x, code, weights, mus, sigmas, slope):
    """The output at one input if every unit keeps the slope of its bit, whatever the sign of its level."""
    first = 0
    for W, mu, sigma in zip(weights, mus, sigmas):
        slopes = np.where(code[first : first + len(W)] == 1, 1.0, slope)
        first += len(W)
        x = slopes * (W @ x - mu) / sigma
    return x


def _wrong_like(answer, change, slope=0.1):
    """Whether the answer is the map of a changed network: compared at inputs, with the code of one region."""
    net, rng = _net(), np.random.default_rng(2)
    code = _forward(np.array([0.3, -0.2, 0.5]), *net, slope)[1]
    given = answer(code, *net, slope)
    inputs = rng.standard_normal((5, 3))
    return all(close(given @ np.append(x, 1.0), change(x, code, *net, slope)) for x in inputs)


def _ones(mus):
    return [np.ones(len(mu)) for mu in mus]


def _zeros(mus):
    return [np.zeros(len(mu)) for mu in mus]


MAP = Exercise(
    name="partition-10-1",
    title="The map of a region",
    ask="Write region_map(code, weights, mus, sigmas, slope): lists with one entry a layer, weights[l] (n_l, n_{l-1}), "
    "mus[l] and sigmas[l] (n_l,), with gamma = 1 and beta = 0; code is one vector for all units, layer 0 first, 1 "
    "where h > 0. In the region of that code the output is A x + b; return A and b side by side, shape "
    "(n_last, D + 1).",
    arguments=lambda: (np.array([1.0, 0.0, 1.0, 1.0, 0.0, 1.0]), *_net(), 0.1),
    shape=(2, 4),
    hints=(
        "Start with A = identity and b = 0, and let each layer act on both.",
        "A layer first multiplies by W, then subtracts mu from the offset, then divides rows by sigma.",
        "Last, every row, offset included, is multiplied by its unit's slope: 1 where the bit is 1, else slope.",
    ),
    checks=(
        Check("A x + b is the output of a leaky ReLU network at six inputs, with their codes",
              lambda answer: _is_forward(answer, 0.1)),
        Check("the same for ReLU and for the absolute value",
              lambda answer: _is_forward(answer, 0.0) and _is_forward(answer, -1.0)),
        Check("the same for four layers", lambda answer: _is_forward(answer, 0.3, (2, 5, 3, 4, 2))),
    ),
    mistakes=(
        Mistake("bits in place of slopes",
                lambda answer: _wrong_like(answer, lambda x, c, w, m, s, _: _frozen(x, c, w, m, s, 0.0)),
                "This is what comes out if bit 0 is taken for slope 0. Leaky ReLU has its own slope there."),
        Mistake("deviation forgotten",
                lambda answer: _wrong_like(answer, lambda x, c, w, m, s, k: _frozen(x, c, w, m, _ones(m), k)),
                "This is what comes out if the rows are not divided by their deviations sigma."),
        Mistake("mean forgotten",
                lambda answer: _wrong_like(answer, lambda x, c, w, m, s, k: _frozen(x, c, w, _zeros(m), s, k)),
                "This is what comes out if no mean is subtracted: the offset is zero. Each layer subtracts its mu."),
        Mistake("offset without slope",
                lambda answer: _wrong_like(answer, lambda x, c, w, m, s, k: (
                    _frozen(x, c, w, _zeros(m), s, k) + _frozen(0 * x, c, w, m, s, 1.0))),
                "This is what comes out if the slope multiplies the matrix only: it multiplies the offset, too."),
        Mistake("no activation",
                lambda answer: _wrong_like(answer, lambda x, c, w, m, s, _: _frozen(x, c, w, m, s, 1.0)),
                "This is what comes out if all slopes are 1, so that the code has no effect."),
    ),
)  # fmt: skip


# ---- 10.2: the sharpest fold of a leaky ReLU, against a search.
def _fold(sigma, slope):
    on, off = np.array([1 / sigma, 1.0]), np.array([slope / sigma, 1.0])
    return np.arccos(on @ off / np.linalg.norm(on) / np.linalg.norm(off))


SEARCHED = np.geomspace(1e-3, 1e2, 20001)


def _largest_of(slope, deviations):
    return max(_fold(sigma, slope) for sigma in deviations)


def _steeper(slope, deviations):
    """The steeper normal's own angle where the fold is sharpest."""
    return np.arctan(1 / max(deviations, key=lambda sigma: _fold(sigma, slope)))


def _says(answer, value, slope=0.1):
    return close(answer(slope), value, rtol=1e-6)


SHARPEST = Exercise(
    name="partition-10-2",
    title="The sharpest fold",
    ask="Two facets with normals (b/sigma, 1) and (slope b/sigma, 1) meet on a line of layer 0, 0 < slope < 1. Prove "
    "that their fold, the angle between the normals, vanishes for small and for large sigma, and write "
    "largest_fold(slope), its maximum over sigma, in radians.",
    arguments=lambda: (0.1,),
    shape=(),
    hints=(
        "A normal (r, 1) stands at the angle arctan r. The fold is a difference of two arctangents.",
        "With r = |b| / sigma maximize arctan r - arctan(slope r): set the derivative in r to zero.",
        "The maximum is where slope r^2 = 1. There the two arctangents add up to a right angle.",
    ),
    checks=(
        Check("slope 0.1 folds by 54.9 degrees at most", lambda answer: close(answer(0.1), 0.95825, rtol=1e-4)),
        Check("a search over 20001 deviations finds the same for slopes 0.02, 0.3 and 0.8", lambda answer: all(
            close(answer(s), _largest_of(s, SEARCHED), rtol=1e-5) for s in (0.02, 0.3, 0.8))),
        Check("slope 1 folds nothing", lambda answer: close(answer(1.0), 0.0, atol=1e-9)),
    ),
    mistakes=(
        Mistake("degrees", lambda answer: _says(answer, np.degrees(_largest_of(0.1, SEARCHED))), "That is in degrees."),
        Mistake("interior angle", lambda answer: _says(answer, np.pi - _largest_of(0.1, SEARCHED)),
                "That is the angle between the facets. The fold is how far the second turns from going straight on."),
        Mistake("ReLU", lambda answer: _says(answer, np.pi / 2),
                "That is ReLU's limit at small sigma. With slope > 0 the second facet turns as well."),
        Mistake("deviation one", lambda answer: _says(answer, _fold(1.0, 0.1)),
                "That is the fold at sigma = |b|. A smaller deviation folds more."),
        Mistake("root forgotten", lambda answer: _says(answer, np.pi / 2 - 2 * np.arctan(0.1)),
                "Almost: at the maximum r is 1 / sqrt(slope), not 1 / slope."),
        Mistake("one facet", lambda answer: close(answer(0.1), _steeper(0.1, SEARCHED), rtol=1e-3),
                "That is arctan r alone, the steeper normal's angle. The fold is the difference of both angles."),
        Mistake("half", lambda answer: _says(answer, _largest_of(0.1, SEARCHED) / 2),
                "That is half of the fold: a factor of 2 is missing."),
    ),
)  # fmt: skip


# ---- 10.3: theorem 2 between two offsets on different sides.
def _leaky(t, slope):
    return t if t >= 0 else slope * t


def _distances(triple, slope):
    """Layer distances and input distances of both offsets, for the one-unit network x -> leaky(x)."""
    x, mu, other = triple
    value = _leaky(x, slope)
    pulled = [offset if offset >= 0 else offset / slope for offset in (mu, other)]
    return abs(value - mu), abs(value - other), abs(x - pulled[0]), abs(x - pulled[1])


def _breaks(answer, slope):
    near, far, here, there = _distances(answer(slope), slope)
    return near < far - 1e-9 and here > there + 1e-9


def _all(answer, property_of):
    return all(property_of(answer(slope), slope) for slope in (0.1, 0.5, 0.9))


def _same_side(triple, slope):
    value = _leaky(triple[0], slope)
    return (triple[1] - value) * (triple[2] - value) > 0


def _agrees(triple, slope):
    near, far, here, there = _distances(triple, slope)
    return near < far and here <= there


COUNTEREXAMPLE = Exercise(
    name="partition-10-3",
    title="Nearer in the layer, farther in the input",
    ask="Layer 0 is one unit, z = x for x >= 0 and slope * x below, 0 < slope < 1; layer 1 has the zero z = mu, pulled "
    "back to the x with z(x) = mu. Prove theorem 2 for two offsets on the same side of z(x). Then write "
    "counterexample(slope), shape (3,): numbers x, mu, other such that z = mu is nearer to z(x) than z = other, but "
    "its pull-back is farther from x.",
    arguments=lambda: (0.1,),
    shape=(3,),
    hints=(
        "On the same side there is none: going from x to the farther pull-back, the value passes the nearer offset.",
        "Take x = 0. To the right a step in the layer is as long in the input; how long is it to the left?",
        "With other = 1 the pull-back is 1 away. mu = -m is pulled back to -m / slope: which m between 0 and 1 do?",
    ),
    checks=(
        Check("for slope 0.1, mu is nearer in the layer, its pull-back farther in the input",
              lambda answer: _breaks(answer, 0.1)),
        Check("slopes 0.02, 0.5 and 0.9 as well", lambda answer: all(_breaks(answer, s) for s in (0.02, 0.5, 0.9))),
    ),
    mistakes=(
        Mistake("same side", lambda answer: _all(answer, _same_side),
                "Both offsets are on one side of z(x), where the theorem holds: take one on each side."),
        Mistake("agrees", lambda answer: _all(answer, _agrees),
                "Your mu is nearer in the layer and in the input: put it on the side where the slope is small."),
        Mistake("roles exchanged",
                lambda answer: _all(answer, lambda t, s: _distances(t, s)[0] > _distances(t, s)[1]),
                "Your mu is the offset that is farther in the layer: exchange the two."),
        Mistake("one slope only", lambda answer: _breaks(answer, 0.1) and not _breaks(answer, 0.9),
                "Right for slope 0.1, but not for slopes near 1: let your numbers depend on the slope."),
    ),
)  # fmt: skip

EXERCISES = (MAP, SHARPEST, COUNTEREXAMPLE)
