"""A server behind a slow line, for what a reader waits for and downloads at home.

Chromium's own throttling does not reach what a worker fetches, so that here the server holds back: all its answers
share one line of RATE, each request waits for LATENCY, and so does each connection (it is made anew for every file).
"""

import os
import threading
import time
from functools import partial

from press.serve import BookHandler, BookServer

RATE = 20e6 / 8  # bytes a second
LATENCY = 0.03  # seconds there and back
PIECE = 16_384  # bytes


class Line:
    """What all answers of a server share: when the line is free again, and what was sent."""

    def __init__(self, rate=RATE, latency=LATENCY):
        self.rate, self.latency = rate, latency
        self.free, self.lock = 0.0, threading.Lock()
        self.requests, self.bytes = 0, 0

    def send(self, count):
        """Wait until ``count`` bytes have passed."""
        with self.lock:
            self.bytes += count
            self.free = max(self.free, time.perf_counter()) + count / self.rate
            until = self.free
        time.sleep(max(0.0, until - time.perf_counter()))

    def reset(self):
        """Count from zero."""
        self.requests, self.bytes = 0, 0


class Slow(BookHandler):
    """The book's own handler behind a `Line`."""

    def __init__(self, *arguments, line, **more):
        self.line = line
        time.sleep(line.latency)  # the connection
        super().__init__(*arguments, **more)

    def send_head(self):
        """The answer's head, after a way there and back."""
        self.line.requests += 1
        time.sleep(self.line.latency)
        return super().send_head()

    def copyfile(self, source, outputfile):
        """The file, as fast as the line is."""
        while piece := source.read(PIECE):
            self.line.send(len(piece))
            outputfile.write(piece)


def serve(folder, **line):
    """(server, its line), running; ``line``: rate in bytes a second, latency in seconds."""
    shared = Line(**line)
    server = BookServer(("127.0.0.1", 0), partial(Slow, directory=os.fspath(folder), line=shared))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, shared
