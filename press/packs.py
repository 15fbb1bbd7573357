"""The Python of the reader's browser as the book ships it: assembled, packed, kept until something changes.

``_build/kernel/files`` holds Pyodide's files, ``_build/kernel/packs/KEY`` what is made of them and of bnlib. The
key is a digest of everything that goes in, so that nothing is fetched or packed twice.
"""

import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import assemble

HERE = Path(__file__).parent
RECIPE = ("kernel_files.json", "assemble.py", "packs.py", "pack.py", "pack.mjs", "lazy_packages.py")
TIME_LIMIT = 600  # seconds for packing


def prepare(root, cache):
    """The folder with the packs and ``plan.json``; raises `assemble.NoSource` if the kernel cannot be had."""
    assemble.check_wanted()
    folder = cache / "packs" / key(root)
    if not (folder / "plan.json").is_file():
        node = find_node()
        assemble.assemble(cache / "files")
        part = folder.with_name("part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        run(node, cache / "files", root, part)
        add_plan(part, cache / "files")
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
    return folder


def key(root):
    """A digest of the recipe and of bnlib."""
    digest = hashlib.sha256()
    files = [*(HERE / name for name in RECIPE), *(HERE / "licences").glob("*.txt")]
    files += [file for file in (root / "bnlib").rglob("*") if file.suffix in (".py", ".json")]
    for file in sorted(files):
        digest.update(f"\0{file.relative_to(root)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def find_node():
    """The JavaScript engine to run Pyodide in: the one that playwright, in requirements.txt, brings."""
    spec = importlib.util.find_spec("playwright")
    node = spec and Path(spec.origin).parent / "driver" / ("node.exe" if sys.platform == "win32" else "node")
    if not node or not node.is_file():
        raise assemble.NoSource("there is no node to pack them with (playwright, in requirements.txt, brings one)")
    return node


def run(node, files, root, out):
    """Pack in Pyodide itself, as only its own Python can compile for it."""
    command = [str(node), str(HERE / "pack.mjs"), str(files), str(root), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT)
    if done.returncode or not (out / "made.json").is_file():
        # one line may be all of a minified script
        last = [line[:300] for line in done.stderr.strip().splitlines() if line.strip()][-12:]
        raise RuntimeError("the browser's Python could not be packed:\n" + "\n".join(last))


def add_plan(folder, files):
    """Write ``plan.json``: what made.json says, a version of each file for its address, and the licences."""
    plan = json.loads((folder / "made.json").read_text("utf-8"))
    packed = {name: folder / f"{name}.pack" for name in plan["bytes"] if name != "pyodide.mjs"}
    plan["versions"] = {name: hashlib.sha256(file.read_bytes()).hexdigest()[:12] for name, file in packed.items()}
    (folder / "licences").mkdir()
    for package, text in assemble.licences(files).items():
        (folder / "licences" / f"{package}.txt").write_text(text, "utf-8")
    (folder / "made.json").unlink()
    (folder / "plan.json").write_text(json.dumps(plan), "utf-8")
