"""Looks: a palette by role, two layouts, and SVG that takes its colours and font from the page around it."""

import io
import math
import re

import matplotlib
import numpy as np
from cycler import cycler
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import TICKDOWN, TICKLEFT, Line2D
from matplotlib.text import Text
from matplotlib.ticker import NullLocator
from PIL import Image

INK, QUIET, FAINT = "#1c2126", "#6d747c", "#d9dde1"  # text and axes; secondary; grid and fills
ACCENT, SECOND, THIRD = (
    "#0b6e8f",
    "#b8500f",
    "#7a4a9e",
)  # apart in every common colour vision; add a line style
ROLES = {
    INK: "currentColor",
    QUIET: "var(--bn-quiet,#6d747c)",
    FAINT: "var(--bn-faint,#d9dde1)",
    ACCENT: "var(--bn-accent,#0b6e8f)",
    SECOND: "var(--bn-second,#b8500f)",
    THIRD: "var(--bn-third,#7a4a9e)",
}
SOLID, DASHED, DOTTED, DASHDOT = "-", (0, (4, 2)), (0, (1.2, 1.6)), (0, (6, 1.5, 1, 1.5))

LAYOUTS = {"wide": 7.2, "narrow": 3.5}  # width in inches; both are shown at about 1.4 px a point
ROW = {
    "wide": {1: 3.15, 2: 2.3},
    "narrow": {1: 2.8, 2: 1.95},
}  # height of a row in inches, by columns or rows
NAME = 20 / 72  # inches from an axis to its name
MARK, NUMBER = 3.5, 7.0  # points: the length of a tick and from an axis to its numbers, Matplotlib's own
PNG_DPI, PNG_COLOURS = 110, 40
RC = {
    "font.family": ["DejaVu Sans"], "font.size": 9.5, "axes.titlesize": 9.5, "axes.labelsize": 9.5,
    "xtick.labelsize": 9, "ytick.labelsize": 9, "axes.titlelocation": "left", "axes.titley": 1.0,
    "axes.unicode_minus": True,
    "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": QUIET, "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK, "ytick.labelcolor": INK, "axes.spines.top": False, "axes.spines.right": False,
    "axes.linewidth": 0.7, "xtick.major.width": 0.7, "ytick.major.width": 0.7, "xtick.minor.size": 0,
    "ytick.minor.size": 0, "lines.linewidth": 1.8, "lines.solid_capstyle": "round", "svg.fonttype": "none",
    "path.simplify_threshold": 0.15, "axes.prop_cycle": cycler(color=[ACCENT, SECOND, THIRD, QUIET]),
}  # fmt: skip
# "axes.titley" is fixed because finding room for a title takes a fifth of a drawing's time


def context(layout):
    """Matplotlib settings in which a figure's ``draw`` runs; ``layout`` is "wide" or "narrow"."""
    if layout not in LAYOUTS:
        raise ValueError(f"layout = {layout!r} is not one of {tuple(LAYOUTS)}")
    return matplotlib.rc_context({**RC, "figure.figsize": (LAYOUTS[layout], ROW[layout][1])})


def is_narrow():
    """Whether the current layout is the narrow one."""
    return matplotlib.rcParams["figure.figsize"][0] <= LAYOUTS["narrow"]


def grid(rows, columns, *, left=0.47, right=0.4, gap=0.62, title=0.3, below=0.49):
    """A matplotlib figure and its axes as an array (rows, columns); the narrow layout transposes the grid.

    Margins are in inches and fixed, so that settings can be compared and drawing stays quick: ``left`` and
    ``gap`` hold tick labels, ``right`` direct labels, ``title`` and ``below`` what is over and under each.
    """
    narrow = is_narrow()
    down, across = (columns, rows) if narrow else (rows, columns)
    dense = ROW["narrow" if narrow else "wide"]
    height = down * (dense[1] if (across if narrow else down) == 1 else dense[2])
    figure = Canvas(figsize=(LAYOUTS["narrow" if narrow else "wide"], height))
    width = figure.get_figwidth()
    panel_width = (width - left - right - (across - 1) * gap) / across
    panel_height = (height - down * (title + below)) / down
    axes = figure.subplots(down, across, squeeze=False, gridspec_kw={
        "left": left / width, "right": 1 - right / width, "wspace": gap / panel_width,
        "bottom": below / height, "top": 1 - title / height, "hspace": (title + below) / panel_height,
    })  # fmt: skip
    for ax in axes.flat:  # names of axes at fixed places: looking for room takes an eighth of a drawing's time
        ax.xaxis.set_label_coords(0.5, -NAME / panel_height)
        ax.yaxis.set_label_coords(-NAME / panel_width, 0.5)
    return figure, axes.T if narrow else axes


