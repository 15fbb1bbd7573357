"""The exercise contract: properties that an answer must have, and mistakes worth a hint of their own.

A check tests what the mathematics demands (a limit, a symmetry, a conservation law, a second numerical road)
and never holds the solution, so it can be read by everybody. Every text is plain and stable, for notebooks
store it and tests compare it.
"""

import contextlib
import copy
import dis
import inspect
import numbers
import textwrap
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

NOT_ATTEMPTED, RIGHT, NOT_YET = "not attempted", "right", "not yet"
WIDTH = 92
LISTED = 4  # numbers of an argument that are told one by one


class Trouble(Exception):
    """An answer that cannot be judged: it raised, or returned something that is not the array asked for."""


class Untouched(Exception):
    """The stub is still as it was handed out."""


@dataclass(frozen=True)
class Check:
    """A property: its sentence completes "we checked that ...", its function answer -> bool tests it."""

    says: str
    holds: Callable[[Callable], bool]


@dataclass(frozen=True)
class Mistake:
    """A known mistake: a name, the function answer -> bool that recognises it, and the hint it deserves."""

    name: str
    recognise: Callable[[Callable], bool]
    hint: str


@dataclass(frozen=True)
class Verdict:
    """What `Exercise.check` returns: plain text for the reader, `state` and `mistake` for programs."""

    state: str
    text: str
    mistake: str | None = None

    @property
    def right(self) -> bool:
        """Whether every check passed."""
        return self.state == RIGHT

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Hint:
    """One hint; its plain text says which of how many it is."""

    text: str

    def __repr__(self) -> str:
        return self.text


@dataclass
class Exercise:
    """Something to write and a way to know whether it is right.

    `arguments()` gives one example call (a tuple) and `shape` the shape of what that call must return. The
    student's function is never called directly: checks get it wrapped, so that it cannot change their arrays,
    cannot warn, and whatever it does wrong becomes words.
    """

    name: str
    title: str
    ask: str
    arguments: Callable[[], tuple]
    shape: tuple[int, ...]
    hints: tuple[str, str, str]
    checks: tuple[Check, ...]
    mistakes: tuple[Mistake, ...]
    _hints_given: int = field(default=0, init=False, repr=False)

    def check(self, answer) -> Verdict:
        """Judge an answer. Never raises, whatever the answer is or does."""
        if answer is None or answer is ...:
            return self._not_attempted()
        if not callable(answer):
            return _verdict(NOT_YET, f"a function is asked for, and this is of type {type(answer).__name__}.")
        ask = _wrapped(answer)
        try:
            value = ask(*self.arguments())
            if value.shape != self.shape:
                return _verdict(
                    NOT_YET,
                    f"the answer should have {_shape(self.shape)} here, and has {_shape(value.shape)}.",
                )
            failed = next((check for check in self.checks if not check.holds(ask)), None)
        except Untouched:
            return self._not_attempted()
        except Trouble as trouble:
            return _verdict(NOT_YET, str(trouble))
        except Exception as error:  # a shape that only some calls get wrong ends here
            return _verdict(NOT_YET, f"what the function returned could not be used: {_told(error)}.")
        if failed is None:
            return _verdict(RIGHT, "we checked that", [check.says for check in self.checks])
        found = next((mistake for mistake in self.mistakes if _recognised(mistake, ask)), None)
        text = f"this does not hold: {failed.says}."
        return _verdict(
            NOT_YET, text if found is None else f"{text} {found.hint}", mistake=found.name if found else None
        )

    def hint(self, number: int | None = None) -> Hint:
        """The next of the hints (the last one again when all are given), or hint `number` (from 1)."""
        count = len(self.hints)
        if number is None:
            self._hints_given = number = min(self._hints_given + 1, count)
        if number not in range(1, count + 1):
            raise ValueError(f"number must be a whole number from 1 to {count}, got {number!r}")
        return Hint(_wrap(f"hint {number} of {count}: {self.hints[number - 1]}"))

    def _not_attempted(self) -> Verdict:
        return Verdict(NOT_ATTEMPTED, f"not attempted: {self.name}, {self.title}")

    def __repr__(self) -> str:
        return _wrap(f"{self.name}, {self.title}. {self.ask}")


