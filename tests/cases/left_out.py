"""The numbers of rules that no case asks, and why. Each is the mark of a test, but for a few."""

from __future__ import annotations

_REASONS = {
    "it speaks of Windows only": "P067 T365",
    "it needs a hook between two steps of one request": "M149 X404",
    "it needs a file system or a kernel that not every machine has": "C213 A449 A450",
    "it needs a large file's size and time beside each other in a tag, which is the server's own":
        "C215",
    "it depends on how fresh a file is, and so on the moment": "C216 X417",
    "it is about time, memory or descriptors inside the server": "X419 X420 A448",
    "it needs a file replaced while the server runs, and so a way to refresh each contender":
        "R301 X409 X410 X411 X412 X413 X416 X418 S402",
    "it needs a file changed while it is sent": "X403 X405 X406 X407 X408",
    "no option hides siblings under their own names": "E338",
    "dualstatic has no `_headers` files, no digests and no early hints": "T371 T372 T373 A434",
    "it needs a server in front that sends the file": "A444 A445",
    "it is about what a configuration refuses": "T370",
    "it is a race": "S396 S397",
    "it needs rights that root doesn't lack, a failing disk, or no descriptors left":
        "S398 S399 S400 S401",
    "it is about the interface between server and app, which a socket doesn't show":
        "A421 A422 A423 A425 A427 A429 A430 A431 A432 A433 A436 A437 A438 A439 A440 A441 A442"
        " A451",
    "it compares whole runs: the tests do": "A447",
}  # fmt: skip

UNTESTED = frozenset("E338 T371 T372 T373 A434".split())
"""Of these, what no test checks either: dualstatic has no such thing."""

LEFT_OUT = {key: reason for reason, keys in _REASONS.items() for key in keys.split()}
