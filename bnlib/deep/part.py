"""One seed of one arm, as `bnlib.sweep` runs it in a process of its own."""

import json
import time
from dataclasses import replace

import numpy as np
import torch

from bnlib.classifier import Extras, Noise
from bnlib.deep.data import images
from bnlib.deep.experiments import RECORDS
from bnlib.deep.networks import ARCHITECTURES
from bnlib.deep.training import SETTLED, train


def run(settings, seed, device):
    """Train one network by the settings of an arm, a JSON text; on one thread.

    Returns a dict of arrays: what `train` returns, phase after phase (epochs count on; the first record of a phase is
    what the change before it made of the network), ``"phase"`` (records,), and ``"seconds"`` of processor time.
    """
    torch.set_num_threads(1)
    started, settings = time.process_time(), json.loads(settings)
    found = images(settings["images"], seed, settings["train"], settings["test"], settings["wrong_labels"])
    network = _network(settings, found, seed, device)
    curves, epochs = [], 0
    for number, phase in enumerate(settings["phases"]):
        _change(network, phase)
        part = train(
            network,
            found,
            phase["epochs"],
            batch_size=settings["batch_size"],
            learning_rate=phase["learning_rate"],
            momentum=settings["momentum"],
            decay=settings.get("decay", 0.0),
            seed=[seed, 20, number],
            record_every=max(1, phase["epochs"] // RECORDS),
            device=device,
        )
        part["phase"] = np.full(len(part["epochs"]), number)
        part["epochs"] = part["epochs"] + epochs
        epochs += phase["epochs"]
        curves.append(part)
    joined = {name: np.concatenate([part[name] for part in curves]) for name in curves[0]}
    return {**joined, "seconds": round(time.process_time() - started, 2)}


def _network(settings, found, seed, device):
    """A network before its first step; its weights depend on the seed and on its shape alone."""
    build = ARCHITECTURES[settings["architecture"]]
    network = build(
        found.x.shape[1:],
        settings["width"],
        np.random.default_rng([seed, 10]),
        normalization=settings["normalization"],
        extras=_extras(settings),
        weights=settings.get("weights", "he"),
        bias=settings.get("bias", 0.0),
    ).to(device)
    network.settle(torch.from_numpy(found.x[:SETTLED]).to(device), starting=True)
    return network


def _extras(settings):
    """`Extras` from plain values."""
    extras = dict(settings.get("extras", {}))
    if "noise" in extras:
        extras["noise"] = Noise(*extras["noise"])
    return Extras(**extras)


def _change(network, phase):
    """What happens to the layers between two phases."""
    for layer in network.layers:
        if phase.get("change") == "fold":
            layer.fold()
            layer.extras = replace(layer.extras, statistics_batch=None)
        elif phase.get("change") == "hold":
            layer.kind, layer.extras = "frozen", _extras(phase)
