"""T19's and T20's equations of motion by two roads: as printed, and by Monte Carlo or differences of the loss.

A printed formula that misses must miss by many standard errors; the corrected one must be within four.
"""

import numpy as np
import pytest

from tests.committee import printed
from tests.committee.printed import MISSES, PAIRS, WITHIN, Case, largest, phi, phi_slope, z_score


# ---- networks, batch normalization, updates
def test_error_with_several_outputs(case, fields, measure):
    """T19 (1), (2), (9) and T20 (1), (7), (13): half the squared distance of the outputs."""
    _, y, h, _ = fields
    loss = 0.5 * ((phi(y) @ case.v - phi(h) @ case.w) ** 2).sum(axis=1)
    gap = z_score(loss, printed.error(case))
    for claim in ("T19-eq1", "T19-eq2", "T19-eq9"):
        measure(claim, gap, WITHIN)


def test_t20_error_with_one_output(measure):
    case = Case.draw(seed=5, plain_outputs=True)
    _, y, h, _ = case.sample()
    gap = z_score(0.5 * (phi(y).sum(axis=1) - phi(h).sum(axis=1)) ** 2, printed.error(case))
    for claim in ("T20-eq1", "T20-eq7", "T20-eq13"):
        measure(claim, gap, WITHIN)


def test_t19_eq23_lacks_two_terms():
    """As printed it is no error: a student that equals its teacher would not have error zero."""
    perfect = Case.draw(plain_outputs=True, M=3)
    perfect = Case(perfect.B, perfect.B, np.sqrt(perfect.tau) * np.linalg.norm(perfect.B, axis=1), perfect.w, perfect.v)
    assert printed.error(perfect, corrected=False) == pytest.approx(0.0)
    case = Case.draw(seed=5, plain_outputs=True, M=3)  # its R'_pq over K and K needs K = M
    _, y, h, _ = case.sample()
    loss = 0.5 * (phi(y).sum(axis=1) - phi(h).sum(axis=1)) ** 2
    assert z_score(loss, printed.error(case, corrected=False)) > MISSES


def test_t19_eq23_corrected(case, fields, measure):
    _, y, h, _ = fields
    loss = 0.5 * ((phi(y) @ case.v - phi(h) @ case.w) ** 2).sum(axis=1)
    measure("T19-eq23", z_score(loss, printed.error(case)), WITHIN)


def test_batch_deviation_is_the_population_one_for_large_batches(measure):
    """T19 (3): relative to sigma |J| the batch's deviation scatters by 1 / sqrt(2b), here b = 10 000."""
    b = 10_000
    x = np.random.default_rng(3).standard_normal((400, b))
    scatter = x.std(axis=1).std(ddof=1)
    assert scatter == pytest.approx(1 / np.sqrt(2 * b), rel=4 / np.sqrt(2 * 400))
    measure("T19-eq3", abs(x.std(axis=1) - 1).max(), 0.04)


def test_t19_sample_variance_is_smaller_not_larger(measure):
    """T19 writes b/(b-1) <x^2> for the mean of the variance with 1/b; it is (b-1)/b <x^2>."""
    b = 5
    variances = np.random.default_rng(4).standard_normal((200_000, b)).var(axis=1)
    assert z_score(variances, b / (b - 1)) > MISSES
    measure("T19-deviation", z_score(variances, (b - 1) / b), WITHIN)


def _loss(case, J, gain, xi, width):
    h = gain * (xi @ J.T) / (np.linalg.norm(J, axis=1) * np.sqrt(case.tau) if width is None else width)
    return 0.5 * ((phi(xi @ case.B.T) @ case.v - phi(h) @ case.w) ** 2).sum(axis=1).mean()


def _differences(function, at, step=1e-6):
    slope = np.zeros_like(at)
    for index in np.ndindex(at.shape):
        change = np.zeros_like(at)
        change[index] = step
        slope[index] = (function(at + change) - function(at - change)) / (2 * step)
    return slope


@pytest.fixture(scope="module")
def batch(case):
    xi = np.sqrt(case.tau) * np.random.default_rng(6).standard_normal((200, case.J.shape[1]))
    x = xi @ case.J.T
    h = case.a * x
    e = ((phi(xi @ case.B.T) @ case.v - phi(h) @ case.w) @ case.w.T) * phi_slope(h)
    return xi, x, e


def test_weight_update_is_the_gradient_with_the_deviation_held(case, batch, measure):
    """T19 (4), T20 (2): minus the loss's slope in J while sigma sqrt Q_ii stays; the true slope differs."""
    xi, _, e = batch
    update = case.a[:, None] * (e.T @ xi) / len(xi)
    width = np.sqrt(case.tau) * np.linalg.norm(case.J, axis=1)
    held = -_differences(lambda J: _loss(case, J, case.gain, xi, width), case.J)
    gap = abs(update - held).max() / abs(held).max()
    measure("T19-eq4", gap, 1e-6)
    measure("T20-eq2", gap, 1e-6)
    true = -_differences(lambda J: _loss(case, J, case.gain, xi, None), case.J)
    assert abs(update - true).max() > 0.1 * abs(true).max()


