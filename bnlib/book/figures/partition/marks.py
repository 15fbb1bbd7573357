"""Points as one path, a tenth of the bytes that as many markers take in a page, and shades that fit any page."""

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.patches import PathPatch
from matplotlib.path import Path

HEAT = "#2196c0"  # between the accents of a light and of a dark page, for the colours of an image cannot follow it


def dots(ax, points, color, size=3.0, *, square=False, alpha=1.0, zorder=2):
    """Draw points (N, 2) as dots (or squares) of ``size`` points: very short strokes with wide caps."""
    points = np.asarray(points, dtype=float)
    if not len(points):
        return
    vertices = np.repeat(points, 2, axis=0)
    vertices[1::2, 0] += 0.002 * np.ptp(points, axis=0).max() + 1e-9  # no length at all would have no cap in a PNG
    path = Path(vertices, np.tile([Path.MOVETO, Path.LINETO], len(points)))
    path.should_simplify = False
    cap = "projecting" if square else "round"
    patch = PathPatch(path, fill=False, ec=color, lw=size, capstyle=cap, alpha=alpha, zorder=zorder)
    patch.set_snap(False)
    ax.add_patch(patch)


def lines(ax, segments, color, width=1.0, *, dash="-", zorder=1):
    """Draw segments (s, 2, 2) as one path."""
    if len(segments):
        path = Path(np.reshape(segments, (-1, 2)), np.tile([Path.MOVETO, Path.LINETO], len(segments)))
        ax.add_patch(PathPatch(path, fill=False, ec=color, lw=width, ls=dash, capstyle="round", zorder=zorder))


def paths(ax, curves, color, width=1.0, *, zorder=1):
    """Draw curves, each through its points (k, 2), as one path."""
    codes = [np.append(Path.MOVETO, np.full(len(curve) - 1, Path.LINETO)) for curve in curves]
    path = Path(np.concatenate(curves), np.concatenate(codes))
    ax.add_patch(PathPatch(path, fill=False, ec=color, lw=width, capstyle="round", zorder=zorder))


def heat(ax, values, extent):
    """Show an array as shades of one colour, from nothing at 0 to all of it at 1, over whatever colour the page has.

    ``extent`` is (left, right, bottom, top) of the array's outer samples; rows go upwards.
    """
    values = np.clip(np.asarray(values, dtype=float), 0, 1)
    shades = np.empty((*values.shape, 4))
    shades[..., :3] = to_rgb(HEAT)
    shades[..., 3] = np.round(values * 16) / 16
    left, right, bottom, top = extent
    across, up = (right - left) / (values.shape[1] - 1) / 2, (top - bottom) / (values.shape[0] - 1) / 2
    outer = (left - across, right + across, bottom - up, top + up)
    ax.imshow(shades, extent=outer, origin="lower", interpolation="none", zorder=0)
