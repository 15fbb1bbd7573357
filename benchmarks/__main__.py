"""``python -m benchmarks [PART ...]``: parts are flow, training, plateau, partition, figures, browser, book.

Ratios are taken within one run.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small matrices: threads only add noise

import sys

from benchmarks import book, browser, committee, partition

PARTS = {
    "flow": committee.flows,
    "training": committee.trainings,
    "plateau": committee.plateau,
    "partition": partition.exact,
    "figures": book.figures,
    "browser": browser.figures,
    "book": book.build,
}


def main(names):
    """Run the named parts, or all."""
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        sys.exit(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    for name in names or PARTS:
        print(f"\n{name}")
        for what, seconds, target in PARTS[name]():
            print(f"  {what:<64} {shown(seconds):>10}   wanted {target}", flush=True)


def shown(value):
    """Seconds in the unit that suits them; ratios and texts as they are."""
    if isinstance(value, str):
        return value
    return f"{value:.1f} s" if value >= 10 else f"{1e3 * value:.1f} ms" if value >= 1e-3 else f"{1e6 * value:.1f} µs"


if __name__ == "__main__":
    main(sys.argv[1:])
