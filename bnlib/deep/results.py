"""Results as JSON: configuration, seeds, curves, versions, device, seconds, and the hash of the images."""

import json
import platform
from importlib.metadata import version

import numpy as np

from bnlib.deep import data
from bnlib.deep.experiments import EXPERIMENTS, SCALES

CURVES = ("train_loss", "train_accuracy", "test_loss", "test_accuracy", "squared_gain", "squared_norm")
DIGITS = 5  # that are kept of a number


def result(name, scale, seeds, device, parts):
    """What is stored of an experiment.

    Parameters
    ----------
    name, scale : str
    seeds : list of int
    device : str
    parts : dict of arrays
        As `bnlib.sweep.sweep` returns what `part.run` returns, with axes for arms and seeds first.

    Returns
    -------
    dict
        ``"data"`` has for each arm the curves as lists [seed][record], and [seed][record][layer] for those of layers.
    """
    arms = EXPERIMENTS[name](scale)
    return {
        "experiment": name,
        "about": EXPERIMENTS[name].__doc__.splitlines()[0],
        "scale": scale,
        "config": arms,
        "seeds": list(seeds),
        "device": device,
        "images_hash": data.digest(next(iter(arms.values()))["images"]),
        "versions": {"python": platform.python_version()} | {name: version(name) for name in ("numpy", "torch")},
        "seconds": round(float(parts["seconds"].sum()), 1),
        "data": {
            arm: {
                "epochs": parts["epochs"][row, 0].tolist(),
                "phase": parts["phase"][row, 0].tolist(),
                **{curve: _plain(parts[curve][row]) for curve in CURVES},
            }
            for row, arm in enumerate(arms)
        },
    }


def _plain(values):
    """An array as lists of numbers with some significant digits; ValueError if one is not finite."""
    if not np.isfinite(values).all():
        raise ValueError("values must be finite in a result; got NaN or an infinity")
    if values.ndim:
        return [_plain(part) for part in values]
    return float(f"{values:.{DIGITS}g}")


def write(found, path):
    """Write a result; it is checked first, and the file is there as a whole or not at all."""
    check(found)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(found, separators=(",", ":")) + "\n", encoding="utf-8")
    part.replace(path)


def check(found):
    """ValueError, which names the place, if a result is not as `result` makes it."""
    for key in ("experiment", "about", "scale", "config", "seeds", "device", "images_hash", "versions", "seconds"):
        _need(key in found, "found", f"have {key!r}", list(found))
    _need(found["experiment"] in EXPERIMENTS, "experiment", f"be one of {', '.join(EXPERIMENTS)}", found["experiment"])
    _need(found["scale"] in SCALES, "scale", f"be one of {', '.join(SCALES)}", found["scale"])
    _need(found["seconds"] > 0, "seconds", "be a time > 0", found["seconds"])
    arms = EXPERIMENTS[found["experiment"]](found["scale"])
    _need(list(found["data"]) == list(arms) == list(found["config"]), "data", "have the arms", list(found["data"]))
    for arm, curves in found["data"].items():
        records = len(curves["epochs"])
        _need(len(curves["phase"]) == records > 1, f"data[{arm!r}]", "have a phase for each record", curves["phase"])
        for curve in CURVES:
            values = np.array(curves[curve], dtype=np.float64)
            fits = values.shape[:2] == (len(found["seeds"]), records) and np.isfinite(values).all()
            _need(fits, f"data[{arm!r}][{curve!r}]", f"be {len(found['seeds'])} x {records} numbers", values.shape)


def _need(holds, name, what, value):
    if not holds:
        raise ValueError(f"{name} must {what}; got {value!r}")
