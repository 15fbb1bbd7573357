"""Order parameters: what a two-layer network is, once its inputs are many (T19 section 2.1, T20 section 2.2)."""

from dataclasses import dataclass

import numpy as np

from bnlib import checks
from bnlib.committee.gaussian import squashed_overlap

NORMALIZATIONS = ("none", "batch", "batch-stop-gradient")


@dataclass(frozen=True)
class OrderParameters:
    """Overlaps of K students J_i and M teachers B_n, and the students' gains under batch normalization.

    Parameters
    ----------
    Q : array (K, K)
        Student overlaps J_i . J_j.
    R : array (K, M)
        Student-teacher overlaps J_i . B_n.
    T : array (M, M)
        Teacher overlaps B_n . B_m.
    gain : array (K,), optional
        Gains g_i of batch normalization; leave out for networks without it.

    Raises
    ------
    ValueError
        If shapes disagree, or the joint overlaps [[Q, R], [R^T, T]] are not symmetric and positive semidefinite.

    >>> start = OrderParameters(Q=[[1.0]], R=[[0.2]], T=[[1.0]], gain=[1.0])
    >>> start.K, start.M
    (1, 1)
    """

    Q: np.ndarray
    R: np.ndarray
    T: np.ndarray
    gain: np.ndarray | None = None

    def __post_init__(self):
        R = checks.array("R", self.R, ("K", "M"))
        K, M = R.shape
        Q = checks.array("Q", self.Q, ("K", "K"), K=K)
        T = checks.array("T", self.T, ("M", "M"), M=M)
        checks.covariance("the joint overlaps [[Q, R], [R^T, T]]", joint_overlaps(Q, R, T))
        gain = None if self.gain is None else checks.array("gain", self.gain, ("K",), K=K)
        for name, value in (("Q", Q), ("R", R), ("T", T), ("gain", gain)):
            object.__setattr__(self, name, value)

    @classmethod
    def from_weights(cls, student, teacher, gain=None):
        """Overlaps of student weights (K, N) and teacher weights (M, N).

        >>> OrderParameters.from_weights([[1.0, 0.0]], [[0.6, 0.8]]).R
        array([[0.6]])
        """
        student = checks.array("student", student, ("K", "N"))
        teacher = checks.array("teacher", teacher, ("M", "N"), N=student.shape[1])
        return cls(student @ student.T, student @ teacher.T, teacher @ teacher.T, gain)

    @property
    def K(self):
        """Number of students."""
        return self.R.shape[0]

    @property
    def M(self):
        """Number of teachers."""
        return self.R.shape[1]


@dataclass(frozen=True)
class Trajectory:
    """Order parameters along a training run; time is steps / N.

    Attributes
    ----------
    times : array (times,), or (..., times) where runs have times of their own
    Q : array (..., times, K, K)
    R : array (..., times, K, M)
    T : array (M, M), or (..., 1, M, M) where runs have teachers of their own
    gain : array (..., times, K), or None without normalization
    error : array (..., times)
        Generalization error; differences below about 1e-15 are round-off.

    Leading axes, where there are any, are replicas or runs.

    >>> times = np.array([0.0, 1.0])
    >>> Trajectory(times, np.ones((5, 2, 3, 3)), np.zeros((5, 2, 3, 2)), np.eye(2), None, np.ones((5, 2)))
    Trajectory(times 0 to 1, Q (5, 2, 3, 3), R (5, 2, 3, 2), T (2, 2), gain None, error (5, 2))
    """

    times: np.ndarray
    Q: np.ndarray
    R: np.ndarray
    T: np.ndarray
    gain: np.ndarray | None
    error: np.ndarray

    def __repr__(self):
        """The span of time and the shapes: the numbers would fill pages."""
        parts = ", ".join(f"{name} {_shape(getattr(self, name))}" for name in ("Q", "R", "T", "gain", "error"))
        return f"Trajectory(times {self.times.min():g} to {self.times.max():g}, {parts})"

    def at(self, index, replica=()):
        """The :class:`OrderParameters` at one recorded time (and replica)."""
        one = self.run(replica)
        return OrderParameters(one.Q[index], one.R[index], one.T, None if one.gain is None else one.gain[index])

    def run(self, replica=()):
        """The :class:`Trajectory` of one replica (or run), without leading axes."""
        where = tuple(np.atleast_1d(replica).astype(int))
        times = self.times if self.times.ndim == 1 else self.times[where]
        T = self.T if self.T.ndim == 2 else self.T[where][0]
        gain = None if self.gain is None else self.gain[where]
        return Trajectory(times, self.Q[where], self.R[where], T, gain, self.error[where])


