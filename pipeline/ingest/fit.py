"""FIT files -> Activity."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import cast

import numpy as np
import polars as pl

from pipeline.columns import dtypes
from pipeline.ingest import fit_profile as profile
from pipeline.ingest.activity import Activity, ActivityInfo
from pipeline.ingest.fit_decode import Decoded, Floats, Table, decode_fit, unwrap
from pipeline.recorded import Recorded, Samples, columns_of, instants
from pipeline.tables import DataFrame, TimerEvents

_EPOCH = datetime(1989, 12, 31, tzinfo=UTC)
_EPOCH_S = int(_EPOCH.timestamp())
# Below this a FIT time counts seconds since the device was switched on (FIT protocol, date_time).
_FIRST_ABSOLUTE_S = 0x10000000
_DAY_S = 86400
_INSTANT = pl.Datetime("us", "UTC")
_NOTHING = pl.Series([], dtype=_INSTANT)
_TIMER = 0
_TIMER_TYPES = {0: "start", 1: "stop", 4: "stop", 8: "stop", 9: "stop"}
_GARBAGE_RECORDS = 100
# Record fields that the columns of tables.Records are made of.
_CORE_SOURCES = frozenset(
    [
        *("timestamp", "position_lat", "position_long", "distance", "heart_rate"),
        *("altitude", "enhanced_altitude", "speed", "enhanced_speed", "compressed_speed_distance"),
        *("cadence", "fractional_cadence", "cadence256"),
    ]
)
_STRIDES = "a FIT file counts the cycles of one leg, so its cadence was doubled"


def parse_fit(content: bytes) -> Activity:
    """Read a FIT file: records, timer events, laps, sessions and strength sets, in the file's own order.

    Nothing is resampled and no record is dropped; after damage only what came before is given. Cadence is
    steps per minute: FIT's profile stores one leg's cycles, so `2 * (cadence + fractional_cadence)`.
    Raises Rejected where the content is empty, not FIT, or holds no message.
    """
    decoded = decode_fit(content)
    if decoded.damage is not None and not decoded.damage.reason.startswith("the file is cut short"):
        _drop_implausible_tail(decoded)
    warnings = list(decoded.warnings)
    shift, clock = _time_shift(decoded)
    warnings += clock
    samples = _samples(decoded, shift, warnings)
    sessions = _frame(decoded.table(profile.SESSION), shift)
    return Activity(
        run=replace(_info(decoded, samples, sessions, shift), warnings=tuple(warnings)),
        recorded=Recorded(samples),
        timer_events=_timer_events(decoded.table(profile.EVENT), shift),
        laps=_frame(decoded.table(profile.LAP), shift),
        sessions=sessions,
        sets=_sets(decoded, shift),
        damage=decoded.damage,
    )


def _drop_implausible_tail(decoded: Decoded) -> None:
    """Cut the records after damage from the first whose time is lost or a day off the one before.

    Bytes that went missing show only when a message makes no sense; what was read in between is garbage.
    """
    table = decoded.table(profile.RECORD)
    times = table.numbers("timestamp")[-_GARBAGE_RECORDS:]
    # A lost time makes the comparison False and so counts as a break.
    breaks = np.flatnonzero(~(np.abs(np.diff(times)) < _DAY_S))
    if len(breaks) and np.isfinite(times[0]):
        keep = len(table.positions) - len(times) + int(breaks[0]) + 1
        table.positions = table.positions[:keep]
        table.columns = {key: values[:keep] for key, values in table.columns.items()}


def _time_shift(decoded: Decoded) -> tuple[float, list[str]]:
    """Seconds to add to relative times, NaN where unknown, and what a person should know of it."""
    times = decoded.table(profile.RECORD).numbers("timestamp")
    relative = times[times < _FIRST_ABSOLUTE_S]
    if not len(relative):
        return np.nan, []
    link = decoded.table(profile.TIMESTAMP_CORRELATION)
    shifts = link.numbers("timestamp") - link.numbers("system_timestamp")
    if np.isfinite(shifts).any():
        return float(shifts[np.isfinite(shifts)][0]), ["times before the clock was set were set right by it"]
    if len(relative) == np.isfinite(times).sum():
        for message, name in ((profile.SESSION, "start_time"), (profile.FILE_ID, "time_created")):
            anchor = decoded.table(message).numbers(name)
            anchor = anchor[anchor >= _FIRST_ABSOLUTE_S]
            if len(anchor):
                shift = float(anchor[0] - relative[0])
                return shift, [f"the device's clock was not set: times count from the file's {name}"]
    return np.nan, [f"{len(relative)} records have no date, since the device's clock was not set"]


def _absolute(seconds: Floats, shift: float) -> Floats:
    """FIT seconds, relative ones shifted; NaN where the shift is unknown."""
    relative = seconds < _FIRST_ABSOLUTE_S
    return np.where(relative, seconds + shift, seconds) if relative.any() else seconds


def _instants(name: str, seconds: Floats, shift: float) -> pl.Series:
    """FIT seconds -> UTC; null where unknown."""
    return instants(name, _absolute(seconds, shift) + _EPOCH_S)


def _names(name: str, kind: str, values: Floats) -> pl.Series:
    """Enumerated values -> the profile's names."""
    codes = np.where(values >= 0, values, -1).tolist()
    known = {code: profile.value_name(kind, int(code)) if code >= 0 else None for code in set(codes)}
    return pl.Series(name, [known[code] for code in codes], dtype=pl.String)


