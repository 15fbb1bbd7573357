"""Which curves of a drawing leave their panel at the top or at the bottom."""

import numpy as np

from bnlib.book import style


def panels(figure, result, layout="wide"):
    """The axes of a figure's drawing of a result."""
    with style.context(layout):
        return figure.draw(result).axes


def leaves(line, ax):
    """Whether a line or one of its markers has a point above or below its axis."""
    if not line.get_transform().contains_branch_seperately(ax.transData)[1]:  # heights are no data: ticks of the x-axis
        return False
    low, high = sorted(ax.get_ylim())
    y = np.asarray(line.get_ydata(), float)
    return bool((y < low).any() or (y > high).any())


def stray(figure, result, layout="wide"):
    """The numbers of the panels with a curve that leaves them."""
    return [
        i for i, ax in enumerate(panels(figure, result, layout)) if any(leaves(line, ax) for line in ax.get_lines())
    ]
