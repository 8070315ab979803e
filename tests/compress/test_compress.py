"""`python -m dualstatic compress`: real files, a real process, real signals, a real terminal."""

from __future__ import annotations

import errno
import gzip
import io
import os
import pty
import random
import re
import signal
import socket
import stat
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path

import brotli
import pytest
import zstandard

from dualstatic import Request, StaticFiles
from dualstatic.__main__ import main
from dualstatic.compress.codecs import codec
from dualstatic.compress.siblings import Job, Outcome, Plain, State, Stop, Tree, find
from dualstatic.core.paths import Gate
from dualstatic.disk import root as disk_root
from dualstatic.disk.root import Directory
from tests.support.children import NOBODY, give_up_rights, in_child
from tests.support.servers import environment, eventually, run_anew
from tests.support.steps import open_below, public_directory
from tests.support.trees import OLD

TEXT = b"".join(b"line %d of a text that repeats itself\n" % number for number in range(400))
OTHER = TEXT.replace(b"text", b"word")
NOISE = random.Random(0).randbytes(4000)
SUFFIXES = {"zstd": ".zst", "br": ".br", "gzip": ".gz"}
RUNNING_WITHIN = 20


def compress(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """What the command does, in this process; `run_anew` starts another where that matters."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.raises(SystemExit) as ended, redirect_stdout(out), redirect_stderr(err):
        main(["compress", *map(str, arguments)])
    status = ended.value.code or 0
    assert isinstance(status, int)
    return subprocess.CompletedProcess(arguments, status, out.getvalue(), err.getvalue())


def decompress(path: Path) -> bytes:
    coding = {suffix: coding for coding, suffix in SUFFIXES.items()}[path.suffix]
    with path.open("rb") as file:
        return b"".join(codec(coding).decompress(file))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "www"
    folder.mkdir()
    return folder


def write(path: Path, content: bytes = TEXT, mtime: float = OLD) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (mtime, mtime))
    return path


def rewrite(path: Path, content: bytes) -> None:
    """Write to a file that keeps its date, until its ctime shows it: some clocks are coarse."""
    before = path.stat().st_ctime_ns
    while path.stat().st_ctime_ns == before:
        write(path, content)


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def served(folder: Path, name: str, coding: str) -> bytes | None:
    """What the server sends to a client that takes this coding; None, if it is the plain file."""
    files = StaticFiles(folder)
    answer = files.answer(Request("GET", f"/{name}", headers={"accept-encoding": coding}))
    assert answer
    with answer:
        body = b"".join(answer)
    return body if dict(answer.headers).get("content-encoding") == coding else None


# What is written.


def test_each_file_gets_a_sibling_of_each_coding_that_is_served(folder: Path):
    write(folder / "sub/app.js")
    ended = run_anew("-m", "dualstatic", "compress", folder)
    assert ended.returncode == 0, ended
    assert names(folder) == {f"sub/app.js{suffix}" for suffix in ("", ".zst", ".br", ".gz")}
    for coding, suffix in SUFFIXES.items():
        sibling = folder / f"sub/app.js{suffix}"
        assert decompress(sibling) == TEXT
        assert served(folder, "sub/app.js", coding) == sibling.read_bytes()
        assert f"sub/app.js{suffix}: " in ended.stdout


def test_other_decoders_read_the_siblings(folder: Path):
    write(folder / "app.js")
    assert compress(folder).returncode == 0
    assert gzip.decompress((folder / "app.js.gz").read_bytes()) == TEXT
    assert brotli.decompress((folder / "app.js.br").read_bytes()) == TEXT


def test_a_sibling_has_the_date_and_the_permissions_of_its_file(folder: Path):
    path = write(folder / "app.js")
    os.utime(path, ns=(1, 1_600_000_000_123_456_789))
    path.chmod(0o640)
    assert compress(folder).returncode == 0
    for suffix in SUFFIXES.values():
        status = (folder / f"app.js{suffix}").stat()
        assert status.st_mtime_ns == path.stat().st_mtime_ns
        assert stat.S_IMODE(status.st_mode) == 0o640


def test_siblings_are_the_same_each_time(folder: Path, tmp_path: Path):
    for each in (folder, tmp_path / "again"):
        write(each / "app.js", mtime=OLD + len(str(each)))
        assert compress(each).returncode == 0
    for suffix in SUFFIXES.values():
        paths = [each / f"app.js{suffix}" for each in (folder, tmp_path / "again")]
        assert paths[0].read_bytes() == paths[1].read_bytes()
    assert (folder / "app.js.gz").read_bytes()[3:8] == bytes(5), "a name or a time in the header"


COMPRESSED = """a.png a.jpg a.webp a.avif a.gif a.mp4 a.webm a.mp3 a.ogg a.woff a.woff2 a.zip a.tgz
    a.tar.gz a.7z a.xz a.bz2 a.gz a.br a.zst a.svgz a.docx a.epub a.jar A.PNG"""


def test_a_kind_that_is_compressed_already_is_left_out(folder: Path):
    for name in COMPRESSED.split():
        write(folder / name)
    assert compress(folder).returncode == 0
    assert names(folder) == set(COMPRESSED.split())


def test_a_kind_that_is_not_compressed_gets_its_siblings(folder: Path):
    kinds = "a.svg a.bmp a.ico a.wasm a.ttf a.map a.pdf a.unknown a".split()
    for name in kinds:
        write(folder / name)
    assert compress(folder).returncode == 0
    suffixes = ("", *SUFFIXES.values())
    assert names(folder) == {name + suffix for name in kinds for suffix in suffixes}


def test_what_does_not_shrink_gets_no_sibling(folder: Path):
    write(folder / "noise.bin", NOISE)
    write(folder / "small.txt", b"a" * 159)
    write(folder / "little.txt", NOISE[:170] + b"a" * 40)
    ended = compress(folder)
    assert ended.returncode == 0
    assert names(folder) == {"noise.bin", "small.txt", "little.txt"}
    assert "6 not worth it" in ended.stdout


def test_only_the_codings_asked_for_are_written(folder: Path):
    write(folder / "app.js")
    assert compress(folder, "--encodings", "gzip,br").returncode == 0
    assert names(folder) == {"app.js", "app.js.gz", "app.js.br"}


def test_names_with_a_dot_are_left_out_unless_asked_for(folder: Path):
    for name in (".env", ".git/config", ".well-known/x.txt"):
        write(folder / name)
    assert compress(folder, "--encodings", "gzip").returncode == 0
    assert names(folder) == {".env", ".git/config", ".well-known/x.txt", ".well-known/x.txt.gz"}
    assert compress(folder, "--encodings", "gzip", "--dotfiles").returncode == 0
    assert {".env.gz", ".git/config.gz"} <= names(folder)


# Links.


def test_a_link_gets_a_sibling_beside_it_where_the_server_follows_it(folder: Path, tmp_path: Path):
    write(tmp_path / "outside/app.js")
    write(folder / "real.js")
    (folder / "in.js").symlink_to("real.js")
    (folder / "out.js").symlink_to(tmp_path / "outside/app.js")
    (folder / "nowhere.js").symlink_to("nothing")
    assert compress(folder, "--encodings", "gzip").returncode == 0
    assert {path.name for path in folder.glob("*.gz")} == {"real.js.gz", "in.js.gz"}
    assert served(folder, "in.js", "gzip")
    assert compress(folder, "--encodings", "gzip", "--follow-symlink").returncode == 0
    assert decompress(folder / "out.js.gz") == TEXT
    assert names(tmp_path / "outside") == {"app.js"}


def test_nothing_is_written_through_links(folder: Path, tmp_path: Path):
    target = write(tmp_path / "outside/target", b"precious")
    write(tmp_path / "outside/more/b.js")
    write(folder / "a.js")
    (folder / "a.js.gz").symlink_to(target)
    (folder / "more").symlink_to(tmp_path / "outside/more")
    assert compress(folder, "--encodings", "gzip", "--follow-symlink").returncode == 0
    assert target.read_bytes() == b"precious"
    assert (folder / "a.js.gz").is_symlink()
    assert names(tmp_path / "outside") == {"target", "more/b.js"}


# The second time.


def identities(folder: Path) -> dict[str, tuple[int, int]]:
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.iterdir()}


def test_what_is_up_to_date_is_left_as_it_is(folder: Path):
    write(folder / "app.js")
    compress(folder)
    before = identities(folder)
    ended = compress(folder)
    assert ended.returncode == 0
    assert identities(folder) == before
    assert "3 up to date" in ended.stdout


@pytest.mark.parametrize("later", [-100, 0, 1, 100], ids="{:+} s".format)
def test_a_file_written_anew_gets_new_siblings_whatever_its_date(folder: Path, later: int):
    write(folder / "app.js")
    compress(folder)
    write(folder / "app.js", OTHER, OLD + later)
    assert compress(folder).returncode == 0
    for coding, suffix in SUFFIXES.items():
        assert decompress(folder / f"app.js{suffix}") == OTHER
        assert served(folder, "app.js", coding)


def test_a_file_with_another_date_alone_costs_no_compression(folder: Path):
    write(folder / "app.js")
    compress(folder)
    assert served(folder, "app.js", "br")
    os.utime(folder / "app.js", (OLD + 100, OLD + 100))
    assert not served(folder, "app.js", "br")
    before = identities(folder)["app.js.br"][0]
    ended = compress(folder)
    assert "3 given a new date" in ended.stdout
    assert identities(folder)["app.js.br"] == (before, (OLD + 100) * 10**9)
    assert served(folder, "app.js", "br")


def test_an_outdated_sibling_that_would_not_be_smaller_is_removed(folder: Path):
    write(folder / "app.js")
    compress(folder)
    write(folder / "app.js", NOISE)
    ended = compress(folder)
    assert ended.returncode == 0
    assert names(folder) == {"app.js"}
    assert "app.js.br: removed" in ended.stdout


def test_a_sibling_larger_than_its_file_is_removed(folder: Path):
    write(folder / "noise.bin", NOISE)
    write(folder / "noise.bin.gz", gzip.compress(NOISE))
    assert compress(folder, "--check").returncode == 1
    assert compress(folder).returncode == 0
    assert names(folder) == {"noise.bin"}


@pytest.mark.parametrize("size", [0, 20, -1])
def test_a_sibling_that_was_cut_short_is_written_anew(folder: Path, size: int):
    write(folder / "app.js")
    compress(folder)
    siblings = [folder / f"app.js{suffix}" for suffix in SUFFIXES.values()]
    whole = [sibling.read_bytes() for sibling in siblings]
    for sibling, content in zip(siblings, whole, strict=True):
        write(sibling, content[:size])
    check = compress(folder, "--check")
    assert check.returncode == 1
    assert all(sibling.name in check.stdout + check.stderr for sibling in siblings)
    assert compress(folder).returncode == 0
    assert [sibling.read_bytes() for sibling in siblings] == whole


def test_a_sibling_with_a_broken_byte_is_written_anew(folder: Path):
    write(folder / "app.js")
    compress(folder)
    siblings = [folder / f"app.js{suffix}" for suffix in SUFFIXES.values()]
    whole = [sibling.read_bytes() for sibling in siblings]
    for sibling, content in zip(siblings, whole, strict=True):
        middle = len(content) // 2
        broken = bytes([content[middle] ^ 255])
        write(sibling, content[:middle] + broken + content[middle + 1 :])
    assert compress(folder).returncode == 0
    assert [sibling.read_bytes() for sibling in siblings] == whole
    write(siblings[1], whole[1] + b"xx")
    assert compress(folder).returncode == 0
    assert siblings[1].read_bytes() == whole[1]


@pytest.mark.parametrize("suffix", SUFFIXES.values())
def test_what_is_not_compressed_as_its_name_says_is_left_and_reported(folder: Path, suffix: str):
    write(folder / "notes", NOISE)
    write(folder / f"notes{suffix}", b"my own notes, that are no such thing")
    for option in ([], ["--check"]):
        ended = compress(folder, *option)
        assert ended.returncode == 1
        assert f"notes{suffix}" in ended.stderr
        assert (folder / f"notes{suffix}").read_bytes().startswith(b"my own")


@pytest.mark.parametrize("suffix", [".br", ".gz"])
def test_another_coding_under_the_name_of_a_sibling_is_left_and_reported(folder: Path, suffix: str):
    """A frame of zstd, with a window that would make a `.zst` outdated."""
    parameters = zstandard.ZstdCompressionParameters(window_log=24)
    each = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    write(folder / "app.js")
    frame = write(folder / f"app.js{suffix}", each.compress(TEXT) + each.flush()).read_bytes()
    ended = compress(folder)
    assert ended.returncode == 1
    assert f"app.js{suffix}" in ended.stderr
    assert (folder / f"app.js{suffix}").read_bytes() == frame


def test_a_file_alone_that_is_named_like_a_sibling_is_left_as_it_is(folder: Path):
    write(folder / "gone.js.gz", gzip.compress(TEXT))
    (folder / "a.js.gz").mkdir()
    write(folder / "a.js")
    assert compress(folder, "--encodings", "gzip").returncode == 0
    assert names(folder) == {"gone.js.gz", "a.js"}


# --check.


def test_a_check_passes_after_a_run(folder: Path):
    write(folder / "app.js")
    write(folder / "noise.bin", NOISE)
    compress(folder)
    ended = compress(folder, "--check")
    assert ended.returncode == 0
    assert "3 up to date" in ended.stdout


def test_a_check_names_what_is_missing_or_outdated_and_writes_nothing(folder: Path):
    for name in ("new.js", "changed.js", "dated.js"):
        write(folder / name)
    compress(folder, "--encodings", "gzip")
    (folder / "new.js.gz").unlink()
    write(folder / "changed.js", OTHER)
    write(folder / "dated.js", mtime=OLD + 3)
    before = identities(folder)
    ended = compress(folder, "--check", "--encodings", "gzip")
    assert ended.returncode == 1
    assert identities(folder) == before
    for line in ("new.js.gz: missing", "changed.js.gz: outdated", "dated.js.gz: outdated"):
        assert line in ended.stdout.splitlines()


# What goes wrong.


def compress_without_rights(folder: str) -> tuple[int, str]:
    """The exit status and what is said on standard error."""
    import_module("dualstatic.compress.command")  # while Python's own files can be read
    give_up_rights()
    ended = compress(folder)
    return ended.returncode, ended.stderr


def test_a_file_that_cannot_be_read_is_reported_and_the_rest_goes_on():
    with public_directory() as folder:
        write(folder / "secret.js").chmod(0)
        write(folder / "app.js")
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        code, said = in_child(compress_without_rights, str(folder))
        assert code == 1
        assert said == "failed: secret.js: Permission denied\n"
        assert decompress(folder / "app.js.gz") == TEXT


def test_a_sibling_that_cannot_be_written_is_reported_and_the_rest_goes_on():
    with public_directory() as folder:
        write(folder / "closed/app.js")
        write(folder / "open/app.js")
        if os.geteuid() == 0:
            os.chown(folder / "open", NOBODY, NOBODY)
        (folder / "closed").chmod(0o555)
        code, said = in_child(compress_without_rights, str(folder))
        assert code == 1
        assert "failed: closed/app.js.gz: Permission denied" in said.splitlines()
        assert names(folder / "closed") == {"app.js"}
        assert decompress(folder / "open/app.js.gz") == TEXT
        assert not list(folder.rglob(".*"))


@pytest.mark.parametrize("length", range(251, 256))
def test_a_name_too_long_for_a_sibling_is_left_as_it_is(folder: Path, length: int):
    name = "x" * length
    write(folder / name)
    siblings = {name + suffix for suffix in SUFFIXES.values() if length + len(suffix) <= 255}
    ended = compress(folder)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert names(folder) == {name} | siblings
    if len(siblings) < 3:
        assert f"{3 - len(siblings)} left as they are" in ended.stdout


def update_while(folder: Path, happen: Callable[[], object]) -> Outcome:
    """What becomes of the sibling of the only file, if this happens while it is compressed."""
    tree = Tree(Directory(str(folder), follow_symlink=False), Gate(""), follows=False)
    (plain,) = find(tree, Stop())
    assert isinstance(plain, Plain)

    def compressor(size: int, text: bool, quick: bool):
        feed, finish = codec("gzip").compressor(size, text, quick)

        def happen_and_finish() -> bytes:
            happen()
            return finish()

        return feed, happen_and_finish

    return Job(plain, replace(codec("gzip"), compressor=compressor), Stop()).run()


@pytest.mark.parametrize("change", ["unlink", "replace", "write", "write and date"])
def test_a_file_that_changes_meanwhile_is_reported_and_gets_no_sibling(folder: Path, change: str):
    path = write(folder / "app.js")
    changes: dict[str, Callable[[], object]] = {
        "unlink": path.unlink,
        "replace": lambda: os.replace(write(folder / "new", OTHER), path),
        "write": lambda: path.write_bytes(OTHER),
        "write and date": lambda: rewrite(path, OTHER),  # a build may give all files one date
    }
    assert update_while(folder, changes[change]).state is State.FAILED
    assert not list(folder.glob("app.js.*"))
    assert not list(folder.glob(".*"))


def test_a_file_that_changes_before_its_sibling_takes_its_name_has_no_sibling_of_its_date(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    path, prove = write(folder / "app.js"), Plain.prove

    def happen(*arguments):
        status = prove(*arguments)
        if len(arguments) == 4:  # it was as before while it was read
            write(path, OTHER, OLD + 60)
        return status

    monkeypatch.setattr(Plain, "prove", happen)
    assert compress(folder, "--encodings=gzip").returncode == 0
    assert decompress(folder / "app.js.gz") == TEXT
    assert served(folder, "app.js", "gzip") is None


def test_too_little_memory_is_a_failure_of_that_file(folder: Path):
    def happen() -> None:
        raise MemoryError

    write(folder / "app.js")
    outcome = update_while(folder, happen)
    assert outcome.state is State.FAILED
    assert "memory" in outcome.reason
    assert names(folder) == {"app.js"}


# Somebody else, who may write there.


def test_a_temporary_file_that_is_swapped_for_a_link_changes_nothing_outside(
    folder: Path, tmp_path: Path
):
    secret = write(tmp_path / "secret", b"precious")
    secret.chmod(0o600)
    before = secret.stat()
    write(folder / "app.js").chmod(0o666)

    def swap() -> None:
        (temporary,) = folder.glob(".dualstatic-*")
        temporary.replace(folder / "stolen")
        temporary.symlink_to(secret)

    outcome = update_while(folder, swap)
    assert outcome.state is State.FAILED
    assert "somebody else" in outcome.reason
    after = secret.stat()
    assert (after.st_mode, after.st_ctime_ns) == (before.st_mode, before.st_ctime_ns)
    assert not (folder / "app.js.gz").exists()
    assert [path.is_symlink() for path in folder.glob(".*")] == [True], "theirs is left to them"


@pytest.mark.parametrize(("other", "status"), [(TEXT, 0), (OTHER, 1)])
def test_a_sibling_that_another_run_has_written_at_the_same_time_is_up_to_date(
    folder: Path, monkeypatch: pytest.MonkeyPatch, other: bytes, status: int
):
    write(folder / "app.js")
    replaced = os.replace

    def replace_twice(*names, **folders):
        replaced(*names, **folders)
        replaced(write(folder / "other", gzip.compress(other)), folder / "app.js.gz")

    monkeypatch.setattr(os, "replace", replace_twice)
    ended = compress(folder, "--encodings=gzip")
    assert (ended.returncode, ended.stderr.count("failed: app.js.gz")) == (status, status)
    assert names(folder) == {"app.js", "app.js.gz"}


def test_a_directory_that_is_swapped_for_a_link_keeps_its_siblings(folder: Path, tmp_path: Path):
    write(tmp_path / "outside/app.js")
    write(tmp_path / "outside/app.js.gz", b"precious")
    write(folder / "d/app.js")

    def swap() -> None:
        (folder / "d").replace(folder / "e")
        (folder / "d").symlink_to(tmp_path / "outside")

    assert update_while(folder, swap).state is State.WRITTEN
    assert names(tmp_path / "outside") == {"app.js", "app.js.gz"}
    assert (tmp_path / "outside/app.js.gz").read_bytes() == b"precious"
    assert decompress(folder / "e/app.js.gz") == TEXT


def test_a_sibling_with_another_name_is_replaced_and_not_dated(folder: Path, tmp_path: Path):
    backup = write(tmp_path / "backup", gzip.compress(TEXT))
    write(folder / "app.js", mtime=OLD + 100)
    os.link(backup, folder / "app.js.gz")
    assert compress(folder, "--encodings", "gzip").returncode == 0
    assert backup.stat().st_mtime == OLD
    assert (folder / "app.js.gz").stat().st_mtime == OLD + 100


def test_where_nothing_is_opened_relative_to_a_directory_siblings_are_made_by_paths(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    """As on Windows, which renames no open file, and dates one anew when it is closed."""
    monkeypatch.setattr(disk_root, "_HAS_DESCRIPTORS", False)
    real, dated = os.utime, []

    def utime(path: Path, **more: object) -> None:
        dated.append([each for each in open_below(folder) if each.endswith(".tmp")])
        real(path, **more)

    for name in ("new.js", "sub/old.js", "late.js", "link.js", "noise.bin"):
        write(folder / name, NOISE if name == "noise.bin" else TEXT)
    write(folder / "sub/old.js.gz", gzip.compress(OTHER))
    write(folder / "late.js.gz", gzip.compress(TEXT), OLD - 100)
    write(folder / "noise.bin.gz", gzip.compress(NOISE))
    (folder / "link.js.gz").symlink_to("new.js")
    monkeypatch.setattr(os, "utime", utime)
    tree = Tree(Directory(str(folder), follow_symlink=False).pin(), Gate(""), follows=False)
    plains = [plain for plain in find(tree, Stop()) if isinstance(plain, Plain)]
    outcomes = [Job(plain, codec("gzip"), Stop()).run() for plain in plains]
    assert {outcome.name: outcome.state for outcome in outcomes} == {
        "new.js.gz": State.WRITTEN,
        "sub/old.js.gz": State.WRITTEN,
        "late.js.gz": State.DATED,
        "link.js.gz": State.LEFT,
        "noise.bin.gz": State.REMOVED,
    }
    assert decompress(folder / "sub/old.js.gz") == TEXT
    assert (folder / "late.js.gz").stat().st_mtime == OLD
    assert not list(folder.rglob(".*"))
    assert dated == [[]] * 3


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")


@needs_root
def test_a_sibling_gets_the_owner_and_the_group_of_its_file(folder: Path):
    path = write(folder / "app.js")
    os.chown(path, NOBODY, NOBODY - 1)
    path.chmod(0o640)
    ended = compress(folder)
    assert (ended.returncode, ended.stderr) == (0, "")
    for suffix in SUFFIXES.values():
        status = (folder / f"app.js{suffix}").stat()
        assert (status.st_uid, status.st_gid) == (NOBODY, NOBODY - 1)
        assert stat.S_IMODE(status.st_mode) == 0o640


ACL = "system.posix_acl_access"


def allows(user: int, rights: int = 4, others: int = 0) -> bytes:
    """A list as Linux keeps it: what the owner and a user may do, and the group and all others."""
    of_all = 2**32 - 1
    entries = (1, 6, of_all), (2, rights, user), (4, others, of_all)
    entries = *entries, (16, 4, of_all), (32, others, of_all)
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *each) for each in entries)


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="only Linux lets Python read such lists")
def test_a_sibling_has_the_access_control_list_of_its_file(folder: Path):
    """A list says more than the mode: where there is one, the group's bits are its mask."""
    listed, plain = write(folder / "listed.js"), write(folder / "plain.js")
    os.setxattr(listed, ACL, allows(NOBODY))
    plain.chmod(0o640)
    os.setxattr(folder, "system.posix_acl_default", allows(NOBODY - 1))
    assert compress(folder).returncode == 0
    for suffix in SUFFIXES.values():
        assert os.getxattr(f"{listed}{suffix}", ACL) == allows(NOBODY)
        assert ACL not in os.listxattr(f"{plain}{suffix}")
        assert stat.S_IMODE(os.stat(f"{plain}{suffix}").st_mode) == 0o640


@needs_root
def test_who_may_not_give_files_away_is_told_once_that_the_server_may_not_read_them():
    with public_directory() as folder:
        os.chown(folder, NOBODY, NOBODY)
        for name in ("1.js", "2.js"):
            os.chown(write(folder / name), 0, NOBODY)
            (folder / name).chmod(0o640)
        write(folder / "readable.js").chmod(0o664)
        code, said = in_child(compress_without_rights, str(folder))
        assert code == 0
        assert said.count("\n") == 1
        assert "the server may not be able to read it" in said
        assert stat.S_IMODE((folder / "1.js.gz").stat().st_mode) == 0o640
        mode = stat.S_IMODE((folder / "readable.js.gz").stat().st_mode)
        assert mode == 0o644, "another group than the file's may do what all may"


@needs_root
def test_a_group_that_may_not_read_a_file_is_not_among_the_others_of_its_sibling():
    with public_directory() as folder:
        os.chown(folder, NOBODY, NOBODY)
        write(folder / "app.js").chmod(0o604)
        assert in_child(compress_without_rights, str(folder))[0] == 0
        assert stat.S_IMODE((folder / "app.js.gz").stat().st_mode) == 0o600


@needs_root
@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="only Linux lets Python write such lists")
def test_a_user_that_a_list_excludes_is_not_among_the_others_of_a_sibling():
    with public_directory() as folder:
        os.chown(folder, NOBODY, NOBODY)
        os.setxattr(write(folder / "app.js"), ACL, allows(NOBODY - 1, rights=0, others=4))
        assert in_child(compress_without_rights, str(folder))[0] == 0
        assert stat.S_IMODE((folder / "app.js.gz").stat().st_mode) == 0o600
        assert ACL not in os.listxattr(folder / "app.js.gz")


