"""What may not be read, and what is said of it."""

from __future__ import annotations

import os

import pytest

from dualstatic import StaticFiles
from tests.support.children import Records, give_up_rights, in_child
from tests.support.doors import Answer, Client
from tests.support.steps import public_directory
from tests.support.trees import write_tree


def ask_without_rights(
    root: str, live: bool, door: str, app: bool, targets: list[str]
) -> tuple[list[Answer], list[tuple[str, str]]]:
    records = Records()
    Client(StaticFiles(root, live=live), door, app).get("/t.txt")  # imports come first
    records.kept.clear()
    give_up_rights()
    client = Client(StaticFiles(root, live=live, html=True), door, app)
    return [client.get(target) for target in targets], records.kept


def ask_overlay_without_rights(roots: list[str], live: bool, memory: int, door: str) -> Answer:
    give_up_rights()
    return Client(StaticFiles(roots, live=live, memory=memory), door).get("/t.txt")


@pytest.mark.rows("S398")
@pytest.mark.parametrize("memory", [0, 2**20])
def test_a_later_directory_has_what_may_not_be_read_in_an_earlier_one(
    door: str, mode: str, memory: int
) -> None:
    with public_directory() as base:
        roots = [
            write_tree(base / "one", {"t.txt": "SECRET"}),
            write_tree(base / "two", {"t.txt": "second"}),
        ]
        (roots[0] / "t.txt").chmod(0)
        paths = [str(root) for root in roots]
        answer = in_child(ask_overlay_without_rights, paths, mode == "live", memory, door)
    assert answer.body == b"second"


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
@pytest.mark.rows("S398", "S399")
@pytest.mark.parametrize("app", [True, False], ids=["app", "alone"])
def test_what_may_not_be_read_is_as_if_it_were_missing(door: str, mode: str, app: bool) -> None:
    files = {
        "t.txt": "0123456789",
        "unread.txt": "SECRET",
        "unreaddir/a.txt": "SECRET",
        "unreaddir/index.html": "SECRET",
        "unreadindex/index.html": "SECRET",
    }
    unreadable = [
        "/unread.txt",
        "/unread.txt",
        "/unreaddir/a.txt",
        "/unreaddir/",
        "/unreaddir",
        "/unreadindex/",
    ]
    closed = ["unread.txt", "unreaddir", "unreadindex/index.html"]
    with public_directory() as base:
        root = write_tree(base / "www", files)
        for name in closed:
            (root / name).chmod(0)
        targets = ["/t.txt", *unreadable, "/t.txt"]
        try:
            answers, log = in_child(
                ask_without_rights, str(root), mode == "live", door, app, targets
            )
        finally:
            for name in closed:
                (root / name).chmod(0o700)
    assert answers[0].body == answers[-1].body == b"0123456789"
    for target, answer in zip(unreadable, answers[1:-1], strict=True):
        assert answer.passed if app else answer.status == 404, (target, answer)
        assert b"SECRET" not in answer.body
    about = [level for level, message in log if "unread.txt" in message]
    assert about == ["WARNING"], log


def ask_in_a_closed_directory(root: str, live: bool, door: str) -> list[tuple[str, str]]:
    records = Records()
    Client(StaticFiles(root, live=live), door).get("/t.txt")
    records.kept.clear()
    give_up_rights()
    client = Client(StaticFiles(root, live=live), door)
    for number in range(30):
        client.get(f"/closed/{number}.txt")
    client.get("/unread.txt")
    return records.kept


def test_a_client_can_not_fill_the_log_with_names_of_its_own(mode: str, door: str) -> None:
    with public_directory() as place:
        tree = {"t.txt": "t", "closed/x.txt": "x", "unread.txt": "u"}
        root = write_tree(place / "www", tree)
        (root / "closed").chmod(0)
        (root / "unread.txt").chmod(0)
        kept = in_child(ask_in_a_closed_directory, str(root), mode == "live", door)
    assert sum("closed" in message for _, message in kept) == 1
    assert sum("unread" in message for _, message in kept) == 1
    assert len(kept) == 2
