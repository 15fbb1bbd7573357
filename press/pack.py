"""Runs in Pyodide, called by pack.mjs: packs what the figures need, byte-compiled, so that a page starts soon.

A pack is a uint32 (the length of what follows), a JSON list of [path, size], and the files. Modules are compiled
here, because compiling while importing costs a reader more than anything else. "base" holds the files of NumPy and
Matplotlib that drawing every figure opens, "scipy.special" and the like those of SciPy's parts (a large compiled
module is a pack of its own), "record.NAME" a record, "bnlib" the book's own modules, "rest" all others, which a page
asks for only if a setting misses a file.
"""

import builtins
import importlib
import importlib.util
import io
import json
import marshal
import os
import struct
import sys
import zipfile
from collections import defaultdict

import lazy_packages

FIGURES = "bnlib.book.figures"
LAZY = ("scipy.", "bnlib.")  # packages whose parts are imported only when they are asked for
NEEDS_MORE = "bnlib/deep/"  # than a browser has
NOT_IN_PAGES = ("bnlib/book/exercises/", "bnlib/book/widgets.py", "bnlib/book/records/__main__.py")
# What the standard library must have besides the modules that were seen to be used: parts that are asked for by name.
KEPT = ("encodings/", "importlib/", "pyodide/", "_pyodide/", "collections/", "compression/")
MACHINERY = ("importlib", "_frozen_importlib", "lazy_packages", "pack")  # they import for others
LARGE = 300_000  # bytes of a compiled module of SciPy that is a pack of its own
opened, edges = set(), defaultdict(set)


def find_tables():
    """The tables of `lazy_packages` for SciPy's public packages and the wings of bnlib, as Python text by package."""
    scipy = importlib.import_module("scipy")
    for name in scipy.__all__:
        if name not in ("test", "show_config"):
            getattr(scipy, name)
    figures = importlib.import_module(FIGURES)
    for name in figures.NAMES:
        figures.find(name)

    def wanted(name):
        return name.startswith(LAZY) and not name.startswith("bnlib.book")

    text = "from lazy_packages import attach\n\nattach(__name__, {!r}, {!r})\n"
    return {name: text.format(*table) for name, table in lazy_packages.tables(wanted).items()}


def watch():
    """Note from now on every file that is opened, and who imports what."""
    sys.addaudithook(lambda event, args: opened.add(args[0]) if event == "open" and isinstance(args[0], str) else None)
    real = builtins.__import__

    def spy(name, globals=None, locals=None, fromlist=(), level=0):
        module = real(name, globals, locals, fromlist, level)
        importer = (globals or {}).get("__name__", "lazy_packages")
        if importer.startswith("importlib"):
            importer = importer_of(sys._getframe(1))
        if importer != "lazy_packages":
            base = importlib.util.resolve_name("." * level + name, globals.get("__package__")) if level else name
            parts = {f"{base}.{part}" for part in fromlist or ()}
            edges[importer] |= {base} | parts & sys.modules.keys()
        return module

    class Watcher:
        """Sees what compiled modules import, and what is imported by name."""

        @staticmethod
        def find_spec(name, path=None, target=None):
            note(sys._getframe(1), name)

    builtins.__import__ = spy
    sys.meta_path.insert(0, Watcher)
    lazy_packages.seen = note


def note(frame, name):
    """Whoever the import system, in ``frame``, works for asks for the module ``name``."""
    edges[importer_of(frame)].add(name)


def importer_of(frame):
    """The first module up the stack that is not the import system's, or a compiled one that is being loaded."""
    while frame.f_back and frame.f_globals["__name__"].startswith(MACHINERY):
        if frame.f_code.co_name == "_load_unlocked":
            return frame.f_locals["spec"].name
        frame = frame.f_back
    return frame.f_globals["__name__"]


def packs(site):
    """{"packs": {name: bytes}, "needs": {figure: names}, "stdlib": bytes} of the packages in the folder ``site``."""
    read = draw_all(site)
    loaded = {file for module in list(sys.modules.values()) if (file := getattr(module, "__file__", None))}
    library = next(path for path in sys.path if path.endswith(".zip"))
    files = set(files_in(site))
    used = files & (opened | loaded)
    linked = {file: libraries(file, files) for file in used if file.endswith(".so")}
    used |= set().union(*linked.values())  # opened by the system's loader, which tells no audit hook
    groups, packed_in = defaultdict(set), {}
    for file in files:
        packed_in[file] = group(file.removeprefix(site), file in used, os.path.getsize(file))
        groups[packed_in[file]].add(file)
    groups.pop(None)
    needs = {}
    for name, records in read.items():
        wanted = {f for module in reached(name) if (f := getattr(sys.modules.get(module), "__file__", None)) in used}
        wanted |= records
        wanted |= set().union(*(linked.get(file, set()) for file in wanted))
        needs[name] = sorted({"base", "bnlib"} | {packed_in[file] for file in wanted})
    used_here = {file.removeprefix(f"{library}/") for file in loaded if file.startswith(library)}
    inside, outside = standard_library(library, used_here)
    made = {name: pack(site, sorted(group)) for name, group in groups.items() if name != "rest"}
    made["rest"] = pack(site, sorted(groups["rest"]), outside)
    return {"packs": made, "needs": needs, "stdlib": inside}


