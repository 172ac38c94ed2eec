"""The page on loopback: its files from memory, and one door that answers questions.

Nothing is read from disk for a request: the files are read before the first one, and a request names one of
them or is refused. There is no state between questions, and no cookie.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from footprint.cli.page.answers import answer
from footprint.cli.page.files import POLICY, page_files
from footprint.cli.page.questions import MOST_QUESTION_BYTES

HOST = "127.0.0.1"
SLOWEST_S = 20.0
"""Seconds after which a connection that says nothing is closed."""
TYPES = {
    ".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".mjs": "text/javascript",
    ".js": "text/javascript", ".json": "application/json", ".svg": "image/svg+xml",
}  # fmt: skip


class PageServer(ThreadingHTTPServer):
    """Serves the page's files and answers one question at a time."""

    daemon_threads = True

    def __init__(self, port: int, files: Mapping[str, bytes]) -> None:
        super().__init__((HOST, port), _Handler)
        self.files = {f"/{name}": content for name, content in files.items()}
        self.files["/"] = self.files["/index.html"]
        self.one_at_a_time = threading.Lock()

    @property
    def address(self) -> str:
        """The address of the page."""
        return f"http://{HOST}:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    server_version = "footprint"
    sys_version = ""
    timeout = SLOWEST_S
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """One of the page's files, by its exact name."""
        name = self.path.partition("?")[0]
        content = self.server.files.get(name)
        if not self._is_ours():
            self._send(403, b"another host's name", ".txt")
        elif content is None:
            self._send(404, b"no such file", ".txt")
        else:
            self._send(200, content, ".html" if name == "/" else Path(name).suffix)

    def do_POST(self) -> None:
        """The answer to a question."""
        size = self.headers.get("Content-Length", "")
        asked_by = self.headers.get("Origin")
        own = f"http://{self.headers.get('Host')}"
        if self.path != "/answer" or not self._is_ours() or asked_by not in (None, own):
            self.close_connection = True
            self._send(403, b"questions come from the page itself", ".txt")
        elif self.headers.get("Content-Type", "").partition(";")[0] != "application/json":
            self.close_connection = True
            self._send(415, b"a question is JSON", ".txt")
        elif not size.isdecimal() or len(size) > 12 or int(size) > MOST_QUESTION_BYTES:
            self.close_connection = True
            self._send(413, b"a question of this size is not read", ".txt")
        else:
            text = self.rfile.read(int(size)).decode(errors="replace")
            with self.server.one_at_a_time:
                found = answer(text)
            self._send(200, found.encode(), ".json")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Keep no record of what was asked."""

    def _is_ours(self) -> bool:
        """Whether the request names this server; a page elsewhere may lead a browser here by its own name."""
        host, _, port = self.headers.get("Host", "").rpartition(":")
        return host in (HOST, "localhost") and port == str(self.server.server_port)

    def _send(self, status: int, content: bytes, ending: str) -> None:
        self.send_response(status)
        for name, value in (
            ("Content-Type", TYPES.get(ending, "text/plain; charset=utf-8")),
            ("Content-Length", str(len(content))),
            ("Content-Security-Policy", POLICY),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            ("Cache-Control", "no-store"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def serving(port: int) -> Iterator[PageServer]:
    """The server, in an empty working folder of its own, for pasted configs and exports."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="footprint-app-") as folder:
        model = Path(folder) / "model"  # a config takes its name from its folder
        model.mkdir()
        os.chdir(model)
        try:
            with PageServer(port, page_files({"engine": "local"})) as server:
                yield server
        finally:
            os.chdir(before)
