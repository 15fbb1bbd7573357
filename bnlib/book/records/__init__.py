"""Recorded results: what takes too long to compute while a reader waits.

A record is a JSON file beside this module with the configuration, the seed, the versions, the seconds it took (null
where a run was interrupted and resumed) and the data. ``python -m bnlib.book.records NAME`` makes one again; the
recipes are one module a wing. Records whose names begin with ``deep_`` are results of ``python -m bnlib.deep NAME
--scale cpu``, copied here.
"""

import json
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent


@cache
def load(name):
    """The record of that name, as a dictionary with "config", "versions", "seconds" and "data".

    Raises ``ValueError`` if there is none.

    >>> load("committee_figure_2")["config"]["batch_size"]
    100
    """
    path = FOLDER / f"{name}.json"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in FOLDER.glob("*.json")))
        raise ValueError(f"name must be one of the records ({known}); got {name!r}")
    return json.loads(path.read_text(encoding="utf-8"))
