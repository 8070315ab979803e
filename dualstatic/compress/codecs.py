"""Compressors for the content codings: each reads and writes one, piece by piece."""

from __future__ import annotations

import errno
import importlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from types import ModuleType
from typing import Any, BinaryIO

from ..core.codings import FIRST_BYTES, SUFFIXES, ZSTD_MAGIC, zstd_frame
from ..core.deltas import MAGICS

Compressor = tuple[Callable[[bytes], bytes], Callable[[], bytes]]
"""Takes a piece and gives what is ready; ends, and gives the rest."""

Decompressor = tuple[Callable[[bytes], Iterator[bytes]], Callable[[], bool]]
"""Takes a piece and gives what is ready, also in pieces; whether the end was met."""

PIECE = 2**18
"""Bytes that are compressed at a time: half a second of the slowest coding, brotli."""

_ENCODED_PIECE = 2**8
"""Bytes that are decompressed at a time. Of gzip they stand for 264 KiB at most, of zstd for 8 MiB:
4 bytes can be a block, and a block is 128 KiB. Of brotli they can stand for anything."""

_FIRST_PIECE = 2**4
"""The first ones are fewer, to get something out before an error is met."""


class LibraryMissing(ImportError):
    """A coding's library isn't installed; says which, and how to get it."""


@dataclass(frozen=True, slots=True)
class Codec:
    """One content coding.

    `compressor` takes the length of the content, whether it is text, and whether a quick estimate
    will do. `errors` are raised for what isn't of this coding, or is broken. `magic` are the bytes
    that it begins with, if it has such, and `header` is what a delta has before zstd's data.
    `window` is the largest one of zstd that clients take.
    """

    coding: str
    suffix: str
    compressor: Callable[[int, bool, bool], Compressor]
    decompressor: Callable[[], Decompressor]
    errors: tuple[type[Exception], ...]
    magic: bytes = b""
    window: int = 2**64
    header: bytes = b""

    def compress(
        self, file: BinaryIO, size: int, *, text: bool, quick: bool = False
    ) -> Iterator[bytes]:
        """The pieces of a file, compressed; some may be empty.

        :raises OSError: the file has another length than it was said to have
        """
        feed, finish = self.compressor(size, text, quick)
        yield self.header
        left = size
        while piece := file.read(min(PIECE, left)):
            left -= len(piece)
            yield feed(piece)
        if left or file.read(1):
            raise OSError(errno.EBUSY, "it changed while it was read")
        yield finish()

    def holds(self, sibling: BinaryIO, plain: BinaryIO, step: Callable[[], None]) -> bool:
        """Whether one file is the other, compressed, and clients can decode it.

        `step` is called with each piece. Not more than one piece is decompressed in vain.

        :raises OSError: it isn't of this coding at all
        """
        head = sibling.read(len(self.header) + FIRST_BYTES)
        sibling.seek(len(self.header))
        has_begun = bool(self.magic) and self.magic.startswith(head[: len(self.magic)])
        if zstd_frame(head[len(self.header) :])[0] > self.window:
            return False
        try:
            if not head.startswith(self.header):  # cut short, or a delta from another file
                raise self.errors[0]
            for piece in self.decompress(sibling):
                step()
                if piece != plain.read(len(piece)):
                    return False
                has_begun = has_begun or bool(piece)
        except EOFError:
            return False
        except self.errors as error:
            if has_begun:
                return False
            reason = f"it isn't compressed by {self.coding}, so it is left as it is"
            raise OSError(errno.EINVAL, reason) from error
        return not plain.read(1)

    def decompress(self, file: BinaryIO) -> Iterator[bytes]:
        """The pieces of a file, decompressed; some may be empty.

        :raises EOFError: it doesn't end where the coding's data end
        """
        feed, has_ended = self.decompressor()
        size = _FIRST_PIECE
        while piece := file.read(size):
            yield from feed(piece)
            size = min(2 * size, _ENCODED_PIECE)
        if not has_ended():
            raise EOFError("the file is cut short")


def codec(coding: str) -> Codec:
    """The codec of a content coding.

    :raises LibraryMissing: its library isn't installed
    """
    return {"gzip": _gzip, "br": _brotli, "zstd": _zstd}[coding]()


def delta(old: bytes, suffix: str) -> Codec:
    """The codec of the delta with this suffix, which is made of an older file, too (RFC 9842).

    :raises LibraryMissing: the library of zstd isn't installed
    """
    header = MAGICS["dcz"] + sha256(old).digest()
    return replace(_zstd(old), coding="dcz", suffix=suffix, magic=MAGICS["dcz"], header=header)


def installed(codings: Iterable[str], left_out: Callable[[LibraryMissing], object]) -> list[Codec]:
    """The codecs whose libraries are installed; `left_out` is told of the others."""
    return [each for coding in codings if (each := _if_installed(coding, left_out))]


