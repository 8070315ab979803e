"""Group S: symbolic links."""

from __future__ import annotations

from .case import (
    CONFINE,
    CONFINED,
    FOLLOW,
    FOLLOWED,
    INDEX,
    ODD,
    REFUSED,
    Case,
)
from .write import ask, case, refuses, serves


def confined(key: str, says: str, *targets: str) -> Case:
    return refuses(key, says, *targets, needs=(CONFINED,), setting=CONFINE)


LINKS = (
    serves("S384", "", "/link-in.txt", b"a file"),
    confined("S385", "", "/link-out.txt", "/abs-out.txt"),
    confined("S386", "", "/linkdir-out/secret.txt"),
    confined("S387", "", "/linkdir-out/"),
    case("S388", "", ask("/sub2/", REFUSED, lacks=("location",)), needs=(CONFINED, INDEX),
         setting=CONFINE),
    serves("S389", "", "/linkdir-in/a.txt", b"a in sub"),
    serves("S390", "", "/abs-link.txt", b"a file"),
    serves("S391", "", "/f", b"configured"),
    serves("S392", "", "/abs-out.txt", b"SECRET", needs=(FOLLOWED,), setting=FOLLOW),
    refuses("S393", "", "/loop", "/loop/x", setting=ODD),
    refuses("S394", "", "/dangling", setting=ODD),
    confined("S395", "", "/proc-link"),
)  # fmt: skip

CASES = LINKS
