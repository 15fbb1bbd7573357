"""Pack the built book into one archive for a classroom: ``python press/archive.py _build/html BOOK.zip``.

Standard library only. The archive holds one folder, named as the archive: the pages, the kernel, the notebooks.
"""

import argparse
import sys
import zipfile
from pathlib import Path

HOW_TO_OPEN = """\
In a terminal in this folder, run: python -m http.server 8000 --bind 127.0.0.1 (python3 or py on some machines).
Then open http://127.0.0.1:8000/ in a browser. No network is needed; index.html opens without this too, with less life.
"""
A_MOMENT = (2026, 1, 1, 0, 0, 0)  # so that the same book gives the same archive
PACKED = {".whl", ".pack", ".zip", ".png", ".woff2"}  # compressed already


def pack(book, archive):
    """Write the archive, at once or not at all, and return how many files are in it."""
    files = sorted(file for file in book.rglob("*") if file.is_file())
    part = archive.with_suffix(".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as target:
        add(target, f"{archive.stem}/HOW-TO-OPEN.txt", HOW_TO_OPEN.encode())
        for file in files:
            add(target, f"{archive.stem}/{file.relative_to(book).as_posix()}", file.read_bytes())
    part.replace(archive)
    return len(files) + 1


def add(target, name, data):
    """Add one file with a fixed time and the usual permissions."""
    entry = zipfile.ZipInfo(name, A_MOMENT)
    entry.external_attr = 0o644 << 16
    entry.compress_type = zipfile.ZIP_STORED if Path(name).suffix in PACKED else zipfile.ZIP_DEFLATED
    target.writestr(entry, data)


def main(arguments=None):
    """Pack, and say what came of it; one line and exit status 1 where there is no book."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("book", type=Path)
    parser.add_argument("archive", type=Path)
    options = parser.parse_args(arguments)
    if not (options.book / "index.html").is_file():
        sys.exit(f"There is no built book in {options.book}. Build it first: make book")
    count = pack(options.book, options.archive)
    print(f"{options.archive}: {count} files, {options.archive.stat().st_size / 1e6:.1f} MB")
    if not (options.book / "lite").is_dir():
        print("It has no notebooks: this book was built without the kernel's files.")


if __name__ == "__main__":
    main()
