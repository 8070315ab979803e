"""`compress --previous`: deltas from the files of older builds (RFC 9842)."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import pty
import random
import re
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from dualstatic import Request, StaticFiles
from dualstatic.compress import deltas as module
from dualstatic.compress.codecs import codec, delta
from dualstatic.compress.deltas import deltas, run_delta
from dualstatic.compress.siblings import Plain, Stop, Tree, find
from dualstatic.core.codings import zstd_frame
from dualstatic.core.paths import Gate
from dualstatic.disk.root import Directory
from tests.support.servers import eventually, run_anew
from tests.support.trees import OLD as BEFORE

from .test_compress import BEFORE as BOMB_START
from .test_compress import (
    NOISE,
    PEAK,
    RUNNING_WITHIN,
    TEXT,
    compress,
    identities,
    names,
    start,
    write,
    zstd_bomb,
)

__all__ = ["start"]  # a fixture

MAGIC = bytes.fromhex("5e2a4d1820000000")
CHANCE = random.Random(1)
PLAIN = b"\n".join(b"%x" % CHANCE.getrandbits(160) for _ in range(500))
"""Text that zstd makes half as long at best."""
CHANGED = PLAIN.replace(PLAIN[500:510], b"0123456789")
DELTA = "app-Bb3jf93a.js.1.dcz"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    write(tmp_path / "old/app-Aa3jf93a.js", PLAIN, BEFORE - 1000)
    return tmp_path / "old"


@pytest.fixture
def new(tmp_path: Path) -> Path:
    write(tmp_path / "new/app-Bb3jf93a.js", CHANGED)
    return tmp_path / "new"


def decoded(path: Path, dictionary: bytes) -> bytes:
    """By another decoder, and not without its header."""
    content = path.read_bytes()
    assert content[:40] == MAGIC + hashlib.sha256(dictionary).digest()
    raw = zstandard.ZstdCompressionDict(dictionary, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
    return zstandard.ZstdDecompressor(dict_data=raw).decompressobj().decompress(content[40:])


# What is written.


def test_a_delta_from_the_file_with_another_hash_is_written(new: Path, old: Path):
    ended = compress(new, "--previous", old)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert decoded(new / DELTA, PLAIN) == CHANGED
    assert (new / DELTA).stat().st_size < 200
    assert (new / DELTA).stat().st_mtime == BEFORE
    assert re.search(rf"^dcz +1 +{len(CHANGED):,} ", ended.stdout, re.MULTILINE)
    assert names(old) == {"app-Aa3jf93a.js"}


@pytest.mark.parametrize("live", [False, True])
def test_the_server_sends_it_to_who_has_the_older_file(new: Path, old: Path, live: bool):
    assert compress(new, "--previous", old).returncode == 0
    files = StaticFiles(new, live=live, dictionaries=True, immutable=r"-\w{8}\.")
    digest = base64.b64encode(hashlib.sha256(PLAIN).digest()).decode()
    fields = {"accept-encoding": "br, dcz", "available-dictionary": f":{digest}:"}
    answer = files.answer(Request("GET", "/app-Bb3jf93a.js", headers=fields))
    assert answer
    with answer:
        assert b"".join(answer) == (new / DELTA).read_bytes()
    assert dict(answer.headers)["content-encoding"] == "dcz"


def test_a_delta_is_written_where_it_is_a_tenth_smaller_than_the_other_siblings(
    new: Path, old: Path
):
    """Of lines that are a quarter old, what is left is more than nine tenths."""
    lines = [b"%x" % CHANCE.getrandbits(160) for _ in range(500)]
    for share, is_written in ((20, False), (200, True)):
        some = b"\n".join([*PLAIN.splitlines()[:share], *lines[share:]])
        write(new / f"a{share}-Bb3jf93a.js", some)
        write(old / f"a{share}-Aa3jf93a.js", PLAIN)
        assert compress(new, "--previous", old).returncode == 0
        assert (new / f"a{share}-Bb3jf93a.js.1.dcz").exists() == is_written


@pytest.mark.parametrize(("shared", "is_written"), [(100, False), (140, True)])
def test_a_delta_saves_48_bytes(tmp_path: Path, shared: int, is_written: bool):
    """Both are a tenth smaller than the best of the others."""
    chance = random.Random(5)
    same, added, removed = (chance.randbytes(size).hex().encode() for size in (shared, 140, 300))
    write(tmp_path / "old/a-Aa3jf93a.js", same + removed)
    path = write(tmp_path / "new/a-Bb3jf93a.js", same + added)
    assert compress(tmp_path / "new", "--previous", tmp_path / "old").returncode == 0
    with path.open("rb") as file:
        made = b"".join(
            delta(same + removed, ".1.dcz").compress(file, path.stat().st_size, text=True)
        )
    rival = min(each.stat().st_size for each in path.parent.iterdir() if each.suffix != ".dcz")
    assert len(made) <= 0.9 * rival
    assert (len(made) <= rival - 48) == is_written
    assert path.with_name("a-Bb3jf93a.js.1.dcz").exists() == is_written


@pytest.mark.parametrize("name", ["app.js", "app-Aa3jf93a.js", "a-Bb3jf93a.png", "a-Bb3jf93a.zst"])
def test_what_has_no_hash_or_is_the_same_or_compressed_already_gets_none(
    old: Path, tmp_path: Path, name: str
):
    new = tmp_path / "new"
    for each in (name, name.replace("Bb", "Aa")):
        write(old / each, PLAIN)
    write(new / name, CHANGED)
    assert compress(new, "--previous", old).returncode == 0
    assert not list(new.glob("*.dcz"))


@pytest.mark.parametrize("suffix", ["dcz", "dcb"])
def test_deltas_themselves_are_not_compressed(new: Path, suffix: str):
    write(new / f"a-Aa3jf93a.js.1.{suffix}", TEXT)
    assert compress(new, "--encodings", "gzip").returncode == 0
    assert {path.name for path in new.glob("*.gz")} == {"app-Bb3jf93a.js.gz"}


# From which files.


def plains(folder: Path) -> list[Plain]:
    tree = Tree(Directory(str(folder), follow_symlink=False).pin(), Gate(""), follows=False)
    return [each for each in find(tree, Stop()) if isinstance(each, Plain)]


def tried(new: Path, *older: Path) -> dict[str, list[str]]:
    """The older files that are tried for each of the new ones, in their order."""
    found: dict[str, list[str]] = {}
    for plain, old, suffix in deltas(plains(new), [plains(folder) for folder in older]):
        path = Path(old.tree.directory.path) / old.name
        found.setdefault(plain.name, []).append(path.relative_to(new.parent).as_posix())
        assert suffix == f".{len(found[plain.name])}.dcz"
    return found


VITE = ".vite/manifest.json"
MANIFESTS = {
    "Vite": (VITE, lambda name: {"src/sea.svg": {"file": name, "src": "src/sea.svg"}}),
    "webpack": ("manifest.json", lambda name: {"sea.svg": f"https://cdn.example/s/{name}?x"}),
    "CRA": ("asset-manifest.json", lambda name: {"files": {"sea.svg": f"/static/{name}"}}),
    "Django": ("staticfiles.json", lambda name: {"paths": {"sea.svg": name}}),
}


@pytest.mark.parametrize("manifest", MANIFESTS)
def test_the_file_that_the_manifests_call_the_same_is_first(tmp_path: Path, manifest: str):
    place, content = MANIFESTS[manifest]
    old, new = tmp_path / "old", tmp_path / "new"
    for folder, name in ((old, "a/1a27ca9c.svg"), (new, "a/3f2a1bcd.svg")):
        write(folder / name)
        write(folder / place, json.dumps(content(name)).encode())
    write(old / "a/22222bcd.svg", TEXT + b"nearer")
    write(new / "a/3f2a1bcd.svg", TEXT + b"nearer")
    assert tried(new, old) == {"a/3f2a1bcd.svg": ["old/a/1a27ca9c.svg", "old/a/22222bcd.svg"]}
    write(old / place, b"{")
    assert tried(new, old)["a/3f2a1bcd.svg"][0] == "old/a/22222bcd.svg"


@pytest.mark.parametrize("content", [b"[]", b"3", b'{"a": [], "b": {"file": 3}}', b"[" * 99999])
def test_an_odd_manifest_tells_nothing(new: Path, old: Path, content: bytes):
    for folder in (old, new):
        write(folder / "manifest.json", content)
    assert tried(new, old) == {"app-Bb3jf93a.js": ["old/app-Aa3jf93a.js"]}


def test_each_release_in_its_turn_gives_a_file_and_four_are_tried(new: Path, old: Path):
    older = new.parent / "older"
    for number in range(3):
        write(old / f"app-Cc3jf93{number}.js", mtime=BEFORE - number)
    for number in range(3):
        write(older / f"app-Dd3jf93{number}.js", mtime=BEFORE - number)
    write(older / "app-Cc3jf930.js", mtime=BEFORE - 9)
    write(old / "app-Bb3jf93a.js")
    expected = "old/app-Cc3jf930.js older/app-Dd3jf930.js old/app-Cc3jf931.js older/app-Dd3jf931.js"
    assert tried(new, old, older) == {"app-Bb3jf93a.js": expected.split()}


def test_of_hashes_without_a_name_the_nearest_in_size_are_first(tmp_path: Path):
    for number in range(6):
        write(tmp_path / f"old/c/Aa3jf9{number}a.js", b"x" * (1000 + 100 * number))
    write(tmp_path / "old/c/Aa3jf9ab.css", b"x" * 1310)
    write(tmp_path / "new/c/Bb3jf93a.js", b"x" * 1310)
    expected = [f"old/c/Aa3jf9{number}a.js" for number in (3, 4, 2, 5)]
    assert tried(tmp_path / "new", tmp_path / "old") == {"c/Bb3jf93a.js": expected}


def test_a_file_that_is_too_large_to_hold_is_not_tried(
    new: Path, old: Path, monkeypatch: pytest.MonkeyPatch
):
    for largest, is_tried in ((len(PLAIN), True), (len(PLAIN) - 1, False)):
        monkeypatch.setattr(module, "LARGEST", largest)
        assert bool(tried(new, old)) == is_tried


# The second time.


def test_what_is_up_to_date_is_left_as_it_is(new: Path, old: Path):
    compress(new, "--previous", old)
    before = identities(new)
    for options in ([], ["--check"]):
        ended = compress(new, "--previous", old, *options)
        assert (ended.returncode, identities(new)) == (0, before)
        assert "4 up to date" in ended.stdout


def broken(content: bytes) -> bytes:
    return content[:60] + bytes([content[60] ^ 255]) + content[61:]


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content[:-3],
        lambda content: content[:20],
        lambda content: content[:3],
        lambda content: b"",
        broken,
        lambda content: content[:8] + bytes(32) + content[40:],
        lambda content: content[:40] + b"no frame",
        lambda content: content + b"x",
    ],
    ids=["cut", "in the hash", "in the magic", "empty", "broken", "other", "no frame", "more"],
)
def test_a_delta_that_is_not_whole_or_from_another_file_is_written_anew(
    new: Path, old: Path, change
):
    compress(new, "--previous", old)
    whole = (new / DELTA).read_bytes()
    write(new / DELTA, change(whole))
    check = compress(new, "--previous", old, "--check")
    assert (check.returncode, f"{DELTA}: outdated" in check.stdout) == (1, True), check
    assert compress(new, "--previous", old).returncode == 0
    assert (new / DELTA).read_bytes() == whole


def test_a_delta_of_another_content_is_written_anew(new: Path, old: Path):
    compress(new, "--previous", old)
    write(new / "app-Bb3jf93a.js", CHANGED + b"more")
    assert compress(new, "--previous", old, "--check").returncode == 1
    assert compress(new, "--previous", old).returncode == 0
    assert decoded(new / DELTA, PLAIN) == CHANGED + b"more"
    write(old / "app-Aa3jf93a.js", PLAIN[1:])
    assert compress(new, "--previous", old).returncode == 0
    assert decoded(new / DELTA, PLAIN[1:]) == CHANGED + b"more"


def test_a_delta_that_is_no_longer_smaller_is_removed(new: Path, old: Path):
    compress(new, "--previous", old)
    write(new / "app-Bb3jf93a.js", NOISE)
    ended = compress(new, "--previous", old)
    assert ended.returncode == 0
    assert names(new) == {"app-Bb3jf93a.js"}
    path = write(new / "app-Bb3jf93a.js", b"x" * 30000)
    compress(new)
    with path.open("rb") as file:
        write(new / DELTA, b"".join(delta(PLAIN, ".1.dcz").compress(file, 30000, text=True)))
    check = compress(new, "--previous", old, "--check")
    assert f"{DELTA}: not smaller than what is sent without it" in check.stdout.splitlines()


def test_a_delta_whose_older_file_is_not_given_is_left_as_it_is(new: Path, old: Path):
    compress(new, "--previous", old)
    before = identities(new)
    (old / "app-Aa3jf93a.js").unlink()
    for options in ([], ["--previous", old], ["--previous", old, "--check"]):
        assert compress(new, *options).returncode == 0
        assert identities(new) == before


def test_what_is_no_delta_is_left_and_reported(new: Path, old: Path):
    write(new / DELTA, b"my own notes")
    for options in ([], ["--check"]):
        ended = compress(new, "--previous", old, *options)
        assert (ended.returncode, f"failed: {DELTA}: " in ended.stderr) == (1, True)
        assert (new / DELTA).read_bytes() == b"my own notes"


# Windows of zstd.


@pytest.mark.parametrize(
    ("dictionary", "size", "largest"),
    [
        (0, 1, 2**23),
        (2**20, 9 * 2**20, 2**23),
        (8 * 2**20, 10 * 2**20, 10 * 2**20),
        (8 * 2**20, 10 * 2**20 + 1, 10 * 2**20),
    ],
)
def test_the_window_is_what_a_client_takes(dictionary: int, size: int, largest: int):
    each = delta(bytes(dictionary), ".1.dcz") if dictionary else codec("zstd")
    assert each.window == largest
    feed, _ = each.compressor(size, False, True)
    head = b"".join(map(feed, [bytes(2**20)] * (size // 2**20)))
    assert zstd_frame(head[:18])[0] <= largest


def test_a_delta_whose_window_is_too_large_is_outdated(new: Path, old: Path):
    raw = zstandard.ZstdCompressionDict(PLAIN, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
    for window, is_good in ((23, True), (24, False)):
        parameters = zstandard.ZstdCompressionParameters(window_log=window)
        each = zstandard.ZstdCompressor(compression_params=parameters, dict_data=raw).compressobj()
        header = MAGIC + hashlib.sha256(PLAIN).digest()
        write(new / DELTA, header + each.compress(CHANGED) + each.flush())
        check = compress(new, "--previous", old, "--check", "--encodings", "gzip")
        assert (f"{DELTA}: outdated" not in check.stdout) == is_good


# The codec.


class Texts:
    """A delta in memory, and what it is said to hold."""

    def __init__(self, tmp_path: Path) -> None:
        self.delta, self.plain = tmp_path / "delta", tmp_path / "plain"

    def holds(self, old: bytes, content: bytes, plain: bytes) -> bool:
        self.delta.write_bytes(content)
        self.plain.write_bytes(plain)
        with self.delta.open("rb") as one, self.plain.open("rb") as other:
            return delta(old, ".1.dcz").holds(one, other, lambda: None)

    def make(self, old: bytes, plain: bytes) -> bytes:
        self.plain.write_bytes(plain)
        with self.plain.open("rb") as file:
            return b"".join(delta(old, ".1.dcz").compress(file, len(plain), text=False))


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Texts:
    return Texts(tmp_path_factory.mktemp("texts"))


SOME = st.binary(min_size=160, max_size=500) | st.binary(min_size=10, max_size=20).map(
    lambda each: each * 20
)


@settings(max_examples=50, deadline=None)
@given(SOME, SOME, SOME, st.integers(0, 39), st.integers(1, 255))
def test_a_delta_holds_its_file_by_its_dictionary_and_nothing_else(
    texts: Texts, old: bytes, plain: bytes, other: bytes, at: int, flip: int
):
    made = texts.make(old, plain)
    assert texts.holds(old, made, plain)
    assert texts.holds(old, made, other) == (other == plain)
    assert texts.holds(other, made, plain) == (other == old)
    bent = made[:at] + bytes([made[at] ^ flip]) + made[at + 1 :]
    if at < 8:
        with pytest.raises(OSError, match="isn't compressed by dcz"):
            texts.holds(old, bent, plain)
    else:
        assert not texts.holds(old, bent, plain)


# Nothing outside, and the end, early.


def test_nothing_is_read_or_written_through_links(new: Path, old: Path, tmp_path: Path):
    secret = write(tmp_path / "outside/app-Aa3jf93a.js", PLAIN)
    (old / "app-Aa3jf93a.js").unlink()
    (old / "app-Aa3jf93a.js").symlink_to(secret)
    assert compress(new, "--previous", old).returncode == 0
    assert not (new / DELTA).exists()
    assert compress(new, "--previous", old, "--follow-symlink").returncode == 0
    assert decoded(new / DELTA, PLAIN) == CHANGED
    (new / DELTA).unlink()
    (new / DELTA).symlink_to(secret)
    assert compress(new, "--previous", old, "--follow-symlink").returncode == 0
    assert secret.read_bytes() == PLAIN


def test_an_older_file_that_is_gone_meanwhile_is_a_failure_of_that_delta(new: Path, old: Path):
    (pair,) = deltas(plains(new), [plains(old)])
    (old / "app-Aa3jf93a.js").unlink()
    outcome = run_delta(*pair, Stop(), only_looks=False)
    assert (outcome.name, outcome.state.name) == (DELTA, "FAILED")


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells the memory that was used")
def test_no_more_of_a_delta_is_decompressed_than_its_file_is_long(new: Path, old: Path):
    write(new / "app-Bb3jf93a.js", BOMB_START + bytes(2**20))
    write(new / DELTA, MAGIC + hashlib.sha256(PLAIN).digest() + zstd_bomb())
    ended = run_anew("-c", PEAK, new, "--check", "--previous", old)
    assert f"{DELTA}: outdated" in ended.stdout
    peak = re.search(r"VmHWM:\s*(\d+) kB", ended.stderr)
    assert peak
    assert int(peak[1]) < 120 * 1024


def test_on_a_terminal_the_bar_goes_to_the_end_once(new: Path, old: Path, start):
    ours, theirs = pty.openpty()
    process = start(new, "--previous", old, stdout=theirs)
    os.close(theirs)
    text = b""
    with suppress(OSError):  # the end of a terminal
        while piece := os.read(ours, 4096):
            text += piece
    os.close(ours)
    process.communicate(timeout=RUNNING_WITHIN)
    shares = [int(share) for share in re.findall(rb"\r\[#*\.*\] +(\d+)% ", text)]
    assert shares == [25, 50, 75, 100]
    assert b"4 written" in text


LACKING = """
import runpy, sys
sys.modules["zstandard"] = sys.modules["compression.zstd"] = None
sys.argv = ["dualstatic", "compress", *sys.argv[1:]]
runpy.run_module("dualstatic", run_name="__main__")
"""


def test_deltas_without_the_library_of_zstd_are_an_error(new: Path, old: Path):
    ended = run_anew("-c", LACKING, new, "--previous", old, "--encodings", "gzip")
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "zstd" in ended.stderr
    assert names(new) == {"app-Bb3jf93a.js"}


@pytest.fixture
def long(new: Path, old: Path) -> Path:
    """Deltas that take some seconds."""
    for number in range(8):
        content = random.Random(number).randbytes(200_000).hex().encode()
        write(old / f"{number}x-Aa3jf93a.js", content)
        write(new / f"{number}x-Bb3jf93a.js", content[:100_000] + b"new" + content[200_000:])
    return new


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_leaves_no_delta_half_written(long: Path, old: Path, start, number: int):
    process = start(long, "--previous", old, "--encodings", "gzip", "--jobs", "2")
    eventually(lambda: list(long.glob("*.dcz")) and list(long.glob(".*.tmp")), RUNNING_WITHIN * 2)
    process.send_signal(number)
    time.sleep(0.01)
    _, err = process.communicate(timeout=RUNNING_WITHIN)
    assert process.returncode == (-9 if number == signal.SIGKILL else 128 + number), err
    written = list(long.glob("*.dcz"))
    assert 0 < len(written) < 9
    for path in written:
        older = old / path.name.replace("Bb", "Aa").removesuffix(".1.dcz")
        assert decoded(path, older.read_bytes()) == path.with_name(path.name[:-6]).read_bytes()
    assert bool(list(long.glob(".*"))) == (number == signal.SIGKILL)
    if number == signal.SIGKILL:
        for path in long.glob(".*"):
            path.unlink()
    assert compress(long, "--previous", old, "--encodings", "gzip").returncode == 0
    assert len(list(long.glob("*.dcz"))) == 9
