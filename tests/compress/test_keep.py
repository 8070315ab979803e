"""`python -m dualstatic keep`: real files, real processes, real signals."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from dualstatic import StaticFiles
from dualstatic.__main__ import main
from dualstatic.compress import keep as module
from dualstatic.core.values import Request
from tests.support.children import NOBODY, give_up_rights, in_child, start_python
from tests.support.launch import Launched
from tests.support.servers import environment, eventually, run
from tests.support.steps import public_directory
from tests.support.trees import OLD, Link, write_tree
from tests.support.watch import Watch

from .test_compress import OTHER, TEXT, compress, decompress, identities, names, write

STATE = ".dualstatic-keep.json"
OURS = {STATE, ".dualstatic-keep.lock"}
HASHED = (r"--immutable=-\w{8}\.",)
APP = "assets/app-Aa3jf93a.js"
NEXT = "assets/app-Bb3jf93a.js"
DAY = 24 * 60 * 60
WITHIN = 30
LINKS = sys.platform == "linux"
"""Whether the system links open files: others get copies."""


def keep(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return run("-m", "dualstatic", "keep", *arguments)


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    write(tmp_path / "dist" / APP)
    return tmp_path / "dist"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "deep/store"


@pytest.fixture
def far_store(tmp_path: Path, in_memory: Path) -> Path:
    """A store on a file system of its own: there are no links to it."""
    assert not LINKS or in_memory.stat().st_dev != tmp_path.stat().st_dev
    return in_memory / "store"


@pytest.fixture(params=["store", "far_store"])
def any_store(request: pytest.FixtureRequest) -> Path:
    return request.getfixturevalue(request.param)


def kept(store: Path) -> set[str]:
    return names(store) - OURS


def state(store: Path) -> dict[str, int]:
    return json.loads((store / STATE).read_text())


def age(store: Path, name: str, days: float) -> None:
    """As if the last build that had this name were so long ago."""
    times = state(store) | {name: int(time.time() - days * DAY)}
    (store / STATE).write_text(json.dumps(times))


# What is kept.


def test_the_names_that_a_regular_expression_finds_are_kept_with_their_siblings(
    dist: Path, store: Path
):
    others = ["app.js", "index-Cc3jf93a.html", "b-Cc3jf93a.XHTML", "sw.js.br", ".well-known/x.txt"]
    ours = [f"{APP}{suffix}" for suffix in (".zst", ".br", ".gz", ".1.dcz", ".4.dcz", ".dcb")]
    for name in [*others, *ours, "font-Dd3jf93a.woff2"]:
        write(dist / name, b"x")
    ended = keep(dist, store, *HASHED)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "2 kept\n"
    assert kept(store) == {APP, *ours, "font-Dd3jf93a.woff2"}
    assert set(state(store)) == {APP, "font-Dd3jf93a.woff2"}
    assert (store / APP).read_bytes() == TEXT


def test_files_and_siblings_are_linked_where_the_system_allows_it(dist: Path, store: Path):
    write(dist / f"{APP}.br", b"x")
    for said in ("1 kept\n", "1 up to date\n"):
        assert keep(dist, store, *HASHED).stdout == said
        for name in (APP, f"{APP}.br"):
            assert (store / name).samefile(dist / name) == LINKS
    assert kept(store) == {APP, f"{APP}.br"}


def test_elsewhere_they_are_copied_with_the_date_and_the_permissions(dist: Path, far_store: Path):
    (dist / APP).chmod(0o640)
    assert keep(dist, far_store, *HASHED).stdout == "1 kept\n"
    (dist / APP).write_bytes(OTHER)
    copy = far_store / APP
    assert (copy.read_bytes(), copy.stat().st_mtime) == (TEXT, OLD)
    assert copy.stat().st_mode & 0o777 == 0o640


def keep_without_rights(*arguments: str) -> str | int | None:
    give_up_rights()
    with pytest.raises(SystemExit) as ended:
        main(["keep", *arguments])
    return ended.value.code


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has files that are somebody else's")
def test_a_file_of_somebody_else_is_kept():
    """Linux refuses a link to it, unless it is told otherwise."""
    with public_directory() as folder:
        write(folder / "dist" / APP)
        os.chown(folder, NOBODY, NOBODY)
        store = folder / "store"
        assert in_child(keep_without_rights, str(folder / "dist"), str(store), *HASHED) == 0
        assert (store / APP).read_bytes() == TEXT


def read_by_keep(dist: Path, store: Path) -> int:
    """How many bytes the command reads."""
    before = bytes_read()
    with pytest.raises(SystemExit):
        main(["keep", str(dist), str(store), *HASHED])
    return bytes_read() - before


def bytes_read() -> int:
    return int(Path("/proc/self/io").read_text().split()[1])


@pytest.mark.skipif(not LINKS, reason="others have copies, which are compared")
def test_what_is_linked_is_not_read(dist: Path, store: Path):
    os.truncate(dist / APP, 50_000_000)
    assert in_child(read_by_keep, dist, store) < 10_000_000
    assert in_child(read_by_keep, dist, store) < 10_000_000


@pytest.mark.parametrize("content", [OTHER, TEXT])
def test_what_is_compressed_anew_stays_as_it_was_in_the_store(
    dist: Path, store: Path, content: bytes
):
    compress(dist)
    keep(dist, store, *HASHED)
    before = identities(store / "assets")
    (dist / APP).unlink()
    write(dist / APP, content, OLD + 99)
    compress(dist)
    assert decompress(dist / f"{APP}.gz") == content
    assert (dist / f"{APP}.gz").stat().st_mtime == OLD + 99
    assert (store / APP).read_bytes() == decompress(store / f"{APP}.gz") == TEXT
    assert identities(store / "assets") == before


MANIFESTS = {
    ".vite/manifest.json": {"app.js": {"file": APP, "src": "app.js", "name": "app"}},
    "manifest.json": {"app.js": f"/static/{APP}"},
    "asset-manifest.json": {"files": {"app.js": f"/{APP}", "index.html": "/index.html"}},
    "staticfiles.json": {"paths": {"assets/app.js": "assets/app.3f2a9c1b7d5e.js"}},
}


@pytest.mark.parametrize("manifest", MANIFESTS)
def test_without_one_the_names_with_a_hash_in_the_manifest_are_kept(
    dist: Path, store: Path, manifest: str
):
    for name in ("assets/app.3f2a9c1b7d5e.js", "assets/app.js", "index.html"):
        write(dist / name)
    write(dist / manifest, json.dumps(MANIFESTS[manifest]).replace("Aa3jf93a", "3f2a9c1b").encode())
    write(dist / "assets/app-3f2a9c1b.js")
    assert keep(dist, store).returncode == 0
    hashed = "assets/app.3f2a9c1b7d5e.js" if "paths" in MANIFESTS[manifest] else None
    assert kept(store) == {hashed or "assets/app-3f2a9c1b.js"}


def test_a_sibling_that_a_manifest_lists_is_one_nonetheless(dist: Path, store: Path):
    names = ("app-3f2a9c1b.js", "app-3f2a9c1b.js.gz")
    write(dist / names[0])
    write(dist / names[1], b"x", OLD - 10)
    write(
        dist / "manifest.json", json.dumps({name[:3] + name[12:]: name for name in names}).encode()
    )
    assert keep(dist, store).stdout == "1 kept\n"
    assert set(state(store)) == kept(store) == {names[0]}


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["dist", "store"], "no manifest in DIST lists a name with a hash: --immutable says which"),
        (["dist", "store", "--immutable", "nothing"], "--immutable='nothing' finds no name"),
        (["dist", "store", "--immutable", "("], "--immutable"),
        (["dist", "store", "--days", "0"], "--days"),
        (["dist", "store", "--days", "many"], "--days"),
        (["nowhere", "store"], "nowhere"),
        (["dist", "dist"], "DIST"),
        (["dist", "dist/store", *HASHED], "DIST"),
        (["dist/assets", "dist", *HASHED], "DIST"),
        (["dist", "file", *HASHED], "file"),
        (["dist"], "STORE"),
    ],
)
def test_a_wrong_option_is_one_line_and_status_2(
    dist: Path, tmp_path: Path, arguments: list[str], word: str
):
    write(tmp_path / "file", b"x")
    places = ("dist", "store", "file", "nowhere")
    ended = keep(*(tmp_path / each if each.split("/")[0] in places else each for each in arguments))
    assert (ended.returncode, ended.stderr.count("\n"), ended.stdout) == (2, 1, "")
    assert word in ended.stderr
    assert names(dist) == {APP}


# What is forgotten.


def test_what_no_build_has_had_for_so_many_days_is_forgotten(dist: Path, store: Path):
    write(dist / f"{APP}.br", b"x")
    write(dist / f"{APP}.2.dcz", b"x")
    keep(dist, store, *HASHED)
    write(store / "assets/mine.js")
    for path in dist.glob("assets/*"):
        path.unlink()
    write(dist / NEXT)
    for days, options in ((29, []), (6, ["--days", "7"])):
        age(store, APP, days)
        ended = keep(dist, store, *HASHED, *options)
        assert "forgotten" not in ended.stdout
        assert len(kept(store)) == 5
    age(store, APP, 31)
    ended = keep(dist, store, *HASHED)
    assert (ended.returncode, ended.stdout) == (0, "1 forgotten, 1 up to date\n")
    assert kept(store) == {NEXT, "assets/mine.js"}
    assert set(state(store)) == {NEXT}


def test_what_is_forgotten_stays_in_the_build(dist: Path, store: Path):
    keep(dist, store, *HASHED)
    age(store, APP, 31)
    write(dist / NEXT)
    assert keep(dist, store, "--immutable=app-B").stdout == "1 kept, 1 forgotten\n"
    assert kept(store) == {NEXT}
    assert (dist / APP).read_bytes() == TEXT


def test_what_a_build_has_again_is_not_forgotten(dist: Path, store: Path):
    keep(dist, store, *HASHED)
    age(store, APP, 99)
    assert keep(dist, store, *HASHED).stdout == "1 up to date\n"
    assert state(store)[APP] > time.time() - DAY


def test_what_the_store_has_is_left_as_it_is(dist: Path, store: Path):
    keep(dist, store, *HASHED)
    before = identities(store / "assets")
    (dist / APP).unlink()
    write(dist / APP, TEXT, OLD + 99)
    assert keep(dist, store, *HASHED).returncode == 0
    assert identities(store / "assets") == before
    write(dist / APP, OTHER)
    for _ in range(2):
        assert keep(dist, store, *HASHED).stdout == "1 kept\n"
        assert (store / APP).read_bytes() == OTHER
        write(store / APP, OTHER + b"more")


def test_an_outdated_sibling_is_not_kept(dist: Path, store: Path):
    write(dist / f"{APP}.br", b"x", OLD - 10)
    assert keep(dist, store, *HASHED).returncode == 0
    assert kept(store) == {APP}


def test_a_name_of_the_list_leads_nowhere_else(dist: Path, store: Path, tmp_path: Path):
    write(tmp_path / "deep/secret")
    keep(dist, store, *HASHED)
    (store / "link").symlink_to(tmp_path / "deep")
    for name in ("../secret", "/etc/nothing", "", ".", "link/secret", "a\0b", STATE):
        age(store, name, 99)
    ended = keep(dist, store, *HASHED)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert (tmp_path / "deep/secret").exists()
    assert set(state(store)) == {APP}


@pytest.mark.parametrize(
    "content", ["", "[]", "3", '{"a": "b"}', '{"a": null}', '{"a": Infinity}', "[" * 99999]
)
def test_a_list_that_is_none_forgets_nothing(dist: Path, store: Path, content: str):
    keep(dist, store, *HASHED)
    (store / STATE).write_text(content)
    ended = keep(dist, store, *HASHED)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert STATE in ended.stderr
    assert kept(store) == {APP}
    (store / STATE).unlink()
    assert keep(dist, store, *HASHED).returncode == 0


def test_the_list_is_not_served(dist: Path, store: Path):
    keep(dist, store, *HASHED)
    for live in (False, True):
        files = StaticFiles(store, live=live)
        for name in OURS:
            assert files.answer(Request("GET", f"/{name}")) is None


def test_the_server_has_the_files_of_an_earlier_build_from_the_store(dist: Path, store: Path):
    keep(dist, store, *HASHED)
    (dist / APP).unlink()
    write(dist / NEXT)
    write(store / "assets/app.js")
    files = StaticFiles(dist, previous=store, immutable=HASHED[0].partition("=")[2])
    for name, is_served in ((APP, True), (NEXT, True), ("assets/app.js", False)):
        assert bool(files.answer(Request("GET", f"/{name}"))) == is_served


# What goes wrong.


def test_a_file_that_fails_is_reported_and_the_rest_goes_on(dist: Path, store: Path):
    write(dist / NEXT)
    (store / APP).mkdir(parents=True)
    ended = keep(dist, store, *HASHED)
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert ended.stderr.startswith(f"failed: {APP}: ")
    assert kept(store) == {NEXT}


def keep_while(happen: Callable[[], object], dist: Path, store: Path) -> str | int | None:
    """The exit status where something happens when a file of DIST has just been opened."""
    folder = module._folder

    def happen_first(*arguments):
        happen()
        return folder(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_folder", happen_first)
        with pytest.raises(SystemExit) as ended:
            main(["keep", str(dist), str(store), *HASHED])
    return ended.value.code


def test_a_file_that_changes_while_it_is_copied_is_reported(
    dist: Path, far_store: Path, capsys: pytest.CaptureFixture[str]
):
    write(dist / APP, os.urandom(module.PIECE * 2))
    other = os.urandom(module.PIECE * 2)
    assert keep_while(lambda: write(dist / APP, other, OLD + 5), dist, far_store) == 1
    assert "changed while it was read" in capsys.readouterr().err
    assert kept(far_store) == set()


SWAPS: dict[str, Callable[[Path, Path], object]] = {
    "a link": lambda name, secret: name.symlink_to(secret),
    "another file": lambda name, _: write(name, OTHER),
    "nothing": lambda name, _: name,
}


@pytest.mark.parametrize("swap", SWAPS.values(), ids=SWAPS)
def test_the_open_file_is_kept_whatever_has_its_name_by_now(
    dist: Path, any_store: Path, tmp_path: Path, swap: Callable[[Path, Path], object]
):
    secret = write(tmp_path / "secret", b"secret")

    def happen() -> None:
        (dist / APP).unlink()
        swap(dist / APP, secret)

    assert keep_while(happen, dist, any_store) == 0
    assert (any_store / APP).read_bytes() == TEXT
    assert not (any_store / APP).is_symlink()
    assert secret.stat().st_nlink == 1


def test_a_name_of_the_store_that_is_taken_meanwhile_gets_the_file(dist: Path, store: Path):
    (store / "assets").mkdir(parents=True)
    outside = write(store.with_name("outside"), b"outside")
    assert keep_while(lambda: (store / APP).symlink_to(outside), dist, store) == 0
    assert (store / APP).read_bytes() == TEXT
    assert not (store / APP).is_symlink()
    assert outside.read_bytes() == b"outside"


def test_links_out_are_neither_read_nor_written_through(dist: Path, store: Path, tmp_path: Path):
    outside = write_tree(tmp_path / "outside", {"c-Cc3jf93a.js": "secret", "d/x": "secret"})
    write_tree(dist, {"b-Bb3jf93a.js": Link(str(outside / "c-Cc3jf93a.js")), "d": Link("..")})
    write(dist / "sub/e-Ee3jf93a.js")
    write_tree(store, {"sub": Link(str(outside / "d")), APP: Link(str(outside / "c-Cc3jf93a.js"))})
    with Watch(outside) as watch:
        ended = keep(dist, store, *HASHED)
        assert not watch.take()
    assert ended.returncode == 1
    assert "sub/e-Ee3jf93a.js" in ended.stderr
    assert names(outside) == {"c-Cc3jf93a.js", "d/x"}
    assert (store / APP).read_bytes() == TEXT


# Two at once, and the end, early.


@pytest.fixture
def many(tmp_path: Path) -> tuple[Path, Path]:
    """Two builds of many files, that share half of them."""
    for number in range(60):
        content = random.Random(number).randbytes(200_000)
        for build in [("one",), ("two",), ("one", "two")][number % 3]:
            write(tmp_path / build / f"a{number}/x-{number:08}.js", content)
    return tmp_path / "one", tmp_path / "two"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Launched]]:
    started: list[Launched] = []

    def start(*arguments: str | Path) -> Launched:
        out, err = tmp_path / f"out{len(started)}", tmp_path / f"err{len(started)}"
        err.touch()  # it may be killed before it has one of its own
        words = map(str, ("-m", "dualstatic", "keep", *arguments, *HASHED))
        process = start_python(*words, environment=environment(), out=out, err=err)
        started.append(Launched(process, "", err))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.join(WITHIN)


def ended(running: Launched) -> tuple[int | None, str]:
    """The exit status, and what was said of errors."""
    running.process.join(WITHIN)
    return running.process.exitcode, running.log.read_text()


def holds(store: Path, *builds: Path) -> bool:
    """Whether the store has all of the builds, byte for byte."""
    return all(
        (store / name).read_bytes() == (build / name).read_bytes()
        for build in builds
        for name in names(build)
    )


def test_two_at_once_lose_nothing(many: tuple[Path, Path], store: Path, start):
    one, two = many
    for _ in range(3):
        both = [start(build, store, "--days", "1") for build in many]
        assert [ended(each) for each in both] == [(0, "")] * 2
        assert holds(store, one, two)
        assert set(state(store)) == names(one) | names(two)


def test_one_that_is_begun_meanwhile_waits_and_loses_nothing(
    many: tuple[Path, Path], far_store: Path, start
):
    store = far_store
    for number in range(40):  # long enough to be stopped
        os.truncate(write(many[0] / f"b{number}/x-{number:08}.js"), 5_000_000)
    first = start(many[0], store)
    eventually(lambda: kept(store), WITHIN)
    os.kill(first.pid, signal.SIGSTOP)
    second = start(many[1], store)
    second.process.join(3)
    os.kill(first.pid, signal.SIGCONT)
    assert ended(first)[0] == ended(second)[0] == 0
    assert holds(store, *many)
    assert set(state(store)) == names(many[0]) | names(many[1])


def test_a_kill_at_any_moment_loses_nothing(many: tuple[Path, Path], any_store: Path, start):
    (one, two), store = many, any_store
    chance = random.Random(0)
    assert keep(one, store, *HASHED).returncode == 0
    begun = time.monotonic()
    assert keep(two, store.with_name("other"), *HASHED).returncode == 0
    whole = time.monotonic() - begun
    for _ in range(20):
        running = start(two, store)
        time.sleep(chance.random() * whole / 2)
        running.process.kill()
        ended(running)
        assert holds(store, one)
        assert set(state(store)) >= names(one)
        for name in kept(store):
            assert name in state(store) or ".tmp" in name
            build = two if (two / name).exists() else one
            assert ".tmp" in name or (store / name).read_bytes() == (build / name).read_bytes()
        if chance.random() < 0.5:  # so that there is something left to do
            for name in names(two) - names(one):
                (store / name).unlink(missing_ok=True)
    assert keep(two, store, *HASHED).returncode == 0
    assert holds(store, one, two)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_nothing_half_written(
    far_store: Path, store: Path, start, number: int, status: int
):
    dist = far_store.with_name("dist")
    for each in range(30):
        os.truncate(write(dist / f"x-{each:08}.js"), 10_000_000)
    running = start(dist, store)
    eventually(lambda: len(list(store.glob("*.js"))) > 1, WITHIN)
    os.kill(running.pid, number)
    code, err = ended(running)
    assert (code, err.count("\n")) == (status, 1), err
    assert not list(store.glob(".*.tmp"))
    assert len(list(store.glob("*.js"))) < 30
    for name in kept(store):
        assert (store / name).read_bytes() == (dist / name).read_bytes()


def interrupted(dist: Path, store: Path) -> str | int | None:
    return keep_while(lambda: signal.raise_signal(signal.SIGINT), dist, store)


def test_a_signal_is_heard_between_two_links(dist: Path, store: Path):
    write(dist / NEXT)
    assert in_child(interrupted, dist, store) == 130
    assert kept(store) == ({APP} if LINKS else set())


def test_a_signal_is_heard_while_a_file_is_copied(dist: Path, far_store: Path):
    assert in_child(interrupted, dist, far_store) == 130
    assert kept(far_store) == set()


def opened(pid: int) -> set[str]:
    found = set()
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            found.add(os.readlink(each))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells what a process has open")
def test_a_signal_ends_the_wait_for_another_run(dist: Path, store: Path, start):
    fcntl = pytest.importorskip("fcntl")
    keep(dist, store, *HASHED)
    with open(store / ".dualstatic-keep.lock", "r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        running = start(dist, store)
        eventually(lambda: str(store / ".dualstatic-keep.lock") in opened(running.pid), WITHIN)
        os.kill(running.pid, signal.SIGINT)
        assert ended(running)[0] == 130
