"""Serve the built book on this machine: ``python press/serve.py --port 8000``.

Standard library only, so that a built book can be read with nothing installed. Only 127.0.0.1 is
listened on: nobody else on the network sees the book.
"""

import argparse
import errno
import os
import re
import signal
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HOST = "127.0.0.1"


class BookHandler(SimpleHTTPRequestHandler):
    """Hands out files without a log line each, and never lets a browser show an old one."""

    # Some Windows machines register these endings as plain text, and browsers then refuse scripts.
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def end_headers(self):
        """Let the browser ask again each time: after a rebuild, reloading a page must show the new one.

        What has a version in its address (the browser's Python) never changes under it, and is kept.
        """
        versioned = re.search(r"\?v=[0-9a-f]{12}$", self.path)
        self.send_header("Cache-Control", "max-age=31536000, immutable" if versioned else "no-cache")
        super().end_headers()

    def log_request(self, code="-", size="-"):
        """Say nothing about requests; what goes wrong is still logged."""


class BookServer(ThreadingHTTPServer):
    """A local server that a browser may hang up on without a traceback."""

    daemon_threads = True
    # On Windows "reuse" means sharing a port with whoever has it already.
    allow_reuse_address = os.name != "nt"

    def handle_error(self, request, client_address):
        """Ignore connections closed by a reader who moves on; report anything else."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def open_server(folder, port):
    """Return a server for ``folder``; one clear line and exit status 1 where the port cannot be had."""
    try:
        return BookServer((HOST, port), partial(BookHandler, directory=str(folder)))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            sys.exit(f"Port {port} is taken. Choose another: make serve PORT={port % 65535 + 1}")
        sys.exit(f"Port {port} cannot be used ({error.strerror}). Choose another: make serve PORT=8000")


def port_number(text):
    """Return ``text`` as a port number; argparse turns the ``ValueError`` into its own clear line."""
    port = int(text)
    if not 1 <= port <= 65535:
        raise ValueError(f"port {port} is not in 1..65535")
    return port


def main(arguments=None):
    """Serve until Ctrl-C (exit status 0), or only say whether the port is free (``--check``)."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=port_number, default=8000)
    parser.add_argument("--folder", type=Path, default=Path("_build/html"))
    parser.add_argument("--check", action="store_true", help="only check that the port is free")
    options = parser.parse_args(arguments)
    if options.check:
        open_server(options.folder, options.port).server_close()
        return
    if not (options.folder / "index.html").is_file():
        sys.exit(f"There is no built book in {options.folder}. Build it first: make book")
    # A background job in a shell starts with Ctrl-C ignored; a supervisor stops with SIGTERM.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with open_server(options.folder, options.port) as server:
        print(f"The book is at http://{HOST}:{options.port}/ (Ctrl-C ends it)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print("\nClosed.", flush=True)


if __name__ == "__main__":
    main()
