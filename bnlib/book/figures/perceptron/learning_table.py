"""L19's table 1 as a page of numbers that a reader can change."""

import math

from bnlib.book import style
from bnlib.book.figure import Figure, Parameter
from bnlib.book.figures.committee.rules import number
from bnlib.perceptron import effective_learning_rate, eigenvalues, fixed_point, max_learning_rate

COLUMNS = {"batch": "batch norm.", "weight": "weight norm.", "none": "plain"}
ROWS = (
    ("gamma0", "gain at rest  γ₀"),
    ("largest", "largest rate  ηₘₐₓ"),
    ("noisy", "   with I₂ kept"),
    ("effective", "effective rate  ηₑ"),
    ("on_gain", "rate of the gain  λ"),
    ("on_cosine", "rate of the cosine  λ"),
)


def compute_table(activation, zeta, learning_rate, length):
    """The entries of the table, row by row, for the three ways of training."""
    columns = {}
    for rule in COLUMNS:
        gamma, _ = fixed_point(activation, zeta=zeta, normalization=rule)
        on_gain, on_cosine, _ = eigenvalues(
            activation, learning_rate=learning_rate, length=length, zeta=zeta, normalization=rule
        )
        columns[rule] = {
            "gamma0": gamma,
            "largest": max_learning_rate(activation, zeta=zeta, normalization=rule),
            "noisy": max_learning_rate(activation, zeta=zeta, normalization=rule, with_noise=True),
            "effective": effective_learning_rate(learning_rate, length, gamma0=gamma, normalization=rule),
            "on_gain": on_gain,
            "on_cosine": on_cosine,
        }
    return {"activation": activation, "zeta": zeta, "eta": learning_rate, "length": length, "columns": columns}


def draw_table(r):
    """Words and numbers in rows and columns; a rate that grows is coloured."""
    figure, (ax,) = style.panels(1, left=0.15, right=0.1, title=0.12, below=0.1)
    ax.set(xlim=(0, 1), ylim=(len(ROWS) + 0.9, -0.8), xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set_visible(False)
    narrow = style.is_narrow()
    size, places = (7.4, (0.59, 0.8, 1.0)) if narrow else (10.5, (0.55, 0.78, 0.98))
    for place, (rule, name) in zip(places, COLUMNS.items()):
        if narrow:
            name = name.replace(" norm.", "")
        ax.text(place, -0.3, name, ha="right", fontsize=size, weight="bold")
        for k, (key, _) in enumerate(ROWS):
            value = r["columns"][rule][key]
            colour = style.SECOND if key.startswith("on_") and value > 0 else style.INK
            text = "∞" if math.isinf(value) else f"{value:.4f}".replace("-", "−")
            ax.text(place, k + 0.7, text, ha="right", fontsize=size, color=colour)
    for k, (_, words) in enumerate(ROWS):
        ax.text(0, k + 0.7, words, fontsize=size, color=style.INK)
        ax.plot([0, 1], [k + 0.08] * 2, color=style.FAINT, lw=0.8, clip_on=False)
    verdicts = [_verdict(r["columns"][rule]) for rule in COLUMNS]
    ax.text(0, len(ROWS) + 0.7, "direction R = 1 is", fontsize=size)
    ax.plot([0, 1], [len(ROWS) + 0.08] * 2, color=style.QUIET, lw=0.8, clip_on=False)
    for place, verdict in zip(places, verdicts):
        colour = style.ACCENT if verdict == "stable" else style.SECOND
        ax.text(place, len(ROWS) + 0.7, verdict, ha="right", fontsize=size, color=colour)
    return figure


def _verdict(column):
    gap = column["largest"] - column["effective"]
    return "marginal" if abs(gap) < 1e-9 else "stable" if gap > 0 else "unstable"


def describe_table(r):
    """The two rows that matter most."""
    parts = [
        f"{name.replace('norm.', 'normalization')}: largest rate {column['largest']:.4f}, effective rate "
        f"{column['effective']:.4f}, the direction is {_verdict(column)}"
        for name, column in zip(("batch norm.", "weight norm.", "plain descent"), r["columns"].values())
    ]
    return (
        f"Table 1 for the activation {style.words(r['activation'])} at ζ = {r['zeta']:g}, η = {r['eta']:g} and length "
        f"L = {r['length']:g}. {parts[0].capitalize()}. {parts[1].capitalize()}; {parts[2]}. The gain rests at "
        f"{number(r['columns']['batch']['gamma0'])} with the decay, at 1 without it."
    )


TABLE = Figure(
    "table-1",
    "L19's table 1 in numbers",
    (
        Parameter("activation", "", ("relu", "erf", "identity"), "relu"),
        Parameter("zeta", "ζ", (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0), 0.1),
        Parameter("learning_rate", "η", (0.3, 1.0, 2.2, 3.0, 5.0), 2.2),
        Parameter("length", "L", (0.7, 1.0, 1.5, 2.0), 1.0),
    ),
    compute_table,
    draw_table,
    describe_table,
)
