"""Runs in Pyodide, called by pack.mjs: packs what the figures need, byte-compiled, so that a page starts soon.

A pack is a uint32 (the length of what follows), a JSON list of [path, size], and the files. Modules are compiled
here, because compiling while importing costs a reader more than anything else. "base" and "scipy" hold the files
that drawing every figure opens, "rest" the others, which a page asks for only if a setting misses a file.
"""

import builtins
import importlib.util
import io
import json
import marshal
import os
import struct
import sys
import zipfile

EXTRA = "scipy"  # apart from the base, as some figures do without
opened = set()


def watch():
    """Note every file that is opened from now on."""
    sys.addaudithook(lambda event, args: opened.add(args[0]) if event == "open" and isinstance(args[0], str) else None)


def packs(site):
    """{"packs": {name: bytes}, "needs": {figure: names}} of the packages in the folder ``site``."""
    needs = draw_all()
    loaded = {file for module in list(sys.modules.values()) if (file := getattr(module, "__file__", None))}
    files = set(files_in(site))
    own = {file for file in files if file.startswith(f"{site}bnlib/")}
    # shared libraries in *.libs are opened by the system's loader, which tells no audit hook
    used = {file for file in files - own if file in opened | loaded or ".libs/" in file}
    extra = {file for file in used if file.startswith(f"{site}{EXTRA}")}
    rest = {file for file in files - own - used if file.endswith((".py", ".so")) or "/mpl-data/" in file}
    groups = {"base": used - extra, EXTRA: extra, "bnlib": own, "rest": rest}
    return {"packs": {name: pack(site, group) for name, group in groups.items()}, "needs": needs}


def draw_all():
    """Draw every figure at its default; {figure: the packs it needs}, by what is imported on the way."""
    asked, real_import = set(), builtins.__import__

    def spy(name, *rest, **more):
        asked.add(name.partition(".")[0])
        return real_import(name, *rest, **more)

    builtins.__import__ = spy
    needs = {}
    try:
        from bnlib.book.figures import NAMES

        for name in NAMES:
            asked.clear()
            # forget bnlib, so that the imports at the top of its modules are seen for every figure
            for module in [module for module in sys.modules if module.partition(".")[0] == "bnlib"]:
                del sys.modules[module]
            from bnlib.book.kernel import show

            for layout in ("wide", "narrow"):
                show(name, layout, "{}")
            needs[name] = ["base", "bnlib"] + [EXTRA] * (EXTRA in asked)
    finally:
        builtins.__import__ = real_import
    return needs


def files_in(folder):
    """Every file below a folder, save tests and caches."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in ("tests", "__pycache__")]
        yield from (os.path.join(place, name) for name in names)


def compiled(source, name):
    """The content of a .pyc that is never compared with its source."""
    code = compile(source, name, "exec", dont_inherit=True, optimize=2)
    return importlib.util.MAGIC_NUMBER + struct.pack("<Q", 1) + bytes(4) + marshal.dumps(code)


def pack(site, paths):
    """One pack of the files ``paths``."""
    index, blobs = [], []
    for path in sorted(paths):
        with open(path, "rb") as file:
            data = file.read()
        name = path.removeprefix(site)
        if name.endswith(".py"):
            data, name = compiled(data, name), name + "c"
        index.append((name, len(data)))
        blobs.append(data)
    head = json.dumps(index).encode()
    return struct.pack("<I", len(head)) + head + b"".join(blobs)


def standard_library():
    """The standard library's archive with compiled modules; Pyodide's own has sources."""
    buffer = io.BytesIO()
    source = zipfile.ZipFile(next(path for path in sys.path if path.endswith(".zip")))
    with source, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as out:
        for item in source.infolist():
            data, module = source.read(item), item.filename.endswith(".py")
            entry = zipfile.ZipInfo(item.filename + "c" * module, (2026, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            out.writestr(entry, compiled(data, item.filename) if module else data)
    return buffer.getvalue()
