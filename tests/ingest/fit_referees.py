"""Three independent FIT decoders as referees, and the comparison of ours with them.

`python -m tests.ingest.fit_referees FOLDER [REFEREE ...]` compares every FIT file under a folder with them: a
quarter of an hour for fitdecode, more for fitparse and for Garmin's own SDK, on two cores.
"""

from __future__ import annotations

import collections
import hashlib
import math
import sys
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import fitdecode
import fitparse
import fitparse.records
import garmin_fit_sdk
import garmin_fit_sdk.fit as garmin_types
from garmin_fit_sdk.profile import Profile

from pipeline.errors import Rejected
from pipeline.ingest import fit_profile
from pipeline.ingest.fit import parse_fit
from pipeline.ingest.fit_layout import Description
from pipeline.tables import Records

CORE = tuple(Records.column_names())
CONSUMED = {
    *(
        "timestamp",
        "position_lat",
        "position_long",
        "altitude",
        "enhanced_altitude",
        "distance",
        "heart_rate",
    ),
    *("speed", "enhanced_speed", "cadence", "fractional_cadence", "cadence256"),
    "compressed_speed_distance",
}
FIELDS = {field.name: field for field in fit_profile.fields()[fit_profile.RECORD].values()}
# What Garmin's SDK works out of other fields without saying so: not compared with it.
EXPANDED = {"total_cycles", "accumulated_power", "enhanced_respiration_rate"}
Row = dict[str, Any]


def fit_files(folder: Path) -> list[Path]:
    """Every file under the folder that is named as FIT and has FIT's mark."""
    named = sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".fit")
    return [path for path in named if path.read_bytes()[8:12] == b".FIT"]


def fitdecode_rows(content: bytes) -> Iterator[Row]:
    """The record messages as fitdecode reads them."""
    options = {
        "check_crc": fitdecode.CrcCheck.DISABLED,
        "error_handling": fitdecode.ErrorHandling.IGNORE,
    }
    with fitdecode.FitReader(content, **options) as reader:
        for frame in reader:
            if frame.frame_type == fitdecode.FIT_FRAME_DATA and frame.global_mesg_num == fit_profile.RECORD:
                yield _row_of_message(frame)


def fitparse_rows(content: bytes) -> Iterator[Row]:
    """The record messages as fitparse reads them, without what it remembers of the file before."""
    fitparse.records.DEV_TYPES.clear()
    for message in fitparse.FitFile(content, check_crc=False).get_messages("record"):
        row = _row_of_message(message)
        yield {name: row[name] for name in CORE}


def garmin_rows(content: bytes) -> Iterator[Row]:
    """The record messages as Garmin's own SDK reads them."""
    rows: list[Row] = []
    described: dict[int, Any] = {}

    def listen(number: int, message: Row) -> None:
        if number == fit_profile.RECORD:
            rows.append(_row_of_garmin(message, described))

    def describe(key: int, _: Any, description: Any) -> None:
        described[key] = description

    _, errors = garmin_fit_sdk.Decoder(garmin_fit_sdk.Stream.from_byte_array(bytearray(content))).read(
        convert_types_to_strings=False,
        enable_crc_check=False,
        expand_sub_fields=False,
        merge_heart_rates=False,
        mesg_listener=listen,
        field_description_listener=describe,
    )
    yield from rows
    if errors:
        raise errors[0]


REFEREES: dict[str, Callable[[bytes], Iterator[Row]]] = {
    "fitdecode": fitdecode_rows,
    "fitparse": fitparse_rows,
    "garmin": garmin_rows,
}


def _row_of_message(message: Any) -> Row:
    """Our columns from a message of fitdecode or fitparse: native fields, and what was expanded from them."""
    native: Row = {}
    developer: Row = {}
    expanded: Row = {}
    for field in message.fields:
        definition = field.field_def
        if definition is None:
            expanded.setdefault(field.name, field.value)
        elif type(definition).__name__ == "DevFieldDefinition":
            known = definition.field
            index = known.dev_data_index
            name = Description(index, known.def_num, 0, known.name or "", known.units or "").field().column
            developer.setdefault(name, field.value)
        elif field.name in FIELDS:
            # Of a number with flags the referees name two values only.
            value = field.raw_value if field.name in {"left_right_balance", "device_index"} else field.value
            native.setdefault(field.name, value)
    return _row(native, developer, expanded)


def _row_of_garmin(message: Row, described: dict[int, Any]) -> Row:
    """Our columns from a message of Garmin's SDK, which does not say what it expanded."""
    developer: Row = {}
    for key, value in message.get("developer_fields", {}).items():
        known = described[key]
        index, number = known["developer_data_index"], known["field_definition_number"]
        units = known.get("units") or ""
        name = Description(index, number, 0, known.get("field_name") or "", units).field().column
        base = known["fit_base_type_id"] & garmin_types.BASE_TYPE_MASK
        invalid = garmin_types.BASE_TYPE_DEFINITIONS[base]["invalid"]
        developer.setdefault(name, None if value == invalid else value)
    native: Row = {}
    for name, value in message.items():
        if name in FIELDS and name not in EXPANDED:
            names = Profile["types"].get(FIELDS[name].kind, {})
            native[name] = names.get(value, value) if isinstance(value, int) else value
    return _row(native, developer, {})


