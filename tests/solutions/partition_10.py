"""Chapter 10: reference, another style, and each mistake under the name that the exercise gives it."""

import numpy as np

from bnlib.partition import BatchNormLayer, Network, folds


# ---- partition-10-1
def region_map(code, weights, mus, sigmas, slope):
    network = Network([BatchNormLayer(*layer) for layer in zip(weights, mus, sigmas)], slope)
    A, b = network.affine_map(code)
    return np.column_stack([A, b])


def region_map_by_sums(code, weights, mus, sigmas, slope):
    """Row by row, inputs extended by a 1."""
    D = weights[0].shape[1]
    rows, bits = [list(row) for row in np.eye(D + 1)[:D]], list(code)
    for W, mu, sigma in zip(weights, mus, sigmas):
        new = []
        for w, m, s in zip(W, mu, sigma):
            q = 1.0 if bits.pop(0) else slope
            row = [sum(w[j] * rows[j][i] for j in range(len(w))) for i in range(D + 1)]
            row[D] -= m
            new.append([q * value / s for value in row])
        rows = new
    return rows


def _offset_without_slope(code, weights, mus, sigmas, slope):
    A, b, bits = np.eye(weights[0].shape[1]), 0.0, list(code)
    for W, mu, sigma in zip(weights, mus, sigmas):
        q = np.array([1.0 if bits.pop(0) else slope for _ in mu])
        A, b = (q / sigma)[:, None] * (W @ A), ((W @ b if np.ndim(b) else 0.0) - mu) / sigma
    return np.column_stack([A, b])


MAP_MISTAKES = {
    "bits in place of slopes": lambda c, w, m, s, slope: region_map(c, w, m, s, 0.0),
    "deviation forgotten": lambda c, w, m, s, slope: region_map(c, w, m, [np.ones(len(x)) for x in m], slope),
    "mean forgotten": lambda c, w, m, s, slope: region_map(c, w, [0 * x for x in m], s, slope),
    "offset without slope": _offset_without_slope,
    "no activation": lambda c, w, m, s, slope: region_map(c, w, m, s, 1.0),
}


# ---- partition-10-2
def largest_fold(slope):
    return np.pi / 2 - 2 * np.arctan(np.sqrt(slope))


def largest_fold_by_tangent(slope):
    return folds.sharpest_fold(1.0, 0.0, 1.0, slope)[1]


SHARPEST_MISTAKES = {
    "degrees": lambda slope: np.degrees(largest_fold(slope)),
    "interior angle": lambda slope: np.pi - largest_fold(slope),
    "ReLU": lambda slope: np.pi / 2,
    "deviation one": lambda slope: np.pi / 4 - np.arctan(slope),
    "root forgotten": lambda slope: np.pi / 2 - 2 * np.arctan(slope),
    "one facet": lambda slope: np.pi / 2 - np.arctan(np.sqrt(slope)),
    "half": lambda slope: largest_fold(slope) / 2,
}


# ---- partition-10-3
def counterexample(slope):
    return np.array([0.0, -np.sqrt(slope), 1.0])


def counterexample_elsewhere(slope):
    return [0.0, -(3 + 3 * slope) / 2, 3.0]


COUNTEREXAMPLE_MISTAKES = {
    "same side": lambda slope: [0.0, 0.5, 1.0],
    "agrees": lambda slope: [0.0, 0.5, -1.0],
    "roles exchanged": lambda slope: [0.0, 1.0, -np.sqrt(slope)],
    "one slope only": lambda slope: [0.0, -0.5, 1.0],
}

SOLUTIONS = {
    "partition-10-1": (region_map, region_map_by_sums, MAP_MISTAKES),
    "partition-10-2": (largest_fold, largest_fold_by_tangent, SHARPEST_MISTAKES),
    "partition-10-3": (counterexample, counterexample_elsewhere, COUNTEREXAMPLE_MISTAKES),
}
