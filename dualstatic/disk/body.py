"""An answer and its bytes, read from the file that the look-up opened."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator
from typing import Any

from ..core.values import Fields, File, Response
from .errors import log_failure
from .nowait import answers_at_once, read_now
from .validators import read_at, read_part

CHUNK = 2**18
"""Bytes read at once, at most. Smaller chunks cost more calls; larger ones leave the CPU cache."""

SMALL = 2**15
"""Bytes of a body that a server takes at once, unless the client holds up an HTTP/2 stream.

A file of so many is read as soon as it is open.
"""

_of_thread = threading.local()

_TOO_SHORT = "the file became shorter than promised"


class FileChanged(Exception):
    """The file became shorter than its answer promised: the connection has to be dropped."""


class Answer:
    """An answer with its open file: iterate over its chunks of bytes, then close it.

    `status` is a number; `headers` are pairs of text, names in lower case; the chunks are at most
    256 KiB each, together never more than Content-Length, and none for HEAD. FileChanged means that
    the file became shorter than promised. As a context it closes itself. `close` may be called from
    any thread, and twice. It does not wait for a read that is under way: that read closes the file
    when it ends.

    `descriptor` is the file of the response, open for reading, and is closed with the answer; -1
    where it needs none, which is what `has_file` tells.
    """

    __slots__ = (
        *("_descriptor", "_end", "_guard", "_pending", "_pieces", "_reading"),
        *("has_file", "response"),
    )

    def __init__(self, response: Response, descriptor: int = -1) -> None:
        self.response = response
        self.has_file = descriptor >= 0
        self._guard = threading.Lock()
        self._reading = False
        self._descriptor = descriptor if self.has_file else None
        self._pending: bytes | range | None = None
        parts: tuple[Any, ...] = response.body
        self._pieces = _in_chunks(parts)
        if self.has_file:
            # Parts of a file don't overlap, so that no two have the same end.
            self._end: int = [part for part in parts if isinstance(part, range)][-1].stop

    @property
    def status(self) -> int:
        return self.response.status

    @property
    def headers(self) -> Fields:
        return self.response.headers

    def __enter__(self) -> Answer:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            piece = self._pending or next(self._pieces)
            self._pending = None
            return piece if isinstance(piece, bytes) else self._read(piece)
        except BaseException:  # the end is one way out among others
            self.close()
            raise

    def next_now(self) -> bytes | None:
        """The next chunk, if it is there without a wait for the disk; None: ask by `next`."""
        piece = self._pending or next(self._pieces)
        data = piece if isinstance(piece, bytes) else self._read_now(piece)
        self._pending = piece if data is None else None
        return data

    def read_ahead(self, *, wait: bool) -> None:
        """Read the next chunk, for `next_now` to give. Where it can't be had, the answer is closed.

        :raises BlockingIOError: the disk would have to be waited for, and `wait` is False
        """
        try:
            chunk = next(self) if wait else self.next_now()
            if chunk is None:
                raise BlockingIOError("a file is read from the disk")
        except BaseException:
            self.close()
            raise
        self._pending = chunk

    def _read_now(self, part: range) -> bytes | None:
        file, descriptor = self.response.file, self._descriptor
        if file is None or descriptor is None:
            return None
        window = _buffer()[: len(part)]
        if read_now(descriptor, window, part.start, file.identity[0]) != len(part):
            return None
        if part.stop == self._end:
            self.close()
        return bytes(window)

    def _read(self, part: range) -> bytes:
        with self._guard:
            descriptor = self._descriptor
            if descriptor is None:
                raise ValueError("read of a closed answer")
            self._reading = True
        try:
            data = read_part(descriptor, part)
            if len(data) < len(part):
                raise FileChanged(_TOO_SHORT)
        except OSError as error:
            if self.response.file is not None:
                log_failure(error, self.response.file.path)
            raise
        finally:
            with self._guard:
                self._reading = False
                closed = self._descriptor is None
            if closed:
                os.close(descriptor)
        # Not after the last chunk is sent: if the client leaves, Hypercorn may never come back from
        # that. And here, whoever called can wait for the disk.
        if part.stop == self._end:
            self.close()
        return data

    @property
    def closes_at_once(self) -> bool:
        """Whether `close` asks no server, as it does on FUSE, which waits for the answer."""
        file = self.response.file
        return self._descriptor is None or file is None or answers_at_once(file.identity[0])

    def close(self) -> None:
        with self._guard:
            descriptor, self._descriptor = self._descriptor, None
            reading = self._reading
        if descriptor is not None and not reading:
            os.close(descriptor)

    def detach(self) -> WholeFile | None:
        """The open file, handed over, where the answer is a file and no part of one; else None."""
        file, descriptor = self.response.file, self._descriptor
        if file is None or descriptor is None or self.response.status == 206:
            return None
        self._descriptor = None
        return WholeFile(descriptor, file)

    def handle(self) -> io.FileIO:
        """The open file as an object, for a server that sends by its descriptor; closed with us."""
        if self._descriptor is None:
            raise ValueError("a closed answer has no file")
        return io.FileIO(self._descriptor, closefd=False)

    def prove(self) -> None:
        """After a server has sent from the handle: FileChanged, if that may have been too little.

        A server that meets the end of a shortened file doesn't tell.
        """
        file = self.response.file
        if file is not None and self._descriptor is not None:
            _prove(self._descriptor, file.size, file.identity[3])

    def __del__(self) -> None:
        self.close()


def read_small(descriptor: int, file: File, *, wait: bool) -> bytes | None:
    """All of a small file, which is then closed; None: it can't be had like this."""
    try:
        if wait:
            data = read_at(descriptor, file.size, 0)
        else:
            window = _buffer()[: file.size]
            count = read_now(descriptor, window, 0, file.identity[0])
            data = bytes(window[: count or 0])
        return data if len(data) == file.size else None
    finally:
        os.close(descriptor)


