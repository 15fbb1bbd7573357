"""The chapters as notebooks that run in the reader's browser: a JupyterLite site on the kernel's own files.

bnlib and all that it imports is listed in the site's pyodide-lock.json, so that no cell has to install anything.
JupyterLite's way out to the package index is closed, and its Pyodide is the book's: nothing comes from elsewhere.
"""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import assemble
import lock
import nbformat
import plain
import wheels_list
from references import references
from wheels_list import WHEELS

HERE = Path(__file__).parent
RECIPE = ("lite.py", "lite_wheels.txt", "wheels_list.py", "lock.py", "plain.py", "references.py", "kernel_files.json")
KERNEL = "@jupyterlite/pyodide-kernel-extension"
# What JupyterLite's kernel starts with; named here, these load from the lock, together, and bnlib with them.
START = ["micropip", "piplite", "ipykernel", "comm", "pyodide-kernel", "jedi", "ipython", "bnlib"]
STORAGE = "batch-normalization-exactly"  # apart from other JupyterLites at the same address
AUTOSAVE = 10  # seconds


def prepare(root, kernel, folder):
    """Build the site in ``folder`` unless it is there for the same inputs; NoSource if files cannot be had.

    ``kernel`` is the folder that `assemble` fills.
    """
    assemble.assemble(kernel)
    key = site_key(root)
    stamp = folder / "key"
    if stamp.is_file() and stamp.read_text("utf-8") == key:
        return
    work = folder.with_name(folder.name + ".new")
    shutil.rmtree(work, ignore_errors=True)
    copy_pyodide(root, kernel, folder.with_name("wheels"), work / "static" / "pyodide")
    copy_chapters(root, work / "contents")
    write_settings(work)
    run_jupyterlite(work, folder)
    shutil.rmtree(work)
    stamp.write_text(key, "utf-8")


def site_key(root):
    """A digest of all that the site is made of."""
    recipe = [*(HERE / name for name in RECIPE), root / "constraints.txt", root / "pyproject.toml"]
    said = {path.name: words for path, words in references(root).items()}
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode())
    for file in sorted([*recipe, *lock.package_files(root), *notebooks(root)]):
        digest.update(f"\0{file.relative_to(root)}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def notebooks(root):
    """The chapters that are notebooks."""
    return sorted(path for path in (root / "chapters").rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)


def copy_pyodide(root, kernel, cache, target):
    """The kernel's files, the pure Python wheels, JupyterLite's own and bnlib's, and the lock that lists them."""
    target.mkdir(parents=True)
    listed = assemble.listed()
    for file in listed["files"]:
        shutil.copy(kernel / file["name"], target)
    for wheel in (*download(root, cache), *own_wheels()):
        shutil.copy(wheel, target)
    lock.pack_bnlib(root, target)
    lock.write_lock(target, listed["info"])


def download(root, cache):
    """The wheels of lite_wheels.txt, fetched by pip once for the versions pinned now."""
    pins = root / "constraints.txt"
    place = cache / hashlib.sha256(WHEELS.read_bytes() + pins.read_bytes()).hexdigest()[:16]
    if not place.exists():
        part = place.with_suffix(".part")
        shutil.rmtree(cache, ignore_errors=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--retries", "1",
                   "--no-deps", "--only-binary=:all:", "--python-version", "3.14", "--platform", "any",
                   "--implementation", "py", "--abi", "none", "--dest", part, "-r", WHEELS, "-c", pins]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
            raise assemble.NoSource(f"pip could not fetch what {WHEELS.name} lists: {last[0]}")
        part.rename(place)
    wheels = sorted(place.glob("*.whl"))
    wheels_list.check(wheels)
    return wheels


def own_wheels():
    """The wheels that JupyterLite's kernel brings, save its stand-ins for a front end that is not asked for here."""
    folder = Path(sys.prefix, "share", "jupyter", "labextensions", KERNEL, "static", "pypi")
    return [wheel for wheel in folder.glob("*.whl") if not wheel.name.startswith("widgetsnbextension")]


def copy_chapters(root, target):
    """The chapters for the browser's kernel and a plain Jupyter front end, which shows MyST's roles as they stand."""
    said = references(root)
    for path in notebooks(root):
        notebook = nbformat.read(path, as_version=4)
        notebook.metadata["kernelspec"] = {"name": "python", "display_name": "Python (in the browser)"}
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = plain.markdown(cell.source, said.get(path))
        copy = target / path.relative_to(root / "chapters")
        copy.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, copy)


def write_settings(folder):
    """JupyterLite's settings: no other host, own storage, edits saved soon."""
    config = {
        "appName": "Batch Normalization, Exactly",
        "appUrl": "./tree",
        "faviconUrl": "./notebooks/favicon.ico",
        "contentsStorageName": STORAGE,
        "settingsStorageName": f"{STORAGE} settings",
        "workspacesStorageName": f"{STORAGE} workspaces",
        "litePluginSettings": {
            f"{KERNEL}:kernel": {"disablePyPIFallback": True, "loadPyodideOptions": {"packages": START}}
        },
    }
    text = json.dumps({"jupyter-lite-schema-version": 0, "jupyter-config-data": config})
    (folder / "jupyter-lite.json").write_text(text, "utf-8")
    overrides = {
        "@jupyterlab/docmanager-extension:plugin": {"autosaveInterval": AUTOSAVE},
        # every cell in the page, so that the browser finds words in all of them
        "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
    }
    (folder / "overrides.json").write_text(json.dumps(overrides), "utf-8")


def run_jupyterlite(work, target):
    """Build the site from the prepared folder; RuntimeError with JupyterLite's last words if it fails."""
    shutil.rmtree(target, ignore_errors=True)
    command = [sys.executable, "-m", "jupyterlite_core", "build", "--lite-dir", work.resolve(),
               "--contents", (work / "contents").resolve(), "--output-dir", target.resolve(),
               "--apps", "notebooks", "--apps", "tree", "--no-sourcemaps", "--no-unused-shared-packages"]  # fmt: skip
    done = subprocess.run(command, cwd=work, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"JupyterLite could not be built:\n{(done.stdout + done.stderr)[-2000:]}")
