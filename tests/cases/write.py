"""Short ways to write a case down."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .case import PASS, REFUSED, Ask, Case, Status, Want

DIGITS = b"0123456789"
OLD = 1704164645
LAST_MODIFIED = "Tue, 02 Jan 2024 03:04:05 GMT"
DAY_BEFORE = "Mon, 01 Jan 2024 03:04:05 GMT"
LATER = "Wed, 03 Jan 2024 00:04:05 GMT"

_ASK = frozenset("method version host content name most waits setting ours".split())


def under(section: str, level: str, *cases: Case) -> tuple[Case, ...]:
    """Cases of rules that stand in one section, and have one level."""
    return tuple(replace(case, section=section, level=level) for case in cases)


def want(*status: Status, **how: Any) -> Want:
    return Want(status, **how)


def _taken(how: dict[str, Any]) -> dict[str, Any]:
    return {name: how.pop(name) for name in list(how) if name in _ASK}


def ask(target: str | bytes, *wants: Want | Status, lines: Any = (), **how: Any) -> Ask:
    """A request; a bare status is a want of its own. `how` is shared out between Ask and Want."""
    of_ask = _taken(how)
    plain = tuple(each for each in wants if not isinstance(each, Want))
    full = tuple(each for each in wants if isinstance(each, Want))
    ready = ((Want(plain, **how),) if plain else ()) + full
    return Ask(target, ready, tuple(lines), **of_ask)


def ours(target: str | bytes, *status: Status, lines: Any = (), **how: Any) -> Ask:
    """A request that is asked of dualstatic alone."""
    of_ask = _taken(how)
    return Ask(target, (), tuple(lines), ours=Want(status, **how), **of_ask)


def only_ours(asked: Ask) -> Ask:
    """The same, of dualstatic alone."""
    return replace(asked, wants=(), ours=asked.promised)


def case(key: str, says: str, *asks: Ask, needs: tuple[str, ...] = (), **how: Any) -> Case:
    return Case(key, says, asks, frozenset(needs), **how)


def serves(key: str, says: str, target: str | bytes, body: bytes, **how: Any) -> Case:
    """The file of that content."""
    return case(key, says, ask(target, 200, body=body), **how)


def refuses(key: str, says: str, *targets: str | bytes, **how: Any) -> Case:
    """No file, no redirect, no failure: the app's."""
    asks = [ask(target, REFUSED, lacks=("location",)) for target in targets]
    return case(key, says, *asks, **how)


REDIRECTS = (301, 302, 307, 308)


def harmless(key: str, says: str, *targets: str | bytes, **how: Any) -> Case:
    """What a normalised path gets is also right here, but nobody is led elsewhere."""
    wants = (
        Want((REFUSED,), lacks=("location",)),
        Want((200, *REDIRECTS), check="leads nowhere else"),
    )
    return case(key, says, *[ask(target, *wants) for target in targets], **how)


def passes(key: str, says: str, *targets: str | bytes, **how: Any) -> Case:
    return case(key, says, *[ask(target, PASS, lacks=("location",)) for target in targets], **how)
