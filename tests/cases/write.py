"""Short ways to write a case down."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .case import COOKED, LESS, PAGES, PASS, REFUSED, Ask, Case, Status, Want

DIGITS = b"0123456789"
OLD = 1704164645
LAST_MODIFIED = "Tue, 02 Jan 2024 03:04:05 GMT"
DAY_BEFORE = "Mon, 01 Jan 2024 03:04:05 GMT"
LATER = "Wed, 03 Jan 2024 00:04:05 GMT"

_ASK = frozenset("method version host content name most waits setting here ours".split())


def under(section: str, level: str, *cases: Case) -> tuple[Case, ...]:
    """Cases of rules that stand in one section, and have one level."""
    return tuple(replace(case, section=section, level=level) for case in cases)


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


Target = str | bytes


def everywhere(target: Target, setting: str = PAGES, *, cooked: bool = True) -> list[Ask]:
    """What is the app's is that with and without index pages, and a plain 404 without an app.

    `cooked`: that is seen from the path alone, too, where the server hides the raw target.
    """
    settings = [setting, *LESS[setting], *([COOKED] if cooked and setting == PAGES else [])]
    how: dict[str, Any] = {"lacks": ("location",), "here": True}
    asks = [ours(target, PASS, setting=each, **how) for each in settings]
    heads = [replace(each, method="HEAD") for each in asks if each.setting in settings[:3:2]]
    return asks + heads


def _refused(key: str, says: str, wants: Any, targets: Any, how: dict[str, Any]) -> Case:
    """`more` are targets that dualstatic alone is asked for."""
    more, setting = how.pop("more", ()), how.get("setting", PAGES)
    cooked = {"cooked": how.pop("cooked", True)}
    asks = [ask(target, *wants) for target in targets]
    others = [
        each for target in (*targets, *more) for each in everywhere(target, setting, **cooked)
    ]
    return case(key, says, *asks, *others, **how)


def refuses(key: str, says: str, *targets: Target, **how: Any) -> Case:
    """No file, no redirect, no failure: the app's."""
    return _refused(key, says, (Want((REFUSED,), lacks=("location",)),), targets, how)


REDIRECTS = (301, 302, 307, 308)


def harmless(key: str, says: str, *targets: Target, **how: Any) -> Case:
    """What a normalised path gets is also right here, but nobody is led elsewhere."""
    wants = (
        Want((REFUSED,), lacks=("location",)),
        Want((200, *REDIRECTS), check="leads nowhere else"),
    )
    return _refused(key, says, wants, targets, how)


def passes(key: str, says: str, *targets: Target, **how: Any) -> Case:
    return _refused(key, says, (Want((PASS,), lacks=("location",)),), targets, how)