@pytest.mark.parametrize(("mode", "status"), [(0o600, 0), (0o640, 1)])
def test_where_a_mount_gives_all_files_their_owner_and_mode_siblings_are_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch, mode: int, status: int
):
    """So do exFAT and SMB: whoever isn't that owner may change nothing of what he has written."""

    def forbidden(*arguments: object, **more: object):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    write(folder / "app.js").chmod(mode)
    write(folder / "dated.js", mtime=OLD + 60).chmod(mode)
    write(folder / "dated.js.gz", gzip.compress(TEXT))
    monkeypatch.setattr(os, "chmod", forbidden)
    monkeypatch.setattr(os, "utime", forbidden)
    assert compress(folder, "--encodings=gzip").returncode == status
    for name in ("app.js", "dated.js"):
        assert (served(folder, name, "gzip") is None) == status


# Siblings that stand for too much.


PEAK = """
import atexit, pathlib, runpy, sys
status = pathlib.Path("/proc/self/status")
atexit.register(lambda: sys.stderr.write(status.read_text()))
sys.argv = ["dualstatic", "compress", *sys.argv[1:]]
runpy.run_module("dualstatic", run_name="__main__")
"""
BEFORE = random.Random(0).randbytes(4060)
MANY, OFTEN = bytes(2**20), 400
"""What compresses to the same bytes each time, and how often it is to come."""


