"""The wheels that lite_wheels.txt lists for notebooks in the browser: each with its licence and its SHA-256."""

import hashlib
import re
import shutil
from pathlib import Path

from packaging.utils import canonicalize_name

WHEELS = Path(__file__).with_name("lite_wheels.txt")


def listed():
    """{package: (licence, SHA-256 of its wheel)} of lite_wheels.txt."""
    lines = re.findall(r"^([\w-]+)\S* # (.*) # ([0-9a-f]{64})$", WHEELS.read_text("utf-8"), re.MULTILINE)
    return {name: (licence, digest) for name, licence, digest in lines}


def check(wheels):
    """ValueError for a wheel that is not as lite_wheels.txt lists it; RuntimeError if one is not there."""
    missing = listed()
    for wheel in wheels:
        name, found = canonicalize_name(wheel.name.split("-")[0]), hashlib.sha256(wheel.read_bytes()).hexdigest()
        wanted = missing.pop(name, (None, "none"))[1]
        if found != wanted:
            shutil.rmtree(wheel.parent)  # not to be found again
            raise ValueError(f"{wheel.name} has SHA-256 {found}; {WHEELS.name} has {wanted} for {name}")
    if missing:
        raise RuntimeError(f"pip has fetched no wheel of {', '.join(missing)}")
