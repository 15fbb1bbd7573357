"""The book's figures by name; a module is imported when one of its figures is asked for."""

from importlib import import_module

NAMES = {
    "three-gradients": "committee.teacher_student",
    "three-rules": "committee.teacher_student",
    "gaussian-average": "committee.order_parameters",
    "figure-2": "committee.order_parameters",
    "finite-size": "committee.order_parameters",
    "batch-residual": "committee.small_batches",
    "batch-trajectory": "committee.small_batches",
    "neuron-gain": "committee.small_batches",
    "correction-parts": "committee.small_batches",
    "batch-escape": "committee.small_batches",
    "who-leaves-first": "committee.small_batches",
}


def find(name):
    """The figure of that name, such as ``find("three-gradients")``; raises ``ValueError`` if there is none."""
    if name not in NAMES:
        raise ValueError(f"name must be one of {', '.join(NAMES)}; got {name!r}")
    module = import_module(f"{__name__}.{NAMES[name]}")
    return next(figure for figure in module.FIGURES if figure.name == name)
