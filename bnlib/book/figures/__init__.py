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
    "guaranteed-crossing": "partition.focus",
    "focus-map": "partition.focus_depth",
    "depth-law": "partition.focus_depth",
    "focus-wide": "partition.focus_limits",
    "cones": "partition.focus_limits",
    "sampling-trap": "partition.focus_limits",
    "rigid-jitter": "partition.jitter",
    "batch-laws": "partition.jitter",
    "straddling-batches": "partition.jitter",
    "boundary-jitter": "partition.jitter_networks",
    "flip-law": "partition.jitter_networks",
    "t20-eigenvalues": "committee.the_hessian",
    "edge": "committee.the_hessian",
    "charts": "committee.the_hessian",
    "kept": "committee.delay_law",
    "escape-rate": "committee.delay_law",
    "delay-law": "committee.delay_law",
    "delay-maps": "committee.delay_maps",
    "plateau": "committee.the_plateau",
    "figure-3": "committee.the_plateau",
    "single-runs": "committee.the_plateau",
    "rates-and-batches": "committee.the_plateau",
    "rows-that-share": "classifier.regularization",
    "five-normalizations": "classifier.regularization",
    "gain-against-rows": "classifier.regularization",
    "without-normalization": "classifier.regularization",
    "dropout-after": "classifier.regularization",
    "concentration": "classifier.initialisation",
    "held-start": "classifier.initialisation",
    "gain-and-shift": "classifier.initialisation",
    "added-noise": "classifier.initialisation",
    "jitter-and-margins": "classifier.boundary",
}


def find(name):
    """The figure of that name, such as ``find("three-gradients")``; raises ``ValueError`` if there is none."""
    if name not in NAMES:
        raise ValueError(f"name must be one of {', '.join(NAMES)}; got {name!r}")
    module = import_module(f"{__name__}.{NAMES[name]}")
    return next(figure for figure in module.FIGURES if figure.name == name)