def test_true_update_is_orthogonal_to_the_weights(case, batch, measure):
    """What T20 drops is the whole projection on J: with it the step is the loss's slope, orthogonal to J."""
    xi, x, e = batch
    kept = case.a[:, None] * (e.T @ xi) / len(xi)
    dropped = (case.a * (e * x).mean(axis=0) / (case.J**2).sum(axis=1))[:, None] * case.J
    true = -_differences(lambda J: _loss(case, J, case.gain, xi, None), case.J)
    assert abs((kept * case.J).sum(axis=1)).min() > 0.01
    measure("T20-dropped", abs(kept - dropped - true).max() / abs(true).max(), 1e-6)


def test_dropped_term_is_small_in_each_component_only():
    """T20's estimate holds for components (1 / sqrt N) and not for the projection on J (equal)."""
    rng, sizes, ratios = np.random.default_rng(8), np.array([100, 400, 1600]), []
    for N in sizes:
        J, xi = rng.standard_normal(N) / np.sqrt(N), rng.standard_normal((2000, N))
        x, Q = xi @ J, J @ J
        dropped = np.sqrt((x**2).mean() * (J**2).mean()) / Q
        ratios.append(dropped / np.sqrt((xi**2).mean()))
        np.testing.assert_allclose(x / Q * (J @ J), xi @ J)
    assert np.polyfit(np.log(sizes), np.log(ratios), 1)[0] == pytest.approx(-0.5, abs=0.05)


def test_gain_update_is_the_gradient(case, batch, measure):
    xi, x, e = batch
    width = np.sqrt(case.tau) * np.linalg.norm(case.J, axis=1)
    update = (e * x).mean(axis=0) / width
    slope = -_differences(lambda gain: _loss(case, case.J, gain, xi, width), case.gain)
    gap = abs(update - slope).max() / abs(slope).max()
    measure("T19-eq5", gap, 1e-6)
    measure("T20-eq3", gap, 1e-6)


# ---- updates of the order parameters
def _drift(case, fields, i, j):
    """First order of the change of Q_ij, straight from the update: a_i e_i x_j + a_j e_j x_i."""
    x, _, _, e = fields
    return case.a[i] * e[:, i] * x[:, j] + case.a[j] * e[:, j] * x[:, i]


def test_t19_eq6_has_another_field_than_its_update(case, fields, measure):
    """(6) writes x_hat_j = a_j x_j where (4) gives a_i x_j: right for i = j or a_i = a_j only."""
    _, _, h, e = fields
    i, j = 0, 1
    as_printed = (e[:, i] * h[:, j] + e[:, j] * h[:, i]).mean()
    assert z_score(_drift(case, fields, i, j), as_printed) > MISSES
    equal = Case.draw(equal_scales=True)
    sample = equal.sample()
    both = sample[3][:, i] * sample[2][:, j] + sample[3][:, j] * sample[2][:, i]
    np.testing.assert_allclose(both, _drift(equal, sample, i, j))
    own = case.a[i] / case.a[j] * e[:, i] * h[:, j] + case.a[j] / case.a[i] * e[:, j] * h[:, i]
    measure("T19-eq6", abs(own - _drift(case, fields, i, j)).max(), 1e-12)


def test_t19_eq6_second_order_lacks_the_scales(case):
    """The step's own square is (eta / N)^2 a_i a_j e_i e_j |xi|^2; (6) has no a_i a_j, and (24) has it."""
    N, rng = 3000, np.random.default_rng(9)
    xi = np.sqrt(case.tau) * rng.standard_normal(N)
    e = np.array([0.3, -0.2])
    steps = (case.a[:2] * e)[:, None] * xi / N
    square = N * steps[0] @ steps[1]
    assert square == pytest.approx(case.tau * case.a[0] * case.a[1] * e[0] * e[1], rel=5 * np.sqrt(2 / N))
    assert abs(case.a[0] * case.a[1] - 1) > 0.1


def test_t19_eq7_and_25_lack_the_scale(case, fields, measure):
    """dR_in is a_i e_i y_n; (7) and (25) have e_i y_n, T20 (8) has the factor."""
    x, y, _, e = fields
    scores = []
    for i in range(3):
        change = case.a[i] * e[:, i] * y[:, 1]
        assert z_score(change, (e[:, i] * y[:, 1]).mean()) > MISSES
        assert z_score(change, 2 / np.pi * printed.R_(case, i, 1)) > MISSES
        scores.append(z_score(change, 2 / np.pi * case.a[i] * printed.R_(case, i, 1)))
    measure("T19-eq7", largest(scores), WITHIN)
    measure("T19-eq25", largest(scores), WITHIN)


