"""What the Python in the reader's browser answers: a figure at a setting, as a frame or as its numbers.

A setting comes as the page has it: a JSON object {parameter's name: position in its list of values}.
"""

import json
import time
from dataclasses import fields, is_dataclass

import numpy as np

from bnlib.book.figures import find


def setting(figure, indices):
    """{parameter's name: value} of the JSON object ``indices``; ValueError for what the figure does not have.

    >>> setting(find("figure-2"), '{"start": "2"}')
    {'start': 3}
    """
    by_name = {parameter.name: parameter for parameter in figure.parameters}
    chosen = {}
    for name, index in json.loads(indices).items():
        if name not in by_name:
            raise ValueError(f"indices: {figure.name} has no parameter {name!r}; it has {', '.join(by_name)}")
        values = by_name[name].values
        if not 0 <= int(index) < len(values):
            raise ValueError(f"indices: {name} = {index} is not in 0..{len(values) - 1}")
        chosen[name] = values[int(index)]
    return chosen


def show(name, layout, indices):
    """The frame of a figure at a setting, with the milliseconds it took to compute and to draw, as JSON."""
    figure = find(name)
    chosen = setting(figure, indices)
    started = time.perf_counter()
    result = figure.result(**chosen)
    computed = time.perf_counter()
    frame = figure.frame(result, layout)
    times = {"compute": 1e3 * (computed - started), "draw": 1e3 * (time.perf_counter() - computed)}
    return json.dumps({**frame, **times}, ensure_ascii=False)


def numbers(name, indices):
    """All numbers of a figure's result at a setting as JSON, so that two machines can be compared."""
    figure = find(name)
    return json.dumps(plain(figure.result(**setting(figure, indices))))


def plain(value):
    """A result as dictionaries, lists, numbers and text.

    >>> plain({"a": np.eye(2), "b": (1, None, "text")})
    {'a': [[1.0, 0.0], [0.0, 1.0]], 'b': [1, None, 'text']}
    """
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, complex):
        return [value.real, value.imag]
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise ValueError(f"value: a result holds a {type(value).__name__}, which has no plain form")