def _channels(
    table: Table, shift: float, skip: frozenset[str] = frozenset()
) -> tuple[dict[str, Floats], list[pl.Series]]:
    """The table's fields under names with their units: numbers, and columns of times, texts and lists."""
    others: dict[str, pl.Series] = {}
    numbers: dict[str, Floats] = {}
    for (field, form), values in table.columns.items():
        if field.name in skip or (field.kind and form == "text"):
            continue
        # A field that is a number in one definition and an array or text in another gives two columns.
        column = field.column
        name = column if column not in numbers and column not in others else f"{column}_{form}"
        if form == "text":
            others[name] = pl.Series(name, values.tolist(), dtype=pl.String)
        elif field.kind:
            # Times and names are single values: of an array that only damage makes the first counts.
            codes = values.astype(np.float64) if form == "number" else table.numbers(field.name)
            timed = field.kind == "time"
            others[name] = _instants(name, codes, shift) if timed else _names(name, field.kind, codes)
        elif form == "list":
            others[name] = pl.Series(name, values.tolist(), dtype=pl.List(pl.Float64))
        else:
            numbers[name] = values.astype(np.float64, copy=False)
    return numbers, list(others.values())


def _frame(table: Table, shift: float) -> pl.DataFrame:
    numbers, others = _channels(table, shift)
    return pl.DataFrame([*others, *columns_of(numbers)])


def _first_valid(length: int, *choices: Floats | None) -> Floats:
    """Of each row the first that is a number; NaN where none is."""
    there = [values for values in choices if values is not None]
    found = there[0] if there else np.full(length, np.nan)
    for other in there[1:]:
        found = np.where(np.isfinite(found), found, other)
    return found


def _samples(decoded: Decoded, shift: float, warnings: list[str]) -> Samples:
    table = decoded.table(profile.RECORD)
    length, find = len(table.positions), table.find
    packed_speed, packed_distance = _unpack_speed_distance(table, decoded.segments)
    lat, lon = table.numbers("position_lat"), table.numbers("position_long")
    off_the_globe = np.abs(lat) > 90
    if off_the_globe.any():
        warnings.append(f"{int(off_the_globe.sum())} positions beyond the poles were left out")
        lat, lon = np.where(off_the_globe, np.nan, lat), np.where(off_the_globe, np.nan, lon)
    cadence, fraction = find("cadence"), find("fractional_cadence")
    if cadence is not None and fraction is not None:
        cadence = cadence + np.where(np.isfinite(fraction), fraction, 0)
    core = {
        "lat_deg": lat,
        "lon_deg": lon,
        "altitude_m": _first_valid(length, find("enhanced_altitude"), find("altitude")),
        "distance_m": _first_valid(length, find("distance"), packed_distance),
        "speed_mps": _first_valid(length, find("enhanced_speed"), find("speed"), packed_speed),
        "cadence_spm": 2 * _first_valid(length, cadence, find("cadence256")),
        "heart_rate_bpm": table.numbers("heart_rate"),
    }
    further, others = _channels(table, shift, _CORE_SOURCES)
    time_s = _absolute(table.numbers("timestamp"), shift) + _EPOCH_S
    return Samples(time_s, core | further, tuple(others))


def _unpack_speed_distance(
    table: Table, segments: tuple[int, ...]
) -> tuple[Floats, Floats] | tuple[None, None]:
    """Speed (m/s) and distance (m) from three bytes: 12 bits of each, the distance counting round."""
    packed = table.objects("compressed_speed_distance", "list")
    rows = [i for i, three in enumerate(packed) if three is not None and len(three) == 3]
    if not rows:
        return None, None
    speed, distance = (np.full(len(table.positions), np.nan) for _ in range(2))
    low, middle, high = np.array([packed[i] for i in rows], dtype=np.int64).T
    speed[rows] = (low | (middle & 15) << 8) / 100
    sixteenths = middle >> 4 | high << 4
    file = np.searchsorted(segments, table.positions[rows])
    full = np.where(np.diff(file, prepend=-1) != 0, sixteenths, -1)
    distance[rows] = unwrap(sixteenths, 12, full) / 16
    return speed, distance


def _timer_events(table: Table, shift: float) -> DataFrame[TimerEvents]:
    seconds = table.numbers("timestamp")
    kind = np.where(table.numbers("event") == _TIMER, table.numbers("event_type"), np.nan)
    known = np.isfinite(_absolute(seconds, shift)).tolist()
    rows = [i for i, name in enumerate(kind.tolist()) if name in _TIMER_TYPES and known[i]]
    names = [_TIMER_TYPES[name] for name in kind[rows].tolist()]
    event_types = pl.Series("event_type", names, dtype=dtypes(TimerEvents)["event_type"])
    frame = pl.DataFrame([_instants("timestamp", seconds[rows], shift), event_types])
    return cast(DataFrame[TimerEvents], frame)


