"""Exercises of chapter 9, hyperplanes: the cost of a place, counting regions, and two lines for two clusters."""

import itertools

import numpy as np

from bnlib.book.exercise import Check, Exercise, Mistake, close

# ---- 9.1: the mean squared distance to one hyperplane, for every place of it.
ROW = np.array([2.0, -1.0, 2.0])  # of length 3
CLOUD = np.random.default_rng(9).standard_normal((11, 3)) * [1.0, 2.0, 0.5] + [3.0, -1.0, 0.0]
PAIR = np.array([[-1.0], [1.0]])


def _is(cost, value, mu=0.0, row=(1.0,), points=PAIR):
    return close(cost(mu, np.array(row), points), value)


def _mean(row=ROW, points=CLOUD):
    return float((points @ row).mean())


def _measured(cost):
    """The distance to a point of the hyperplane along its normal, point by point."""
    for mu in (_mean(), 0.0, -4.0):
        feet = CLOUD - np.outer((CLOUD @ ROW - mu) / 9.0, ROW)
        if not close(cost(mu, ROW, CLOUD), np.mean(np.sum((CLOUD - feet) ** 2, axis=1))):
            return False
    return True


def _least_at_the_mean(cost):
    at = cost(_mean(), ROW, CLOUD)
    return all(cost(_mean() + step, ROW, CLOUD) > at for step in (-1.0, -0.01, 0.01, 1.0))


def _second_difference(cost):
    a, b, c = (cost(_mean() + step, ROW, CLOUD) for step in (-3.0, 0.0, 3.0))
    return float(a - 2 * b + c)


COST = Exercise(
    name="partition-9-1",
    title="What a place costs",
    ask="A unit has weights row (D,) and a hyperplane {z : <row, z> = mu}. Write cost(mu, row, points), the mean over "
    "points (N, D) of the squared distance to it, and show that it is rho^2 + (mu - mean)^2 / |row|^2.",
    arguments=lambda: (0.5, ROW, CLOUD),
    shape=(),
    hints=(
        "Only the projections <row, z> matter. How far is a point from the hyperplane if its projection is off by 1?",
        "Moving along row / |row| by a step s changes the projection by s |row|.",
        "With u = <row, z>: the mean of (u - mu)^2, divided by |row|^2. Split u - mu into u - mean and mean - mu.",
    ),
    checks=(
        Check(
            "points -1 and 1 on a line are 1 from 0, and from a plane at 3 on average 10",
            lambda cost: _is(cost, 1.0) and _is(cost, 10.0, 3.0),
        ),
        Check("it is the mean squared length of the perpendiculars, drawn point by point", _measured),
        Check(
            "twice the weights and twice the offset are the same hyperplane",
            lambda cost: close(cost(2.0, 2 * ROW, CLOUD), cost(1.0, ROW, CLOUD)),
        ),
        Check("the mean of the projections, which is batch normalization's, costs least", _least_at_the_mean),
        Check("the parabola opens by 1 / |row|^2", lambda cost: close(_second_difference(cost), 18.0 / 9.0)),
    ),
    mistakes=(
        Mistake(
            "length of the weights forgotten",
            lambda cost: close(_second_difference(cost), 18.0),
            "That is how far the projections are off. A distance in the space of the points divides by |row|.",
        ),
        Mistake(
            "divided by the length once",
            lambda cost: close(_second_difference(cost), 18.0 / 3.0),
            "The distance divides by |row|, so its square divides by |row|^2.",
        ),
        Mistake(
            "not squared",
            lambda cost: _is(cost, 3.0, 3.0) and _is(cost, 1.0),
            "The mean of the distances is another cost: its minimum is at the median. Square them first.",
        ),
        Mistake(
            "sum over the points",
            lambda cost: _is(cost, 2.0),
            "That is the sum. B22's (8) is a mean over the points.",
        ),
        Mistake(
            "only the mean point",
            lambda cost: _is(cost, 0.0),
            "That is the squared distance of the mean point. The points spread around it: rho^2 is missing.",
        ),
    ),
)


