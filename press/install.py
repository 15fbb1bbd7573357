"""Create ``.venv`` and install the pinned packages and bnlib into it, with one clear line on failure.

Standard library only, as it runs before anything is installed: ``python3 press/install.py``. With the word ``deep`` the
optional extra of that name goes into ``.venv-deep``, so that all else is known to work without it.
"""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

VENV = Path(".venv")
DEEP = Path(".venv-deep")
DEEP_TESTS = ("setuptools", "numpy", "scipy", "tqdm", "pytest", "pyyaml")  # what tests/deep needs besides the extra
NO_NETWORK = re.compile(
    "connection broken|failed to establish|name resolution|getaddrinfo|network is unreachable"
    "|max retries exceeded|timed out|cannot connect to proxy|failed to resolve",
    re.IGNORECASE,
)


def venv_python(venv=VENV):
    """Return the environment's interpreter (its place depends on the system)."""
    return venv / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def is_usable(venv=VENV):
    """Say whether the environment is there, runs, has pip, and is of this Python's version."""
    program = f"import sys, pip; print(sys.version_info[:2] == {sys.version_info[:2]})"
    try:
        answer = subprocess.run([venv_python(venv), "-c", program], capture_output=True, text=True)
    except OSError:
        return False
    return answer.stdout.strip() == "True"


def create(venv=VENV):
    """Create the environment anew."""
    shutil.rmtree(venv, ignore_errors=True)
    answer = subprocess.run([sys.executable, "-m", "venv", venv], capture_output=True, text=True)
    if answer.returncode:
        shutil.rmtree(venv, ignore_errors=True)
        sys.exit(f"Could not create {venv}: this Python lacks venv (on Debian: apt install python3-venv).")


def pip_install(*arguments, venv=VENV):
    """Run pip with its words going to the log; leave with one line if it fails."""
    log_file = venv / "install.log"
    command = [venv_python(venv), "-m", "pip", "install", "--disable-pip-version-check", "--retries", "2"]
    with log_file.open("a", encoding="utf-8") as log:
        code = subprocess.run([*command, *arguments], stdout=log, stderr=subprocess.STDOUT).returncode
    if code == 0:
        return
    said = log_file.read_text(encoding="utf-8", errors="replace")
    if NO_NETWORK.search(said):
        sys.exit(f"No network: pip could not reach its index. Try again when online (details: {log_file}).")
    errors = re.findall("^ERROR: (.*)$", said, re.MULTILINE) or ["pip failed"]
    sys.exit(f"Could not install: {errors[0]} (details: {log_file}).")


def main():
    """Install everything, saying so first, since the first time takes a minute or more."""
    deep = "deep" in sys.argv[1:]
    venv = DEEP if deep else VENV
    if not is_usable(venv):
        create(venv)
    (venv / "install.log").unlink(missing_ok=True)
    print(f"Installing the pinned packages into {venv} ...", flush=True)
    pip_install(*(deep_packages() if deep else ("-r", "requirements.txt")), "-c", "constraints.txt", venv=venv)
    # The pinned setuptools builds bnlib, so that nothing is fetched apart from the pins.
    pip_install("--no-deps", "--no-build-isolation", "-e", ".", venv=venv)


def deep_packages():
    """What the extra ``deep`` and its tests need."""
    extras = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    return [*extras["deep"], *DEEP_TESTS]


if __name__ == "__main__":
    main()