def _sets(decoded: Decoded, shift: float) -> pl.DataFrame:
    """Strength sets: the profile's fields, and the names of the first category and its exercise."""
    table = decoded.table(profile.SET)
    frame = _frame(table, shift)
    if frame.is_empty():
        return frame
    titled = decoded.table(profile.EXERCISE_TITLE)
    numbers = (titled.numbers(name).tolist() for name in ("exercise_category", "exercise_name"))
    titles = dict(zip(zip(*numbers, strict=True), titled.objects("wkt_step_name", "text"), strict=False))
    categories, exercises = [], []
    pairs = zip(table.numbers("category").tolist(), table.numbers("category_subtype").tolist(), strict=True)
    for category, number in pairs:
        name = "" if category != category else profile.value_name("exercise_category", int(category))
        known = "" if number != number else profile.exercise_name(name, int(number))
        categories.append(name or None)
        exercises.append(known or titles.get((category, number)) or None)
    return frame.with_columns(
        pl.Series("category", categories, dtype=pl.String), pl.Series("exercise", exercises, dtype=pl.String)
    )


def _info(decoded: Decoded, samples: Samples, sessions: pl.DataFrame, shift: float) -> ActivityInfo:
    file_id, activity = decoded.table(profile.FILE_ID), decoded.table(profile.ACTIVITY)
    sport, sub_sport = (
        _first_text(sessions, name) or _first_name(decoded.table(profile.SPORT), name)
        for name in ("sport", "sub_sport")
    )
    record, session = decoded.table(profile.RECORD), decoded.table(profile.SESSION)
    starts = (record.numbers("timestamp"), session.numbers("start_time"))
    start = next(filter(None, (_first_instant(_absolute(seconds, shift)) for seconds in starts)), None)
    offset = _utc_offset(activity)
    local_date: date | None = None
    if start is not None and offset is not None:
        local_date = (start + timedelta(seconds=offset)).date()
    has_cadence = bool(np.isfinite(samples.numbers["cadence_spm"]).any())
    return ActivityInfo(
        source_format="fit",
        sport=sport,
        sub_sport=sub_sport,
        start_time=start,
        local_date=local_date,
        utc_offset_s=offset,
        device=_device(file_id),
        firmware=_firmware(decoded),
        cadence_unit="strides_per_minute" if has_cadence else "none",
        cadence_unit_reason=_STRIDES if has_cadence else "",
        file_kind=_first_name(file_id, "type") or "activity",
    )


def _first_text(frame: pl.DataFrame, name: str) -> str:
    return next((text for text in frame.get_column(name, default=_NOTHING).to_list() if text), "")


def _first_name(table: Table, name: str) -> str:
    """The first value of an enumerated field, in the profile's words; empty where there is none."""
    number = _first(table.numbers(name))
    kinds = [field.kind for field, _ in table.columns if field.name == name]
    return "" if number is None else profile.value_name(kinds[0], number)


def _first(values: Floats) -> int | None:
    known = values[np.isfinite(values)]
    return int(known[0]) if len(known) else None


def _first_instant(seconds: Floats) -> datetime | None:
    known = np.isfinite(seconds)
    return _EPOCH + timedelta(seconds=float(seconds[known.argmax()])) if known.any() else None


def _utc_offset(activity: Table) -> int | None:
    """Local minus universal time to the quarter of an hour, None where that is no offset in use on Earth."""
    differences = activity.numbers("local_timestamp") - activity.numbers("timestamp")
    known = differences[np.isfinite(differences)]
    if not len(known):
        return None
    offset = round(float(known[0]) / 900) * 900
    return offset if -12 * 3600 <= offset <= 14 * 3600 else None


def _device(file_id: Table) -> str:
    maker_number, product_number = _first(file_id.numbers("manufacturer")), _first(file_id.numbers("product"))
    maker = "" if maker_number is None else profile.value_name("manufacturer", maker_number)
    if maker.isdigit():
        maker = f"manufacturer {maker}"
    product = next((text.strip() for text in file_id.objects("product_name", "text") if text), "")
    if not product and product_number is not None:
        product = profile.product_name(maker, product_number)
    if product.lower().startswith(f"{maker} "):
        product = product[len(maker) + 1 :]
    return f"{maker} {product}".strip()


def _firmware(decoded: Decoded) -> str:
    """The software version of the device that wrote the file."""
    devices = decoded.table(profile.DEVICE_INFO)
    own = devices.numbers("software_version")[devices.numbers("device_index") == 0]
    versions = np.concatenate([own, decoded.table(profile.FILE_CREATOR).numbers("software_version") / 100])
    known = versions[np.isfinite(versions)]
    return f"{known[0]:.2f}" if len(known) else ""