# ---- 9.2: how many regions? Checked against enumeration of sign patterns, which knows no formula.
def _patterns(n, d, central):
    """Sign patterns of n hyperplanes at the points of a fine sphere of directions (d <= 2), or along a line."""
    rng = np.random.default_rng(n)
    angle = np.sort(rng.uniform(0, np.pi, n))
    w = np.stack([np.cos(angle), np.sin(angle)], axis=1) if d == 2 else rng.uniform(0.5, 1, (n, 1))
    mu = np.zeros(n) if central else rng.uniform(-1, 1, n)
    if d == 1:
        edges = np.concatenate([[-1e3], np.sort(np.unique(mu / w[:, 0])), [1e3]])
        probes = ((edges[1:] + edges[:-1]) / 2)[:, None]
    else:
        corners = [np.linalg.solve(w[[i, j]], mu[[i, j]]) for i, j in itertools.combinations(range(n), 2)] or [[0, 0]]
        turn = np.linspace(0, 2 * np.pi, 721)[:-1] + 1e-4
        ring = np.stack([np.cos(turn), np.sin(turn)], axis=1)
        probes = np.concatenate([c + size * ring for c in corners for size in (1e-7, 1e5)])
    return len(np.unique(probes @ w.T > mu, axis=0))


def _agrees(count, d, central):
    return all(close(count(n, d, central), _patterns(n, d, central)) for n in (1, 2, 4, 6))


def _recursion(count):
    """A new hyperplane adds as many regions as the others cut it into."""
    cases = [(n, d, central) for n in (3, 5, 9) for d in (2, 3, 5) for central in (False, True)]
    return all(close(count(n, d, c), count(n - 1, d, c) + count(n - 1, d - 1, c)) for n, d, c in cases)


REGIONS = Exercise(
    name="partition-9-2",
    title="How many regions",
    ask="n hyperplanes in R^d, d >= 1, in general position, or all through one point and otherwise general "
    "(central=True). Write count(n, d, central), the number of regions that they make, for n >= 1.",
    arguments=lambda: (8, 2, True),
    shape=(),
    hints=(
        "Add the hyperplanes one by one. A new one cuts some of the regions in two: as many as what?",
        "As many as the pieces into which the others cut it, and these are regions of n - 1 hyperplanes in R^(d-1).",
        "So count(n, d) = count(n - 1, d) + count(n - 1, d - 1). One hyperplane makes 2; on a line, n general points "
        "make n + 1, and n that are one point make 2.",
    ),
    checks=(
        Check(
            "8 lines make 37 regions, or 16 if all pass through one point",
            lambda count: close(count(8, 2, False), 37) and close(count(8, 2, True), 16),
        ),
        Check(
            "on a line and in the plane it agrees with signs found at probes",
            lambda count: all(_agrees(count, d, c) for d in (1, 2) for c in (False, True)),
        ),
        Check("a new hyperplane adds the regions that the others make on it", _recursion),
        Check(
            "up to d hyperplanes make 2^n, central or not",
            lambda count: all(close(count(n, 4, c), 2**n) for n in (1, 2, 3, 4) for c in (False, True)),
        ),
    ),
    mistakes=(
        Mistake(
            "always central",
            lambda count: close(count(8, 2, False), 16),
            "That is the number for lines through one point. In general position more regions appear between them.",
        ),
        Mistake(
            "never central",
            lambda count: close(count(8, 2, True), 37),
            "Lines through one point leave no bounded region between them.",
        ),
        Mistake(
            "two to the n",
            lambda count: close(count(8, 2, False), 256),
            "Not all 2^n sign patterns occur: eight lines in the plane have only 37 of them.",
        ),
        Mistake(
            "bounded regions only",
            lambda count: close(count(8, 2, False), 21),
            "Those are the bounded ones. The regions that reach to infinity count as well.",
        ),
        Mistake(
            "plane only",
            lambda count: close(count(8, 2, False), 37) and close(count(8, 2, True), 16) and not _recursion(count),
            "Right in the plane. In R^3 and beyond, a new hyperplane is itself cut into more pieces.",
        ),
    ),
)


