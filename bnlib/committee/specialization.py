r"""How far students have specialized, and how long that took: the plateau measured on a trajectory."""

import math
from dataclasses import dataclass

import numpy as np

from bnlib import checks
from bnlib.committee.plateau import plateau_error


def asymmetry(trajectory):
    r"""How far the students have specialized: 0 for the symmetric set with R = S, 1 once each has a teacher of its own.

    .. math:: e = \frac{\|\tilde\rho\|}{\sqrt{K-1}},\quad
        \tilde\rho_{in} = \rho_{in} - \bar\rho_{i\cdot} - \bar\rho_{\cdot n} + \bar\rho

    with the cosines :math:`\rho_{in} = R_{in}/\sqrt{Q_{ii}T_{nn}}`, their means over teachers and over students taken
    away, which changes in length and in the common direction do not feel. On the symmetric set it is
    :math:`|\rho_R - \rho_S|`, and near the plateau it grows as exp(lambda t).

    Parameters
    ----------
    trajectory : Trajectory or OrderParameters
        With K, M >= 2.

    Returns
    -------
    array (...)
        Over the leading axes of Q.

    >>> from bnlib.committee import OrderParameters
    >>> p = OrderParameters(Q=[[1, 0.5], [0.5, 1]], R=[[0.4, 0.1], [0.1, 0.4]], T=np.eye(2))
    >>> float(asymmetry(p).round(12))
    0.3
    """
    p = trajectory
    if min(p.R.shape[-2:]) < 2:
        raise ValueError(f"trajectory must have K, M >= 2; got R of shape {p.R.shape}")
    lengths = np.diagonal(p.Q, axis1=-2, axis2=-1)[..., :, None] * np.diagonal(p.T, axis1=-2, axis2=-1)[..., None, :]
    cosines = p.R / np.sqrt(lengths)
    centred = cosines - cosines.mean(axis=-1, keepdims=True)
    centred = centred - centred.mean(axis=-2, keepdims=True)
    return np.sqrt(np.sum(centred**2, axis=(-2, -1)) / (min(p.R.shape[-2:]) - 1))


@dataclass(frozen=True)
class Plateau:
    """A plateau that was measured on a trajectory; times in steps / N.

    Attributes
    ----------
    start, end : float
        When the error comes near the plateau's, and when it falls below for good; nan where it never came, inf
        where it has not left by the last time.
    asymmetry_at_start, asymmetry_at_end : float
        e_0 and e_1, see `asymmetry`; nan where there is none.
    """

    start: float
    end: float
    asymmetry_at_start: float
    asymmetry_at_end: float

    @property
    def length(self):
        """Time on the plateau."""
        return self.end - self.start

    @property
    def rate(self):
        """The mean rate ln(e_1/e_0) / length at which the asymmetry grew, to be compared with `escape_rate`."""
        return math.log(self.asymmetry_at_end / self.asymmetry_at_start) / self.length


def find_plateau(trajectory, *, input_variance=1.0, level=None, band=0.05):
    r"""The plateau of one run, read off its error curve.

    It starts when the error first comes down to within `band` of the plateau's error, and ends when the error falls
    further below it than that, for good. Times between two records are interpolated, the error as a straight line, the
    asymmetry as an exponential. From asymmetry e_0 at the start to e_1 at the end it lasts about

    .. math:: \text{length} = \frac1\lambda \ln\frac{e_1}{e_0}

    with `escape_rate` for lambda (this book's; T20 figure 3 shows such plateaus). e_0 is what the start brought, of
    order N^{-1/2} for random weights: compare lengths at equal e_0, or rates. Two things are beyond this law. The
    error is second order in e, so that e_1 is 0.2 to 0.6, where growth is no longer exponential: an uncertainty of
    about 1/lambda. And students that start apart grow alike only as 1/t, which changes the rate meanwhile
    (`slowing_exponent`), as in the example.

    Parameters
    ----------
    trajectory : Trajectory
        Of one run with K = M >= 2, no leading axes; its records must resolve the plateau.
    input_variance : float
        tau = sigma^2, from which `level` follows.
    level : float, optional
        Error on the plateau; left out, `plateau_error`, which holds for orthonormal teachers.
    band : float
        Relative, between 0 and 1.

    Returns
    -------
    Plateau

    Raises
    ------
    ValueError
        For arguments out of range.

    >>> from bnlib.committee import OrderParameters, escape_rate, flow
    >>> start = OrderParameters(Q=0.2 * np.eye(2), R=[[0.1, 0.099], [0.099, 0.1]], T=np.eye(2))
    >>> found = find_plateau(flow(start, np.linspace(0, 300, 601), normalization="none"))
    >>> round(found.length), round(found.rate / escape_rate(2, normalization="none"), 2)
    (87, 0.86)
    """
    if trajectory.error.ndim != 1:
        raise ValueError(f"trajectory must be of one run; got error of shape {trajectory.error.shape}")
    band = checks.between("band", band, 0, 1, "()")
    if level is None:
        level = plateau_error(trajectory.R.shape[-1], input_variance)
    level = checks.positive("level", level)
    return read_off(trajectory.times, trajectory.error, asymmetry(trajectory), level, band)


def read_off(times, error, e, level, band):
    """The :class:`Plateau` of one run with that error and asymmetry at those times, see :func:`find_plateau`."""
    arrived = np.flatnonzero(error <= (1 + band) * level)
    if not len(arrived):
        return Plateau(math.nan, math.nan, math.nan, math.nan)
    start, first = _crossing(times, error, e, arrived[0], (1 + band) * level)
    left = np.flatnonzero(error >= (1 - band) * level)[-1] + 1 if (error >= (1 - band) * level).any() else 0
    if left == len(error):
        return Plateau(start, math.inf, first, math.nan)
    end, last = _crossing(times, error, e, left, (1 - band) * level)
    return Plateau(start, end, first, last)


def plateau_length(trajectory, *, input_variance=1.0, level=None, band=0.05):
    """Lengths (...) of the plateaus of many runs, by :func:`find_plateau` for each: the leading axes of the trajectory.

    inf where a run has not left by the last time, nan where it never came. Arguments and errors as there; times in
    steps / N.
    """
    shape = trajectory.error.shape[:-1]
    lengths = [
        find_plateau(trajectory.run(index), input_variance=input_variance, level=level, band=band).length
        for index in np.ndindex(shape)
    ]
    return np.array(lengths).reshape(shape)[()]


def _crossing(times, error, e, index, level):
    """Time and asymmetry where the error reaches `level` between records index - 1 and index (at the first: there)."""
    if index == 0:
        return float(times[0]), float(e[0])
    before, after = error[index - 1], error[index]
    share = (before - level) / (before - after)
    time = times[index - 1] + share * (times[index] - times[index - 1])
    return float(time), float(e[index - 1] ** (1 - share) * e[index] ** share)
