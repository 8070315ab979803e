"""What a link's target says, told by its text alone.

The system isn't asked: it might ask the host of a share, or a mount whose server is dead.
"""

from __future__ import annotations

import os
import re
from types import ModuleType


def is_absolute(target: str, system: ModuleType = os.path) -> bool:
    """Whether a target says where it begins, be it by a drive or by a share alone."""
    drive, tail = system.splitdrive(target)
    return bool(drive) or tail.startswith(tuple(_separators(system)))


def parts_of(target: str, system: ModuleType = os.path) -> list[str]:
    """The names between a target's separators."""
    return re.split(f"[{re.escape(_separators(system))}]", target)


def parts_below(target: str, root: str, system: ModuleType = os.path) -> list[str] | None:
    """The parts of an absolute target, seen from the root; None where it is not below."""
    drive, names = _split(target, system)
    root_drive, root_names = _split(root, system)
    above = [system.normcase(name) for name in names[: len(root_names)]]
    if drive not in ("", root_drive) or above != [system.normcase(name) for name in root_names]:
        return None
    return names[len(root_names) :]


def _split(path: str, system: ModuleType) -> tuple[str, list[str]]:
    drive, tail = system.splitdrive(_plain(path) if system.altsep else path)
    names = parts_of(tail, system)
    return system.normcase(drive), [name for name in names if name not in ("", ".")]


def _plain(path: str) -> str:
    r"""A path of Windows without the \\?\ that keeps it from being repaired."""
    if path[:8].upper() == "\\\\?\\UNC\\":
        return "\\\\" + path[8:]
    return path.removeprefix("\\\\?\\")


def _separators(system: ModuleType) -> str:
    return str(system.sep + (system.altsep or ""))
