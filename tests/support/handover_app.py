"""A large file behind a server that sends files itself: run by the tests.

python handover_app.py (granian | anycorn) DIRECTORY PORT
"""

from __future__ import annotations

import sys
from typing import Any

import dualstatic.asgi
from dualstatic import StaticFiles

seen: list[str] = []


class Watched:
    """Adds a field that says by which message the body will come."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        held: list[Any] = []

        async def watch(message: Any) -> None:
            if message["type"] == "http.response.start":
                held.append(message)
                return
            if held:
                start = held.pop()
                start["headers"].append((b"x-sent-by", message["type"].encode()))
                await send(start)
            await send(message)

        await self.app(scope, receive, watch)


def build(directory: str) -> Any:
    files = StaticFiles(directory, memory=0)
    door = dualstatic.asgi.StaticMiddleware(files=files, pathsend=True, zerocopysend=True)
    return Watched(door)


if __name__ == "__main__":
    server, directory, port = sys.argv[1:]
    app = build(directory)
    sys.stdout.write(f"http://127.0.0.1:{port}/\n")
    sys.stdout.flush()
    if server == "granian":
        import asyncio

        from granian.constants import Interfaces
        from granian.server.embed import Server

        asyncio.run(Server(app, "127.0.0.1", int(port), interface=Interfaces.ASGI).serve())
    else:
        import anyio
        from anycorn import Config, serve

        config = Config()
        config.bind = [f"127.0.0.1:{port}"]
        anyio.run(serve, app, config, backend="trio")