def panels(count, **margins):
    """A figure and ``count`` (1, 2, 3, 4, 6 or 8) panels in reading order: 1 or 2 rows wide, columns narrow.

    ``margins`` are those of `grid`, which is the one to use where rows and columns mean something.
    """
    shapes = {1: (1, 1), 2: (1, 2), 3: (1, 3), 4: (2, 2), 6: (2, 3), 8: (2, 4)}
    if count not in shapes:
        raise ValueError(f"count = {count!r} is not one of {tuple(shapes)}")
    figure, axes = grid(*shapes[count], **margins)
    return figure, (axes.T if is_narrow() else axes).ravel()


def log_axis(axis, low, high, ticks=None, names=None):
    """Make ``ax.xaxis`` or ``ax.yaxis`` logarithmic and fixed, so that settings can be compared; ticks are at ``ticks``
    (default: decades), with their values or ``names``."""
    if not 0 < low < high:
        raise ValueError(f"low = {low!r}, high = {high!r}: need 0 < low < high")
    if ticks is None:
        ticks = 10.0 ** np.arange(np.ceil(np.log10(low) - 1e-9), np.log10(high) + 1e-9)
    axis.axes.set(**{f"{axis.axis_name}scale": "log", f"{axis.axis_name}lim": (low, high)})
    _ticks(axis, ticks, names or [power_words(tick) for tick in ticks])


def fixed_axis(axis, low, high, ticks, names=None):
    """Fix a linear axis's limits and ticks, which have their values or ``names`` beside them."""
    axis.axes.set(**{f"{axis.axis_name}lim": (low, high)})
    _ticks(axis, ticks, names or [f"{float(tick):g}".replace("-", "−") for tick in ticks])


def _ticks(axis, places, names):
    """Marks and words on an axis, those within its limits. Matplotlib's own ticks take a third of a drawing's time."""
    ax, along = axis.axes, axis.axis_name == "x"
    axis.set_major_locator(NullLocator())
    axis.set_minor_locator(NullLocator())
    low, high = sorted(axis.get_view_interval())
    slack = 1e-12 * (high - low)  # round-off keeps no tick from its end of the axis
    kept = [
        (place, name) for place, name in zip(places, names, strict=True)
        if math.isclose(place, min(max(place, low), high), abs_tol=slack)
    ]  # fmt: skip
    at = np.array([(place, 0.0) if along else (0.0, place) for place, _ in kept]).reshape(-1, 2)
    marker, where = (TICKDOWN, ax.get_xaxis_transform()) if along else (TICKLEFT, ax.get_yaxis_transform())
    look = {"ls": "none", "marker": marker, "ms": MARK, "mew": RC["xtick.major.width"], "color": RC["xtick.color"]}
    ax.add_artist(Line2D(*at.T, **look, transform=where, clip_on=False, zorder=1.5))  # under the curves
    where, va, ha = ax.get_xaxis_text1_transform(NUMBER) if along else ax.get_yaxis_text1_transform(NUMBER)
    for (x, y), (_, name) in zip(at, kept):
        ax.add_artist(Text(x, y, name, fontsize=RC["xtick.labelsize"], va=va, ha=ha, transform=where, clip_on=False))


def label(ax, ys, names, colors, x=1.025, gap=10.0):
    """Direct labels right of the data at heights ``ys``, at least ``gap`` points apart."""
    low, high = ax.transData.inverted().transform(ax.transAxes.transform([(0, 0), (0, 1)]))[:, 1]
    scale = np.log if ax.get_yscale() == "log" else np.asarray
    at = np.clip((scale(np.asarray(ys, float)) - scale(low)) / (scale(high) - scale(low)), 0, 1)
    step = gap / 72 / (ax.get_position().height * ax.figure.get_figheight())
    order = np.argsort(at, kind="stable")
    for below, above in zip(order, order[1:]):
        at[above] = max(at[above], at[below] + step)
    at[order[-1]] = min(at[order[-1]], 1.0)
    for above, below in zip(order[::-1], order[-2::-1]):  # what was pushed over the top comes back, and no more
        at[below] = min(at[below], at[above] - step)
    for y, name, color in zip(at, names, colors):
        ax.text(x, y, name, color=color, va="center", ha="left", transform=ax.transAxes, clip_on=False)


