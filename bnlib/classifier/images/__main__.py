"""``python -m bnlib.classifier.images DIGITS FASHION``: make the two image files of this folder again.

DIGITS is ``digits.csv.gz`` of scikit-learn 1.9.1 (in its wheel under ``sklearn/datasets/data``), FASHION the folder of
the four original files of Fashion-MNIST (Debian's package ``dataset-fashion-mnist`` puts them into
``/usr/share/datasets/fashion-mnist``). Sources and results are checked by SHA-256.
"""

import gzip
import hashlib
import io
import sys
from pathlib import Path

import numpy as np

from bnlib.classifier.data import FOLDER, SHA256

SOURCES = {
    "digits.csv.gz": "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22",
    "train-images-idx3-ubyte.gz": "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
    "train-labels-idx1-ubyte.gz": "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
    "t10k-images-idx3-ubyte.gz": "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
    "t10k-labels-idx1-ubyte.gz": "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
}
FASHION_COUNT = 2000  # images kept of the training set, and as many of the test set


def main(digits, fashion):
    """Write both files, and complain if their bytes are not the ones that the book was made with."""
    table = np.loadtxt(io.BytesIO(_checked(Path(digits))), delimiter=",").astype(np.uint8)
    _write("digits", images=table[:, :-1], labels=table[:, -1])
    parts = {}
    for part in ("train", "t10k"):
        images = _idx(Path(fashion) / f"{part}-images-idx3-ubyte.gz", 16).reshape(-1, 14, 2, 14, 2)
        # 28 x 28 pixels to 14 x 14 by the mean of each 2 x 2 block, rounded half up; the first images of each file
        parts[part] = (
            ((images[:FASHION_COUNT].astype(np.uint16).sum((2, 4)) + 2) // 4).astype(np.uint8).reshape(-1, 196)
        )
        parts[part + "_labels"] = _idx(Path(fashion) / f"{part}-labels-idx1-ubyte.gz", 8)[:FASHION_COUNT]
    _write(
        "fashion",
        images=np.concatenate([parts["train"], parts["t10k"]]),
        labels=np.concatenate([parts["train_labels"], parts["t10k_labels"]]),
    )


def _checked(path):
    """The unpacked bytes of a source."""
    packed = path.read_bytes()
    found = hashlib.sha256(packed).hexdigest()
    if found != SOURCES[path.name]:
        sys.exit(f"{path} has SHA-256 {found}, not {SOURCES[path.name]}")
    return gzip.decompress(packed)


def _idx(path, header):
    return np.frombuffer(_checked(path), np.uint8, offset=header)


def _write(name, **arrays):
    np.savez_compressed(FOLDER / f"{name}.npz", **arrays)
    digest = hashlib.sha256(b"".join(array.tobytes() for array in arrays.values())).hexdigest()
    print(f"{name}: {(FOLDER / f'{name}.npz').stat().st_size} bytes, arrays {digest}")
    if digest != SHA256[name]:
        sys.exit(f"{name}: the arrays should have SHA-256 {SHA256[name]}")


if __name__ == "__main__":
    main(*sys.argv[1:])
