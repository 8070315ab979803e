"""Sound and pictures to seek in, as long and as large as a test wants them."""

from __future__ import annotations

import struct
import wave
from pathlib import Path

WIDTH, HEIGHT = 160, 96
FRAMES = {
    "red": (
        "b006009d012aa00060003ed168b053282624a2a08801001a09696ee174a0d4001dd178862395674fcf8fe20b5fcb"
        "04e5cc7fc416bf9608d882a39ed85c0000fefdc837f5c5cd91147fff10e7f5b7fdca6b63228b9c7ddb4625a46d2e"
        "ed8847aa05a6541d3a5a33e4107266e420000000"
    ),
    "green": (
        "7006009d012aa00060003ed168b053282624a2a08801001a09696ee174997000013db622f105473db117882a39ed"
        "88bc4151cf6c45e20a8e7b622d8000fefb998ff53efe0bbfff1bcde6b562000000000000"
    ),
    "blue": (
        "7006009d012aa00060003ed168b053282624a2a08801001a09696ee174997000013db622f105473db117882a39ed"
        "88bc4151cf6c45e20a8e7b622d8000fefdf107fff70667d5db4affc13d4b88cdd76a421000000000"
    ),
}
"""A key frame of VP8 for each colour: all that is seen in a second."""


def write_sound(path: Path, seconds: int, rate: int) -> None:
    """Silence, a byte a sample."""
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(rate)
        sound.writeframes(b"\x80" * (seconds * rate))


def colour_at(second: int) -> str:
    return list(FRAMES)[second % len(FRAMES)]


def write_video(path: Path, seconds: int, padding: int) -> None:
    """A WebM of a colour a second, each followed by so many bytes that mean nothing.

    The padding is a hole in the file, so a video of many megabytes takes no place on the disk.
    """
    clusters = [cluster(second) for second in range(seconds)]
    begin = len(head(seconds, [0] * seconds))
    starts, at = [], begin
    for data in clusters:
        starts.append(at)
        at += len(data) + len(void(padding)) + padding
    header = element("1a45dfa3", *(text("4282", "webm"), number("4287", 2), number("4285", 2)))
    with path.open("wb") as file:
        file.write(header + opening("18538067", at) + head(seconds, starts))
        for data in clusters:
            file.write(data + void(padding))
            file.seek(padding, 1)
        file.truncate()


def head(seconds: int, starts: list[int]) -> bytes:
    """What stands before the clusters; it is as long for any starts."""
    info = (number("2ad7b1", 1_000_000), element("4489", struct.pack(">d", seconds * 1000)))
    video = element("e0", number("b0", WIDTH), number("ba", HEIGHT))
    track = (number("d7", 1), number("73c5", 1), number("83", 1), text("86", "V_VP8"), video)
    cues = [cue(second, start) for second, start in enumerate(starts)]
    return (
        element("1549a966", *info, text("4d80", "dualstatic"), text("5741", "dualstatic"))
        + element("1654ae6b", element("ae", *track))
        + element("1c53bb6b", *cues)
    )


def cue(second: int, start: int) -> bytes:
    place = element("b7", number("f7", 1), number("f1", start))
    return element("bb", number("b3", second * 1000), place)


def cluster(second: int) -> bytes:
    frame = bytes.fromhex(FRAMES[colour_at(second)])
    block = b"\x81" + struct.pack(">hB", 0, 0x80) + frame
    return element("1f43b675", number("e7", second * 1000), element("a3", block))


def void(size: int) -> bytes:
    return opening("ec", size)


def element(name: str, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return opening(name, len(content)) + content


def opening(name: str, size: int) -> bytes:
    """The start of an element (RFC 8794), its size always in eight bytes."""
    return bytes.fromhex(name) + (size | 1 << 56).to_bytes(8, "big")


def number(name: str, value: int) -> bytes:
    return element(name, value.to_bytes(8, "big"))


def text(name: str, value: str) -> bytes:
    return element(name, value.encode())
