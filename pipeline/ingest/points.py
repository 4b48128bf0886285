"""Points of an XML file, as text, become the table of records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.ingest.activity import Activity, ActivityInfo, Damage
from pipeline.ingest.cadence import decide_cadence_unit
from pipeline.recorded import Recorded
from pipeline.tables import DataFrame, TimerEvents

EARTH_RADIUS_M = 6_371_000.0

CHANNELS = {
    "lat_deg": (-90.0, 90.0),
    "lon_deg": (-180.0, 180.0),
    "altitude_m": (-1_000.0, 20_000.0),
    "distance_m": (0.0, 1e7),
    "speed_mps": (0.0, 150.0),
    "cadence": (0.0, 300.0),
    "heart_rate_bpm": (0.0, 300.0),
    "power_w": (0.0, 5_000.0),
    "temperature_c": (-90.0, 90.0),
}
"""The numbers of a point and the range outside which one is no measurement."""

ROW = {name: index for index, name in enumerate(("timestamp", *CHANNELS))}
"""Where in a point's row of text a channel stands."""


def parse_time(text: str | None) -> datetime | None:
    """A date and time as text to UTC (text without an offset is UTC); None where it is none."""
    try:
        time = datetime.fromisoformat((text or "").strip())
    except ValueError:
        return None
    try:
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except OverflowError:
        return None


def activity_of_points(
    cells: list[str | None],
    run: ActivityInfo,
    *,
    breaks: Sequence[int],
    damage: Damage | None,
    warnings: tuple[str, ...] = (),
    laps: pl.DataFrame | None = None,
    sessions: pl.DataFrame | None = None,
) -> Activity:
    """The activity of an XML file: typed records, the unit of its cadence, timer events, warnings.

    `cells` are the points' texts, point after point in the order of `ROW`; `breaks` the indices of points
    that begin a new segment.
    """
    points, lost = points_table(cells)
    unit = decide_cadence_unit(points["cadence"].to_numpy(), speed_of(points))
    times = points["timestamp"]
    run = replace(
        run,
        start_time=first_time(times),
        utc_offset_s=_offset_in(next(filter(None, cells[:: len(ROW)]), "")),
        cadence_unit=unit.unit,
        cadence_unit_reason=unit.reason,
        warnings=warnings + lost + unit.question(run.device or run.creator),
    )
    return Activity(
        run=run,
        recorded=Recorded(_records(points, unit.steps_per_count)),
        timer_events=timer_events(times, breaks),
        laps=pl.DataFrame() if laps is None else laps,
        sessions=pl.DataFrame() if sessions is None else sessions,
        damage=damage,
    )


def first_time(times: pl.Series) -> datetime | None:
    """The first time that is not missing, in file order."""
    first = times.drop_nulls().first()
    return first if isinstance(first, datetime) else None


def _offset_in(time: str) -> int | None:
    """The local time zone of a time as text, where it has one other than UTC [s]."""
    try:
        offset = datetime.fromisoformat(time.strip()).utcoffset()
    except ValueError:
        return None
    return int(offset.total_seconds()) or None if offset is not None else None


