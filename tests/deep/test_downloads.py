"""Parsers of the public image sets on tiny files in the official formats, and hashes of downloads."""

import gzip
import hashlib
import io
import pickle
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest

from bnlib.deep import downloads
from bnlib.deep.data import digest, images


def idx(path, array, kind=8):
    """Write an IDX file by its definition: two zeros, the type, the number of axes, lengths, bytes."""
    head = bytes([0, 0, kind, array.ndim]) + b"".join(struct.pack(">I", length) for length in array.shape)
    path.write_bytes(gzip.compress(head + array.tobytes()))
    return path


def bytes_of(rng, *shape):
    return rng.integers(0, 256, shape, dtype=np.uint8)


class LikePython2(pickle._Pickler):
    """Writes texts and bytes alike, as strings of Python 2, and NumPy's names of that time."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_string(self, value):
        value_bytes = value.encode() if isinstance(value, str) else value
        self.write(pickle.BINSTRING + struct.pack("<i", len(value_bytes)) + value_bytes)
        self.memoize(value)

    dispatch[str] = dispatch[bytes] = save_string

    @classmethod
    def dumps(cls, value):
        into = io.BytesIO()
        cls(into, protocol=2).dump(value)
        return into.getvalue().replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")


def cifar(path, batches):
    """Write an archive like CIFAR-10's Python version."""
    with tarfile.open(path, "w:gz") as archive:
        for name, batch in batches.items():
            content = LikePython2.dumps(batch)
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def test_idx(tmp_path):
    rng = np.random.default_rng(0)
    for shape in ((3, 28, 28), (5,)):
        array = bytes_of(rng, *shape)
        assert (downloads.read_idx(idx(tmp_path / "a.gz", array)) == array).all()


@pytest.mark.parametrize("content", [b"", b"\0\0\x08", b"\1\0\x08\1\0\0\0\0", b"\0\0\x0d\1\0\0\0\0"])
def test_not_idx(tmp_path, content):
    (tmp_path / "a.gz").write_bytes(gzip.compress(content))
    with pytest.raises(ValueError, match="path must be an IDX file of unsigned bytes"):
        downloads.read_idx(tmp_path / "a.gz")


def test_idx_cut_short(tmp_path):
    path = idx(tmp_path / "a.gz", np.zeros((3, 4), np.uint8))
    whole = gzip.decompress(path.read_bytes())
    for part in (whole[:-1], whole[:7], whole + b"\0"):
        path.write_bytes(gzip.compress(part))
        with pytest.raises(ValueError, match="path must hold an array of shape"):
            downloads.read_idx(path)


def test_cifar(tmp_path):
    """Rows of 3072 bytes are red, green and blue planes, row by row."""
    rng = np.random.default_rng(0)
    batches = {name: {b"data": bytes_of(rng, 4, 3072), b"labels": [1, 2, 3, 9]} for name in ("one", "two")}
    x, labels = downloads.read_cifar(cifar(tmp_path / "c.tar.gz", batches), ["one", "two"])
    assert x.shape == (8, 3, 32, 32) and labels.tolist() == 2 * [1, 2, 3, 9] and labels.dtype == np.int64
    assert x[5, 2, 7, 31] == batches["two"][b"data"][1, 2 * 1024 + 7 * 32 + 31]


def test_cifar_of_another_shape(tmp_path):
    path = cifar(tmp_path / "c.tar.gz", {"one": {b"data": np.zeros((2, 3071), np.uint8), b"labels": [1, 2]}})
    with pytest.raises(ValueError, match="path must hold batches of 3072 bytes an image"):
        downloads.read_cifar(path, ["one"])


def test_pickles_run_nothing(tmp_path):
    path = cifar(tmp_path / "c.tar.gz", {"one": {b"data": print, b"labels": []}})
    with pytest.raises(pickle.UnpicklingError, match="holds arrays only; got .*print"):
        downloads.read_cifar(path, ["one"])


@pytest.fixture
def offered(tmp_path):
    """A download of three bytes that needs no network; pooch is an optional package."""
    pytest.importorskip("pooch")

    def downloader(address, place, pooch, **options):
        downloader.calls.append(address)
        with open(place, "wb") as file:
            file.write(b"abc")

    downloader.calls = []
    right = "sha256:" + hashlib.sha256(b"abc").hexdigest()
    return downloader, right, tmp_path / "kept"


def test_a_right_hash_is_kept(offered):
    downloader, right, folder = offered
    for _ in range(2):  # the second time from the folder
        (path,) = downloads.fetch("cifar10", folder, downloader=downloader, files={"f": ("https://a.example/f", right)})
    assert Path(path).read_bytes() == b"abc" and downloader.calls == ["https://a.example/f"]


@pytest.mark.parametrize("kind", ["sha256", "md5"])
def test_a_wrong_hash_is_refused(offered, kind):
    downloader, _, folder = offered
    wrong = f"{kind}:{hashlib.new(kind, b'abd').hexdigest()}"
    with pytest.raises(ValueError, match="hash of downloaded file"):
        downloads.fetch("cifar10", folder, downloader=downloader, files={"f": ("https://a.example/f", wrong)})
    assert not [path for path in folder.glob("*") if path.is_file()]


def test_full_sets_are_split_as_they_are_published(monkeypatch, tmp_path):
    rng = np.random.default_rng(0)
    arrays = [bytes_of(rng, 20, 28, 28), rng.integers(0, 10, 20).astype(np.uint8), bytes_of(rng, 6, 28, 28)]
    arrays.append(rng.integers(0, 10, 6).astype(np.uint8))
    paths = [idx(tmp_path / f"{n}.gz", array) for n, array in enumerate(arrays)]
    monkeypatch.setattr(downloads, "fetch", lambda name, folder=None: paths)
    found = images("fashion-mnist", 3, 20, 5)
    assert found.x.shape == (20, 1, 28, 28) and found.test_x.shape == (5, 1, 28, 28)
    assert abs(found.x.mean()) < 1e-6 and abs(found.x.std() - 1) < 1e-6  # float32
    assert sorted(found.labels) == sorted(arrays[1]) and (found.test_labels == arrays[3][:5]).all()
    wrong = images("fashion-mnist", 3, 20, 5, wrong_labels=0.3)
    assert (wrong.x == found.x).all() and (wrong.labels != found.labels).sum() == 6


def test_digests_tell_sets_apart():
    found = {name: digest(name) for name in ("fashion", *downloads.FILES)}
    assert len(set(found.values())) == 3 and found["cifar10"] == "md5:c58f30108f718f92721af3b95e74349a"


def test_unknown_sets():
    with pytest.raises(ValueError, match="name must be one of 'fashion', 'fashion-mnist', 'cifar10'; got 'svhn'"):
        images("svhn", 0, 10, 10)
    pytest.importorskip("pooch")
    with pytest.raises(ValueError, match="name must be one of"):
        downloads.fetch("svhn")
