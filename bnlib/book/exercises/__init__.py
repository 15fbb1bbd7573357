"""Exercises by name: "committee-1-2" is exercise 2 of chapter 1 in the wing `committee`."""

import importlib

from bnlib.book.exercise import Exercise

MODULES = {
    "committee-1": "committee.teacher_student",
    "committee-2": "committee.order_parameters",
    "committee-3": "committee.the_plateau",
    "committee-4": "committee.the_hessian",
    "perceptron-5": "perceptron.batch_statistics",
    "perceptron-6": "perceptron.gamma_decay",
    "perceptron-7": "perceptron.learning_rates",
    "perceptron-8": "perceptron.generalization",
    "partition-9": "partition.hyperplanes",
    "partition-10": "partition.folding",
    "partition-11": "partition.focus",
    "partition-12": "partition.jitter",
    "classifier-13": "classifier.regularization",
    "classifier-14": "classifier.initialisation",
    "committee-15": "committee.small_batches",
}


def names() -> list[str]:
    """Every exercise's name, in the order of the book."""
    return [exercise.name for chapter in MODULES for exercise in _module(chapter).EXERCISES]


def find(name: str) -> Exercise:
    """The exercise of that name; it remembers which hints it has given.

    Raises ValueError for a name that the book does not have.
    """
    chapter = str(name).rpartition("-")[0]
    if chapter in MODULES:
        for exercise in _module(chapter).EXERCISES:
            if exercise.name == name:
                return exercise
    raise ValueError(f"name must be one of {', '.join(names())}, got {name!r}")


def _module(chapter):
    return importlib.import_module(f"{__name__}.{MODULES[chapter]}")