CALLED = {
    "relu": "ReLU", "rms": "RMS", "he": "variance 2/D", "uniform-variance": "variance 1/(3D)", "alpha-zeta": "αζ",
    "zeta": "ζ",
}  # fmt: skip
# names of code and records that are no words, and what people read instead; addresses of settings keep the names


def words(value):
    """A parameter's value for people: a name without its hyphens, a number to three digits as captions have it.

    >>> words("batch-stop-gradient"), words("closest_tenth"), words("relu")
    ('batch stop gradient', 'closest tenth', 'ReLU')
    >>> words(float("inf")), words(-0.5), words(1 / 64), words(1e-6), words(17800)
    ('∞', '−0.5', '0.0156', '10⁻⁶', '17800')
    """
    if isinstance(value, str):
        return CALLED.get(value, value.replace("-", " ").replace("_", " "))
    if value == float("inf"):
        return "∞"
    text = f"{value:g}" if abs(value) >= 100 else f"{value:.3g}"
    if "e" in text:
        digits, power = text.split("e")
        text = f"{'' if digits == '1' else digits + ' × '}10{raised(int(power))}"
    return text.replace("-", "−")


def raised(number):
    """An integer as superscript characters."""
    return str(number).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def power_words(value):
    """A tick's value for people; powers of ten below 0.01 and above 1000 are written as such.

    >>> power_words(0.01), power_words(1e-4), power_words(1e4), power_words(20)
    ('0.01', '10⁻⁴', '10⁴', '20')
    """
    power = round(np.log10(value))
    if abs(value / 10.0**power - 1) < 1e-9 and not -2 <= power <= 3:
        return "10" + raised(power)
    return words(value)


def export(figure, format, salt):
    """A drawn figure as "svg" text fit for a page (ids salted, for pictures share a page) or "png" bytes."""
    buffer = io.BytesIO()
    if format == "png":
        figure.savefig(buffer, format="png", dpi=PNG_DPI, facecolor="white")
        return _few_colours(buffer)
    if format != "svg":
        raise ValueError(f"format = {format!r} is not one of ('svg', 'png')")
    with matplotlib.rc_context({"svg.hashsalt": salt}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return page_svg(buffer.getvalue().decode())


def _few_colours(buffer):
    """The picture with a small palette: a third of the size, which a notebook stores and git keeps."""
    small = io.BytesIO()
    picture = Image.open(buffer).convert("RGB").quantize(PNG_COLOURS, dither=Image.Dither.NONE)
    picture.save(small, format="png", optimize=True)
    return small.getvalue()


def page_svg(text):
    """Matplotlib's SVG as a page wants it: no prologue or global style, roles for colours, its font."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->|<defs>\s*</defs>", "", text, flags=re.S)
    text = re.sub(r'<svg [^>]*?viewBox="([^"]*)"[^>]*>', r'<svg viewBox="\1" aria-hidden="true">', text, count=1)
    text = re.sub(r"<[^>]+>", lambda tag: _page_tag(tag[0]), text)  # inside tags only: words keep their numbers
    return re.sub(r">\s+<", "><", text)


def _page_tag(tag):
    tag = re.sub(r' id="(?![hmp][0-9a-f]{10}")[^"]*"', "", tag).replace("xlink:href", "href")
    tag = re.sub(r"font: ([^;\"]*)", lambda font: _page_font(font[1]), tag)
    tag = re.sub(r"font-family: [^;\"]*;? ?", "", tag)
    tag = re.sub(r"#[0-9a-f]{6}", lambda colour: ROLES.get(colour[0], colour[0]), tag)
    tag = re.sub(r"-?\d+\.\d{2,}", lambda number: f"{float(number[0]) + 0.0:.1f}".removesuffix(".0"), tag)
    return re.sub(r"\s*\n\s*", " ", re.sub(r"(?<=[:;]) |; ?(?=\")", "", tag))


def _page_font(shorthand):
    """Matplotlib's font shorthand without its family: slant, weight and size."""
    slant = "font-style: italic; " if re.search(r"oblique|italic", shorthand) else ""
    weight = "font-weight: 650; " if re.search(r"\b(bold|[6-9]00)\b", shorthand) else ""
    return f"{slant}{weight}font-size: {re.search(r'([0-9.]+)px', shorthand)[1]}px"