def close(value, expected, rtol=1e-6, atol=1e-9) -> bool:
    """Same shape and the same numbers within the tolerances."""
    value, expected = np.asarray(value), np.asarray(expected)
    return value.shape == expected.shape and bool(np.allclose(value, expected, rtol=rtol, atol=atol))


def _wrapped(answer):
    """The student's function on copied arguments, without warnings; gives floats or raises our two errors."""

    def ask(*arguments):
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                value = answer(*copy.deepcopy(arguments))
        except NotImplementedError:
            raise Untouched from None
        except (Exception, SystemExit) as error:
            raise Trouble(f"the function raised {_told(error)}. {_given(answer, arguments)}") from None
        if value is ... or value is None and _is_empty(answer):
            raise Untouched
        if value is None:
            raise Trouble(f"your function returned None: did you forget `return`? {_given(answer, arguments)}")
        try:
            return _numbers(value)
        except Trouble as trouble:
            raise Trouble(f"{trouble} {_given(answer, arguments)}") from None

    return ask


def _stub():
    """A stub."""
    ...


NOTHING = {"NOP", *(instruction.opname for instruction in dis.get_instructions(_stub))}


def _is_empty(function) -> bool:
    """Whether a function's body does nothing, as in a stub."""
    with contextlib.suppress(Exception):
        return {instruction.opname for instruction in dis.get_instructions(function)} <= NOTHING
    return False


def _given(function, arguments) -> str:
    """The arguments of a call in a sentence, under the names that the function has for them."""
    said = [_argument(value) for value in arguments]
    with contextlib.suppress(Exception):
        names = inspect.signature(function).parameters.values()
        if len(names) == len(said) and all(name.kind is not name.VAR_POSITIONAL for name in names):
            said = [f"{name.name} = {value}" for name, value in zip(names, said)]
    return f"It was given {', '.join(said)}."


def _argument(value) -> str:
    """Numbers as they are, a few in brackets, arrays by their shape, anything else by its type."""
    if isinstance(value, numbers.Real):
        return f"{value:.6g}"
    if isinstance(value, (list, tuple, np.ndarray)) and 0 < len(value) <= LISTED and np.ndim(value[0]) == 0:
        return f"[{', '.join(map(_argument, value))}]"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    return f"a {type(value).__name__}" + (f" of {len(value)}" if isinstance(value, (list, tuple)) else "")


def _numbers(value):
    """A float array of finite numbers, or Trouble in words."""
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "biuf":
            raise TypeError
        array = array.astype(float)
    except Exception:
        raise Trouble(
            f"the function should return real numbers, and returned something of type {type(value).__name__}."
        ) from None
    if not np.isfinite(array).all():
        raise Trouble("the function returned a number that is not finite (NaN or infinity).")
    return array


def _recognised(mistake, ask) -> bool:
    with contextlib.suppress(Exception):
        return bool(mistake.recognise(ask))
    return False


def _told(error) -> str:
    """The error's type and the first line of its message; a broken __str__ must not break us."""
    with contextlib.suppress(Exception):
        lines = str(error).splitlines()
        if lines and lines[0].strip():
            return f"{type(error).__name__} ({lines[0].strip()[:120]})"
    return type(error).__name__


def _shape(shape) -> str:
    return f"shape {tuple(shape)}" if shape else "no axes (a single number)"


def _verdict(state, text, points=(), mistake=None) -> Verdict:
    lines = [_wrap(f"{state}: {text}")] + [_wrap(f"- {point}", "  ") for point in points]
    return Verdict(state, "\n".join(lines), mistake)


def _wrap(text, indent="") -> str:
    return textwrap.fill(" ".join(text.split()), WIDTH, initial_indent=indent, subsequent_indent="  " + indent)