def points_table(cells: list[str | None]) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Texts, point after point in the order of `ROW`, as a typed table, and warnings of the values lost.

    A value that cannot be read or lies outside its range is null: the row stays.
    """
    columns, lost = [], {}
    for name, slot in ROW.items():
        # One column at a time: as text a point takes far more room than as numbers.
        text = pl.Series(name, cells[slot :: len(ROW)], dtype=pl.String).str.strip_chars()
        values = _times(text) if name == "timestamp" else _numbers(text, *CHANNELS[name])
        lost[name] = text.count() - values.count()
        columns.append(values)
    points = pl.DataFrame(columns)
    warnings = tuple(
        f"{n} unreadable {'value' if n == 1 else 'values'} of {name} {'was' if n == 1 else 'were'} left out"
        for name, n in lost.items()
        if n
    )
    unfixed = pl.any_horizontal(pl.col("lat_deg", "lon_deg").is_null()) | (
        (pl.col("lat_deg") == 0) & (pl.col("lon_deg") == 0)
    )
    position = [pl.when(~unfixed).then(pl.col(name)).alias(name) for name in ("lat_deg", "lon_deg")]
    return points.with_columns(position), warnings


def _numbers(text: pl.Series, low: float, high: float) -> pl.Series:
    numbers = text.cast(pl.Float64, strict=False)
    return numbers.set(~numbers.is_between(low, high), None)


def _times(text: pl.Series) -> pl.Series:
    times = text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", strict=False).dt.replace_time_zone(
        "UTC"
    )
    unread = (text.is_not_null() & times.is_null()).to_numpy().nonzero()[0]
    if unread.size:
        others = pl.Series([parse_time(text[int(i)]) for i in unread], dtype=times.dtype)
        times = times.scatter(unread, others)
    return times.set(~times.dt.year().is_between(1, 9998), None)


def _records(points: pl.DataFrame, cadence_factor: float) -> pl.DataFrame:
    """The table `tables.Records` of a file: cadence in steps per minute, unused further channels left out."""
    further = [name for name in ("power_w", "temperature_c") if points[name].count()]
    return points.select(
        "timestamp",
        "lat_deg",
        "lon_deg",
        "altitude_m",
        "distance_m",
        "speed_mps",
        (pl.col("cadence") * cadence_factor).alias("cadence_spm"),
        "heart_rate_bpm",
        *further,
    )


def speed_of(records: pl.DataFrame) -> NDArray[np.float64]:
    """Speed of each record [m/s], NaN where unknown: as recorded, else from distance, else from positions.

    A channel of one value only, as some programs write, is no measurement. From distance and positions
    it is the mean over about 10 s round the record, since positions jump.
    """
    if records["speed_mps"].drop_nulls().n_unique() > 1:
        return records["speed_mps"].to_numpy()
    time_s = records["timestamp"].dt.epoch("us").cast(pl.Float64).to_numpy() / 1e6
    if records["distance_m"].drop_nulls().n_unique() > 1:
        distance_m = records["distance_m"].to_numpy()
    else:
        distance_m = _distance_along(records["lat_deg"].to_numpy(), records["lon_deg"].to_numpy())
    speed = np.full(len(records), np.nan)
    known = np.flatnonzero(np.isfinite(time_s) & np.isfinite(distance_m))
    if known.size < 2:
        return speed
    time_s, distance_m = time_s[known], distance_m[known]
    before = np.clip(np.searchsorted(time_s, time_s - 5.0), 0, known.size - 1)
    after = np.clip(np.searchsorted(time_s, time_s + 5.0, side="right") - 1, 0, known.size - 1)
    seconds = time_s[after] - time_s[before]
    metres = distance_m[after] - distance_m[before]
    sound = (seconds > 0) & (seconds <= 30) & (metres >= 0)
    speed[known[sound]] = metres[sound] / seconds[sound]
    return speed


def _distance_along(lat_deg: NDArray[np.float64], lon_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance along the fixes [m], NaN where there is no fix."""
    distance = np.full(lat_deg.size, np.nan)
    fixes = np.flatnonzero(np.isfinite(lat_deg) & np.isfinite(lon_deg))
    if fixes.size:
        lat, lon = np.radians(lat_deg[fixes]), np.radians(lon_deg[fixes])
        east = np.diff(lon) * np.cos((lat[1:] + lat[:-1]) / 2)
        distance[fixes] = np.concatenate(([0.0], np.cumsum(EARTH_RADIUS_M * np.hypot(np.diff(lat), east))))
    return distance


def timer_events(times: pl.Series, breaks: Sequence[int]) -> DataFrame[TimerEvents]:
    """The timer starts with the first point, stops with the last, and at each break that is a gap.

    `breaks` are the indices of points that begin a new segment. A break counts where its gap is
    longer than 95 % of the file's intervals and than 2 s: a lap's border is no pause.
    """
    stamps = times.drop_nulls()
    if stamps.is_empty():
        return TimerEvents.create_empty()
    intervals_s = stamps.diff().dt.total_microseconds().drop_nulls() / 1e6
    usual_s = max(2.0, intervals_s.quantile(0.95, "lower") or 0.0)
    before, after = times.fill_null(strategy="forward"), times.fill_null(strategy="backward")
    events = [(stamps[0], "start")]
    for index in breaks:
        if 0 < index < len(times) and before[index - 1] and after[index]:
            last, first = before[index - 1], after[index]
            if (first - last).total_seconds() > usual_s:
                events += [(last, "stop"), (first, "start")]
    events.append((stamps[-1], "stop"))
    frame = pl.DataFrame(events, schema=["timestamp", "event_type"], orient="row")
    return TimerEvents.cast(frame)