def test_t19_eq8_and_26_hold(case, fields, measure):
    x, _, h, e = fields
    width = np.sqrt(case.tau) * np.linalg.norm(case.J, axis=1)
    np.testing.assert_allclose(e * h / case.gain, e * x / width)
    scores = [z_score(e[:, i] * x[:, i] / width[i], 2 / np.pi / case.gain[i] * printed.G(case, i)) for i in range(3)]
    for claim in ("T19-eq8", "T19-eq26"):
        measure(claim, largest(scores), WITHIN)


# ---- the equations of motion as a whole
def _noise(case, i, j):
    """[Q3 + Q4 - Q5 - Q6] with its prefactor in (24), without eta^2 / b."""
    Q = case.J @ case.J.T
    whole = printed.Q3(case, i, j) + printed.Q4(case, i, j) - printed.Q5(case, i, j) - printed.Q6(case, i, j)
    return (
        4 * case.gain[i] * case.gain[j] / (np.pi**2 * np.sqrt(printed.Lambda(case, i, j) * Q[i, i] * Q[j, j])) * whole
    )


def test_t19_eq24_noise_term_holds(case, fields, measure):
    """Its prefactor g_i g_j / sqrt(Lambda Q_ii Q_jj) is tau a_i a_j / sqrt(Lambda)."""
    e = fields[3]
    scores = [z_score(case.tau * case.a[i] * case.a[j] * e[:, i] * e[:, j], _noise(case, i, j)) for i, j in PAIRS]
    measure("T19-eq24", largest(scores), WITHIN)


@pytest.mark.parametrize("i, j", PAIRS)
def test_t19_eq24_and_t20_eq8_drift_of_student_overlaps(case, fields, i, j):
    """2/pi [Q1 - Q2] is the drift of Q_ij for i = j; for i != j it misses, unless a_i = a_j."""
    score = z_score(_drift(case, fields, i, j), 2 / np.pi * (printed.Q1(case, i, j) - printed.Q2(case, i, j)))
    assert score < WITHIN if i == j else score > MISSES


def test_t20_eq8_with_equal_scales(measure):
    case = Case.draw(seed=5, equal_scales=True, plain_outputs=True)
    fields = case.sample()
    x, y, h, e = fields
    width = np.sqrt(case.tau) * np.linalg.norm(case.J, axis=1)
    scores = [
        z_score(_drift(case, fields, i, j), 2 / np.pi * (printed.Q1(case, i, j) - printed.Q2(case, i, j)))
        for i, j in PAIRS
    ]
    scores += [z_score(case.a[i] * e[:, i] * y[:, 0], 2 / np.pi * case.a[i] * printed.R_(case, i, 0)) for i in range(3)]
    scores += [z_score(e[:, i] * x[:, i] / width[i], 2 / np.pi / case.gain[i] * printed.G(case, i)) for i in range(3)]
    measure("T20-eq8", largest(scores), WITHIN)


def test_t20_eq4_last_sum_and_fields(measure):
    """(4)'s last sum of the first bracket repeats y_p where x_hat_p is meant; both it and x_hat_j miss."""
    case = Case.draw(seed=5, plain_outputs=True, M=3)
    fields = case.sample()
    x, y, h, e = fields
    i, j = 0, 1
    teacher, student = phi(y).sum(axis=1), phi(h).sum(axis=1)
    slopes = phi_slope(h)
    as_printed = slopes[:, i] * h[:, j] * (teacher - student) + slopes[:, j] * h[:, i] * (teacher - teacher)
    last_sum_right = e[:, i] * h[:, j] + e[:, j] * h[:, i]
    assert z_score(_drift(case, fields, i, j), as_printed.mean()) > MISSES
    assert z_score(_drift(case, fields, i, j), last_sum_right.mean()) > MISSES
    assert z_score(_drift(case, fields, 0, 0), (slopes[:, 0] * h[:, 0] * (teacher - student)).mean()) > MISSES
    own = case.a[i] / case.a[j] * e[:, i] * h[:, j] + case.a[j] / case.a[i] * e[:, j] * h[:, i]
    measure("T20-eq4", abs(own - _drift(case, fields, i, j)).max(), 1e-12)


def test_t20_eq5_and_6_lack_a_factor_that_8_has(measure):
    case = Case.draw(seed=5, plain_outputs=True)
    x, y, h, e = case.sample()
    width = np.sqrt(case.tau) * np.linalg.norm(case.J, axis=1)
    assert largest(z_score(case.a[i] * e[:, i] * y[:, 0], (e[:, i] * y[:, 0]).mean()) for i in range(3)) > MISSES
    assert largest(z_score(e[:, i] * x[:, i] / width[i], (e[:, i] * x[:, i]).mean()) for i in range(3)) > MISSES
    measure(
        "T20-eq5",
        largest(
            z_score(case.a[i] * e[:, i] * y[:, 0], 2 / np.pi * case.a[i] * printed.R_(case, i, 0)) for i in range(3)
        ),
        WITHIN,
    )
    measure(
        "T20-eq6",
        largest(z_score(e[:, i] * x[:, i] / width[i], 2 / np.pi / case.gain[i] * printed.G(case, i)) for i in range(3)),
        WITHIN,
    )
