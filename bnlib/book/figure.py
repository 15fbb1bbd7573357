"""The figure contract: one object, three functions, three front ends.

A `Figure` is a name, a title, its parameters and ``compute``, ``draw``, ``describe``. A notebook cell that
ends in ``find("name")`` shows it. Which front end answers is chosen here alone, by the environment variable
BNLIB_FRONT_END:

* ``notebook`` (or unset): words, a small still and, where ipywidgets is installed, controls that move;
* ``still``: words and the small still only, which is what the stored notebooks keep;
* ``page``: words and the HTML element that the book's script brings to life.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

from . import page, style

FRONT_ENDS = ("notebook", "still", "page")
LABELS = {"sigma": "deviation", "zeta": "decay"}  # of parameters that code and addresses call by their letter


@dataclass(frozen=True)
class Parameter:
    """A setting that a reader can choose from a finite ordered list of values.

    ``values`` are all numbers (a slider) or all names (a choice in sight); ``default`` is one of them.

    >>> Parameter("input_variance", "τ", (0.5, 1.0, 2.0), 1.0).label
    'input variance'
    """

    name: str
    symbol: str
    values: tuple
    default: Any

    def __post_init__(self):
        if not self.name.isidentifier():
            raise ValueError(f"name: {self.name!r} is not an identifier")
        if len(self.values) < 2 or len(set(self.values)) < len(self.values):
            raise ValueError(f"{self.name}: values must be at least two and all different, not {self.values!r}")
        if len({isinstance(value, str) for value in self.values}) > 1:
            raise ValueError(f"{self.name}: values must be all numbers or all names, not {self.values!r}")
        if self.default not in self.values:
            raise ValueError(f"{self.name}: the default {self.default!r} is not among {self.values!r}")

    @property
    def label(self):
        """The name for people."""
        return LABELS.get(self.name, self.name.replace("_", " "))

    @property
    def named(self):
        """Whether the values are names rather than numbers."""
        return isinstance(self.default, str)

    @property
    def words(self):
        """The values for people, in their order."""
        return [style.words(value) for value in self.values]

    @property
    def names(self):
        """The values as an address has them: what code calls them, in full, whatever they are called for people.

        >>> Parameter("zeta", "ζ", (1 / 64, 1e-6), 1e-6).names, Parameter("zeta", "ζ", (1 / 64, 1e-6), 1e-6).words
        (['0.015625', '1e-06'], ['0.0156', '10⁻⁶'])
        """
        return [value if self.named else f"{value:g}" for value in self.values]


@dataclass(frozen=True)
class Prediction:
    """A question asked before the picture shows; ``answer(result)`` is the index of the right choice."""

    question: str
    choices: tuple
    answer: Callable

    def __post_init__(self):
        if len(self.choices) < 2:
            raise ValueError(f"choices: at least two are needed, not {self.choices!r}")

    def right(self, result):
        """The index of the right choice for a result; ValueError if ``answer`` names no choice."""
        index = int(self.answer(result))
        if not 0 <= index < len(self.choices):
            raise ValueError(f"answer: {index} is not an index into the {len(self.choices)} choices")
        return index

    def verdict(self, guess, right):
        """What a reader is told about a guess (an index, or None). The page's script says the same."""
        if guess is None:
            return f"Here: {self.choices[right]}."
        if guess == right:
            return f"You said: {self.choices[guess]}. That is right here."
        return f"You said: {self.choices[guess]}. Here it is: {self.choices[right]}."


@dataclass(frozen=True)
class Figure:
    """A figure that moves.

    ``compute(**parameters) -> result`` is pure, ``draw(result)`` returns a matplotlib Figure
    made with `bnlib.book.style`, ``describe(result)`` 1-4 sentences with the numbers to see.
    """

    name: str
    title: str
    parameters: tuple
    compute: Callable
    draw: Callable
    describe: Callable
    predict: Prediction | None = None

    def state(self, **changes):
        """All parameters: the defaults with ``changes``; ValueError for an unknown name or value."""
        by_name = {parameter.name: parameter for parameter in self.parameters}
        for name, value in changes.items():
            if name not in by_name:
                raise ValueError(f"{self.name} has no parameter {name!r}; it has {', '.join(by_name)}")
            if value not in by_name[name].values:
                raise ValueError(f"{self.name}: {name} = {value!r} is not one of {by_name[name].values!r}")
        return {name: changes.get(name, parameter.default) for name, parameter in by_name.items()}

    def result(self, **changes):
        """What ``compute`` gives at the defaults with ``changes``."""
        return self.compute(**self.state(**changes))

    def text(self, **changes):
        """What ``describe`` says at the defaults with ``changes``."""
        return self.describe(self.result(**changes))

    def image(self, layout="wide", format="svg", **changes):
        """The picture: "svg" is text in the page's colours and font, "png" bytes for notebooks and print."""
        return self.picture(self.result(**changes), layout, format)

    def picture(self, result, layout="wide", format="svg"):
        """The picture of a result that is already there."""
        with style.context(layout):
            return style.export(self.draw(result), format, salt=f"{self.name} {layout}")

    def shown(self, layout="wide", **changes):
        """A frame: {"svg": picture, "text": words} and, where the figure asks for a prediction, "answer"."""
        return self.frame(self.result(**changes), layout)

    def frame(self, result, layout="wide"):
        """The frame of a result that is already there."""
        frame = {"svg": self.picture(result, layout), "text": self.describe(result)}
        if self.predict:
            frame["answer"] = self.predict.right(result)
        return frame

    def settings(self, joint=False):
        """{key: changes} of the prepared frames: the defaults (key "") and each parameter alone ("a=2").

        ``joint``: every combination. A key lists the parameters off their default, in order, as "a=2,b=0".
        """
        everything = {}
        for indices in product(*(range(len(p.values)) for p in self.parameters)):
            moved = [(p, i) for p, i in zip(self.parameters, indices) if p.values[i] != p.default]
            if joint or len(moved) < 2:
                everything[",".join(f"{p.name}={i}" for p, i in moved)] = {p.name: p.values[i] for p, i in moved}
        return everything

    def frames(self, layout="wide", joint=False):
        """{key: frame} for all `settings`."""
        return {key: self.shown(layout, **changes) for key, changes in self.settings(joint).items()}

    def html(self):
        """The page's element with native controls and both stills; without a script only a still shows."""
        return page.element(self)

    def _repr_mimebundle_(self, include=None, exclude=None):
        front_end = os.environ.get("BNLIB_FRONT_END") or "notebook"
        if front_end not in FRONT_ENDS:
            raise ValueError(f"BNLIB_FRONT_END = {front_end!r} is not one of {FRONT_ENDS}")
        result = self.result()
        bundle = {"text/plain": self.describe(result)}
        if front_end == "page":
            return {**bundle, "text/html": self.html()}
        bundle["image/png"] = self.picture(result, format="png")
        if front_end == "notebook":
            bundle.update(_widget_view(self))
        return bundle


def _widget_view(figure):
    try:
        from .widgets import Explorer
    except ModuleNotFoundError as error:
        if error.name != "ipywidgets":
            raise
        return {}
    bundle = Explorer(figure)._repr_mimebundle_()
    return {kind: value for kind, value in bundle.items() if "widget-view" in kind}
