"""Doctests of modules that need PyTorch are collected where it is installed (make deep)."""

from importlib.util import find_spec

NEED_TORCH = ["layers", "networks", "part", "training"]
collect_ignore = [] if find_spec("torch") else [f"bnlib/deep/{name}.py" for name in NEED_TORCH]
