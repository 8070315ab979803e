"""Group S: symbolic links."""

from __future__ import annotations

from typing import Any

from .case import (
    CONFINE,
    CONFINED,
    FOLLOW,
    FOLLOWED,
    INDEX,
    MAZE,
    MAZE_ALONE,
    MAZE_FOLLOWED,
    MUST,
    ODD,
    PASS,
    POLICY,
    REFUSED,
    Ask,
    Case,
)
from .write import DIGITS, ask, case, ours, under


def confined(key: str, says: str, *targets: str, more: list[Ask]) -> Case:
    asks = [ask(target, REFUSED, lacks=("location",)) for target in targets]
    return case(key, says, *asks, *more, needs=(CONFINED,), setting=CONFINE)


def found(body: bytes, *targets: str, setting: str = MAZE) -> list[Ask]:
    return [ours(target, 200, body=body, setting=setting) for target in targets]


def lost(*targets: str, setting: str = MAZE) -> list[Ask]:
    """What leads out of the maze or nowhere is the app's; without one, it's a plain 404."""
    how: dict[str, Any] = {"lacks": ("location",)}
    asks = [ours(target, PASS, setting=setting, **how) for target in targets]
    if setting == MAZE:
        asks += [ours(target, 404, setting=MAZE_ALONE, **how) for target in targets]
    return asks


FILE, A, SUB, Y = b"a file", b"a in sub", b"the index of sub", b"y"
SECRET = b"SECRET"

CASES = (
    *under(
        "RFC 9110 17.3",
        MUST,
        case("S384", "A link to a file of the directory is that file.",
             ask("/link-in.txt", 200, body=FILE),
             *found(FILE, "/link-in.txt", "/link-in-2.txt", "/link-dots.txt", "/link-through.txt",
                    "/sub/up.txt")),
        confined("S385", "A link to a file outside is not there.", "/link-out.txt", "/abs-out.txt",
                 more=lost("/link-out.txt", "/link-out-2.txt", "/link-out-3.txt", "/link-back.txt",
                           "/abs-out.txt", "/abs-sibling.txt")),
        confined("S386", "A path below a link that leads out is not there.",
                 "/linkdir-out/secret.txt",
                 more=lost("/linkdir-out/secret.txt", "/linkdir-up/outside/secret.txt",
                           "/abs-linkdir-out/secret.txt")),
        confined("S387", "A link to a directory outside is no directory.", "/linkdir-out/",
                 more=lost("/linkdir-out/", "/linkdir-out", "/linkdir-up/", "/abs-linkdir-out/")),
        case("S388", "An index page that is a link to a file outside is none.",
             ask("/sub2/", REFUSED, lacks=("location",)), *lost("/sub2/", "/sub2", "/sub3/"),
             needs=(CONFINED, INDEX), setting=CONFINE),
        case("S389", "A link to a directory inside is that directory.",
             ask("/linkdir-in/a.txt", 200, body=A),
             *found(A, "/linkdir-in/a.txt", "/linkdir-in-2/a.txt", "/linkdir-slash/a.txt"),
             *found(Y, "/linkdir-in-2/side/y.txt", "/linkdir-in/side/back/back/y.txt"),
             *found(FILE, "/linkdir-in/up.txt"), *found(SUB, "/linkdir-in/"),
             ours("/linkdir-in-2", 307, has={"location": "./linkdir-in-2/"}, setting=MAZE)),
        case("S393", "Links that lead in a circle end in a miss, and forty in a row are followed.",
             *[ask(target, REFUSED, lacks=("location",)) for target in ("/loop", "/loop/x")],
             *lost("/loop", "/loop/", "/loop/x", "/ping", "/ping/x"),
             *lost("/loop", "/ping/x", setting=MAZE_FOLLOWED),
             *found(DIGITS, "/here/t.txt", "/here" * 40 + "/t.txt"),
             *lost("/here" * 41 + "/t.txt"), *found(A, "/here/here/sub/a.txt"),
             *found(Y, "/x/back/y.txt", "/x/back/back/back/y.txt"), setting=ODD),
        case("S394", "A link to nothing is not there.",
             ask("/dangling", REFUSED, lacks=("location",)),
             *lost("/dangling", "/dangling/", "/dangling-dir", "/dangling-out"),
             *lost("/dangling", setting=MAZE_FOLLOWED), setting=ODD),
        confined("S395", "A link to what the system tells by files is not there.", "/proc-link",
                 more=[*lost("/proc-link", "/proc-link/self/environ", "/proc/self/environ",
                             "/proc/version", "/cwd/pyproject.toml"),
                       *found(b"", "/proc-link", setting=MAZE_FOLLOWED)]),
    ),
    *under(
        "RFC 9110 17.3",
        POLICY,
        case("S390", "An absolute link may lead to a file inside.",
             ask("/abs-link.txt", 200, body=FILE),
             *found(FILE, "/abs-link.txt"), *found(FILE, "/abs-link.txt", setting=MAZE_FOLLOWED),
             *found(A, "/abs-linkdir/a.txt"), *found(SUB, "/abs-linkdir/")),
        case("S391", "A link may lead to a name that begins with two dots, as Kubernetes has it.",
             ask("/f", 200, body=b"configured"), *found(b"configured", "/f", "/mounted/f"),
             *found(b"configured below", "/mounted/deep/g"),
             *lost("/mounted/.hidden", "/..data/f")),
        case("S392", "A link may lead outside if the user says so.",
             ask("/abs-out.txt", 200, body=SECRET),
             *found(SECRET, "/abs-out.txt", "/abs-linkdir-out/secret.txt", "/link-out.txt",
                    "/linkdir-out/secret.txt", "/linkdir-out/", setting=MAZE_FOLLOWED),
             *found(FILE, "/link-back.txt", setting=MAZE_FOLLOWED),
             *lost("/../outside/secret.txt", "/linkdir-in/../../outside/secret.txt",
                   setting=MAZE_FOLLOWED), needs=(FOLLOWED,), setting=FOLLOW),
    ),
)  # fmt: skip
