"""A run on its two grounds: what is known of each."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from pipeline.grounds import summarise_grounds
from pipeline.tables import Segments, Track


def segments(*stretches: tuple[float, float | None]) -> Any:
    """Smooth stretches one after the other: metres and mean grade."""
    rows, start = [], 0.0
    for number, (length, grade) in enumerate(stretches):
        rows.append(
            {"run_id": "r", "segment_id": number, "terrain": "smooth", "direction": "level"}
            | {"start_s": start / 3, "end_s": (start + length) / 3, "start_m": start, "end_m": start + length}
            | {"grade_mean": grade, "technicality_mean": 0.1, "passes": 1, "reasons": "", "edited": False}
        )
        start += length
    return Segments.validate(pl.DataFrame(rows, schema=Segments.create_empty().schema))


def track() -> Any:
    """Ten seconds of running on smooth ground, one of them without a cadence that can be used."""
    begin = datetime(2026, 3, 1, 8, tzinfo=UTC)
    rows = [
        {"run_id": "r", "elapsed_s": s, "timestamp": begin + timedelta(seconds=s), "distance_m": 3.0 * s}
        | {"cadence_spm": 170.0 if s else None, "cadence_flag": "ok" if s else "missing"}
        | {"gait": "run", "terrain": "smooth", "segment_id": 0}
        for s in range(10)
    ]
    return Track.cast(
        pl.DataFrame(rows).pipe(
            lambda frame: pl.concat([Track.create_empty(), frame], how="diagonal_relaxed")
        )
    )


@pytest.mark.parametrize(
    ("stretches", "grade"),
    [
        ([(100.0, 0.04), (300.0, 0.0)], 0.01),
        ([(100.0, 0.04), (300.0, None)], 0.04),
        ([(100.0, None), (300.0, None)], None),
    ],
)
def test_the_grade_is_of_where_it_is_known(
    stretches: list[tuple[float, float | None]], grade: float | None
) -> None:
    """By distance: 100 m at 4 % and 300 m level are 1 %; 300 m of unknown grade say nothing."""
    (row,) = summarise_grounds(track(), segments(*stretches)).to_dicts()
    assert row["grade"] == (None if grade is None else pytest.approx(grade))
    assert row["distance_m"] == 400.0


def test_moving_cadence_and_use_are_of_the_seconds() -> None:
    """Ten seconds in motion, nine of them with a cadence that can be used."""
    (row,) = summarise_grounds(track(), segments((30.0, 0.0))).to_dicts()
    assert (row["moving_s"], row["cadence_spm"], row["usable"]) == (10, 170.0, 0.9)
