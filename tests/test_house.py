"""The commands of the house: the server, the executed notebooks, and the pins."""

import re
import signal
import socket
import subprocess
import sys
import urllib.request
from itertools import takewhile
from pathlib import Path

import nbformat
import pytest

from press import install, notebooks

ROOT = Path(__file__).parents[1]
SERVE = [sys.executable, str(ROOT / "press" / "serve.py")]


@pytest.fixture
def book(tmp_path):
    """Return a folder that passes for a built book."""
    (tmp_path / "index.html").write_text("<title>A book</title>")
    return tmp_path


@pytest.fixture
def free_port():
    """Return a port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def run(*arguments):
    """Run the server with ``arguments`` until it ends by itself."""
    return subprocess.run([*SERVE, *map(str, arguments)], capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize("check", [[], ["--check"]], ids=["serve", "check"])
def test_a_taken_port_gets_one_line(book, check):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = run("--folder", book, "--port", port, *check)
    assert answer.returncode == 1
    assert answer.stderr == f"Port {port} is taken. Choose another: make serve PORT={port + 1}\n"


def test_a_free_port_passes_the_check(free_port):
    answer = run("--port", free_port, "--check")
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")


@pytest.mark.parametrize("port", ["0", "65536", "eight"])
def test_an_impossible_port_is_named(port):
    answer = run("--port", port, "--check")
    assert answer.returncode == 2
    assert f"'{port}'" in answer.stderr and "Traceback" not in answer.stderr


def test_a_missing_book_gets_one_line(tmp_path, free_port):
    answer = run("--folder", tmp_path, "--port", free_port)
    assert answer.returncode == 1
    assert answer.stderr == f"There is no built book in {tmp_path}. Build it first: make book\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C in another way")
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminate"])
def test_serves_the_book_until_stopped(book, free_port, stop):
    command = [*SERVE, "--folder", str(book), "--port", str(free_port)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        address = re.search(r"http://127\.0\.0\.1:\d+/", server.stdout.readline())[0]
        with urllib.request.urlopen(address, timeout=10) as page:
            assert page.read() == b"<title>A book</title>"
            assert page.headers["Cache-Control"] == "no-cache"
    finally:
        server.send_signal(stop)
        said, complained = server.communicate(timeout=10)
    assert server.returncode == 0
    assert complained == "" and "Closed." in said


def test_executing_twice_changes_nothing(tmp_path):
    path = tmp_path / "chapter.ipynb"
    cells = [nbformat.v4.new_markdown_cell("# A chapter"), nbformat.v4.new_code_cell("import os\n1 + 1")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    notebooks.execute(path)
    first = path.read_text()
    notebooks.execute(path)
    assert path.read_text() == first
    code = nbformat.read(path, as_version=4).cells[1]
    assert (code.execution_count, code.outputs[0].data["text/plain"]) == (1, "2")


def test_the_example_in_the_readme_runs():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").partition("    import numpy as np\n")[2].splitlines()
    code = [line.strip() for line in takewhile(lambda line: line.startswith("    "), lines)]
    answer = run_python("\n".join(["import numpy as np", *code]))
    assert 0 < float(answer) < 0.1


def run_python(code):
    """Return what the program ``code`` prints."""
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, timeout=60).stdout


def names(file):
    """Return the names of the packages that a requirements file lists, in their normal spelling."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / file).read_text().splitlines())
    return {re.match(r"[\w.-]+", line)[0].lower().replace("_", "-"): line for line in lines if line}


def test_every_direct_dependency_has_a_reason_and_a_pin():
    pins = names("constraints.txt")
    assert set(names("requirements.txt")) <= set(pins)
    assert all("==" in pin for pin in pins.values())
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert all(line.partition("#")[2] for line in lines if line)


def fake_pip(monkeypatch, folder, says):
    """Make the installer run, in ``folder``, a pip that prints ``says`` and fails."""
    (folder / ".venv").mkdir()
    (folder / "pip.py").write_text(f"print({says!r})\nraise SystemExit(1)\n")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setattr(install, "venv_python", lambda venv: sys.executable)


@pytest.mark.parametrize(
    ("says", "line"),
    [
        ("WARNING: Retrying after connection broken by 'NewConnectionError'\nERROR: none", "^No network: "),
        ("ERROR: No matching distribution found for numpy", "^Could not install: No matching distribution"),
        ("nothing", "^Could not install: pip failed"),
    ],
    ids=["no network", "no such version", "unknown"],
)
def test_a_failed_install_gets_one_line(monkeypatch, tmp_path, says, line):
    fake_pip(monkeypatch, tmp_path, says)
    with pytest.raises(SystemExit, match=line) as failure:
        install.pip_install("numpy")
    assert "\n" not in failure.value.code
