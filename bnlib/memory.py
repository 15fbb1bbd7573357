"""Freed memory is kept for the next array: what loops over large temporary arrays import."""

import sys

import numpy as np

if sys.platform == "linux":
    # Taking and freeing one block, never touched, tells the GNU allocator to keep memory up to its size between calls
    # instead of returning it to the system: a fifth of a partition's time, and most of that of many flows.
    np.empty(31_000_000, np.uint8)
