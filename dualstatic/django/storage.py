"""Storages for `STORAGES["staticfiles"]`: collectstatic writes the siblings, too."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
from functools import partial

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage, StaticFilesStorage

from .. import options as check
from ..core.codings import SUFFIXES
from .settings import OfDjango, options_of_the_settings

_Processed = tuple[str, str, bool]
"""A name, what was made of it, and whether that was made now: what collectstatic takes."""

_log = logging.getLogger("dualstatic")


class CompressedStaticFilesStorage(StaticFilesStorage):
    """Django's StaticFilesStorage, and the siblings of all that lies there."""

    def post_process(
        self, paths: OfDjango, dry_run: bool = False, **options: OfDjango
    ) -> Iterator[_Processed]:
        if hasattr(super(), "post_process"):  # siblings come last: it writes files, too
            yield from super().post_process(paths, dry_run=dry_run, **options)
        if not dry_run:
            yield from _write_siblings(self.location)


class CompressedManifestStaticFilesStorage(
    CompressedStaticFilesStorage, ManifestStaticFilesStorage
):
    """Django's ManifestStaticFilesStorage, and the siblings of all that lies there."""


def _write_siblings(location: str) -> Iterator[_Processed]:
    """Do what `python -m dualstatic compress` does, for the names that are to be served.

    What fails is logged: its file is served as it is.
    """
    # Here, as servers import this module, too.
    from ..compress.codecs import installed
    from ..compress.siblings import State, Stop
    from ..compress.work import outcomes

    options = options_of_the_settings()
    also = {name: options.get(name, False) for name in ("dotfiles", "follow_symlink")}
    wanted = check.encodings(options.get("encodings", [*SUFFIXES]))
    codecs = installed(wanted, partial(_log.warning, "left out: %s"))
    with closing(outcomes(location, codecs, Stop(), **also)) as each:
        for outcome in each:
            if said := outcome.reason or outcome.note:
                _log.warning("%s: %s", outcome.name, said)
            if outcome.state in (State.WRITTEN, State.DATED, State.CURRENT):
                plain = outcome.name.rpartition(".")[0]
                yield plain, outcome.name, outcome.state is State.WRITTEN