def gzip_bomb() -> bytes:
    """Its end is that of one only, but nobody should get there."""
    each, flush = zlib.compressobj(1, wbits=31), zlib.Z_FULL_FLUSH
    begin = each.compress(BEFORE) + each.flush(flush)
    return begin + (each.compress(MANY) + each.flush(flush)) * OFTEN + each.flush()


def brotli_bomb() -> bytes:
    """A few bytes that stand for many, where a block that stands for none comes before them."""
    each = brotli.Compressor(quality=5, lgwin=24)
    begin = each.process(BEFORE) + each.flush()
    length = 6000
    metadata = struct.pack("<I", 0x26 | (length - 1) << 6)[:3] + b"m" * length
    return begin + metadata + (each.process(MANY) + each.flush()) * OFTEN + each.finish()


def zstd_bomb() -> bytes:
    """Where each 4 bytes stand for 128 KiB."""
    each, flush = (
        zstandard.ZstdCompressor(level=19).compressobj(),
        zstandard.COMPRESSOBJ_FLUSH_BLOCK,
    )
    begin = each.compress(BEFORE) + each.flush(flush)
    return begin + (each.compress(MANY) + each.flush(flush)) * OFTEN + each.flush()


BOMBS = {".gz": gzip_bomb, ".br": brotli_bomb, ".zst": zstd_bomb}


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells the memory that was used")
@pytest.mark.parametrize("suffix", BOMBS)
def test_no_more_of_a_sibling_is_decompressed_than_its_file_is_long(folder: Path, suffix: str):
    write(folder / "a.txt", BEFORE + MANY)
    write(folder / f"a.txt{suffix}", BOMBS[suffix]())
    ended = run_anew("-c", PEAK, folder, "--check")
    assert f"a.txt{suffix}: outdated" in ended.stdout
    peak = re.search(r"VmHWM:\s*(\d+) kB", ended.stderr)
    assert peak
    assert int(peak[1]) < 120 * 1024


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize(("window", "is_good"), [(23, True), (24, False)])
def test_a_zstd_sibling_whose_window_browsers_refuse_is_outdated(
    folder: Path, window: int, is_good: bool, live: bool, caplog: pytest.LogCaptureFixture
):
    write(folder / "app.js")
    parameters = zstandard.ZstdCompressionParameters(window_log=window)
    each = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    write(folder / "app.js.zst", each.compress(TEXT) + each.flush())
    files = StaticFiles(folder, live=live)
    request = Request("GET", "/app.js", headers={"accept-encoding": "zstd"})
    for _ in range(2):
        answer = files.answer(request)
        assert answer
        assert ("content-encoding" in dict(answer.headers)) == is_good
    assert [record.message.count("app.js.zst") for record in caplog.records] == [1] * (not is_good)
    ended = compress(folder, "--encodings", "zstd", "--check")
    assert ended.returncode == (not is_good)
    assert ("app.js.zst: outdated" in ended.stdout) == (not is_good)
    assert compress(folder, "--encodings", "zstd").returncode == 0
    assert served(folder, "app.js", "zstd")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["nowhere"], "directory"),
        ([".", "--jobs", "0"], "--jobs"),
        ([".", "--jobs", "many"], "--jobs"),
        ([".", "--jobs", "0000000011000"], "--jobs"),
        ([".", "--encodings", "deflate"], "--encodings"),
        ([".", "--encodings", ""], "--encodings"),
        ([".", "--nonsense"], "nonsense"),
        ([], "DIRECTORY"),
    ],
)
def test_a_wrong_option_is_one_line_and_status_2(arguments: list[str], word: str):
    ended = compress(*arguments)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert word in ended.stderr
    assert ended.stdout == ""


