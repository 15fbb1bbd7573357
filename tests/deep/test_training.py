"""Training, experiments, and the command: against the NumPy road, seed by seed, interrupted and resumed."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bnlib.deep import __main__ as command
from bnlib.deep import results
from bnlib.deep.experiments import EXPERIMENTS, SCALES

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_arms_are_plain_values(name):
    """Settings survive JSON, differ from arm to arm, and have the same number of records in each."""
    for scale in SCALES:
        arms = EXPERIMENTS[name](scale)
        texts = {json.dumps(settings, sort_keys=True) for settings in arms.values()}
        assert len(texts) == len(arms) > 1 and all(json.loads(text) for text in texts)
        lengths = [[phase["epochs"] for phase in settings["phases"]] for settings in arms.values()]
        assert all(length == lengths[0] for length in lengths)


@pytest.mark.parametrize("change", [{"seeds": "0"}, {"workers": "0"}, {"scale": "large"}])
def test_bad_command_lines(change, capsys):
    (name, value), *_ = change.items()
    with pytest.raises(SystemExit):
        command.arguments(["ghost", f"--{name}", value])
    assert f"--{name}" in capsys.readouterr().err


def test_one_line_without_pytorch(monkeypatch):
    monkeypatch.setattr(command.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="^PyTorch is not installed; .* pip install") as said:
        command.main(["ghost"])
    assert "\n" not in said.value.code


def test_the_package_is_imported_without_pytorch():
    """In a Python where neither PyTorch nor pooch can be imported."""
    code = (
        "import sys; sys.modules.update(torch=None, pooch=None)\n"
        "import bnlib.deep.__main__, bnlib.deep.data, bnlib.deep.results, bnlib.deep.experiments"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=60)


class TestWithPyTorch:
    """What needs networks."""

    @pytest.fixture(autouse=True)
    def torch(self):
        return pytest.importorskip("torch")

    @pytest.mark.parametrize("kind", ["batch", "weight", "none"])
    def test_both_roads_go_the_same_way(self, kind, torch):
        """Three epochs of full batches, which no order changes, end at the same losses in float64.

        Two roads that differ by round-off part by some factor with each of 3 steps of rate 0.1: far below 1e-9.
        """
        from bnlib.classifier import random_network, split, train
        from bnlib.deep.data import Images
        from bnlib.deep.networks import mlp
        from bnlib.deep.training import train as deep_train

        images = split("digits", 60, 1, test=40)
        x, test_x = (part.astype(np.float64) for part in (images.x, images.test_x))
        images = type(images)(x, images.labels, test_x, images.test_labels)
        one = random_network([64, 16, 12, 10], 1, np.random.default_rng(0), normalization=kind, x=x, dtype=np.float64)
        two = mlp([64, 16, 12, 10], np.random.default_rng(1), normalization=kind, dtype=torch.float64)
        with torch.no_grad():
            for n, layer in enumerate(two.layers):
                layer.weight.copy_(torch.from_numpy(one.weights[n][0].T))
                layer.gain.copy_(torch.from_numpy(one.gains[n][0, 0]))
                layer.shift.copy_(torch.from_numpy(one.biases[n][0, 0]))
            two.weight.copy_(torch.from_numpy(one.weights[-1][0].T))
        options = {"batch_size": 60, "learning_rate": 0.1}
        _, history = train(one, images, 3, rng=np.random.default_rng(2), **options)
        single = Images(x[0], images.labels[0], test_x[0], images.test_labels[0])
        curves = deep_train(two, single, 3, seed=[2], **options)
        for name in ("train_loss", "test_loss", "train_accuracy", "test_accuracy", "squared_gain", "squared_norm"):
            gap = np.abs(np.squeeze(getattr(history, name), 1) - curves[name])
            assert gap.max() < 1e-9 * max(1, curves[name].max()), name

    def test_learning_rate_decays(self, torch):
        """One linear step after the other: with rate falling by half, steps 1 and 1/2 of the same gradient."""
        from bnlib.deep.data import images
        from bnlib.deep.networks import cnn
        from bnlib.deep.training import train

        few, ends = images("fashion", 0, 64, 10), []
        for decay in (0.0, 0.5):
            net = cnn((1, 14, 14), 4, np.random.default_rng(0), dtype=torch.float32)
            start = net.weight.detach().clone()
            train(net, few, 2, batch_size=64, learning_rate=1e-4, momentum=0.0, decay=decay, seed=[0])
            ends.append((net.weight - start).norm().item())
        assert abs(ends[1] / ends[0] - 0.75) < 0.01  # the gradient changes by less than 1 % over such steps

    def test_a_broken_training_says_so(self, torch):
        from bnlib.deep.data import images
        from bnlib.deep.networks import cnn
        from bnlib.deep.training import train

        few, net = images("fashion", 0, 64, 10), cnn((1, 14, 14), 4, np.random.default_rng(0), normalization="none")
        with pytest.raises(FloatingPointError, match="lower learning_rate"):
            train(net, few, 3, batch_size=16, learning_rate=1e6, seed=[0])

    @pytest.mark.parametrize(
        "change, message",
        [
            ({"batch_size": 65}, "batch_size must be at most the 64 training images"),
            ({"momentum": 1.0}, "momentum must be in"),
            ({"decay": 1.0}, "decay must be in"),
            ({"learning_rate": 0.0}, "learning_rate must be"),
            ({"batch_size": 24}, "statistics_batch must divide batch_size = 24; got 16"),
        ],
    )
    def test_bad_training(self, change, message):
        from bnlib.classifier import Extras
        from bnlib.deep.data import images
        from bnlib.deep.networks import cnn
        from bnlib.deep.training import train

        net = cnn((1, 14, 14), 4, np.random.default_rng(0), extras=Extras(statistics_batch=16))
        options = {"batch_size": 32, "learning_rate": 0.1, "seed": [0], **change}
        with pytest.raises(ValueError, match=message):
            train(net, images("fashion", 0, 64, 10), 1, **options)

    def part(self, name, arm, seed=0):
        from bnlib.deep import part

        return part.run(json.dumps(EXPERIMENTS[name]("smoke")[arm]), seed, "cpu")

    @pytest.mark.parametrize("name", EXPERIMENTS)
    def test_the_full_scale_runs_in_small(self, name):
        """Every arm with its own options, but one epoch on 256 images of the stored set and 4 channels."""
        from bnlib.deep import part

        few = {"images": "fashion", "train": 256, "test": 20, "width": 4}
        for settings in EXPERIMENTS[name]("full").values():
            phases = [{**phase, "epochs": 1} for phase in settings["phases"]]
            found = part.run(json.dumps({**settings, **few, "phases": phases}), 0, "cpu")
            assert len(found["epochs"]) == 2 * len(phases) and np.isfinite(found["test_loss"]).all()

    def test_arms_begin_alike_and_seeds_do_not(self):
        one, two, other = self.part("ghost", "M=8"), self.part("ghost", "M=64"), self.part("ghost", "M=8", 1)
        assert one["test_loss"][0] == two["test_loss"][0] != other["test_loss"][0]
        assert one["test_loss"][-1] != two["test_loss"][-1]

    def test_a_part_is_the_same_again(self):
        one, two = self.part("noise", "noise 4"), self.part("noise", "noise 4")
        assert all((one[name] == two[name]).all() for name in one if name != "seconds")

    def test_arms_without_normalization_share_their_past(self):
        """Until the fold the three arms are one run, and the fold changes no loss but by float32 round-off."""
        names = [arm for arm in EXPERIMENTS["without"]("smoke") if arm.startswith("wrong labels")]
        arms = {arm.removeprefix("wrong labels "): self.part("without", arm) for arm in names}
        phase = arms["with"]["phase"]
        for name in ("without", "held still, noise put back"):
            assert (arms[name]["test_loss"][phase < 2] == arms["with"]["test_loss"][phase < 2]).all()
        first, before = np.flatnonzero(phase == 2)[0], np.flatnonzero(phase == 1)[-1]
        for curves in arms.values():
            assert abs(curves["test_loss"][first] - curves["test_loss"][before]) < 1e-5
        last = [curves["train_loss"][-1] for curves in arms.values()]
        assert len(set(last)) == 3

    def test_the_command_resumes(self, tmp_path, monkeypatch, capsys):
        """A second seed is added; the first is not run again, and gives the same numbers."""
        from concurrent.futures import ThreadPoolExecutor

        from bnlib import sweep

        ran = []

        class Counting(ThreadPoolExecutor):
            def submit(self, function, *arguments):
                ran.append(arguments[1]["seed"])
                return super().submit(function, *arguments)

        monkeypatch.setattr(sweep, "_processes", lambda workers: Counting(1))
        words = ["noise", "--folder", str(tmp_path), "--quiet", "--seeds"]
        command.main([*words, "1"])
        path = tmp_path / "smoke" / "deep_noise.json"
        first = json.loads(path.read_text())
        command.main([*words, "2"])
        second = json.loads(path.read_text())
        assert ran == [0] * 4 + [1] * 4
        for found, seeds in ((first, 1), (second, 2)):
            results.check(found)
            assert found["seeds"] == list(range(seeds)) and found["device"] == "cpu"
            assert found["versions"]["torch"].startswith("2.13.0")
        for arm, curves in first["data"].items():
            assert all(second["data"][arm][name][:1] == curves[name] for name in results.CURVES)
        assert "processor time" in capsys.readouterr().out

    def test_a_damaged_result_is_named(self, tmp_path):
        arms = EXPERIMENTS["noise"]("smoke")
        shape = (len(arms), 1, 2)
        parts = {name: np.ones((*shape, 5) if name.startswith("squared") else shape) for name in results.CURVES}
        parts |= {"epochs": np.ones(shape, int), "phase": np.zeros(shape, int), "seconds": np.ones(shape[:2])}
        found = results.result("noise", "smoke", [0], "cpu", parts)
        results.check(found)
        for change, named in (
            (lambda f: f.update(scale="large"), "scale must be one of"),
            (lambda f: f.pop("images_hash"), "found must have 'images_hash'"),
            (lambda f: f["data"].pop("held"), "data must have the arms"),
            (lambda f: f["data"]["held"].update(test_loss=[[1.0]]), r"data\['held'\]\['test_loss'\] must be 1 x 2"),
        ):
            damaged = json.loads(json.dumps(found))
            change(damaged)
            with pytest.raises(ValueError, match=named):
                results.check(damaged)
        parts["test_loss"] = np.full(shape, np.nan)
        with pytest.raises(ValueError, match="values must be finite"):
            results.result("noise", "smoke", [0], "cpu", parts)
