"""The book's figures by name; a module is imported when one of its figures is asked for."""

from importlib import import_module

NAMES = {
    "three-gradients": "committee.teacher_student",
    "three-rules": "committee.teacher_student",
    "gaussian-average": "committee.order_parameters",
    "figure-2": "committee.order_parameters",
    "finite-size": "committee.order_parameters",
    "batch-lottery": "perceptron.batch_statistics",
    "to-two": "perceptron.batch_statistics",
    "one-epoch": "perceptron.batch_statistics",
    "theorem-one": "perceptron.gamma_decay",
    "gamma-landscape": "perceptron.gamma_decay",
    "residual": "perceptron.gamma_decay",
    "phase-portrait": "perceptron.learning_rates",
    "past-the-maximum": "perceptron.learning_rates",
    "largest-rates": "perceptron.learning_rates",
    "table-1": "perceptron.learning_rates",
    "batches-themselves": "perceptron.learning_rates",
    "double-descent": "perceptron.generalization",
    "to-the-end": "perceptron.generalization",
    "l19-figure-1": "perceptron.generalization",
}


def find(name):
    """The figure of that name, such as ``find("three-gradients")``; raises ``ValueError`` if there is none."""
    if name not in NAMES:
        raise ValueError(f"name must be one of {', '.join(NAMES)}; got {name!r}")
    module = import_module(f"{__name__}.{NAMES[name]}")
    return next(figure for figure in module.FIGURES if figure.name == name)