LACKING = """
import runpy, sys
sys.modules["brotli"] = None
sys.argv = ["dualstatic", "compress", *sys.argv[1:]]
runpy.run_module("dualstatic", run_name="__main__")
"""


def test_a_coding_without_its_library_is_named_and_left_out(folder: Path):
    write(folder / "app.js")
    ended = run_anew("-c", LACKING, folder)
    assert ended.returncode == 0
    assert ended.stderr.count("\n") == 1
    assert "brotli" in ended.stderr
    assert "pip install brotli" in ended.stderr
    assert names(folder) == {"app.js", "app.js.zst", "app.js.gz"}


def test_a_coding_that_is_asked_for_without_its_library_is_an_error(folder: Path):
    write(folder / "app.js")
    ended = run_anew("-c", LACKING, folder, "--encodings", "gzip,br")
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "error: --encodings: br needs" in ended.stderr
    assert "pip install brotli" in ended.stderr
    assert names(folder) == {"app.js"}


def test_deltas_without_the_library_of_zstd_are_an_error(folder: Path):
    write(folder / "app.js")
    none = "import sys; sys.modules['compression.zstd'] = sys.modules['zstandard'] = None"
    ended = run_anew("-c", none + LACKING, folder, "--previous", folder)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "error: --previous: zstd needs" in ended.stderr
    assert names(folder) == {"app.js"}


