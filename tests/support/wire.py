"""A connection that sends what it is given, byte for byte, and reads what comes back."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPResponse

from .doors import Answer

Lines = Iterable[tuple[str, str]]


@dataclass
class Wire:
    """A client's connection, kept open; one that the server closed while idle is made anew."""

    address: tuple[str, int]
    host: str = "test"
    buffer: int = 0
    timeout: float = 30
    link: socket.socket | None = None

    def ask(self, method: str, target: str, lines: Lines = ()) -> Answer:
        response = self.begin(method, target, lines)
        body = response.read()
        if response.will_close:
            self.close()
        return Answer(response.status, response.getheaders(), body)

    def begin(self, method: str, target: str, lines: Lines = ()) -> HTTPResponse:
        """The answer without its body, which is then to be read.

        :raises ConnectionError: the server hung up without an answer
        """
        fields = "".join(f"{name}: {value}\r\n" for name, value in lines)
        head = f"{method} {target} HTTP/1.1\r\nHost: {self.host}\r\n{fields}\r\n".encode("latin-1")
        reused = self.link is not None
        try:
            return self._begin(method, head)
        except ConnectionError:
            self.close()
            if not reused:
                raise
            return self._begin(method, head)

    def _begin(self, method: str, head: bytes) -> HTTPResponse:
        self.link = self.link or self._connect()
        with suppress(BrokenPipeError):  # a server may refuse, and say so, before it has read all
            self.link.sendall(head)
        response = HTTPResponse(self.link, method=method)
        response.begin()
        return response

    def _connect(self) -> socket.socket:
        link = socket.socket()
        link.settimeout(self.timeout)
        if self.buffer:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.buffer)
        link.connect(self.address)
        return link

    def close(self) -> None:
        if self.link:
            self.link.close()
        self.link = None


def pieces(status: int, headers: dict[str, str], body: bytes) -> Iterator[tuple[int, bytes]]:
    """The first position and the bytes of each part of a file, whatever the answer's form."""
    if status == 200:
        yield 0, body
    elif "content-range" in headers:
        yield first_position(headers["content-range"]), body
    else:
        boundary = headers["content-type"].partition("; boundary=")[2].encode()
        for part in body.split(b"\r\n--" + boundary)[1:-1]:
            head, _, content = part.partition(b"\r\n\r\n")
            yield first_position(head.decode("latin-1")), content


def first_position(text: str) -> int:
    found = re.search("bytes ([0-9]+)-", text)
    assert found is not None, text
    return int(found[1])
