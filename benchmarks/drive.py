"""A server's part of a request, by hand: a request goes in, an answer comes out, timed or read."""

from __future__ import annotations

import asyncio
import gc
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from .browser import Get
from .contenders import ASGI, App

AT_ONCE = 100
"""Requests made before the clock starts: few enough to be in the processor's cache."""


@dataclass(frozen=True)
class Answer:
    status: int
    fields: dict[str, str]
    body: bytes


class Client:
    """One client's side of one request: it asks, and then it waits for as long as it takes."""

    __slots__ = ("_asked",)

    def __init__(self) -> None:
        self._asked = False

    async def receive(self) -> dict[str, Any]:
        if self._asked:
            await asyncio.get_running_loop().create_future()
        self._asked = True
        return {"type": "http.request", "body": b"", "more_body": False}


class AsgiDriver:
    def __init__(self, app: App, get: Get) -> None:
        self._app, self._get = app, get

    async def ask(self) -> Answer:
        messages: list[dict[str, Any]] = []

        async def send(message: dict[str, Any]) -> None:
            messages.append(message)

        await self._app(self._get.scope(), Client().receive, send)
        start, *parts = messages
        fields = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        body = b"".join(part.get("body", b"") for part in parts)
        return Answer(start["status"], fields, body)

    async def time(self, count: int) -> float:
        app, seconds = self._app, 0.0
        for size in portions(count):
            asked = [(self._get.scope(), Client().receive) for _ in range(size)]
            start = perf_counter()
            for scope, receive in asked:
                await app(scope, receive, _send)
            seconds += perf_counter() - start
        return seconds


async def _send(message: dict[str, Any]) -> None:
    pass


class WsgiDriver:
    """Like the ASGI one, so that both run by one schedule. Nothing here waits."""

    def __init__(self, app: App, get: Get) -> None:
        self._app, self._get = app, get

    async def ask(self) -> Answer:
        heads: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> None:
            heads.append((status, headers))

        body = self._app(self._get.environ(), start_response)
        try:
            content = b"".join(body)
        finally:
            close(body)
        (status, headers) = heads[-1]
        return Answer(int(status[:3]), {name.lower(): text for name, text in headers}, content)

    async def time(self, count: int) -> float:
        app, seconds = self._app, 0.0
        for size in portions(count):
            environs = [self._get.environ() for _ in range(size)]
            start = perf_counter()
            for environ in environs:
                body = app(environ, _start_response)
                for _ in body:
                    pass
                close(body)
            seconds += perf_counter() - start
        return seconds


def _start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
    pass


def close(body: Any) -> None:
    if hasattr(body, "close"):
        body.close()


Driver = AsgiDriver | WsgiDriver


def driver(door: str, app: App, get: Get) -> Driver:
    return AsgiDriver(app, get) if door == ASGI else WsgiDriver(app, get)


def portions(count: int) -> list[int]:
    whole, rest = divmod(count, AT_ONCE)
    return [AT_ONCE] * whole + ([rest] if rest else [])


async def time_without_gc(runner: Driver, count: int) -> float:
    """Seconds for one request. The collector would strike whoever is running when it is due."""
    gc.disable()
    try:
        return await runner.time(count) / count
    finally:
        gc.enable()
