"""Pyodide's list of packages for a folder of wheels, made from what the wheels say about themselves.

With it a package in the folder loads when a cell imports it, together with all that it depends on.
"""

import hashlib
import json
import tomllib
import zipfile
from email.parser import HeaderParser

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# The front end's halves of ipywidgets are JavaScript for a Jupyter server; JupyterLite brings its own.
NOT_IN_A_BROWSER = {"jupyterlab-widgets", "widgetsnbextension"}
NOT_FOR_A_BROWSER = ("bnlib/deep/",)  # it needs PyTorch
A_MOMENT = (2026, 1, 1, 0, 0, 0)  # in archives, so that the same content gives the same file


def write_lock(folder, info):
    """Write ``pyodide-lock.json`` for the wheels in the folder; ValueError if one that is needed is not there.

    ``info`` is what Pyodide's own lock says about Python and platform.
    """
    environment = {"sys_platform": "emscripten", "platform_system": "Emscripten", "os_name": "posix",
                   "python_version": ".".join(info["python"].split(".")[:2]), "python_full_version": info["python"],
                   "extra": ""}  # fmt: skip
    packages = {}
    for wheel in sorted(folder.glob("*.whl")):
        package = entry(wheel, environment)
        packages[package["name"]] = package
    for package in packages.values():
        missing = set(package["depends"]) - set(packages)
        if missing:
            raise ValueError(f"{package['name']} needs {', '.join(sorted(missing))}: add it to lite_wheels.txt")
    lock = {"info": info, "packages": packages}
    (folder / "pyodide-lock.json").write_text(json.dumps(lock, indent=1), "utf-8")


def entry(wheel, environment):
    """What the lock says about one wheel."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = next(name for name in names if name.count("/") == 1 and name.endswith(".dist-info/METADATA"))
        said = HeaderParser().parsestr(archive.read(metadata).decode("utf-8"))
    needs = map(Requirement, said.get_all("Requires-Dist", []))
    depends = {canonicalize_name(need.name) for need in needs if not need.marker or need.marker.evaluate(environment)}
    modules = {name.split("/")[0].removesuffix(".py") for name in names if name.endswith(".py")}
    return {
        "name": canonicalize_name(said["Name"]),
        "version": said["Version"],
        "file_name": wheel.name,
        "install_dir": "site",
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "package_type": "package",
        "imports": sorted(name for name in modules if "." not in name),
        "depends": sorted(depends - NOT_IN_A_BROWSER),
        "unvendored_tests": False,
    }


def pack_bnlib(root, folder):
    """Write bnlib, with all that `package_files` names, as a wheel into the folder."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    name, version = project["name"], project["version"]
    about = f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {need}\n" for need in project["dependencies"])
    contents = {
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}".encode(),
        f"{about}/WHEEL": b"Wheel-Version: 1.0\nGenerator: press\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/licenses/LICENSE": (root / "LICENSE").read_bytes(),
    }
    contents |= {file.relative_to(root).as_posix(): file.read_bytes() for file in package_files(root)}
    contents[f"{about}/RECORD"] = "".join(f"{path},,\n" for path in [*contents, f"{about}/RECORD"]).encode()
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path, content in contents.items():
            wheel.writestr(zipfile.ZipInfo(path, A_MOMENT), content, zipfile.ZIP_DEFLATED)


def package_files(root):
    """The files of bnlib that a notebook in the browser can ask for, sorted: modules and pyproject.toml's package-data.

    The packs of the page's own Python (pack.mjs) go without the images, for no figure reads one.
    """
    said = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    files = set((root / said["project"]["name"]).rglob("*.py"))
    for package, patterns in said["tool"]["setuptools"]["package-data"].items():
        for pattern in patterns:
            files.update((root / package.replace(".", "/")).glob(pattern))
    return sorted(file for file in files if not file.relative_to(root).as_posix().startswith(NOT_FOR_A_BROWSER))