# The end, early.


@cache
def long_text() -> bytes:
    words = [random.Random(0).randbytes(3).hex().encode() for _ in range(4000)]
    pick = random.Random(1)
    return b" ".join(pick.choices(words, k=600_000))


@pytest.fixture
def long(folder: Path) -> Path:
    """A directory that takes brotli some seconds, in one file and in many."""
    text = long_text()
    write(folder / "large.txt", text)
    for number in range(40):
        write(folder / f"{number}.txt", text[number * 1000 :][:90_000])
    return folder


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    started = []

    def start(*arguments: str | Path, **options) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "dualstatic", "compress", *map(str, arguments)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        process = subprocess.Popen(command, env=environment(), text=True, **pipes)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
    ids=lambda value: getattr(value, "name", ""),
)
@pytest.mark.parametrize("often", [1, 3])
def test_a_signal_leaves_nothing_half_written(long: Path, start, number, status: int, often: int):
    process = start(long, "--encodings", "br", "--jobs", "4")
    eventually(lambda: list(long.glob("*.br")) and list(long.glob(".*.tmp")), RUNNING_WITHIN)
    for _ in range(often):
        process.send_signal(number)
        time.sleep(0.01)
    out, err = process.communicate(timeout=RUNNING_WITHIN)
    assert process.returncode == status, err
    assert "Traceback" not in err
    assert not list(long.glob(".*"))
    written = list(long.glob("*.br"))
    assert 0 < len(written) < 41
    assert all(decompress(path) == path.with_suffix("").read_bytes() for path in written)
    assert f"{len(written)} written" in out


