"""One case for all tests of the printed formulas, and its Monte Carlo sample."""

import pytest

from tests.committee.printed import Case


@pytest.fixture(scope="session")
def case():
    return Case.draw()


@pytest.fixture(scope="session")
def fields(case):
    return case.sample()