def _prove(descriptor: int, promised: int, mtime: int, *, sent: int = 0) -> None:
    """FileChanged, if a file that somebody else sent from may have ended early at any time.

    A file that is written anew in its place is cut short first, and then grows: so its time counts,
    too. `sent` is how much has been sent for sure. ctime doesn't matter: that changes when a deploy
    gives the name to another file.
    """
    if sent >= promised:
        return
    status = os.fstat(descriptor)
    if status.st_size < promised or status.st_mtime_ns != mtime:
        raise FileChanged("the file was cut short or overwritten while it was sent")


def _buffer() -> memoryview:
    """The buffer of this thread: to make one for each chunk would cost as much as to copy it."""
    try:
        view: memoryview = _of_thread.buffer
    except AttributeError:
        view = _of_thread.buffer = memoryview(bytearray(CHUNK))
    return view


def _in_chunks(body: tuple[bytes | range, ...]) -> Iterator[bytes | range]:
    return (part[start : start + CHUNK] for part in body for start in range(0, len(part), CHUNK))


class WholeFile(io.FileIO):
    """The file of an answer that sends all of it, for a server's `wsgi.file_wrapper`.

    It ends where the answer's Content-Length ends. Where the file ends before that, `read` and
    `close` raise, so that the server drops the connection: it must not wait for the rest, nor take
    the next answer for it.
    """

    def __init__(self, descriptor: int, file: File) -> None:
        super().__init__(descriptor)
        self._promised, self._mtime = file.size, file.identity[3]
        self._path = file.path
        self._reached = 0

    def read(self, size: int | None = -1) -> bytes:
        left = max(self._promised - self.tell(), 0)
        wanted = left if size is None or size < 0 else min(size, left)
        try:
            data = super().read(wanted) or b""
        except OSError as error:
            log_failure(error, self._path)
            # A WSGI server would take an OSError for one of its socket, and close that unanswered.
            raise RuntimeError(str(error)) from error
        if wanted and not data:
            raise FileChanged(_TOO_SHORT)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """The end is the promised one, for servers that measure the file by it."""
        if whence == os.SEEK_END:
            return super().seek(self._promised + offset)
        # `socket.sendfile` ends by a seek to where it came. A server may go back from there before
        # it closes the file, so the furthest position counts.
        position = super().seek(offset, whence)
        self._reached = max(self._reached, position)
        return position

    def close(self) -> None:
        if self.closed:
            return
        try:
            sent = max(self.tell(), self._reached)
            _prove(self.fileno(), self._promised, self._mtime, sent=sent)
        finally:
            super().close()