def draw_all(site):
    """Draw every figure at its default; {figure: the records that it reads, or that its modules name}."""
    from bnlib.book import records
    from bnlib.book.figures import NAMES
    from bnlib.book.kernel import show

    folder = f"{site}bnlib/book/records/"
    known = {name.removesuffix(".json"): folder + name for name in os.listdir(folder) if name.endswith(".json")}
    read = {}
    for name in NAMES:
        opened.difference_update(known.values())
        records.load.cache_clear()
        for layout in ("wide", "narrow"):
            show(name, layout, "{}")
        # what a cached result was made of is not opened again: hence the names as well
        words = set().union(*(named(module) for module in reached(name) if module.startswith("bnlib.")))
        read[name] = opened & set(known.values()) | {file for stem, file in known.items() if stem in words}
    return read


def reached(figure):
    """The modules that a figure's own module imports, and what these import, with their packages."""
    figures = sys.modules[FIGURES]
    todo, found = {"bnlib.book.kernel", f"{FIGURES}.{figures.NAMES[figure]}"}, set()
    while todo:
        name = todo.pop()
        found.add(name)
        if name != FIGURES and not name.startswith(MACHINERY):  # that one imports every figure, when asked for it
            todo |= edges[name]
        todo |= {name.rpartition(".")[0]} - {""}
        todo -= found
    return found


def named(module):
    """The texts among the constants of a module's source."""
    with open(sys.modules[module].__file__, encoding="utf-8") as file:
        code = compile(file.read(), module, "exec", dont_inherit=True)
    found, todo = set(), [code]
    while todo:
        for constant in todo.pop().co_consts:
            if isinstance(constant, str):
                found.add(constant)
            elif hasattr(constant, "co_consts"):
                todo.append(constant)
    return found


def libraries(file, files):
    """The shared libraries in *.libs that a compiled module names."""
    with open(file, "rb") as opened_file:
        head = opened_file.read(4096)  # what is linked stands in the first section
    return {other for other in files if ".libs/" in other and os.path.basename(other).encode() in head}


def group(path, used, size=0):
    """The pack of a file of ``size`` bytes, or None if no page can ask for it; ``path`` starts inside site-packages."""
    package, *inner = path.split("/")
    if path.startswith("bnlib/book/records/") and path.endswith(".json"):
        return "record." + inner[-1].removesuffix(".json")
    if path.startswith(NEEDS_MORE):
        return None
    if package == "bnlib":
        return "rest" if path.startswith(NOT_IN_PAGES) else "bnlib"
    if not used:
        return "rest" if path.endswith((".py", ".so")) or "/mpl-data/" in path else None
    if package == "scipy" and len(inner) > 1 and not inner[0].startswith("_"):
        own = path.endswith(".so") and size > LARGE
        return f"scipy.{inner[0]}.{inner[-1].partition('.')[0]}" if own else f"scipy.{inner[0]}"
    return package if package in ("scipy", "scipy.libs") else "base"


def files_in(folder):
    """Every file below a folder, save tests and caches."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in ("tests", "__pycache__")]
        yield from (os.path.join(place, name) for name in names)


def compiled(source, name):
    """The content of a .pyc that is never compared with its source."""
    code = compile(source, name, "exec", dont_inherit=True, optimize=2)
    return importlib.util.MAGIC_NUMBER + struct.pack("<Q", 1) + bytes(4) + marshal.dumps(code)


def pack(site, paths, more=()):
    """One pack of the files ``paths``, and of ``more`` (name, content)."""
    index, blobs = [], []

    def add(name, data):
        index.append((name, len(data)))
        blobs.append(data)

    for path in paths:
        with open(path, "rb") as file:
            data, name = file.read(), path.removeprefix(site)
        add(*((name + "c", compiled(data, name)) if name.endswith(".py") else (name, data)))
    for name, data in more:
        add(name, data)
    head = json.dumps(index).encode()
    return struct.pack("<I", len(head)) + head + b"".join(blobs)


def standard_library(library, used):
    """The standard library's archive with compiled modules (Pyodide's own has sources), and [(name, content)] of

    the modules that no figure used, which go elsewhere. Nothing in the archive is compressed, as all of it will be.
    """
    buffer, outside = io.BytesIO(), []
    with zipfile.ZipFile(library) as source, zipfile.ZipFile(buffer, "w") as out:
        for item in source.infolist():
            if item.is_dir():
                continue
            name, data = item.filename, source.read(item)
            keep = name in used or name.startswith(KEPT) or not name.endswith(".py")
            if name.endswith(".py"):
                name, data = name + "c", compiled(data, name)
            if keep:
                out.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data)
            else:
                outside.append((name, data))
    return buffer.getvalue(), outside
