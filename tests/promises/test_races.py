"""No race lets a secret out: names are swapped for links out of the root while both doors read."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests import race_compress
from tests.race import SHAPES, Reader, Shape, race

OPENS = {"wsgi": 1500, "asgi": 300}
MOST = 100_000

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="renameat2 is Linux's")


def enough(reader: Reader) -> int:
    """So many, and more where a busy machine let the reader meet one of the two states alone."""
    if reader.seen["served"] and (reader.seen["refused"] or reader.shape.moved):
        return OPENS[reader.door] - reader.seen.total()
    return 0 if reader.seen.total() > MOST else OPENS[reader.door]


@pytest.mark.rows("S396", "S397")
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_no_race_lets_a_secret_out(shape: Shape, tmp_path: Path) -> None:
    for mode, reader in race(shape, tmp_path, enough):
        seen, case = reader.seen, (mode, reader)
        assert not seen["escaped"], case
        assert not reader.outside, case
        assert seen.total() >= OPENS[reader.door], case
        assert seen["served"], case
        assert seen["refused"] or shape.moved, case


def worked(tally: race_compress.Tally) -> int:
    return sum(tally.counts[each] for each in ("written", "kept", "failed"))


def compressed_enough(tally: race_compress.Tally) -> bool:
    """So many runs, and more where a busy machine let all of them meet the links."""
    seen = tally.counts["swaps"] > 1 and worked(tally)
    return tally.counts["runs"] >= (18 if seen else 600)


@pytest.mark.parametrize("shape", race_compress.SHAPES, ids=lambda shape: shape.name)
def test_no_race_leads_compress_out_of_its_directory(shape: race_compress.Shape) -> None:
    tally = race_compress.race_until(shape, compressed_enough)
    assert not tally.outside, tally
    assert tally.counts["swaps"] > 1, tally
    assert worked(tally), tally
