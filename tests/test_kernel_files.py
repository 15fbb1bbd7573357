"""The files of the browser's Python: the list, the sources in their order, and what is refused."""

import hashlib
import json
import re
import zipfile

import pytest

from press import assemble

CONTENT = {"a.mjs": b"loader", "b.whl": b"wheel"}


@pytest.fixture(autouse=True)
def few_files(monkeypatch, tmp_path):
    """Replace the list by two small files, and forget the user's own sources."""
    files = [{"name": name, "sha256": hashlib.sha256(data).hexdigest()} for name, data in CONTENT.items()]
    listed = {"carrier": {"requirement": "carrier==1", "folder": "inside"}, "files": files}
    monkeypatch.setattr(assemble, "listed", lambda: listed)
    monkeypatch.delenv("BNLIB_PYODIDE", raising=False)
    monkeypatch.delenv("BNLIB_PYODIDE_URL", raising=False)
    monkeypatch.setattr(assemble, "download", lambda *_: pytest.fail("pip was asked"))


def write(folder, **changes):
    """Write the files, with other contents where ``changes`` says so, into a new folder."""
    folder.mkdir()
    for name, data in (CONTENT | changes).items():
        (folder / name).write_bytes(data)
    return folder


def carry(monkeypatch, tmp_path, content):
    """Make pip find a package that carries ``content``."""
    path = tmp_path / "carrier.whl"
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("own/code.py", "raise SystemExit")
        for name, data in content.items():
            package.writestr(f"inside/{name}", data)
    monkeypatch.setattr(assemble, "download", lambda *_: path)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_list_is_complete_and_names_no_place():
    listed = json.loads(assemble.LIST.read_text("utf-8"))
    names = [file["name"] for file in listed["files"]]
    assert len(set(names)) == len(names) >= 4
    for file in listed["files"]:
        assert re.fullmatch("[0-9a-f]{64}", file["sha256"]) and file["bytes"] > 0
        assert file["package"] and file["version"] and file["licence"]
    packages = {file["package"] for file in listed["files"]}
    assert {"Pyodide", "numpy", "scipy", "matplotlib"} <= packages


def test_the_user_s_folder_comes_first(monkeypatch, tmp_path):
    monkeypatch.setenv("BNLIB_PYODIDE", str(write(tmp_path / "own")))
    assemble.assemble(tmp_path / "cache")
    assert contents(tmp_path / "cache") == CONTENT


def test_the_distribution_comes_second(monkeypatch, tmp_path):
    monkeypatch.setenv("BNLIB_PYODIDE_URL", write(tmp_path / "copy").as_uri())
    assemble.assemble(tmp_path / "cache")
    assert contents(tmp_path / "cache") == CONTENT


def test_the_carrier_gives_only_what_is_listed(monkeypatch, tmp_path):
    carry(monkeypatch, tmp_path, CONTENT | {"more.txt": b"not ours"})
    assemble.assemble(tmp_path / "cache")
    assert contents(tmp_path / "cache") == CONTENT


def test_what_is_there_is_not_fetched_again_and_what_is_spoilt_is(monkeypatch, tmp_path):
    cache = write(tmp_path / "cache")
    assemble.assemble(cache)
    (cache / "b.whl").write_bytes(b"half")
    carry(monkeypatch, tmp_path, CONTENT)
    assemble.assemble(cache)
    assert contents(cache) == CONTENT


@pytest.mark.parametrize("source", ["BNLIB_PYODIDE", "BNLIB_PYODIDE_URL", "carrier"])
def test_another_file_under_a_listed_name_is_an_error(monkeypatch, tmp_path, source):
    other = write(tmp_path / "other", **{"b.whl": b"changed"})
    if source == "carrier":
        carry(monkeypatch, tmp_path, contents(other))
    else:
        monkeypatch.setenv(source, str(other) if source == "BNLIB_PYODIDE" else other.as_uri())
    with pytest.raises(ValueError, match=r"b\.whl from .* has SHA-256"):
        assemble.assemble(tmp_path / "cache")
    assert not (tmp_path / "cache" / "b.whl").exists()


def test_a_file_that_nobody_has_leaves_the_book_without_python(monkeypatch, tmp_path):
    carry(monkeypatch, tmp_path, {"a.mjs": CONTENT["a.mjs"]})
    with pytest.raises(assemble.NoSource, match=r"no source has b\.whl"):
        assemble.assemble(tmp_path / "cache")


def test_the_user_can_do_without(monkeypatch, tmp_path):
    monkeypatch.setenv("BNLIB_PYODIDE", "none")
    with pytest.raises(assemble.NoSource, match="BNLIB_PYODIDE is none"):
        assemble.assemble(tmp_path / "cache")


def test_a_folder_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("BNLIB_PYODIDE", str(tmp_path / "nowhere"))
    with pytest.raises(ValueError, match="BNLIB_PYODIDE = .*nowhere"):
        assemble.assemble(tmp_path / "cache")
