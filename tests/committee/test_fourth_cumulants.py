"""The correction of small batches by its second derivation: the fields of training mode are not Gaussian."""

import numpy as np
import pytest

from bnlib.committee.finite_batch import pair_terms


def test_fourth_cumulants_give_the_same_correction():
    """The second derivation, in numbers: an Edgeworth step with the cumulants of x/s that the chapter lists, against
    the closed forms, for a student with itself, with another and with a teacher. Derivatives by differences of order 2
    with steps of 1e-4: good to 1e-6."""
    q, t, r = 0.4, 1.7, 0.3

    def arcsine(q, t, r):
        return np.arcsin(r / np.sqrt((1 + q) * (1 + t)))

    def d(*ways, h=1e-4):
        moves = {"q": np.array([h, 0, 0]), "t": np.array([0, h, 0]), "r": np.array([0, 0, h])}
        total, point = 0.0, np.array([q, t, r])
        for signs in np.ndindex(*(2,) * len(ways)):
            moved = point + sum((1 - 2 * s) * moves[way] for s, way in zip(signs, ways))
            total += (-1) ** sum(signs) * arcsine(*moved)
        return total / (2 * h) ** len(ways)

    rho2 = r * r / (q * t)
    pair = -r * (1 - rho2) / 2 * d("r") - q * q * d("q", "q") - t * t * d("t", "t")
    pair += -2 * q * r * d("q", "r") - 2 * t * r * d("t", "r") + (rho2 / 2 - 2) * r * r * d("r", "r")
    teacher = -r / 4 * d("r") - q * q * d("q", "q") - 2 * q * r * d("q", "r")
    teacher += -5 / 4 * r * r * d("r", "r") - r**3 / q * d("r", "t")
    assert sum(pair_terms(q, t, r, True, False)) == pytest.approx(pair, abs=1e-6)
    assert sum(pair_terms(q, t, r, False, False)) == pytest.approx(teacher, abs=1e-6)
    h = 1e-3
    own = [np.arcsin(x / (1 + x)) for x in (q - h, q, q + h)]
    assert sum(pair_terms(q, q, q, True, False)) == pytest.approx(-q * q * np.dot(own, [1, -2, 1]) / h**2, abs=1e-6)
