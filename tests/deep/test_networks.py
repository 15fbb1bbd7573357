"""PyTorch's networks against the NumPy ones of `bnlib.classifier`, and what convolutions add to them.

Both roads share the formulas of a layer and nothing else: one back-propagates by hand, the other by autograd.
"""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from bnlib.classifier import Extras, Noise, loss_gradient, random_network  # noqa: E402
from bnlib.deep.data import images  # noqa: E402
from bnlib.deep.layers import KINDS, Layer  # noqa: E402
from bnlib.deep.networks import cnn, mlp, resnet9  # noqa: E402

WIDTHS = [12, 9, 8, 10]
ROWS = 12
ROUND_OFF = 1e-10  # sums of up to 12 float64 terms of size 1, two layers deep, with room for 1/deviation


def pair(kind, extras=None):
    """A NumPy and a PyTorch network with the same weights, gains and shifts, and the batch that they learn."""
    rng = np.random.default_rng(5)
    x, labels = rng.standard_normal((1, ROWS, WIDTHS[0])), rng.integers(0, 10, (1, ROWS))
    one = random_network(WIDTHS, 1, rng, normalization=kind, x=x, bias=0.3, dtype=np.float64)
    two = mlp(WIDTHS, rng, normalization=kind, extras=extras, dtype=torch.float64)
    for gain, name in zip(one.gains, one.normalization):
        if name != "none":
            gain *= rng.uniform(0.5, 1.5, gain.shape)
    with torch.no_grad():
        for n, layer in enumerate(two.layers):
            layer.weight.copy_(torch.from_numpy(one.weights[n][0].T))
            layer.gain.copy_(torch.from_numpy(one.gains[n][0, 0]))
            layer.shift.copy_(torch.from_numpy(one.biases[n][0, 0]))
            layer.mean.copy_(torch.from_numpy(one.statistics[n][0][0, 0]))
            layer.deviation.copy_(torch.from_numpy(one.statistics[n][1][0, 0]))
        two.weight.copy_(torch.from_numpy(one.weights[-1][0].T))
        two.bias.copy_(torch.from_numpy(one.biases[-1][0, 0]))
    return one, two, x, labels


def by_autograd(network, x, labels):
    """Loss, and gradients in the shapes of `loss_gradient`."""
    network.train()
    loss = torch.nn.functional.cross_entropy(network(torch.from_numpy(x[0])), torch.from_numpy(labels[0]))
    loss.backward()
    for layer in network.layers:
        if layer.extras.gamma_decay:
            layer.add_gamma_decay()
    zero = torch.zeros(())
    found = {
        "weights": [layer.weight.grad.T for layer in network.layers] + [network.weight.grad.T],
        "biases": [zero if layer.shift.grad is None else layer.shift.grad for layer in network.layers],
        "gains": [zero if layer.gain.grad is None else layer.gain.grad for layer in network.layers],
    }
    found["biases"].append(network.bias.grad)
    return loss.item(), {name: [part.numpy() for part in parts] for name, parts in found.items()}


def gap(one, two, x, labels, extras=None, rng=None):
    """Largest difference of losses and gradients."""
    (loss,), gradient = loss_gradient(one, x, labels, extras=extras, rng=rng)
    other_loss, other = by_autograd(two, x, labels)
    gaps = [abs(loss - other_loss)]
    for name, parts in gradient.items():
        gaps += [np.abs(part[0] - found).max() for part, found in zip(parts, other[name])]
    return max(gaps)


@pytest.mark.parametrize("kind", [*KINDS, ("batch", "none"), ("none", "variance-only")])
def test_both_roads(kind):
    assert gap(*pair(kind)) < ROUND_OFF


@pytest.mark.parametrize("kind", ["batch", "mean-only", "variance-only"])
def test_both_roads_with_ghost_batches(kind):
    extras = Extras(statistics_batch=4)
    assert gap(*pair(kind, extras), extras) < ROUND_OFF


@pytest.mark.parametrize("kind", ["none", "batch", "weight", "variance-only", "frozen"])
def test_both_roads_with_noise_and_dropout(kind):
    """The same noise, as both draw it with NumPy in the same order, and PyTorch's masks in NumPy's network."""
    extras = Extras(noise=Noise(4), dropout=0.25)
    one, two, x, labels = pair(kind, extras)
    two.draw_from([3])

    class SameDraws:
        normal = np.random.default_rng([3])
        seed = int(normal.integers(2**63))
        uniform = torch.Generator().manual_seed(seed)

        def __getattr__(self, name):
            return getattr(self.normal, name)

        def random(self, shape, dtype):
            return torch.rand(shape, generator=self.uniform).numpy()

    assert gap(one, two, x, labels, extras, SameDraws()) < ROUND_OFF