def test_nobody_who_reads_what_is_printed_leaves_nothing_half_written(long: Path, start):
    process = start(long, "--encodings", "br", "--jobs", "2")
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate(timeout=RUNNING_WITHIN * 3)
    assert (process.returncode, err) == (141, "")
    assert len(list(long.glob("*.br"))) < 41
    assert not list(long.glob(".*"))


def test_what_can_not_be_printed_is_told_in_one_line(folder: Path, start):
    write(folder / "app.js")
    with open("/dev/full", "w") as full:
        process = start(folder, stdout=full)
        _, err = process.communicate(timeout=RUNNING_WITHIN)
    assert (process.returncode, err.count("\n")) == (1, 1)
    assert "can't print: No space left on device" in err


def test_without_an_output_the_siblings_are_written(folder: Path):
    write(folder / "app.js")
    command = f'exec "{sys.executable}" -m dualstatic compress "{folder}" >&-'
    ended = subprocess.run(["sh", "-c", command], env=environment(), timeout=RUNNING_WITHIN)
    assert ended.returncode == 0
    assert len(names(folder)) == 4


# What is said.


def test_elsewhere_than_on_a_terminal_there_are_plain_lines_and_a_table(folder: Path):
    write(folder / "app.js")
    ended = compress(folder)
    assert "\r" not in ended.stdout
    assert "\x1b" not in ended.stdout
    size = (folder / "app.js.br").stat().st_size
    change = f"{(size - len(TEXT)) / len(TEXT):+.1%}"
    assert f"app.js.br: {len(TEXT):,} -> {size:,} ({change})" in ended.stdout.splitlines()
    row = rf"^br +1 +{len(TEXT):,} +{size:,} +{re.escape(change)}$"
    assert re.search(row, ended.stdout, re.MULTILINE), ended.stdout
    assert ended.stderr == ""


