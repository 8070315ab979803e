"""One request on a connection of its own, byte for byte, and what comes back."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from dataclasses import dataclass

SECONDS = 5.0
NOT_ENDED = "no whole answer in 5 s"
HUNG_UP = "closed without an answer"
HEAD = 262_144


@dataclass(frozen=True)
class Answer:
    status: int
    """0: there was none, and `reason` says why."""
    fields: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    reason: str = ""
    raw: bytes = b""

    def get(self, name: str) -> str | None:
        values = [value for each, value in self.fields if each == name]
        return ", ".join(values) if values else None


@dataclass(frozen=True)
class Request:
    method: str
    target: bytes
    host: str
    lines: tuple[tuple[str, str], ...] = ()
    version: str = "1.1"
    content: bytes = b""
    most: int | None = None

    def encoded(self) -> bytes:
        lines = [("Host", self.host), *self.lines, ("Connection", "close")]
        if self.content:
            lines.append(("Content-Length", str(len(self.content))))
        text = "".join(f"{name}: {value}\r\n" for name, value in lines).encode("latin-1")
        first = self.method.encode() + b" " + self.target + f" HTTP/{self.version}\r\n".encode()
        return first + text + b"\r\n" + self.content


def send(address: tuple[str, int], request: Request) -> Answer:
    end = time.monotonic() + SECONDS
    try:
        with socket.create_connection(address, SECONDS) as link:
            raw, ended = _exchange(link, request, end)
    except OSError as error:
        return Answer(0, reason=f"{type(error).__name__}: {error}")
    return read(raw, request, ended)


def _exchange(link: socket.socket, request: Request, end: float) -> tuple[bytes, bool]:
    """What the server sends, and whether it came to its end in time."""
    # It may refuse, and say so, before it has read all.
    with suppress(BrokenPipeError, ConnectionResetError):
        link.sendall(request.encoded())
    raw = bytearray()
    most = None if request.most is None else HEAD + request.most
    while most is None or len(raw) < most:
        link.settimeout(max(0.001, end - time.monotonic()))
        try:
            piece = link.recv(262_144)
        except TimeoutError:
            return bytes(raw), False
        except ConnectionResetError:
            break
        if not piece:
            break
        raw += piece
    return bytes(raw), True


def read(raw: bytes, request: Request, ended: bool) -> Answer:
    """The answer in what was received; 1xx answers before it are left out."""
    head, gap, body = raw.partition(b"\r\n\r\n")
    while head.startswith(b"HTTP/1.1 1"):
        head, gap, body = body.partition(b"\r\n\r\n")
    if not gap:
        return Answer(0, reason=HUNG_UP if ended else NOT_ENDED, raw=raw)
    first, *lines = head.decode("latin-1").split("\r\n")
    fields = tuple(_field(line) for line in lines)
    answer = Answer(int(first.split(" ")[1]), fields, body, raw=raw)
    if (answer.get("transfer-encoding") or "").lower() == "chunked":
        body = _joined(body)
        answer = Answer(answer.status, fields, body, raw=raw)
    return answer if ended or is_whole(answer, request) else Answer(0, reason=NOT_ENDED, raw=raw)


def is_whole(answer: Answer, request: Request) -> bool:
    """Whether nothing more has to come; a server may keep the connection for all that."""
    length = answer.get("content-length")
    if request.method == "HEAD" or answer.status in (204, 304):
        return True
    return length is not None and len(answer.body) >= int(length)


def _field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.lower(), value.strip(" \t")


def _joined(body: bytes) -> bytes:
    """The chunks' content."""
    content = bytearray()
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size.split(b";")[0] or b"0", 16)
        if not length:
            break
        content += body[:length]
        body = body[length + 2 :]
    return bytes(content)
