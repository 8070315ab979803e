"""The doors held against a model: hypothesis changes a tree and asks, in any order.

The model knows two things of a name: what it means on the disk now, by a plain walk with realpath,
and what it meant since the last scan. Live mode answers by the first; an index answers by the first
wherever it looks at the disk, and by the second where it need not.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from dualstatic import StaticFiles
from dualstatic.disk import validators
from tests.conftest import DOORS
from tests.support.children import within
from tests.support.doors import Answer, Client
from tests.support.steps import holds, soon
from tests.support.trees import settle, write_tree

MIB = 2**20
FILES = ("a.txt", "a.txt.gz", "sub/b.txt", "sub/index.html", "sub/index.html.gz")
PLACES = (*FILES, "sub", "link")
NAMES = (*PLACES, "link/b.txt", "link/index.html", "link/a.txt")
TARGETS = (*NAMES, "sub/", "link/")
LINKS = (
    "{root}",
    "{root}/a.txt",
    "{root}/sub",
    "{root}/sub/b.txt",
    "{root}/link",
    "a.txt",
    "b.txt",
    "nowhere",
    "{root}/../outside",
    "{root}/../outside/secret.txt",
)
BEGINNING = {
    "a.txt": b"a" * 1900,
    "a.txt.gz": b"z" * 150,
    "sub/b.txt": b"b" * 20,
    "sub/index.html": b"i" * 30,
}
MODES: dict[str, dict[str, Any]] = {
    "live": {"live": True},
    "index": {"memory": 0},
    "memory": {"memory": 2**26},
}
KINDS = ["nothing", "directory", *(["fifo"] if hasattr(os, "mkfifo") else [])]
PINNED = 2
"""Roots that the two indexes hold open."""

Version = bytes | None
"""The content that a name has; None: it is no file."""


class Model:
    """What may be answered."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.scan()

    def now(self, name: str) -> Version:
        if name not in self.seen:
            self.seen[name] = self.look(f"{self.root}/{name}")
        return self.seen[name]

    def look(self, path: str) -> Version:
        if not os.path.isfile(path):
            return None
        real = os.path.realpath(path)
        inside = real.startswith(f"{self.root}{os.sep}")
        return Path(real).read_bytes() if inside else None

    def coded_now(self, name: str) -> Version:
        """The sibling of a name, if it is worth sending and not too old."""
        plain, coded = self.now(name), self.now(f"{name}.gz")
        if plain is None or coded is None:
            return None
        ages = [os.stat(self.root / path).st_mtime_ns for path in (name, f"{name}.gz")]
        return coded if 0 < len(coded) < len(plain) and ages[0] - ages[1] <= 2 * 10**9 else None

    def scan(self) -> None:
        self.seen: dict[str, Version] = {}
        pages = {f"{name}/index.html" for name in NAMES}
        names = pages | {f"{page}.gz" for page in pages} | {*NAMES}
        self.since = {name: {self.now(name)} for name in names}
        self.listed = {name for name in names if self.since[name] != {None}}

    def changed(self) -> None:
        self.seen = {}
        for name, versions in self.since.items():
            versions.add(self.now(name))

    def permitted(self, name: str, *, gzip: bool, live: bool, read: bool) -> set[Version]:
        """What an answer may be of; `read` says that the disk is looked at for it."""
        siblings = {f"{name}.gz"} if gzip and (live or f"{name}.gz" in self.listed) else set()
        coded = self.coded_now(name) if siblings else None
        versions = {self.now(name) if coded is None else coded}
        if live:
            return versions
        if name not in self.listed:
            return {None}
        # A sibling that came later is not known, nor one that became good later.
        versions |= {self.now(name)} if gzip else set()
        if not read:
            versions = versions.union(*(self.since[known] for known in (name, *siblings)))
        return versions


class Tree:
    """Changes to the tree. No two contents that are not empty have one length."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.number = 0

    def content(self, base: int) -> bytes:
        self.number += 1
        return b"%07d\n" % self.number * (base // 8) + b"." * self.number

    def room(self, place: str) -> Path:
        """The path of a place below a real directory, with nothing there."""
        path = self.root / place
        if path.parent.is_symlink() or not path.parent.is_dir():
            self.clear(path.parent)
            path.parent.mkdir()
        self.clear(path)
        return path

    def clear(self, path: Path) -> None:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    def file(self, place: str) -> Path | None:
        """The path of a file that is no link and not reached by one."""
        path = self.root / place
        real = os.path.realpath(path) == str(path)
        return path if real and path.is_file() else None


LAST_TAG = "the tag that the same target had last"


@dataclass(frozen=True)
class Question:
    """What is asked; an empty target is the one that was changed or asked for last."""

    method: str
    target: str
    gzip: bool
    door: str

    @property
    def name(self) -> str:
        return f"{self.target}index.html" if self.target.endswith("/") else self.target

    @property
    def page(self) -> str:
        """The index that there would be if the name were a directory's."""
        return f"{self.target}/index.html"