def test_on_a_terminal_a_bar_goes_to_the_end_and_then_away(folder: Path, start):
    for number in range(5):
        write(folder / f"{number}.js")
    ours, theirs = pty.openpty()
    process = start(folder, stdout=theirs)
    os.close(theirs)
    text = b""
    with suppress(OSError):  # the end of a terminal
        while piece := os.read(ours, 4096):
            text += piece
    os.close(ours)
    process.communicate(timeout=RUNNING_WITHIN)
    assert process.returncode == 0
    shares = [int(share) for share in re.findall(rb"\r\[#*\.*\] +(\d+)% ", text)]
    assert len(shares) == 15
    assert shares == sorted(shares)
    assert shares[-1] == 100
    last = text.rpartition(b"\x1b[K")
    assert b"#" not in last[2]
    assert b"15 written" in last[2]
    assert b"->" not in text, "a line for each file is for where there is no bar"


def test_a_name_that_the_output_cannot_express_does_not_end_it(folder: Path, start):
    write(folder / "\u00fcber.js")
    env = {**environment(), "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    command = [sys.executable, "-m", "dualstatic", "compress", str(folder)]
    ended = subprocess.run(command, env=env, capture_output=True, text=True, timeout=20)
    assert ended.returncode == 0, ended.stderr
    assert "\\xfcber.js.gz" in ended.stdout


def test_what_a_terminal_would_obey_in_a_name_is_escaped(folder: Path):
    write(folder / "\x9b31m\u202esj.exe\u2028.js")
    write(folder / "left\x85.js.gz", b"no gzip")
    write(folder / "left\x85.js")
    ended = compress(folder, "--encodings", "gzip")
    assert "\\x9b31m\\u202esj.exe\\u2028.js.gz: " in ended.stdout
    assert "failed: left\\x85.js.gz: " in ended.stderr
    assert (ended.stdout + ended.stderr).replace("\n", "").isprintable()


def test_an_empty_directory_is_no_error(folder: Path):
    ended = compress(folder)
    assert (ended.returncode, ended.stdout) == (0, "nothing to compress\n")


def test_a_directory_called_compress_can_be_served(folder: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        write(folder / "compress/index.html")
        command = [sys.executable, "-m", "dualstatic", "./compress"]
        command += ["--port", str(taken.getsockname()[1])]
        ended = subprocess.run(
            command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=20
        )
    assert "can't listen" in ended.stderr


def test_the_help_says_what_is_left_out_and_what_is_removed():
    ended = compress("--help")
    assert ended.returncode == 0
    for word in ("160 bytes", "48 bytes", "removed", "--check", "130"):
        assert word in ended.stdout


def test_the_command_that_compresses_imports_no_door_and_no_server():
    ended = run_anew("-X", "importtime", "-m", "dualstatic", "compress", "--help")
    imported = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    assert "dualstatic.compress.command" in imported
    doors = {"dualstatic.asgi", "dualstatic.wsgi", "dualstatic.django"}
    assert not imported & {"anyio", "asyncio", "uvicorn", "werkzeug", *doors}
