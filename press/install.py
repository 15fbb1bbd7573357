"""Create ``.venv`` and install the pinned packages and bnlib into it, with one clear line on failure.

Standard library only, as it runs before anything is installed: ``python3 press/install.py``.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

VENV = Path(".venv")
LOG = VENV / "install.log"
NO_NETWORK = re.compile(
    "connection broken|failed to establish|name resolution|getaddrinfo|network is unreachable"
    "|max retries exceeded|timed out|cannot connect to proxy|failed to resolve",
    re.IGNORECASE,
)


def venv_python():
    """Return the environment's interpreter (its place depends on the system)."""
    return VENV / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def is_usable():
    """Say whether the environment is there, runs, has pip, and is of this Python's version."""
    program = f"import sys, pip; print(sys.version_info[:2] == {sys.version_info[:2]})"
    try:
        answer = subprocess.run([venv_python(), "-c", program], capture_output=True, text=True)
    except OSError:
        return False
    return answer.stdout.strip() == "True"


def create():
    """Create the environment anew."""
    shutil.rmtree(VENV, ignore_errors=True)
    answer = subprocess.run([sys.executable, "-m", "venv", VENV], capture_output=True, text=True)
    if answer.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        sys.exit("Could not create .venv: this Python lacks venv (on Debian: apt install python3-venv).")


def pip_install(*arguments):
    """Run pip with its words going to the log; leave with one line if it fails."""
    command = [venv_python(), "-m", "pip", "install", "--disable-pip-version-check", "--retries", "2"]
    with LOG.open("a", encoding="utf-8") as log:
        code = subprocess.run([*command, *arguments], stdout=log, stderr=subprocess.STDOUT).returncode
    if code == 0:
        return
    said = LOG.read_text(encoding="utf-8", errors="replace")
    if NO_NETWORK.search(said):
        sys.exit(f"No network: pip could not reach its index. Try again when online (details: {LOG}).")
    errors = re.findall("^ERROR: (.*)$", said, re.MULTILINE) or ["pip failed"]
    sys.exit(f"Could not install: {errors[0]} (details: {LOG}).")


def main():
    """Install everything, saying so first, since the first time takes a minute or more."""
    if not is_usable():
        create()
    LOG.unlink(missing_ok=True)
    print("Installing the pinned packages into .venv ...", flush=True)
    pip_install("-r", "requirements.txt", "-c", "constraints.txt")
    # The pinned setuptools builds bnlib, so that nothing is fetched apart from the pins.
    pip_install("--no-deps", "--no-build-isolation", "-e", ".")


if __name__ == "__main__":
    main()
