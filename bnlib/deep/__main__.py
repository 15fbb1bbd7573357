"""``python -m bnlib.deep NAME --scale smoke|cpu|full --seeds K --workers W``: run an experiment.

Each seed of each arm runs in a process of its own with one thread. What is finished is kept in the folder, so that the
same command resumes after an interruption, and more seeds add to those that are there.
"""

import argparse
import importlib.util
import json
import os
import sys
from pathlib import Path

from bnlib.deep import MISSING, results
from bnlib.deep.experiments import EXPERIMENTS, SCALES

CODE = "1"  # of the numbers: change it when networks or training change, so that older parts are not used
SEEDS = {"smoke": 1, "cpu": 5, "full": 3}


def arguments(words):
    """The command line."""
    parser = argparse.ArgumentParser("python -m bnlib.deep", description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=[*EXPERIMENTS, "all"])
    parser.add_argument("--scale", choices=SCALES, default="smoke")
    parser.add_argument("--seeds", type=int, help=f"how many, from 0 on (at first {SEEDS})")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--folder", type=Path, default=Path("deep-results"), help="of results and finished parts")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    chosen = parser.parse_args(words)
    for name in ("seeds", "workers"):
        if getattr(chosen, name) is not None and getattr(chosen, name) < 1:
            parser.error(f"--{name} must be a whole number >= 1; got {getattr(chosen, name)}")
    return chosen


def main(words=None):
    """Run the experiments that the command line names."""
    chosen = arguments(words)
    if importlib.util.find_spec("torch") is None:
        sys.exit(MISSING)
    # One thread a process: several threads that wait for each other are many times slower on a busy machine.
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    for name in EXPERIMENTS if chosen.name == "all" else [chosen.name]:
        found = experiment(name, chosen.scale, chosen.seeds, chosen.workers, chosen.folder, not chosen.quiet)
        path = chosen.folder / chosen.scale / f"deep_{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        results.write(found, path)
        print(f"{path}: {len(found['seeds'])} seeds, {found['seconds']} s of processor time")


def experiment(name, scale, seeds, workers, folder, progress):
    """The result of one experiment, with finished parts taken from the folder."""
    import torch

    from bnlib.deep import data, part
    from bnlib.sweep import sweep

    device = "cuda" if scale == "full" and torch.cuda.is_available() else "cpu"
    arms = EXPERIMENTS[name](scale)
    grid = {
        "settings": [json.dumps(settings, sort_keys=True) for settings in arms.values()],
        "seed": list(range(seeds or SEEDS[scale])),
        "device": [device],
    }
    version = f"{CODE}, torch {torch.__version__}, {data.digest(next(iter(arms.values()))['images'])}"
    parts = sweep(part.run, grid, workers=workers, folder=folder / "parts", version=version, progress=progress)
    parts = {curve: values[:, :, 0] for curve, values in parts.items()}
    return results.result(name, scale, grid["seed"], device, parts)


if __name__ == "__main__":
    main()
