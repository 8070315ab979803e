"""What a path says, such as the target of a link, told by its text alone.

The system isn't asked: it might ask the host of a share, or a mount whose server is dead.
"""

from __future__ import annotations

import os
from types import ModuleType


def relative_parts(target: str, system: ModuleType = os.path) -> list[str] | None:
    """What stands between separators; None: it begins at a root, a drive or a share."""
    drive, parts = _split(target, system)
    return None if drive or (not parts[0] and target) else parts


def parts_below(target: str, root: str, system: ModuleType = os.path) -> list[str] | None:
    """The parts of an absolute target, seen from the root; None where it is not below."""
    drive, names = _names(target, system)
    root_drive, root_names = _names(root, system)
    above = [system.normcase(name) for name in names[: len(root_names)]]
    if drive not in ("", root_drive) or above != [system.normcase(name) for name in root_names]:
        return None
    return names[len(root_names) :]


def _names(path: str, system: ModuleType) -> tuple[str, list[str]]:
    drive, parts = _split(_plain(path) if system.altsep else path, system)
    return system.normcase(drive), [part for part in parts if part not in ("", ".")]


def _split(path: str, system: ModuleType) -> tuple[str, list[str]]:
    """The drive or share of a path, and what stands between its separators."""
    drive, tail = system.splitdrive(path)
    return drive, tail.replace(system.altsep or system.sep, system.sep).split(system.sep)


def literal(path: str, system: ModuleType = os.path) -> str:
    r"""An absolute path, on Windows with `\\?\` before it: no name is repaired, or too long."""
    if not system.altsep or path.startswith("\\\\?\\"):
        return path
    return f"\\\\?\\UNC{path[1:]}" if path.startswith("\\\\") else f"\\\\?\\{path}"


def _plain(path: str) -> str:
    """A path without such a beginning."""
    if path[:8].upper() == "\\\\?\\UNC\\":
        return "\\\\" + path[8:]
    return path.removeprefix("\\\\?\\")
