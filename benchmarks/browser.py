"""What a browser asks: a GET with its 15 header fields, as ASGI scope, WSGI environ or text."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import Any

HOST = "www.example.com"

FIELDS = (
    ("Host", HOST),
    ("Connection", "keep-alive"),
    ("sec-ch-ua", '"Chromium";v="140", "Not=A?Brand";v="24", "Google Chrome";v="140"'),
    ("sec-ch-ua-mobile", "?0"),
    ("sec-ch-ua-platform", '"Linux"'),
    (
        "User-Agent",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/140.0.0.0 Safari/537.36",
    ),
    ("Accept", "*/*"),
    ("Sec-Fetch-Site", "same-origin"),
    ("Sec-Fetch-Mode", "no-cors"),
    ("Sec-Fetch-Dest", "script"),
    ("Referer", f"https://{HOST}/articles/2026/static-files"),
    ("Accept-Encoding", "gzip, deflate, br, zstd"),
    ("Accept-Language", "en-GB,en;q=0.9,de;q=0.8"),
    ("Cookie", "session=6f1d0b6f9a3c4d5e8b7a; theme=dark; consent=all"),
    ("DNT", "1"),
)


@dataclass(frozen=True)
class Get:
    """A GET: its path, and the fields it has besides those that each request has."""

    path: str
    more_fields: tuple[tuple[str, str], ...] = ()

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        return FIELDS + self.more_fields

    @cached_property
    def _asgi_fields(self) -> list[tuple[str, str]]:
        return [(name.lower(), value) for name, value in self.fields]

    @cached_property
    def _wsgi_fields(self) -> list[tuple[str, bytes]]:
        return [(name.upper().replace("-", "_"), value.encode()) for name, value in self.fields]

    # Texts and bytes are made anew for each request, as a server does: nobody has hashed them yet.

    def scope(self) -> dict[str, Any]:
        path = self.path.encode()
        headers = [(name.encode(), value.encode()) for name, value in self._asgi_fields]
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "server": ("127.0.0.1", 8000),
            "client": ("127.0.0.1", 50000),
            "scheme": "http",
            "method": "GET",
            "root_path": "",
            "path": path.decode(),
            "raw_path": path,
            "query_string": b"",
            "headers": headers,
            "state": {},
        }

    def environ(self) -> dict[str, Any]:
        path = self.path.encode()
        fields = {f"HTTP_{name}": value.decode() for name, value in self._wsgi_fields}
        return {
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": "",
            "PATH_INFO": path.decode(),
            "QUERY_STRING": "",
            "RAW_URI": path.decode(),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8000",
            "REMOTE_ADDR": "127.0.0.1",
            **fields,
        }

    def text(self) -> bytes:
        """The request as it goes over the wire."""
        lines = [f"GET {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in self.fields)]
        return "\r\n".join([*lines, "", ""]).encode()
