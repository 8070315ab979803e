"""Clients of every kind, who check each byte that they are given."""

from __future__ import annotations

import random
import socket
import struct
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse, IncompleteRead

from tests.support.doors import Answer
from tests.support.hostile import FIELDS, SECRET, TARGETS, lines_from, targets_from
from tests.support.wire import Lines, Wire, pieces

from .site import BIG, HOT, NAMES, SUFFIXES, Deploy, content, version_in

ACCEPTS = ("gzip", "br, gzip;q=0.5", "identity", "*", "")
HEAD = 64
"""Bytes with which a file tells what it is, at most."""


@dataclass
class Tally:
    """What happened to the requests of one client; `wrong` says what should never be."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __iadd__(self, other: Tally) -> Tally:
        self.counts += other.counts
        self.wrong += other.wrong
        return self


class Client(threading.Thread):
    """One client of one server, in one mode. `tags` are those handed out to anyone, ever."""

    def __init__(
        self,
        address: tuple[str, int],
        mode: str,
        deploy: Deploy,
        tags: dict[str, tuple[str, int]],
        seed: int,
    ) -> None:
        super().__init__(daemon=True)
        self.wire = Wire(address, mode)
        self.mode, self.deploy, self.tags = mode, deploy, tags
        self.random = random.Random(seed)
        self.tally = Tally()
        self.known: dict[str, deque[Answer]] = {name: deque(maxlen=3) for name in NAMES}
        self.stopped = False

    def run(self) -> None:
        kinds = {self.whole: 8, self.head: 2, self.conditional: 4, self.joined: 3, self.several: 1}
        kinds |= {self.miss: 1, self.hostile: 2, self.leave: 1, self.dawdle: 0.1}
        while not self.stopped:
            [kind] = self.random.choices(list(kinds), list(kinds.values()))
            try:
                kind()
            except (IncompleteRead, TimeoutError) as error:
                self.tally.counts["dropped"] += 1
                self.wrong(f"{kind.__name__}: cut short: {error!r}")
                self.wire.close()
            except (OSError, HTTPException) as error:
                if kind != self.hostile:  # a server may hang up on those
                    self.wrong(f"{kind.__name__}: {error!r}")
                self.tally.counts["hung up"] += 1
                self.wire.close()
        self.wire.close()

    def wrong(self, what: str) -> None:
        self.tally.wrong.append(f"{self.mode}: {what}")

    # What clients ask for.

    def whole(self) -> None:
        name = self.name()
        self.ask("GET", name, self.accept())

    def head(self) -> None:
        self.ask("HEAD", self.name())

    def conditional(self) -> None:
        name = self.name()
        etags = [answer["etag"] for answer in self.known[name]]
        lines = [
            ("If-None-Match", ", ".join(etags)),
            ("If-Match", ", ".join(etags)),
            ("If-Modified-Since", next((a["last-modified"] for a in self.known[name]), "none")),
        ]
        self.ask("GET", name, [*self.accept(), *([self.random.choice(lines)] if etags else [])])

    def name(self) -> str:
        return self.random.choice((HOT, *self.random.choices(NAMES, k=3)))

    def accept(self) -> list[tuple[str, str]]:
        return [("Accept-Encoding", self.random.choice(ACCEPTS))]

    def joined(self) -> None:
        """Two ranges, the second for as long as the file is the one of the first."""
        name = self.name()
        cut = self.random.randrange(HEAD, 1500)
        first = self.ask("GET", name, [("Range", f"bytes=0-{cut - 1}")])
        if first is None or first.status != 206:
            return
        lines = [("Range", f"bytes={cut}-"), ("If-Range", first["etag"])]
        second = self.ask("GET", name, lines)
        if second is not None and second.status == 206:
            stored, version = self.tags[first["etag"].removeprefix("W/")]
            if first["etag"].startswith("W/") or second["etag"] != first["etag"]:
                self.wrong(f"{name}: a range of {second['etag']} for one of {first['etag']}")
            if first.body + second.body != content(stored, version):
                self.wrong(f"{name}: two ranges of {first['etag']} are not the file")

    def several(self) -> None:
        spans = ["0-99", f"{10**9 + 5}-" if self.random.random() < 0.1 else "1000-1099", "-50"]
        self.ask("GET", self.random.choice(BIG), [("Range", f"bytes={','.join(spans)}")])
        if self.random.random() < 0.2:
            self.ask("GET", self.random.choice(BIG), [("Range", f"bytes={10**9}-")])

    def miss(self) -> None:
        method = self.random.choice(("GET", "HEAD", "POST"))
        name = f"nothing-{self.random.randrange(10**6)}" if method != "POST" else NAMES[0]
        self.take(self.send(method, f"/{name}"), refused=(404, 405))

    def hostile(self) -> None:
        """On a connection of its own: a server may take one such request for two."""
        targets = targets_from(self.random.choice(TARGETS))
        target = self.random.choice([*targets.values(), "/page-0.html"])
        lines = self.random.choice(list(lines_from(*self.random.choice(FIELDS)).values()))
        self.wire.close()
        answer = self.send("GET", target, lines if self.random.random() < 0.5 else [])
        self.wire.close()
        if SECRET in answer.body:
            self.wrong(f"{target!r}: the secret")
        self.take(answer)

    def leave(self) -> None:
        """Hang up in the middle of a file, as often by a reset as by an end."""
        response = self.begin(self.random.choice(BIG), 4096)
        gone = response.status == 200 and len(response.read(1000)) == 1000
        if gone and self.random.random() < 0.5 and self.wire.link:
            linger = struct.pack("ii", 1, 0)
            self.wire.link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.wire.close()
        self.tally.counts["left by the client"] += gone

    def dawdle(self) -> None:
        """Read a file slowly; it may be replaced or gone long before its end."""
        name = self.random.choice(BIG)
        floor = self.floor(name)
        response = self.begin(name, 16384)
        body = b""
        while part := response.read(150_000):
            body += part
            time.sleep(0.1)
        if response.length:
            raise IncompleteRead(body, response.length)
        self.check("GET", name, Answer(response.status, response.getheaders(), body), floor)
        self.wire.close()

    def begin(self, name: str, buffer: int) -> HTTPResponse:
        """An answer that comes in small portions, on a connection of its own."""
        self.wire.close()
        self.wire.buffer = buffer
        self.tally.counts["asked"] += 1
        try:
            return self.wire.begin("GET", f"/{name}")
        finally:
            self.wire.buffer = 0

    def send(self, method: str, target: str, lines: Lines = ()) -> Answer:
        self.tally.counts["asked"] += 1
        return self.wire.ask(method, target, lines)

    # What they get.

    def floor(self, name: str) -> dict[str, int]:
        """The least versions that are right for a request that begins now."""
        if self.mode != "live":
            return {}
        return {
            name + suffix: self.deploy.floors.get(name + suffix, 0) for suffix in SUFFIXES.values()
        }

    def ask(self, method: str, name: str, lines: Lines = ()) -> Answer | None:
        target = "/folder/" if name == "folder/index.html" else f"/{name}"
        floor = self.floor(name)
        answer = self.send(method, target, lines)
        return self.check(method, name, answer, floor, dict(lines))

    def check(
        self,
        method: str,
        name: str,
        answer: Answer,
        floor: dict[str, int],
        lines: dict[str, str] | None = None,
    ) -> Answer | None:
        """Every byte, and what the tag says; None where the answer has no file."""
        if not self.take(answer, refused=(404, 412, 416), head=method == "HEAD"):
            return None
        tag = answer["etag"].removeprefix("W/")
        if answer.status == 304 and tag not in (lines or {}).get("If-None-Match", tag):
            self.wrong(f"{name}: 304 with {tag} for {lines}")
        if answer.status == 304 or method == "HEAD":
            told = self.tags.get(tag)
        else:
            told = self.read(name, answer, tag)
        if told and told[1] < floor.get(told[0], 0) and "If-Modified-Since" not in (lines or {}):
            self.wrong(f"{told[0]}: version {told[1]} after {floor[told[0]]} was there")
        if answer.status == 200:
            self.known[name].append(Answer(200, answer.fields, b""))
        return answer

    def read(self, name: str, answer: Answer, tag: str) -> tuple[str, int] | None:
        """The file and version that the bytes are, if each is theirs."""
        stored = name + SUFFIXES[answer.get("content-encoding")]
        headers = {key.lower(): value for key, value in answer.fields}
        parts = dict(pieces(answer.status, headers, answer.body))
        version = version_in(stored, parts[0]) if 0 in parts else self.tags.get(tag, ("", None))[1]
        if version is None:
            self.wrong(f"{stored}: not its content")
            return None
        whole = content(stored, version)
        if any(whole[start : start + len(part)] != part for start, part in parts.items()) or (
            answer.status == 200 and len(answer.body) != len(whole)
        ):
            self.wrong(f"{stored}: not version {version}, of which it begins")
        if self.tags.setdefault(tag, (stored, version)) != (stored, version):
            self.wrong(f"{tag} is {stored} {version} and {self.tags[tag]}")
        return stored, version

    def take(self, answer: Answer, refused: tuple[int, ...] = (), head: bool = False) -> bool:
        """Count an answer; whether it is one of a file."""
        served = answer.status in (200, 206, 304)
        self.tally.counts["HEAD" if head and served else str(answer.status)] += 1
        if answer.status >= 500 or not (served or answer.status in refused or not refused):
            self.wrong(f"status {answer.status}: {answer.body[:80]!r}")
        return served