@pytest.mark.parametrize("extras", [Extras(gamma_decay=8), Extras(gamma_decay=8, statistics_batch=4)])
@pytest.mark.parametrize("kind", ["batch", "weight", "frozen"])
def test_both_roads_with_gamma_decay(kind, extras):
    assert gap(*pair(kind, extras), extras) < ROUND_OFF


def test_both_roads_with_gain_and_shift_held():
    extras = Extras(learn_affine=False)
    assert gap(*pair("batch", extras), extras) < ROUND_OFF


@pytest.mark.parametrize("kind", KINDS)
def test_both_roads_at_test_time(kind):
    """Statistics of the start and of the training set, gains and shifts of weight normalization, and logits."""
    rng = np.random.default_rng(5)
    x = rng.standard_normal((1, 50, WIDTHS[0]))
    one = random_network(WIDTHS, 1, np.random.default_rng(6), normalization=kind, x=x, bias=0.3, dtype=np.float64)
    two = mlp(WIDTHS, rng, normalization=kind, dtype=torch.float64, bias=0.3)
    fresh = random_network(WIDTHS, 1, np.random.default_rng(6), normalization="none", bias=0.3, dtype=np.float64)
    with torch.no_grad():
        for n, layer in enumerate(two.layers):
            layer.weight.copy_(torch.from_numpy(fresh.weights[n][0].T))
            layer.shift.copy_(torch.from_numpy(fresh.biases[n][0, 0]))
        two.weight.copy_(torch.from_numpy(fresh.weights[-1][0].T))
    two.settle(torch.from_numpy(x[0]), starting=True)
    logits = two.settle(torch.from_numpy(x[0]))
    one = one.with_statistics(x)
    assert np.abs(one.logits(x)[0] - logits.detach().numpy()).max() < ROUND_OFF
    norms = [(weight**2).sum() for weight in one.folded().weights[:-1]]
    assert np.abs(two.squared_norms().detach().numpy() - norms).max() < ROUND_OFF * max(norms)


