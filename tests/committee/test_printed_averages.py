"""The closed forms of T19 (10)-(22) and T20 (9)-(12): as printed, put right, and by Monte Carlo over inputs."""

import math

import numpy as np
import pytest

from tests.committee import printed
from tests.committee.printed import MISSES, PAIRS, WITHIN, Case, largest, phi, phi_slope, z_score


def _teacher_part(case, fields, i):
    _, y, h, _ = fields
    return (phi(y) @ case.v @ case.w[i]) * phi_slope(h[:, i])


def _student_part(case, fields, i):
    _, _, h, _ = fields
    return (phi(h) @ case.w @ case.w[i]) * phi_slope(h[:, i])


@pytest.mark.parametrize(
    "claim, formula, part", [("T19-eq10", printed.Q1, _teacher_part), ("T19-eq11", printed.Q2, _student_part)]
)
def test_third_order_averages_of_students(case, fields, claim, formula, part, measure):
    h = fields[2]
    scores = [
        z_score(part(case, fields, i) * h[:, j] + part(case, fields, j) * h[:, i], 2 / np.pi * formula(case, i, j))
        for i, j in PAIRS
    ]
    measure(claim, largest(scores), WITHIN)


def test_third_order_averages_of_teachers_and_gains(case, fields, measure):
    _, y, h, e = fields
    measure(
        "T19-eq16",
        largest(z_score(e[:, i] * y[:, n], 2 / np.pi * printed.R_(case, i, n)) for i in range(3) for n in range(2)),
        WITHIN,
    )
    measure(
        "T19-eq17",
        largest(z_score(e[:, i] * h[:, i], 2 / np.pi * printed.G(case, i)) for i in range(3)),
        WITHIN,
    )


def test_t20_third_order_averages(measure):
    """T20 (9)-(12): one output, all weights to it equal to one."""
    case = Case.draw(seed=5, plain_outputs=True)
    fields = case.sample()
    _, y, h, e = fields
    for claim, formula, part in (
        ("T20-eq9", printed.Q1, _teacher_part),
        ("T20-eq10", printed.Q2, _student_part),
    ):
        measure(
            claim,
            largest(
                z_score(
                    part(case, fields, i) * h[:, j] + part(case, fields, j) * h[:, i],
                    2 / np.pi * formula(case, i, j),
                )
                for i, j in PAIRS
            ),
            WITHIN,
        )
    measure(
        "T20-eq11",
        largest(z_score(e[:, i] * y[:, 0], 2 / np.pi * printed.R_(case, i, 0)) for i in range(3)),
        WITHIN,
    )
    measure(
        "T20-eq12",
        largest(z_score(e[:, i] * h[:, i], 2 / np.pi * printed.G(case, i)) for i in range(3)),
        WITHIN,
    )


FOURTH = {
    "T19-eq12": (printed.Q3, _student_part, _student_part),
    "T19-eq13": (printed.Q4, _teacher_part, _teacher_part),
    "T19-eq14": (printed.Q5, _student_part, _teacher_part),
    "T19-eq15": (printed.Q6, _teacher_part, _student_part),
}


def _fourth(case, fields, claim, i, j, **how):
    formula, first, second = FOURTH[claim]
    value = 4 / np.pi**2 / np.sqrt(printed.Lambda(case, i, j)) * formula(case, i, j, **how)
    return z_score(first(case, fields, i) * second(case, fields, j), value)


@pytest.mark.parametrize("claim", FOURTH)
def test_fourth_order_averages(case, fields, claim, measure):
    """(12)-(15), with (18) put right, (12) summed over K and K, and (15)'s last product with R'_jp."""
    measure(claim, largest(_fourth(case, fields, claim, i, j) for i, j in PAIRS), WITHIN)


def test_t19_eq12_sums_over_too_few(case, fields):
    assert len(case.J) != len(case.B)
    assert _fourth(case, fields, "T19-eq12", 0, 1, corrected=False) > MISSES


def test_t19_eq15_has_a_student_overlap_for_a_teacher_overlap(case, fields):
    assert largest(_fourth(case, fields, "T19-eq15", i, j, corrected=False) for i, j in PAIRS) > MISSES


@pytest.mark.parametrize("claim", ["T19-eq12", "T19-eq13", "T19-eq14"])
def test_t19_eq18_as_printed_misses(case, fields, claim):
    formula, first, second = FOURTH[claim]
    scores = []
    for i, j in PAIRS:
        with np.errstate(invalid="ignore"):
            value = (
                4
                / np.pi**2
                / np.sqrt(printed.Lambda(case, i, j, corrected=False))
                * formula(case, i, j, corrected_18=False)
            )
        scores.append(
            z_score(first(case, fields, i) * second(case, fields, j), value) if np.isfinite(value) else math.inf
        )
    assert min(scores) > MISSES


def test_t19_eq18_corrected_normalizes_two_slopes(case, fields, measure):
    """<phi'(h_i) phi'(h_j)> = (2/pi) / sqrt(Lambda), which fixes Lambda by itself."""
    h = fields[2]
    slopes = {(i, j): phi_slope(h[:, i]) * phi_slope(h[:, j]) for i, j in PAIRS}
    assert (
        min(z_score(slopes[ij], 2 / np.pi / np.sqrt(printed.Lambda(case, *ij, corrected=False))) for ij in PAIRS)
        > MISSES
    )
    measure(
        "T19-eq18",
        largest(z_score(slopes[ij], 2 / np.pi / np.sqrt(printed.Lambda(case, *ij))) for ij in PAIRS),
        WITHIN,
    )


@pytest.mark.parametrize(
    "claim, teacher", [("T19-eq19", False), ("T19-eq20", False), ("T19-eq21", True), ("T19-eq22", True)]
)
def test_t19_eq19_to_22_are_tilted_variances(case, fields, claim, teacher, measure):
    """Lambda_k / Lambda = 1 + the variance of field p when inputs are weighted with phi'(h_i) phi'(h_j)."""
    _, y, h, _ = fields
    Q, R, T = case.overlaps
    scores = []
    for i, j in PAIRS:
        p = 0 if claim in ("T19-eq19", "T19-eq21") else 1
        row, norm = ((R[i, p], R[j, p]), T[p, p]) if teacher else ((Q[i, p], Q[j, p]), Q[p, p])
        z, weight = (y if teacher else h)[:, p], phi_slope(h[:, i]) * phi_slope(h[:, j])
        tilted = printed.Lambda_1_to_4(case, i, j, row, norm) / printed.Lambda(case, i, j)
        scores.append(z_score(weight * (1 + z**2 - tilted), 0.0))
    measure(claim, largest(scores), WITHIN)