def _row(native: Row, developer: Row, expanded: Row) -> Row:
    """Our columns from a referee's message: native fields before what it expanded, developer fields apart."""

    def first(*names: str) -> Any:
        values = (source.get(name) for name in names for source in (native, expanded))
        return next((value for value in values if value is not None), None)

    cadence = native.get("cadence")
    if cadence is None:
        cadence = native.get("cadence256")
    else:
        cadence += native.get("fractional_cadence") or 0
    timestamp = first("timestamp")
    # A number is seconds since switching on in a file without any date: no time that we could give.
    timestamp = timestamp.replace(tzinfo=UTC) if isinstance(timestamp, datetime) else None
    semicircles = (native.get(name) for name in ("position_lat", "position_long"))
    degrees = (None if turn is None else turn * 180 / 2**31 for turn in semicircles)

    def number(name: str) -> Any:
        value = native.get(name)
        return value[0] if isinstance(value, tuple) else value

    core = (
        timestamp,
        *degrees,
        first("altitude") if number("enhanced_altitude") is None else number("enhanced_altitude"),
        first("distance"),
        first("speed") if number("enhanced_speed") is None else number("enhanced_speed"),
        None if cadence is None else 2 * cadence,
        native.get("heart_rate"),
    )
    others = {FIELDS[name].column: value for name, value in native.items() if name not in CONSUMED}
    return {**dict(zip(CORE, core, strict=True)), **others, **developer}


def equal(ours: Any, theirs: Any) -> bool:
    """Whether two values are the same but for the representation of floats."""
    if isinstance(theirs, tuple | list):
        theirs = None if all(one is None for one in theirs) else theirs
        if theirs is None or not isinstance(ours, list):
            return ours is theirs
        return len(ours) == len(theirs) and all(map(equal, ours, theirs))
    if isinstance(ours, float) and isinstance(theirs, int | float):
        return math.isclose(ours, theirs, rel_tol=1e-12, abs_tol=1e-9)
    if isinstance(ours, str):
        return ours == str(theirs)
    if isinstance(theirs, float) and not math.isfinite(theirs):
        return ours is None
    return bool(ours == theirs)


def compare(path: Path, referee: str) -> tuple[str, str]:
    """The outcome ("equal", "refused by both", "referee stopped", "unequal", ...) and what differs."""
    content = path.read_bytes()
    rows: list[Row] = []
    stopped = ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            rows.extend(REFEREES[referee](content))
        except Exception as error:
            stopped = f"{type(error).__name__}: {error}"
    try:
        activity = parse_fit(content)
    except Rejected as error:
        return ("refused by both" if stopped or not rows else "refused by us"), str(error)
    ours = activity.records
    if len(rows) != len(ours) and not stopped:
        return "unequal", f"{len(ours)} records, {referee} has {len(rows)}"
    shared = min(len(rows), len(ours))
    for name in dict.fromkeys(name for row in rows for name in row):
        if name not in ours.columns:
            if any(row.get(name) is not None for row in rows[:shared]):
                return "unequal", f"no column {name}"
            continue
        for i, (mine, row) in enumerate(zip(ours[name].to_list(), rows, strict=False)):
            if not equal(mine, row.get(name)):
                return "unequal", f"{name} of record {i}: {mine!r}, {referee} has {row.get(name)!r}"
    if stopped:
        return (
            "referee stopped",
            f"{stopped}; same values in {shared} records, ours {len(ours)}, its {len(rows)}",
        )
    return "equal", f"{shared} records"


def chosen(path: Path, share: int) -> bool:
    """A deterministic choice of one file in `share`, the same on every machine."""
    return int(hashlib.sha256(path.name.encode()).hexdigest(), 16) % share == 0


if __name__ == "__main__":
    files = fit_files(Path(sys.argv[1]))
    for referee in sys.argv[2:] or REFEREES:
        counts: collections.Counter[str] = collections.Counter()
        # Polars must not be forked.
        with ProcessPoolExecutor(2, get_context("spawn")) as pool:
            for path, (outcome, detail) in zip(
                files, pool.map(partial(compare, referee=referee), files, chunksize=4), strict=True
            ):
                counts[outcome] += 1
                if outcome != "equal":
                    print(referee, outcome, path.relative_to(sys.argv[1]), detail, sep="\t", flush=True)
        print(referee, len(files), "files", dict(counts), flush=True)
