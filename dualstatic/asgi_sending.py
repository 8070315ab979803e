"""How an answer goes out by ASGI, on asyncio and on trio, and how the event loop is kept free."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import lru_cache, partial
from typing import Any, TypeAlias, TypeVar

import anyio
import anyio._backends._asyncio  # else the first request would wait for this import
import anyio.to_thread
from anyio.lowlevel import RunVar, checkpoint

from .core.values import Fields, Response
from .disk.body import SMALL, Answer

# Frameworks spell these types in different ways; these take them all.
Scope: TypeAlias = Any
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

T = TypeVar("T")

PATHSEND = "http.response.pathsend"
ZEROCOPYSEND = "http.response.zerocopysend"

_TURN = 2**20
"""Bytes that are sent before other tasks get a turn; from then on they get one after each chunk."""

_MOMENT = 0.1
"""Seconds in which a server has to tell, once an answer has failed, that the client has gone."""

_TELLING = 0.5
"""Seconds in which a server on trio has to tell all streams of a connection that is lost."""

_THREADS = 40

_limiter: RunVar[anyio.CapacityLimiter] = RunVar("dualstatic")


# How an answer is had.


async def open_answer(ask: Callable[..., Answer | None], *, read: bool) -> Answer | None:
    """What is answered, in a thread only where the disk has to be waited for.

    With `read`, the first chunk of a file is read in the same hop: FileChanged is raised before
    anything was sent.
    """

    def opened(*, wait: bool) -> Answer | None:
        answer = ask(wait=wait)
        if read and answer is not None and answer.has_file:
            answer.read_ahead(wait=wait)
        return answer

    with suppress(BlockingIOError):  # and not in the traceback of what the thread raises
        return opened(wait=False)
    return await in_thread(partial(opened, wait=True))


async def in_thread(work: Callable[[], T]) -> T:
    """Hop to a thread, on a limiter of our own: busy endpoints of the app can't hold us up.

    A thread takes one of its places until it ends. On asyncio a cancelled task ends before its
    thread does. So the thread has a task of its own there, which nobody cancels.
    """
    try:
        limiter = _limiter.get()
    except LookupError:
        limiter = anyio.CapacityLimiter(_THREADS)
        _limiter.set(limiter)
    hop = object()
    await limiter.acquire_on_behalf_of(hop)

    async def run() -> T:
        try:
            return await anyio.to_thread.run_sync(work, limiter=anyio.CapacityLimiter(1))
        finally:
            limiter.release_on_behalf_of(hop)

    with anyio.CancelScope(shield=True):
        result = await (asyncio.shield(run()) if _is_asyncio() else run())
    return result  # noqa: RET504 (for mypy, a scope may end an exception and go on)


def _is_asyncio() -> bool:
    return anyio.get_cancelled_exc_class() is asyncio.CancelledError


# How it is sent.


class AsyncChunks:
    """The chunks of an answer, for a framework that iterates over them; all without a wait."""

    def __init__(self, answer: Answer) -> None:
        self.close = answer.close
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = _length(self._answer)
        while left > 0:
            # Where neither the disk nor the server waits, the task that looks for the client would
            # not get to run.
            await checkpoint()
            chunk = await _next(self._answer)
            left -= len(chunk)
            yield chunk


def _length(answer: Answer) -> int:
    return sum(map(len, answer.response.body))


async def _next(answer: Answer) -> bytes:
    chunk = answer.next_now()
    return await in_thread(answer.__next__) if chunk is None else chunk


async def send_answer(
    answer: Answer, offers: frozenset[str], scope: Scope, receive: Receive, send: Send
) -> None:
    """Send an answer, and close it; `offers` are the messages by which the server takes a file."""
    if not answer.has_file:
        return await send_whole(answer.response, scope, receive, send)
    if ZEROCOPYSEND in offers or (PATHSEND in offers and answer.status != 206):
        work = partial(_hand_over, answer, offers)
    else:
        work = partial(_send_body, answer, 1 if _is_multiplexed(scope) else _TURN)
    try:
        if _length(answer) > SMALL or _is_multiplexed(scope):
            return await _watched(work, scope, receive, send)
        try:
            await work(send)
        except Exception:
            if not await _has_gone(scope, receive):
                raise
    finally:
        if answer.closes_at_once:
            answer.close()
        else:
            with anyio.CancelScope(shield=True):
                await in_thread(answer.close)


async def _hand_over(answer: Answer, offers: frozenset[str], send: Send) -> None:
    """Have the server send the file; by its path it can send nothing but all of it."""
    response = answer.response
    await send(_start(response))
    if PATHSEND in offers and response.status != 206 and response.file:
        return await send({"type": PATHSEND, "path": response.file.path})
    file = answer.handle()
    for part in response.body:
        if isinstance(part, bytes):
            await send({"type": "http.response.body", "body": part, "more_body": True})
        else:
            window = {"offset": part.start, "count": len(part)}
            await send({"type": ZEROCOPYSEND, "file": file, **window, "more_body": True})
    answer.prove()  # the server may have met the end of a shortened file, and doesn't tell
    return await send({"type": "http.response.body", "body": b"", "more_body": False})


async def send_whole(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Send an answer that needs no file."""
    fields, body, is_long = response.wire.get("asgi") or _wire(response)
    if is_long and _is_multiplexed(scope):
        return await _watched(partial(_write, response, body), scope, receive, send)
    try:
        await send(
            # The list is its own: a middleware outside may add to it.
            {"type": "http.response.start", "status": response.status, "headers": list(fields)}
        )
        await send({"type": "http.response.body", "body": body, "more_body": False})
    except Exception:
        if not await _has_gone(scope, receive):
            raise