# ---- 9.3: what the sum over units does not see.
HEAP = np.concatenate([np.random.default_rng(1).normal(-2.0, 0.3, 7), np.random.default_rng(2).normal(1.0, 0.5, 12)])
EVEN = np.arange(6.0)


def _covers(pair, values):
    return float(np.mean(np.min((values[:, None] - np.asarray(pair)) ** 2, axis=1)))


def _no_better_on_a_grid(answer, values):
    grid = np.linspace(values.min(), values.max(), 81)
    least = min(_covers((a, b), values) for a, b in itertools.combinations_with_replacement(grid, 2))
    return _covers(answer(values), values) <= least + 1e-12


def _no_small_step_helps(answer, values):
    pair = answer(values)
    here = _covers(pair, values)
    steps = itertools.product((-1e-4, 0.0, 1e-4), repeat=2)
    return all(_covers(pair + np.array(step), values) >= here - 1e-12 for step in steps)


def _gives(answer, pair, values=HEAP):
    return close(np.sort(answer(values)), np.sort(pair), rtol=1e-4)


COVER = Exercise(
    name="partition-9-3",
    title="Two lines for two clusters",
    ask="Two parallel units see the same projections values (N,), N >= 2. Batch normalization puts both at the mean, "
    "which is best for the sum (9). Write pair(values), shape (2,): the two offsets with the least mean squared "
    "distance to the nearer one. Then compare both costs at both places.",
    arguments=lambda: (HEAP,),
    shape=(2,),
    hints=(
        "Once you know which values belong to which line, each line goes to the mean of its own.",
        "On a line, the values that belong to the left one are the smallest k of them, for some k.",
        "Sort, try every k from 1 to N - 1, take both means, and keep the pair that costs least.",
    ),
    checks=(
        Check("for 0, 1, ..., 5 the lines go to 1 and 4", lambda pair: _gives(pair, [1.0, 4.0], EVEN)),
        Check("no small step of either line helps", lambda pair: _no_small_step_helps(pair, HEAP)),
        Check(
            "no pair on a fine grid is better, for even heaps and for skew ones",
            lambda pair: _no_better_on_a_grid(pair, HEAP) and _no_better_on_a_grid(pair, SKEW),
        ),
        Check("the order of the values does not matter", lambda pair: _gives(pair, pair(HEAP[::-1]))),
        Check("values that move take the lines with them", lambda pair: _gives(pair, pair(HEAP) + 5.0, HEAP + 5.0)),
    ),
    mistakes=(
        Mistake(
            "both at the mean",
            lambda pair: _gives(pair, [HEAP.mean()] * 2),
            "That is batch normalization: best for the sum over units, in which each line answers for all values.",
        ),
        Mistake(
            "split at the mean",
            lambda pair: (
                _gives(pair, [HEAP[HEAP < HEAP.mean()].mean(), HEAP[HEAP >= HEAP.mean()].mean()], HEAP)
                and not _no_better_on_a_grid(pair, SKEW)
            ),
            "You split the values at their mean. Where the heaps are unequal, the best split is elsewhere: try all.",
        ),
        Mistake(
            "halves",
            lambda pair: (
                _gives(pair, [np.sort(HEAP)[:9].mean(), np.sort(HEAP)[9:].mean()])
                or _gives(pair, [np.sort(HEAP)[:10].mean(), np.sort(HEAP)[10:].mean()])
            ),
            "You gave each line half of the values. The heaps need not be equally large.",
        ),
        Mistake(
            "outermost values",
            lambda pair: _gives(pair, [HEAP.min(), HEAP.max()]),
            "The lines stand at the outermost values. Each does better at the mean of the values nearer to it.",
        ),
    ),
)
SKEW = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 3.0, 3.2, 20.0])

EXERCISES = (COST, REGIONS, COVER)
