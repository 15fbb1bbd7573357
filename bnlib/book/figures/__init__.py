"""The book's figures by name; a module is imported when one of its figures is asked for."""

from importlib import import_module

NAMES = {
    "three-gradients": "committee.teacher_student",
    "three-rules": "committee.teacher_student",
    "gaussian-average": "committee.order_parameters",
    "figure-2": "committee.order_parameters",
    "finite-size": "committee.order_parameters",
    "rows-that-share": "classifier.regularization",
    "five-normalizations": "classifier.regularization",
    "gain-against-rows": "classifier.regularization",
    "without-normalization": "classifier.regularization",
    "dropout-after": "classifier.regularization",
}


def find(name):
    """The figure of that name, such as ``find("three-gradients")``; raises ``ValueError`` if there is none."""
    if name not in NAMES:
        raise ValueError(f"name must be one of {', '.join(NAMES)}; got {name!r}")
    module = import_module(f"{__name__}.{NAMES[name]}")
    return next(figure for figure in module.FIGURES if figure.name == name)
