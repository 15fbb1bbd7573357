"""``python -m bnlib.book.records [NAME ...]``: make records again; without a name, all of them."""

import json
import platform
import sys
import time
from importlib import import_module
from pkgutil import iter_modules

import numpy as np
import scipy

from bnlib.book import records

FOLDER = records.FOLDER
RECIPES = {}  # of all modules beside this one
for _module in iter_modules(records.__path__):
    if _module.name != "__main__":
        RECIPES |= getattr(import_module(f"{records.__name__}.{_module.name}"), "RECIPES", {})


def main(names):
    """Make the records of those names, each written as soon as it is there."""
    unknown = [name for name in names if name not in RECIPES]
    if unknown:
        sys.exit(f"no recipe for {', '.join(unknown)}; there are {', '.join(RECIPES)}")
    for name in names or RECIPES:
        started = time.perf_counter()
        config, data = RECIPES[name]()
        record = {
            "config": config,
            "versions": {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__},
            "seconds": round(time.perf_counter() - started, 1),
            "data": data,
        }
        text = json.dumps(record, indent=None, separators=(",", ":"))
        (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")
        print(f"{name}: {record['seconds']} s, {len(text) // 1000} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
