"""Chapter 4: reference, another style, and each mistake under the name that the exercise gives it."""

import math

import numpy as np

from bnlib.committee import delay, flow_jacobian


# ---- committee-4-1
def escape(tau, eta):
    return (2 * eta / np.pi) * 2 * tau**3 / ((2 + tau) ** 0.5 * (2 + 3 * tau) ** 1.5)


def escape_step_by_step(tau, eta):
    q = tau / (2 + tau)
    r = math.sqrt(tau * q / 2)
    U = 1 / math.sqrt((1 + q) * (1 + tau) - r * r)
    return 2 * eta / math.pi * tau * (r * U**3) * tau


def _fastest(tau, eta):
    return eta * np.linalg.eigvals(flow_jacobian(2, tau, normalization="none")).real.min()


ESCAPE_MISTAKES = {
    "one factor tau too few": lambda tau, eta: escape(tau, eta) / tau,
    "input variance forgotten": lambda tau, eta: escape(1.0, eta),
    "2/pi dropped": lambda tau, eta: escape(tau, eta) * np.pi / 2,
    "sign": lambda tau, eta: -escape(tau, eta),
    "a mode that decays": _fastest,
}


# ---- committee-4-2
def in_chart(H, gradient, J, second):
    return J.T @ H @ J + np.einsum("a,abc->bc", gradient, second)


def in_chart_entry_by_entry(H, gradient, J, second):
    n = len(gradient)
    new = np.zeros((n, n))
    for b in range(n):
        for c in range(n):
            for a in range(n):
                new[b, c] += gradient[a] * second[a, b, c]
                new[b, c] += sum(J[a, b] * H[a, d] * J[d, c] for d in range(n))
    return new


def _changed(first=lambda H, J: J.T @ H @ J, share=1.0):
    return lambda H, g, J, second: first(H, J) + share * np.einsum("a,abc->bc", g, second)


CHART_MISTAKES = {
    "gradient term dropped": _changed(share=0.0),
    "J on the wrong side": _changed(lambda H, J: J @ H @ J.T),
    "inverse chart": _changed(lambda H, J: np.linalg.inv(J).T @ H @ np.linalg.inv(J)),
    "sign of the gradient term": _changed(share=-1.0),
}


# ---- committee-4-3
def ratio(K, tau, squared_norm):
    return (K + (K - 1) * tau) * squared_norm


def ratio_by_metric(K, tau, squared_norm):
    """|J|^2 / rho^2 with rho = g / sigma."""
    gain = math.sqrt(tau / (K + (K - 1) * tau))
    return squared_norm / (gain / math.sqrt(tau)) ** 2


DELAY_MISTAKES = {
    "upside down": lambda K, tau, norm: 1 / delay(K, tau, squared_norm=norm),
    "length in place of its square": lambda K, tau, norm: delay(K, tau, squared_norm=norm) / math.sqrt(norm),
    "T20's squared norm": lambda K, tau, norm: (K + (K - 1) * tau) ** 2 / tau,
    "gain left out": lambda K, tau, norm: norm,
    "input variance forgotten": lambda K, tau, norm: (2 * K - 1) * norm,
}

SOLUTIONS = {
    "committee-4-1": (escape, escape_step_by_step, ESCAPE_MISTAKES),
    "committee-4-2": (in_chart, in_chart_entry_by_entry, CHART_MISTAKES),
    "committee-4-3": (ratio, ratio_by_metric, DELAY_MISTAKES),
}
