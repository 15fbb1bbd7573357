"""One neuron in small batches: where its gain settles, and what each theory says of it."""

from bnlib import checks

READINGS = ("training mode", "batch of others", "gamma decay")


def gain_shift(input_variance=1.0, *, reading="training mode", center=True):
    r"""b times the first-order shift of ln g at which one error-function neuron settles that has found its teacher.

    At R = 1 and infinite batch size g = sigma. With small batches it settles at
    :math:`\ln g=\ln\sigma+c/b+O(b^{-2})`, and c is (this book's; chapter 15)

    * "training mode": what descends in fact, :math:`-\frac{1+5\tau}{4(1+2\tau)}`, if centered
      :math:`-\frac{3+11\tau+4\tau^2}{4(1+2\tau)}`;
    * "batch of others": the sample has no vote on its own deviation, :math:`-\frac{5+\tau}{4(1+2\tau)}`, if centered
      the same less :math:`\frac{1+\tau}{2}`;
    * "gamma decay": Theorem 1 of Luo et al. (2019) alone, its part from the deviation
      :math:`\frac{5\tau-2}{4(1+2\tau)}`, if centered with its part from the mean, the same less
      :math:`\frac{2+\tau}{2}`.

    Parameters
    ----------
    input_variance : float
        tau = sigma^2 of the fields, the teacher's length being 1.
    reading : {"training mode", "batch of others", "gamma decay"}
    center : bool
        Whether the batch mean is subtracted.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        For arguments out of range.

    >>> gain_shift(1.0, center=False), gain_shift(1.0, reading="gamma decay", center=False)
    (-0.5, 0.25)
    """
    tau = checks.positive("input_variance", input_variance)
    checks.one_of("reading", reading, READINGS)
    top = {"training mode": -(1 + 5 * tau), "batch of others": -(5 + tau), "gamma decay": 5 * tau - 2}[reading]
    mean = (2 + tau) / 2 if reading == "gamma decay" else (1 + tau) / 2
    return top / (4 * (1 + 2 * tau)) - (mean if center else 0.0)