def patches(x, size=3):
    """All size x size patches of images padded with zeros, (B, height, width, channels * size^2)."""
    padded = np.pad(x, [(0, 0), (0, 0), (size // 2,) * 2, (size // 2,) * 2])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(2, 3))
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(len(x), *x.shape[2:], -1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_convolution_is_a_layer_on_patches(kind):
    """A convolution normalizes like a fully connected layer whose rows are all patches of all images."""
    rng = np.random.default_rng(0)
    x, kernel, shift = rng.standard_normal((6, 2, 5, 4)), rng.standard_normal((3, 2, 3, 3)), rng.standard_normal(3)
    extras = Extras() if kind in ("none", "frozen") else Extras(statistics_batch=3)
    rows = Extras() if extras.statistics_batch is None else Extras(statistics_batch=3 * 20)
    outs = []
    for weight, given, own in (
        (kernel, x, extras),
        (kernel.reshape(3, -1), patches(x).reshape(-1, 18), rows),
    ):
        layer = Layer(torch.from_numpy(weight), torch.from_numpy(shift.copy()), kind, own)
        layer.settling = "start"
        layer.eval()(torch.from_numpy(given))
        layer.settling = None
        outs.append(layer.train()(torch.from_numpy(given)).detach().numpy())
    assert np.abs(outs[0].transpose(0, 2, 3, 1).reshape(-1, 3) - outs[1]).max() < ROUND_OFF


def small(build, **options):
    found = images("fashion", 0, 64, 64)
    net = build((1, 14, 14), 4, np.random.default_rng(0), dtype=torch.float64, **options)
    return net, torch.from_numpy(found.x).double(), torch.from_numpy(found.labels)


def gradients(net, x, labels):
    net.train()
    loss = torch.nn.functional.cross_entropy(net(x), labels)
    return loss.item(), torch.autograd.grad(loss, [value for value in net.parameters() if value.requires_grad])


@pytest.mark.parametrize("build", [cnn, resnet9])
def test_ghost_batches_of_all_rows_are_batch_normalization(build):
    one = gradients(*small(build))
    two = gradients(*small(build, extras=Extras(statistics_batch=64)))
    assert one[0] == two[0] and all((a == b).all() for a, b in zip(one[1], two[1]))


@pytest.mark.parametrize("build", [cnn, resnet9])
def test_ghost_batches_are_independent(build):
    """The loss of a batch is the mean of those of its groups, to round-off."""
    net, x, labels = small(build, extras=Extras(statistics_batch=16))
    parts = [gradients(net, x[k : k + 16], labels[k : k + 16])[0] for k in range(0, 64, 16)]
    assert abs(gradients(net, x, labels)[0] - np.mean(parts)) < 1e-13


@pytest.mark.parametrize("build", [cnn, resnet9])
@pytest.mark.parametrize("kind", ["weight", "mean-only"])
def test_length_of_weights_does_not_matter(build, kind):
    """Longer weights change nothing under weight normalization, and their gradients are as much shorter."""
    net, x, labels = small(build, normalization=kind)
    net.settle(x, starting=True)
    before = gradients(net, x, labels)
    with torch.no_grad():
        for layer in net.layers:
            layer.weight *= 3
    after = gradients(net, x, labels)
    assert abs(before[0] - after[0]) < 1e-12
    names = [name for name, value in net.named_parameters() if value.requires_grad]
    for name, one, two in zip(names, before[1], after[1]):
        factor = 3 if "layers" in name and name.endswith("weight") else 1
        assert (one - factor * two).abs().max() < 1e-10


@pytest.mark.parametrize("build", [cnn, resnet9])
def test_fold_keeps_the_function(build):
    net, x, _ = small(build)
    with torch.no_grad():
        for layer in net.layers:
            layer.gain *= 1.7
    before = net.settle(x)
    norms = net.squared_norms()
    for layer in net.layers:
        layer.fold()
    net.train()
    assert (net(x) - before).abs().max() < 1e-12 * 100 * before.abs().max()  # some 100 terms in each sum
    assert torch.allclose(net.squared_norms(), norms, rtol=1e-12)


def test_gamma_decay_of_a_convolution():
    """zeta from one image at a time, with statistics held so that images do not mix."""
    extras = Extras(gamma_decay=8)
    net, x, labels = small(cnn, normalization="frozen", extras=extras)
    net.settle(x, starting=True)
    net.train()
    with torch.no_grad():
        for layer in net.layers:
            layer.gain *= 1.3
    torch.nn.functional.cross_entropy(net(x), labels).backward()
    layer = net.layers[1]
    plain, normal = layer.gain.grad.clone(), layer.seen[0]
    layer.add_gamma_decay()
    added = layer.gain.grad - plain
    samples = [gradients(net, x[k : k + 1], labels[k : k + 1])[1] for k in range(len(x))]
    names = [name for name, value in net.named_parameters() if value.requires_grad]
    F_gamma, F_beta = (
        torch.stack([s[names.index(f"layers.1.{name}")] ** 2 for s in samples]).mean(0) for name in ("gain", "shift")
    )
    square, first = (np.var((normal**power).mean((2, 3)).numpy(), axis=0) for power in (2, 1))
    zeta = (square * F_gamma.numpy() / 4 + first * F_beta.numpy()) / (2 * 8)
    assert np.abs(added.detach().numpy() - 2 * zeta * layer.gain.detach().numpy()).max() < 1e-12


def test_noise_of_a_convolution_is_that_of_images():
    """Mean over pixels of noisy minus clean units: shared by images of a group, and of variance v1 / M."""
    rng = np.random.default_rng(0)
    normal = torch.from_numpy(rng.standard_normal((400, 1, 5, 5)) + rng.standard_normal((400, 1, 1, 1)))
    layer = Layer(torch.ones(1, 1, 1, 1), torch.zeros(1), "none", Extras(noise=Noise(4)))
    shifts = []
    for seed in range(100):
        layer.draws = type("Draws", (), {"numpy": np.random.default_rng(seed)})
        zero_to = layer._with_noise(normal)
        # two pixels of one image give shift and factor: noisy = (normal - shift) * factor
        a, b = normal[:, 0, 0, 0], normal[:, 0, 0, 1]
        factor = (zero_to[:, 0, 0, 0] - zero_to[:, 0, 0, 1]) / (a - b)
        shifts.append((a - zero_to[:, 0, 0, 0] / factor)[::4])
        assert (shifts[-1] - (a - zero_to[:, 0, 0, 0] / factor)[3::4]).abs().max() < 1e-9
    found = torch.cat(shifts).numpy()
    expected = normal.mean((2, 3)).var(0, correction=0).item() / 4
    assert abs((found**2).mean() / expected - 1) < 4 * np.sqrt(2 / len(found))  # 4 standard errors of 10 000 draws


@pytest.mark.parametrize("build, size", [(cnn, 8.46e6), (resnet9, 6.57e6)])
def test_sizes_of_the_papers_networks(build, size):
    width = {cnn: 32, resnet9: 64}[build]
    net = build((3, 32, 32), width, np.random.default_rng(0))
    assert abs(sum(value.numel() for value in net.parameters()) / size - 1) < 1e-3


@pytest.mark.parametrize(
    "change, message",
    [
        ({"normalization": "population"}, "normalization must be one of"),
        ({"normalization": ("batch",)}, "normalization must be one name, or 2"),
        ({"weights": "ones"}, "weights must be one of"),
        ({"bias": -1.0}, "bias must be a finite standard deviation >= 0; got -1.0"),
    ],
)
def test_bad_networks(change, message):
    with pytest.raises(ValueError, match=message):
        mlp(WIDTHS, np.random.default_rng(0), **change)


def test_bad_widths():
    with pytest.raises(ValueError, match="widths must name inputs"):
        mlp([12, 10], np.random.default_rng(0))