files = st.none() | st.sampled_from(FILES)
places = st.none() | st.sampled_from(PLACES)
questions = st.builds(
    Question,
    st.sampled_from(["GET", "GET", "HEAD"]),
    st.sampled_from(["", "", *TARGETS]),
    st.booleans(),
    st.sampled_from(DOORS),
)


class Machine(RuleBasedStateMachine):
    """A tree that changes, and three modes of asking for it."""

    settled = False

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        if self.settled:
            settle(self.patch)
        else:  # a busy machine may take longer than a file counts as fresh
            self.patch.setattr(validators, "FRESH", 3600 * 10**9)
        self.base = Path(mkdtemp(prefix="dualstatic-"))
        root = write_tree(self.base / "www", BEGINNING)
        write_tree(self.base / "outside", {"secret.txt": b"SECRET"})
        self.tree, self.model = Tree(root), Model(root)
        self.contents: dict[str, bytes] = {}
        self.tags: dict[str, str] = {}
        self.last = "a.txt"
        self.start()

    def teardown(self) -> None:
        self.files.clear()
        self.clients.clear()
        self.patch.undo()
        shutil.rmtree(self.base)
        if sys.exc_info()[0] is None:  # a failure's traceback holds on to the roots
            assert soon(lambda: holds(self.base, []))

    @rule(anew=st.booleans())
    def scan(self, anew: bool) -> None:
        """Refresh, or start again: whatever lies in the tree, the app starts."""
        if anew:
            self.start()
        for files in self.files.values():
            files.refresh()
        self.scanned()

    def start(self) -> None:
        self.files = {
            mode: StaticFiles(self.tree.root, html=True, **options)
            for mode, options in MODES.items()
        }
        self.clients = {
            door: {mode: Client(files, door) for mode, files in self.files.items()}
            for door in DOORS
        }
        self.scanned()

    def scanned(self) -> None:
        self.model.scan()
        self.held: dict[tuple[str, bool], str] = {}

    # Changes.

    def put_there(self, place: str | None) -> str:
        """The place that is meant; None: where something was changed or asked for last."""
        self.last = place or self.last.rstrip("/")
        return self.last

    @rule(place=files, big=st.booleans())
    def write(self, place: str | None, big: bool) -> None:
        name = self.put_there(place)
        path = self.tree.file(name) or self.tree.room(name)
        path.write_bytes(self.content_for(name, big))
        self.model.changed()

    @rule(place=places, big=st.booleans())
    def replace(self, place: str | None, big: bool) -> None:
        name, other = self.put_there(place), self.base / "next"
        other.write_bytes(self.content_for(name, big))
        if not self.tree.file(name):
            self.tree.room(name)
        other.replace(self.tree.root / name)
        self.model.changed()

    def content_for(self, name: str, big: bool) -> bytes:
        return self.tree.content(400 if name.endswith(".gz") else MIB if big else 2000)

    @rule(place=files, empty=st.booleans())
    def truncate(self, place: str | None, empty: bool) -> None:
        if path := self.tree.file(self.put_there(place)):
            left = 0 if empty else len(self.tree.content(200))
            os.truncate(path, min(left, path.stat().st_size))
            self.model.changed()

    @rule(place=files)
    def grow(self, place: str | None) -> None:
        if path := self.tree.file(self.put_there(place)):
            size = path.stat().st_size
            more = self.tree.content(2 * MIB if size > MIB else 4000 if size < 4000 else 8000)
            with path.open("ab") as file:
                file.write(more[size:])
            self.model.changed()

    @rule(place=places, kind=st.sampled_from(KINDS))
    def remove(self, place: str | None, kind: str) -> None:
        path = self.tree.room(self.put_there(place))
        if kind == "directory":
            path.mkdir()
        elif kind == "fifo":
            os.mkfifo(path)
        self.model.changed()

    @rule(place=places, to=st.sampled_from(LINKS))
    def link(self, place: str | None, to: str) -> None:
        path = self.tree.room(self.put_there(place))
        path.symlink_to(to.format(root=self.tree.root))
        self.model.changed()

    # Questions.

    @rule(question=questions)
    def ask(self, question: Question) -> None:
        self.put(question, {})

    @rule(question=questions, field=st.sampled_from(["If-None-Match", "If-Match"]))
    def ask_with_the_last_tag(self, question: Question, field: str) -> None:
        self.put(question, {field: LAST_TAG})

    @rule(question=questions, part=st.sampled_from(["0-99", "100-", "-1", "2500-3000"]))
    def ask_for_a_part(self, question: Question, part: str) -> None:
        self.put(question, {"Range": f"bytes={part}"})

    @rule(question=questions, part=st.sampled_from(["0-99", "100-"]))
    def ask_for_the_rest(self, question: Question, part: str) -> None:
        self.put(question, {"Range": f"bytes={part}", "If-Range": LAST_TAG})

    def put(self, question: Question, fields: dict[str, str]) -> None:
        self.last = question.target or self.last
        question = replace(question, target=self.last)
        tag = self.tags.get(question.target, '"x"')
        fields = {name: tag if value is LAST_TAG else value for name, value in fields.items()}
        sent = {**fields, **({"Accept-Encoding": "gzip"} if question.gzip else {})}
        for mode, client in self.clients[question.door].items():
            answer = within(10, client.ask, question.method, f"/{question.target}", sent)
            assert soon(lambda: holds(self.base, [str(self.tree.root)] * PINNED))
            self.check(mode, question, fields, answer)

    def check(self, mode: str, question: Question, fields: dict[str, str], answer: Answer) -> None:
        versions = self.permitted(mode, question, answer)
        if answer.passed:
            self.check_miss(mode, question, versions)
        elif answer.status == 307:
            assert not question.target.endswith("/")
            assert None in versions
            page = self.model.permitted(question.page, gzip=True, live=mode == "live", read=False)
            assert page != {None}
        elif answer.status == 304:
            assert plain(answer["etag"]) == plain(fields["If-None-Match"])
            assert self.contents[plain(answer["etag"])] in versions
        elif answer.status == 412:
            tag = fields["If-Match"]
            assert tag.startswith("W/") or versions != {self.contents.get(tag)}
        else:
            self.check_content(question, fields, answer, versions)
            if mode == "memory":
                self.check_memory(question, answer)

    def permitted(self, mode: str, question: Question, answer: Answer) -> set[Version]:
        """Whether the disk is looked at for an answer depends on the mode and its kind."""
        size = 0 if answer.status == 412 else max(total(answer), len(answer.body))
        from_disk = question.method == "GET" and (size > MIB or (mode == "index" and size > 0))
        # What is fresh is kept as far as its bytes are, and of an empty file these are none.
        content = self.contents.get(plain(answer.get("etag") or ""), b"")
        empty = size == 0 and content == b"" and b"" in self.model.since.get(question.name, ())
        looked = mode != "memory" and not self.settled and not (mode == "index" and empty)
        read = looked or answer.passed or (answer.status in (200, 206) and from_disk)
        return self.model.permitted(
            question.name, gzip=question.gzip, live=mode == "live", read=read
        )

    def check_miss(self, mode: str, question: Question, versions: set[Version]) -> None:
        assert None in versions
        live = mode == "live"
        if question.target.endswith("/"):
            return
        file = self.model.permitted(question.name, gzip=True, live=live, read=True)
        page = self.model.permitted(question.page, gzip=True, live=live, read=True)
        assert None in page or file != {None}

    def check_content(
        self, question: Question, fields: dict[str, str], answer: Answer, versions: set[Version]
    ) -> None:
        contents = [v for v in versions if v is not None and len(v) == total(answer)]
        assert len(contents) == 1
        if answer.status == 416:
            return
        tag, content = plain(answer["etag"]), contents[0]
        assert self.contents.setdefault(tag, content) == content
        assert tag != plain(fields.get("If-None-Match", ""))
        assert fields.get("If-Match", answer["etag"]) == answer["etag"]
        assert question.gzip or "content-encoding" not in answer
        if answer.status == 206:
            assert fields.get("If-Range", answer["etag"]) == answer["etag"]
            first, last = (
                answer["content-range"].removeprefix("bytes ").partition("/")[0].split("-")
            )
            content = content[int(first) : int(last) + 1]
        elif "Range" in fields and "If-Range" not in fields:
            assert content == b"" or question.method == "HEAD"
        assert answer.body == (content if question.method == "GET" else b"")
        self.tags[question.target] = answer["etag"]

    def check_memory(self, question: Question, answer: Answer) -> None:
        """What was in memory once is there until the refresh."""
        if "content-encoding" in answer or total(answer) > MIB or answer.status == 416:
            return
        held = self.held.setdefault((question.target, question.gzip), answer["etag"])
        assert held == answer["etag"]


def plain(tag: str) -> str:
    """A tag for a weak comparison."""
    return tag.removeprefix("W/")


def total(answer: Answer) -> int:
    """The length of the whole that an answer speaks of."""
    length = answer.get("content-range") or answer.get("content-length") or "0"
    return int(length.rpartition("/")[2])


class SettledMachine(Machine):
    """The same where what is known of a file is kept, since its last change lies back."""

    settled = True


@pytest.mark.parametrize("machine", [Machine, SettledMachine], ids=["fresh", "settled"])
def test_every_answer_is_of_a_version_that_may_be_answered(machine: type[Machine]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=settings.default.max_examples // 2,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
