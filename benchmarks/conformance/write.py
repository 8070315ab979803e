"""Short ways to write a case down."""

from __future__ import annotations

from typing import Any

from .case import PASS, REFUSED, Ask, Case, Status, Want

DIGITS = b"0123456789"
OLD = 1704164645
LAST_MODIFIED = "Tue, 02 Jan 2024 03:04:05 GMT"
DAY_BEFORE = "Mon, 01 Jan 2024 03:04:05 GMT"
LATER = "Wed, 03 Jan 2024 00:04:05 GMT"

_ASK = frozenset({"method", "version", "host", "content", "name", "most", "waits"})


def want(*status: Status, **how: Any) -> Want:
    return Want(status, **how)


def ask(target: str | bytes, *wants: Want | Status, lines: Any = (), **how: Any) -> Ask:
    """A request; a bare status is a want of its own. `how` is shared out between Ask and Want."""
    of_ask = {name: how.pop(name) for name in list(how) if name in _ASK}
    plain = tuple(each for each in wants if not isinstance(each, Want))
    full = tuple(each for each in wants if isinstance(each, Want))
    ready = ((Want(plain, **how),) if plain else ()) + full
    return Ask(target, ready, tuple(lines), **of_ask)


def case(id: str, *asks: Ask, needs: tuple[str, ...] = (), **how: Any) -> Case:  # noqa: A002
    return Case(id, asks, frozenset(needs), **how)


def serves(id: str, target: str | bytes, body: bytes, **how: Any) -> Case:  # noqa: A002
    """The file of that content."""
    return case(id, ask(target, 200, body=body), **how)


def refuses(id: str, *targets: str | bytes, **how: Any) -> Case:  # noqa: A002
    """No file, no redirect, no failure: the app's."""
    return case(id, *[ask(target, REFUSED, lacks=("location",)) for target in targets], **how)


REDIRECTS = (301, 302, 307, 308)


def harmless(id: str, *targets: str | bytes, **how: Any) -> Case:  # noqa: A002
    """What a normalised path gets is also right here, but nobody is led elsewhere."""
    wants = (
        Want((REFUSED,), lacks=("location",)),
        Want((200, *REDIRECTS), check="leads nowhere else"),
    )
    return case(id, *[ask(target, *wants) for target in targets], **how)


def passes(id: str, *targets: str | bytes, **how: Any) -> Case:  # noqa: A002
    return case(id, *[ask(target, PASS, lacks=("location",)) for target in targets], **how)