async def _write(response: Response, body: bytes, send: Send) -> None:
    await send(_start(response))
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _send_body(answer: Answer, turn: int, send: Send) -> None:
    """Send a body that is not empty; other tasks get their turn after so many bytes."""
    length = left = _length(answer)
    await send(_start(answer.response))
    while left > 0:
        # A server whose client has gone may take all that is sent, and never wait: without a
        # pause here nobody else would get to run, those who look for the client among them.
        if length - left >= turn:
            await checkpoint()
        chunk = await _next(answer)
        left -= len(chunk)
        await send({"type": "http.response.body", "body": chunk, "more_body": left > 0})


def _start(response: Response) -> dict[str, Any]:
    fields, *_ = response.wire.get("asgi") or _wire(response)
    return {"type": "http.response.start", "status": response.status, "headers": list(fields)}


def _wire(response: Response) -> tuple[list[tuple[bytes, bytes]], bytes, bool]:
    """Fields and body as ASGI has them, made once for an answer that is given again.

    The last says whether a server may have to wait before it has taken the body.
    """
    fields = _encoded(response.headers)
    parts: Any = () if response.file else response.body
    body = b"".join(parts)
    response.wire["asgi"] = wire = fields, body, len(body) > SMALL
    return wire


@lru_cache(1024)
def _encoded(headers: Fields) -> list[tuple[bytes, bytes]]:
    """Fields in bytes, made once for all answers that have the same."""
    return [(name.encode(), value.encode("latin-1")) for name, value in headers]


def _is_multiplexed(scope: Scope) -> bool:
    """Whether a client can hold up this answer alone, and leave it, on a connection that stays.

    Not every server wakes a `send` that waits there (HTTP/2 and HTTP/3).
    """
    return not scope.get("http_version", "1").startswith("1")


async def _watched(
    work: Callable[[Send], Awaitable[None]], scope: Scope, receive: Receive, send: Send
) -> None:
    """Do the work, which sends, until it is done or `receive` says that the client has gone.

    `send` doesn't always tell, nor does it always end. When it fails, `receive` gets its moment to
    tell why, and is not asked anew: on gunicorn, one that was cancelled says from then on that the
    client has gone.
    """
    failures: list[Exception] = []
    gone: list[dict[str, Any]] = []

    async def send_on(message: dict[str, Any]) -> None:
        if gone:
            raise anyio.BrokenResourceError  # which ends the work, and is told to nobody
        await send(message)

    async def watch() -> None:
        try:
            await _look_for(gone, scope, receive)
        except Exception as error:  # noqa: BLE001 (raised again below, as it is)
            failures.append(error)
        if gone or failures:
            cancelling.cancel()

    with anyio.CancelScope() as cancelling:
        async with _beside(watch):
            try:
                await work(send_on)
            except Exception as error:  # noqa: BLE001 (raised again below, not in a group)
                failures.append(error)
                await anyio.sleep(_MOMENT)
    # To a client that has gone, gunicorn's `send` may raise a RuntimeError when it is cancelled.
    if failures and not gone:
        raise failures.pop(0)  # else this frame and its failure would hold each other


async def _has_gone(scope: Scope, receive: Receive) -> bool:
    """Whether an answer has failed because the client has gone: `receive` has to say so (ASGI).

    `send` raises an OSError, or what a server has of its own, for that reason. It may as well be
    the disk of a log, or the cache, of a middleware outside.
    """
    gone: list[dict[str, Any]] = []
    with suppress(Exception), anyio.move_on_after(_MOMENT):
        await _look_for(gone, scope, receive)
    return bool(gone)


async def _look_for(gone: list[dict[str, Any]], scope: Scope, receive: Receive) -> None:
    """Wait for the message that the client has gone. Some servers neither send it nor wait."""
    ended = False
    while (message := await receive())["type"] != "http.disconnect":
        if ended:
            return
        ended = not message.get("more_body", False)
        await checkpoint()
    gone.append(message)
    if _is_multiplexed(scope) and not _is_asyncio():
        # Hypercorn tells the streams of a lost connection one after another, from inside the `send`
        # of one of them. If that were cancelled at once, those after it would never hear of it, and
        # keep their files.
        await anyio.sleep(_TELLING)


@asynccontextmanager
async def _beside(work: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """A task beside a block, which ends with the block."""
    if not _is_asyncio():
        async with anyio.create_task_group() as group:
            group.start_soon(work)
            yield
            group.cancel_scope.cancel()
        return
    # A group costs as much on asyncio as to read a megabyte. So there is none, and no task either
    # unless the block waits.
    loop, tasks = asyncio.get_running_loop(), []
    begins = loop.call_soon(lambda: tasks.append(loop.create_task(work())))
    try:
        yield
    finally:
        begins.cancel()
        for task in tasks:
            task.cancel()
            with anyio.CancelScope(shield=True):
                await asyncio.wait([task])
