"""The full public image sets, fetched from their authors' addresses by pooch and checked against published hashes.

Files that are in the folder already are used if their hash is right, so that this works without a network, too.
"""

import gzip
import os
import pickle
import struct
import tarfile

import numpy as np

from bnlib import checks

FASHION = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
CIFAR = "https://www.cs.toronto.edu/~kriz/"
FILES = {  # set: {file: (address, hash)}
    "fashion-mnist": {
        f"{part}.gz": (f"{FASHION}{part}.gz", f"sha256:{digest}")
        for part, digest in {
            "train-images-idx3-ubyte": "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
            "train-labels-idx1-ubyte": "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
            "t10k-images-idx3-ubyte": "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936907477e6dd344da56eaa",
            "t10k-labels-idx1-ubyte": "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
        }.items()
    },
    "cifar10": {
        "cifar-10-python.tar.gz": (f"{CIFAR}cifar-10-python.tar.gz", "md5:c58f30108f718f92721af3b95e74349a"),
    },
}
BATCHES = [f"cifar-10-batches-py/data_batch_{n}" for n in range(1, 6)]
TEST_BATCH = "cifar-10-batches-py/test_batch"


def fetch(name, folder=None, *, downloader=None, files=None):
    """Paths of the files of a set, downloaded where they are missing.

    Parameters
    ----------
    name : {"fashion-mnist", "cifar10"}
    folder : path, optional
        Where files are kept: the environment variable ``BNLIB_DATA``, or else the system's folder for caches.
    downloader, files : optional
        Other ways and files than pooch's and `FILES`.

    Returns
    -------
    list of str

    Raises
    ------
    ValueError
        For another name, and for a file with a wrong hash, which is not kept.
    """
    import pooch

    checks.one_of("name", name, tuple(FILES))
    folder = folder or os.environ.get("BNLIB_DATA") or pooch.os_cache("bnlib")
    return [
        pooch.retrieve(address, known_hash, fname=file, path=folder, downloader=downloader, progressbar=True)
        for file, (address, known_hash) in (files or FILES[name]).items()
    ]


def load(name, folder=None):
    """Training pixels, training labels, test pixels and test labels of a set, in the order of its files.

    Pixels are uint8 arrays (N, channels, height, width), and labels int64 arrays (N,). See `fetch`.
    """
    paths = fetch(name, folder)
    if name == "cifar10":
        return (*read_cifar(paths[0], BATCHES), *read_cifar(paths[0], [TEST_BATCH]))
    train, labels, test, test_labels = map(read_idx, paths)
    return train[:, None], labels.astype(np.int64), test[:, None], test_labels.astype(np.int64)


def read_idx(path):
    """The array of bytes in a gzipped IDX file, the format of MNIST.

    The file begins with two zeros, 8 for unsigned bytes, the number of axes, and a big-endian length for each.
    ValueError if it does not, or holds another number of bytes.
    """
    with gzip.open(path, "rb") as file:
        content = file.read()
    if len(content) < 4 or content[:3] != b"\0\0\x08":
        raise ValueError(f"path must be an IDX file of unsigned bytes; {os.fspath(path)!r} begins with {content[:4]!r}")
    head = 4 + 4 * content[3]
    shape = struct.unpack(f">{content[3]}I", content[4:head]) if len(content) >= head else ()
    if len(content) - head != np.prod(shape, dtype=np.int64):
        raise ValueError(f"path must hold an array of shape {shape}; {os.fspath(path)!r} has {len(content)} bytes")
    return np.frombuffer(content, np.uint8, offset=head).reshape(shape)


class _Arrays(pickle.Unpickler):
    """Reads pickled dictionaries of arrays and lists, and nothing that could run."""

    KNOWN = {"_reconstruct", "ndarray", "dtype"}

    def find_class(self, module, name):
        if module not in ("numpy", "numpy.core.multiarray", "numpy._core.multiarray") or name not in self.KNOWN:
            raise pickle.UnpicklingError(f"a batch of CIFAR-10 holds arrays only; got {module}.{name}")
        return super().find_class("numpy._core.multiarray" if name == "_reconstruct" else "numpy", name)


def read_cifar(path, batches):
    """Pixels (N, 3, 32, 32) and labels (N,) of some batches within the archive of CIFAR-10's Python version.

    A batch is a pickled dictionary whose ``data`` has a row of 3072 bytes for each image, plane by plane. ValueError
    for other shapes.
    """
    pixels, labels = [], []
    with tarfile.open(path) as archive:
        for name in batches:
            batch = _Arrays(archive.extractfile(name), encoding="bytes").load()
            data, marks = np.asarray(batch[b"data"]), np.asarray(batch[b"labels"], dtype=np.int64)
            if data.dtype != np.uint8 or data.shape != (len(marks), 3072):
                raise ValueError(f"path must hold batches of 3072 bytes an image; {name} has {data.dtype} {data.shape}")
            pixels.append(data.reshape(-1, 3, 32, 32))
            labels.append(marks)
    return np.concatenate(pixels), np.concatenate(labels)
