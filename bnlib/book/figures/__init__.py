"""The book's figures by name; a module is imported when one of its figures is asked for."""

from importlib import import_module

NAMES = {
    "three-gradients": "committee.teacher_student",
    "three-rules": "committee.teacher_student",
    "gaussian-average": "committee.order_parameters",
    "figure-2": "committee.order_parameters",
    "finite-size": "committee.order_parameters",
    "plateau": "committee.the_plateau",
    "figure-3": "committee.the_plateau",
    "single-runs": "committee.the_plateau",
    "rates-and-batches": "committee.the_plateau",
    "t20-eigenvalues": "committee.the_hessian",
    "edge": "committee.the_hessian",
    "charts": "committee.the_hessian",
    "kept": "committee.delay_law",
    "escape-rate": "committee.delay_law",
    "delay-law": "committee.delay_law",
    "delay-maps": "committee.delay_maps",
}


def find(name):
    """The figure of that name, such as ``find("three-gradients")``; raises ``ValueError`` if there is none."""
    if name not in NAMES:
        raise ValueError(f"name must be one of {', '.join(NAMES)}; got {name!r}")
    module = import_module(f"{__name__}.{NAMES[name]}")
    return next(figure for figure in module.FIGURES if figure.name == name)
