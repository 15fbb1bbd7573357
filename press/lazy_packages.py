"""Packages that import a part of themselves only when it is asked for; the packs bring this module to the reader.

SciPy's packages import all their modules as soon as one name is wanted, 400 modules and two seconds of a reader's time
for one integrator. In the packs the ``__init__`` of such a package is a call of `attach` with a table of where each of
its names comes from, as Scientific Python's SPEC 1 recommends to libraries. `tables` makes these tables from the
packages as they are; a package whose names have no such origin stays as it is.
"""

import sys
from math import isfinite
from types import ModuleType

# What the import system gives every module, and what a lazy package has its own of.
BY_IMPORT = {*vars(ModuleType("any")), "__builtins__", "__cached__", "__file__", "__path__", "__getattr__", "__dir__",
             "__annotations__", "__annotate__", "__conditional_annotations__"}  # fmt: skip
seen = None  # while packing: called with the frame that asks for a name and the module that has it


def attach(package, origins, constants):
    """Make the module in sys.modules lazy: its names are those of ``origins`` {name: (module, attribute)}."""
    module = sys.modules[package]
    vars(module).update(constants, _origins=origins)
    module.__class__ = LazyPackage


class LazyPackage(ModuleType):
    """A package whose names come from elsewhere, each imported when it is asked for."""

    def __getattr__(self, name):
        if name not in vars(self)["_origins"]:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        source, attribute = self._origins[name]
        __import__(source)
        value = sys.modules[source]
        if attribute is not None:
            value = getattr(value, attribute)
        if seen:
            seen(sys._getframe(1), source)
        else:
            vars(self)[name] = value
        return value

    def __setattr__(self, name, value):
        # The import system would put a submodule over a function of the same name.
        if not isinstance(value, ModuleType) or self._origins.get(name, (value.__name__, None))[1] is None:
            super().__setattr__(name, value)

    def __dir__(self):
        return [*vars(self), *self._origins]


def tables(wanted):
    """{package: (origins, constants)} of the imported packages for which ``wanted(name)`` holds, where that can be."""
    found = {}
    for name, module in list(sys.modules.items()):
        if hasattr(module, "__path__") and getattr(module, "__file__", None) and wanted(name):
            table = _table(name, module)
            if table is not None:
                found[name] = table
    return found


def _table(package, module):
    inner = [m for name, m in sys.modules.items() if name.startswith(f"{package}.") and isinstance(m, ModuleType)]
    inner.sort(key=lambda m: hasattr(m, "__path__"))  # a package may itself be lazy: its modules first
    origins, constants = {}, {}
    for name, value in vars(module).items():
        if name in BY_IMPORT or type(value).__name__ == "PytestTester":  # tests are not packed
            continue
        plain = isinstance(value, str | int | None) or isinstance(value, float) and isfinite(value)
        if name == "__all__" or plain:  # as text they say themselves
            constants[name] = value
        elif (origin := _origin(name, value, module, inner)) is not None:
            origins[name] = origin
        else:
            return None
    constants.setdefault("__all__", [name for name in (*origins, *constants) if not name.startswith("_")])
    return origins, constants


def _origin(name, value, package, inner):
    """(module, attribute) where a value is to be had; preferably under its own name, and from where it says."""
    if isinstance(value, ModuleType):
        return (value.__name__, None) if sys.modules.get(value.__name__) is value else None
    own = sys.modules.get(getattr(value, "__module__", None))
    elsewhere = [m for m in (own, sys.modules.get("numpy")) if m not in (None, package)]
    places = [m for m in inner if m is own] + inner + elsewhere
    for module in places:
        if vars(module).get(name) is value:
            return module.__name__, name
    for module in places:
        for other, found in vars(module).items():
            if found is value:
                return module.__name__, other
    return None
