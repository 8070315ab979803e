"""Asks a request of a case in process, as a server would hand it on."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote_to_bytes

from tests.cases.case import BELOW, Ask
from tests.conformance.client import Answer
from tests.conformance.judge import Answers, filled

from .doors import Client
from .steps import transfer


def answered(client: Client, ask: Ask, setting: str, earlier: Answers) -> Answer:
    lines = [(name, filled(value, earlier)) for name, value in ask.lines]
    if ask.host:
        lines.append(("Host", ask.host))
    if ask.content and client.door == "asgi":
        lines.append(("Content-Length", str(len(ask.content))))
    if ask.most is not None:
        begun = transfer(client, str(ask.target), lines, first=leave)
        return Answer(begun.status, tuple(begun.fields.items()), begun.body)
    target = ask.target.encode("latin-1") if isinstance(ask.target, str) else ask.target
    extra = (environ if client.door == "wsgi" else scope)(ask, target, setting == BELOW)
    got = client.ask(ask.method, target, lines, body=ask.content, **extra)
    body = b"" if got.passed and ask.method == "HEAD" else got.body  # servers leave an app's out
    return Answer(got.status, tuple((name.lower(), value) for name, value in got.fields), body)


def leave() -> None:
    """As a client does that wants no more of the file."""
    raise ConnectionResetError


def environ(ask: Ask, target: bytes, is_below: bool) -> dict[str, Any]:
    made = {"SERVER_PROTOCOL": f"HTTP/{ask.version}", "CONTENT_LENGTH": str(len(ask.content))}
    path = unquote_to_bytes(target.partition(b"?")[0]).decode("latin-1")
    if is_below and path.startswith("/app"):
        made |= {"SCRIPT_NAME": "/app", "PATH_INFO": path.removeprefix("/app")}
    return made


def scope(ask: Ask, target: bytes, is_below: bool) -> dict[str, Any]:
    return {"http_version": ask.version, "root_path": "/app" if is_below else ""}