def _shape(array):
    return None if array is None else array.shape


def joint_overlaps(Q, R, T):
    """The overlaps of students and teachers in one matrix, (..., K+M, K+M)."""
    K, M = R.shape[-2:]
    joint = np.empty((*R.shape[:-2], K + M, K + M))
    joint[..., :K, :K] = Q
    joint[..., :K, K:] = R
    joint[..., K:, :K] = np.swapaxes(R, -1, -2)
    joint[..., K:, K:] = T
    return joint


def field_scales(raw, gain, M):
    """Factors (..., K+M) from the raw fields J_i . xi, B_n . xi to what the units see: a_i = g_i / (sigma sqrt
    Q_ii), or 1. `raw` (..., K, K) is the students' covariance tau Q."""
    K = raw.shape[-1]
    scales = np.ones((*raw.shape[:-2], K + M))
    if gain is not None:
        scales[..., :K] = gain / np.sqrt(np.diagonal(raw, axis1=-2, axis2=-1))
    return scales


def output_signs(K, M, student_output=None, teacher_output=None):
    """Checked output weights as one array c (K+M, O) = (-w; +v), so that the residual is sum_p c_p phi(z_p)."""
    w = checks.array("student_output", np.ones((K, 1)) if student_output is None else student_output, ("K", "O"), K=K)
    outputs = w.shape[1]
    v = np.ones((M, outputs)) if teacher_output is None else teacher_output
    return np.vstack([-w, checks.array("teacher_output", v, ("M", "O"), M=M, O=outputs)])


def check_gain(normalization, gain, Q):
    """Gains must come with batch normalization and only with it; then no student may have length zero."""
    checks.one_of("normalization", normalization, NORMALIZATIONS)
    if normalization == "none":
        if gain is not None:
            raise ValueError(f'gain must be left out (None) when normalization is "none"; got {gain!r}')
        return
    if gain is None:
        raise ValueError(
            f"gain must be given, one number for each student, when normalization is {normalization!r}; got None"
        )
    shortest = np.diagonal(Q, axis1=-2, axis2=-1).min()
    if not shortest > 0:
        raise ValueError(
            f"Q must have a diagonal > 0 under batch normalization, which divides by its root; got {shortest!r}"
        )


def generalization_error(
    order_parameters, *, normalization, input_variance=1.0, student_output=None, teacher_output=None
):
    r"""Mean squared error on a fresh input, halved.

    .. math:: \varepsilon_g = \tfrac12 \sum_{pq} (c_p \cdot c_q)\, I_2(z_p, z_q)

    over all fields :math:`z = (h, y)` with :math:`c = (-w, +v)` (T20 eqs (7) and (13); T19 eq (23) lost part of the
    three sums). Under batch normalization the fields are normalized by the population's standard deviation, as at
    test time.

    Parameters
    ----------
    order_parameters : OrderParameters
    normalization : {"none", "batch", "batch-stop-gradient"}
        The two kinds of batch normalization differ in how they learn, not in this error.
    input_variance : float
        tau = sigma^2 of every input component.
    student_output, teacher_output : arrays (K, O) and (M, O), optional
        Output weights w and v; ones if left out.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        For an unknown normalization, a gain missing with batch normalization or given without, or shapes that disagree.

    >>> same = OrderParameters(Q=[[1.0]], R=[[1.0]], T=[[1.0]])
    >>> generalization_error(same, normalization="none")
    0.0
    """
    p = order_parameters
    check_gain(normalization, p.gain, p.Q)
    tau = checks.positive("input_variance", input_variance)
    c = output_signs(p.K, p.M, student_output, teacher_output)
    return float(error_of(p.Q, p.R, p.T, p.gain, tau, c))


def error_of(Q, R, T, gain, tau, c):
    """:func:`generalization_error` without its checks, over leading axes; arrays `tau` end in two axes of length 1."""
    raw, (K, M) = tau * joint_overlaps(Q, R, T), R.shape[-2:]
    scales = field_scales(raw[..., :K, :K], gain, M)
    C = raw * scales[..., :, None] * scales[..., None, :]
    error = 0.5 * np.sum((c @ c.T) * squashed_overlap(C), axis=(-2, -1))
    return np.maximum(error, 0.0)  # a mean square: below 0 is round-off