def _if_installed(coding: str, left_out: Callable[[LibraryMissing], object]) -> Codec | None:
    try:
        return codec(coding)
    except LibraryMissing as error:
        left_out(error)
        return None


def _gzip() -> Codec:
    def compressor(size: int, text: bool, quick: bool) -> Compressor:
        # With its own header zlib writes no name, and 0 for the time: the same file each time.
        each = zlib.compressobj(1 if quick else 9, wbits=31)
        return each.compress, each.flush

    def decompressor() -> Decompressor:
        return _decompressor(zlib.decompressobj(wbits=31))

    return Codec("gzip", SUFFIXES["gzip"], compressor, decompressor, (zlib.error,), b"\x1f\x8b")


def _decompressor(each: Any) -> Decompressor:  # noqa: ANN401 (the libraries share no type)
    """By an object such as the standard library's: for one member or frame, and then the end."""

    def feed(piece: bytes) -> Iterator[bytes]:
        yield each.decompress(piece)
        if each.unused_data:
            raise EOFError("something follows the end")

    return feed, lambda: each.eof


def _brotli() -> Codec:
    brotli = _library("br", "brotli")
    if not hasattr(brotli.Decompressor, "can_accept_more_data"):
        raise LibraryMissing("br needs brotli 1.2 or newer: pip install 'brotli>=1.2'")

    def compressor(size: int, text: bool, quick: bool) -> Compressor:
        mode = brotli.MODE_TEXT if text else brotli.MODE_GENERIC
        each = brotli.Compressor(mode=mode, quality=5 if quick else 11)
        return each.process, each.finish

    def decompressor() -> Decompressor:
        each = brotli.Decompressor()

        def feed(piece: bytes) -> Iterator[bytes]:
            yield each.process(piece, output_buffer_limit=PIECE)
            while not each.can_accept_more_data():
                yield each.process(b"", output_buffer_limit=PIECE)

        return feed, each.is_finished

    return Codec("br", SUFFIXES["br"], compressor, decompressor, (brotli.error,))


def _zstd(old: bytes = b"") -> Codec:
    window = max(2**23, len(old) * 5 // 4)  # RFC 9659 section 3, RFC 9842 section 5
    try:
        return _standard_zstd(importlib.import_module("compression.zstd"), old, window)
    except ImportError:
        return _zstandard(_library("zstd", "zstandard"), old, window)


_ZSTD_LEVELS = (19, 3)
"""The best and a quick one."""


def _window_log(size: int, window: int) -> int:
    """The base-2 logarithm of the window in which a file is compressed.

    As long as all of the file is in it, all of the dictionary is at hand.
    """
    return max(10, (size - 1).bit_length()) if size <= window else window.bit_length() - 1


def _standard_zstd(zstd: ModuleType, old: bytes, window: int) -> Codec:
    """The standard library's, from Python 3.14 on."""
    dictionary = zstd.ZstdDict(old, is_raw=True).as_prefix if old else None

    def compressor(size: int, text: bool, quick: bool) -> Compressor:
        keys, log = zstd.CompressionParameter, _window_log(size, window)
        options = {keys.compression_level: _ZSTD_LEVELS[quick], keys.window_log: log}
        each = zstd.ZstdCompressor(options=options, zstd_dict=dictionary)
        each.set_pledged_input_size(size)
        return each.compress, each.flush

    def decompressor() -> Decompressor:
        return _decompressor(zstd.ZstdDecompressor(zstd_dict=dictionary))

    errors = (zstd.ZstdError, ValueError)
    return Codec("zstd", SUFFIXES["zstd"], compressor, decompressor, errors, ZSTD_MAGIC, window)


def _zstandard(zstandard: ModuleType, old: bytes, window: int) -> Codec:
    dictionary = zstandard.ZstdCompressionDict(old, zstandard.DICT_TYPE_RAWCONTENT) if old else None

    def compressor(size: int, text: bool, quick: bool) -> Compressor:
        log = _window_log(size, window)
        sizes = {"source_size": size, "dict_size": len(old), "window_log": log}
        parameters = zstandard.ZstdCompressionParameters.from_level(_ZSTD_LEVELS[quick], **sizes)
        each = zstandard.ZstdCompressor(compression_params=parameters, dict_data=dictionary)
        each = each.compressobj(size=size)
        return each.compress, each.flush

    def decompressor() -> Decompressor:
        return _decompressor(zstandard.ZstdDecompressor(dict_data=dictionary).decompressobj())

    errors = (zstandard.ZstdError,)
    return Codec("zstd", SUFFIXES["zstd"], compressor, decompressor, errors, ZSTD_MAGIC, window)


def _library(coding: str, name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise LibraryMissing(f"{coding} needs the package {name}: pip install {name}") from error
