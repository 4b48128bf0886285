"""What every reader gives, whatever the format: one `Activity` per file."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

import polars as pl

from pipeline.recorded import Recorded
from pipeline.tables import DataFrame, TimerEvents


@dataclass(frozen=True, slots=True)
class Damage:
    """Where a file breaks: byte offset and what is wrong there."""

    byte: int
    reason: str


@dataclass(frozen=True, slots=True)
class ActivityInfo:
    """What the file says of itself. Empty strings and None where it does not say."""

    source_format: str  # "fit", "gpx" or "tcx"
    sport: str = ""  # FIT sport name: "running", "cycling", "swimming", ...
    sub_sport: str = ""  # FIT sub-sport name: "trail", "treadmill", ...
    start_time: datetime | None = None  # UTC, of the first record with a time
    local_date: date | None = None  # day where the runner was
    utc_offset_s: int | None = None  # as the file or the position says
    device: str = ""  # maker and product, "garmin fenix7"
    firmware: str = ""
    creator: str = ""  # program that wrote the file, where it is not the device (GPX, TCX)
    cadence_unit: str = "none"  # one of tables.CADENCE_UNITS
    cadence_unit_reason: str = ""
    file_kind: str = "activity"  # FIT file_id type: "activity", "workout", "settings", "course", ...
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Activity:
    """A recording as read: nothing resampled, nothing dropped."""

    run: ActivityInfo
    recorded: Recorded
    timer_events: DataFrame[TimerEvents]
    laps: pl.DataFrame = field(default_factory=pl.DataFrame)
    sessions: pl.DataFrame = field(default_factory=pl.DataFrame)
    sets: pl.DataFrame = field(default_factory=pl.DataFrame)
    damage: Damage | None = None

    @property
    def records(self) -> pl.DataFrame:
        """One row per record message, in file order.

        The columns of `tables.Records` first, then any further channel of the file under a unit-bearing name.
        """
        return self.recorded.table
