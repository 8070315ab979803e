"""Compressors for the content codings: each reads and writes one, piece by piece."""

from __future__ import annotations

import errno
import importlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import BinaryIO

from .disk.folder import SUFFIXES

Compressor = tuple[Callable[[bytes], bytes], Callable[[], bytes]]
"""Takes a piece and gives what is ready; ends, and gives the rest."""

Decompressor = tuple[Callable[[bytes], bytes], Callable[[], bool]]
"""Takes a piece and gives what is ready; whether the end was met."""

PIECE = 2**18
"""Bytes that are compressed at a time: half a second of the slowest coding, brotli."""

_ENCODED_PIECE = 2**12
"""Bytes that are decompressed at a time: a few can stand for very many."""

_FIRST_PIECE = 2**4
"""The first ones are fewer, to get something out before an error is met."""


class LibraryMissing(ImportError):
    """A coding's library isn't installed; says which, and how to get it."""


@dataclass(frozen=True, slots=True)
class Coder:
    """One content coding. `compressor` takes the length of the text, whether it is text, and
    whether a quick estimate will do; `errors` are raised by what isn't of this coding, or broken;
    `magic` are the bytes that it begins with, if it has such."""

    coding: str
    compressor: Callable[[int, bool, bool], Compressor]
    decompressor: Callable[[], Decompressor]
    errors: tuple[type[Exception], ...]
    magic: bytes = b""

    @property
    def suffix(self) -> str:
        return SUFFIXES[self.coding]

    def compress(
        self, file: BinaryIO, size: int, *, text: bool, quick: bool = False
    ) -> Iterator[bytes]:
        """The pieces of a file, compressed; some may be empty.

        :raises OSError: the file has another length than it was said to have
        """
        feed, finish = self.compressor(size, text, quick)
        left = size
        while piece := file.read(min(PIECE, left)):
            left -= len(piece)
            yield feed(piece)
        if left or file.read(1):
            raise OSError(errno.EBUSY, "it changed while it was read")
        yield finish()

    def holds(self, sibling: BinaryIO, plain: BinaryIO, step: Callable[[], None]) -> bool | None:
        """Whether one file is the other, compressed; None: it isn't of this coding at all.

        `step` is called with each piece.
        """
        begun = self._begins(sibling)
        try:
            for piece in self._decompress(sibling):
                step()
                if piece != plain.read(len(piece)):
                    return False
                begun = begun or bool(piece)
        except EOFError:
            return False
        except self.errors:
            return False if begun else None
        return not plain.read(1)

    def _begins(self, file: BinaryIO) -> bool:
        """Whether a file is of this coding by its first bytes, be it broken."""
        begins = bool(self.magic) and file.read(len(self.magic)) == self.magic
        file.seek(0)
        return begins

    def _decompress(self, file: BinaryIO) -> Iterator[bytes]:
        feed, is_complete = self.decompressor()
        size = _FIRST_PIECE
        while piece := file.read(size):
            yield feed(piece)
            size = min(2 * size, _ENCODED_PIECE)
        if not is_complete():
            raise EOFError("the file is cut short")


def coder(coding: str) -> Coder:
    """The coder of a content coding.

    :raises LibraryMissing: its library isn't installed
    """
    return {"gzip": _gzip, "br": _brotli, "zstd": _zstd}[coding]()


def _gzip() -> Coder:
    def compressor(size: int, text: bool, quick: bool) -> Compressor:
        # With its own header zlib writes no name, and 0 for the time: the same file each time.
        each = zlib.compressobj(1 if quick else 9, wbits=31)
        return each.compress, each.flush

    def decompressor() -> Decompressor:
        each = zlib.decompressobj(wbits=31)
        return each.decompress, lambda: each.eof and not each.unused_data

    return Coder("gzip", compressor, decompressor, (zlib.error,), b"\x1f\x8b")


def _brotli() -> Coder:
    brotli = _library("br", "brotli")

    def compressor(size: int, text: bool, quick: bool) -> Compressor:
        mode = brotli.MODE_TEXT if text else brotli.MODE_GENERIC
        each = brotli.Compressor(mode=mode, quality=5 if quick else 11)
        return each.process, each.finish

    def decompressor() -> Decompressor:
        each = brotli.Decompressor()
        return each.process, each.is_finished

    return Coder("br", compressor, decompressor, (brotli.error,))


def _zstd() -> Coder:
    try:
        return _standard_zstd(importlib.import_module("compression.zstd"))
    except ImportError:
        return _zstandard(_library("zstd", "zstandard"))


_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_ZSTD_LEVELS = (19, 3)
"""The best and a quick one. From 20 on a window is larger than browsers take (RFC 9659: 8 MiB)."""


def _standard_zstd(zstd: ModuleType) -> Coder:
    """The standard library's, from Python 3.14 on."""

    def compressor(size: int, text: bool, quick: bool) -> Compressor:
        each = zstd.ZstdCompressor(level=_ZSTD_LEVELS[quick])
        each.set_pledged_input_size(size)
        return each.compress, each.flush

    def decompressor() -> Decompressor:
        each = zstd.ZstdDecompressor()
        return each.decompress, lambda: each.eof and not each.unused_data

    return Coder("zstd", compressor, decompressor, (zstd.ZstdError, ValueError), _ZSTD_MAGIC)


def _zstandard(zstandard: ModuleType) -> Coder:
    def compressor(size: int, text: bool, quick: bool) -> Compressor:
        each = zstandard.ZstdCompressor(level=_ZSTD_LEVELS[quick]).compressobj(size=size)
        return each.compress, each.flush

    def decompressor() -> Decompressor:
        each = zstandard.ZstdDecompressor().decompressobj()
        return each.decompress, lambda: each.eof and not each.unused_data

    return Coder("zstd", compressor, decompressor, (zstandard.ZstdError,), _ZSTD_MAGIC)


def _library(coding: str, name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise LibraryMissing(
            f"{coding} needs the package {name}: pip install 'dualstatic[compress]'"
        ) from error
