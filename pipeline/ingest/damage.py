"""What is left of a damaged recording: its sane records, and a sentence that says how much of it they are."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.ingest.activity import Activity
from pipeline.ingest.fit_decode import WRONG_CHECKSUM
from pipeline.recorded import Recorded

PIECE_RECORDS = 60
"""Between gaps of a day, what is left by damage needs as many records as this to be believed."""
_DAY_US = 86_400_000_000
# No device records longer at a stretch: what says more is damaged itself.
_LONGEST_MIN = 100 * 60.0
_POINT_TAGS = (b"<trkpt", b"<Trackpoint", b":trkpt ", b":Trackpoint>")


def without_implausible(activity: Activity) -> Activity:
    """The activity; of a damaged file only the records whose times agree.

    Kept is, of all selections in file order whose times never go back, the longest, less what lies a day
    off in fewer than `PIECE_RECORDS`.

    Bytes that went missing show only where a message makes no sense, so records before that may be misread.
    """
    if activity.damage is None and WRONG_CHECKSUM not in activity.run.warnings:
        return activity
    known = np.flatnonzero(activity.records["timestamp"].is_not_null().to_numpy())
    if not len(known):
        return activity
    time_us = activity.records["timestamp"].dt.epoch("us").to_numpy()[known].astype(np.int64)
    kept = known[_believed(time_us)]
    lost = len(activity.records) - len(kept)
    if not lost:
        return activity
    warning = f"{lost} records whose time does not fit the others were left out"
    run = replace(activity.run, warnings=(*activity.run.warnings, warning))
    return replace(activity, run=run, recorded=Recorded(activity.records[kept]))


def _believed(time_us: NDArray[np.int64]) -> NDArray[np.int64]:
    rows = _longest_forward(time_us)
    pieces = np.split(rows, np.flatnonzero(np.diff(time_us[rows]) > _DAY_US) + 1)
    longest = max(len(piece) for piece in pieces)
    return np.concatenate([piece for piece in pieces if len(piece) >= min(longest, PIECE_RECORDS)])


def _longest_forward(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Indices of the longest selection that never decreases (Schensted 1961, doi:10.4153/CJM-1961-015-3)."""
    if not (np.diff(values) < 0).any():
        return np.arange(len(values))
    ends: list[int] = []
    tails: list[int] = []
    before = np.empty(len(values), np.int64)
    for i, value in enumerate(values.tolist()):
        place = bisect_right(tails, value)
        before[i] = ends[place - 1] if place else -1
        ends[place : place + 1], tails[place : place + 1] = [i], [value]
    chain = [ends[-1]]
    while (previous := int(before[chain[-1]])) >= 0:
        chain.append(previous)
    return np.array(chain[::-1])


def damage_warning(activity: Activity, content: bytes) -> str:
    """How much of a damaged recording was kept and where it breaks, empty where the file is sound.

    How long it was is what its sessions or laps say, else what a FIT file's bytes after the damage, or the
    points of an XML file that could not be read, suggest.
    """
    damage = activity.damage
    if damage is None:
        return ""
    kept_min = _minutes(activity.records)
    whole_min = max(kept_min, _said_min(activity), _suggested_min(kept_min, activity, content))
    digits = 0 if whole_min >= 10 else 1
    place = f"the file breaks at byte {damage.byte:,} ({damage.reason})"
    if damage.reason.startswith("the file is cut") and whole_min - kept_min < 1:
        return f"kept {kept_min:.{digits}f} minutes, how many there were is not known: {place}"
    return f"kept {kept_min:.{digits}f} of about {whole_min:.{digits}f} minutes: {place}"


def _minutes(records: pl.DataFrame) -> float:
    first, last = records["timestamp"].min(), records["timestamp"].max()
    if not (isinstance(first, datetime) and isinstance(last, datetime)):
        return 0.0
    return (last - first).total_seconds() / 60


def _said_min(activity: Activity) -> float:
    """The length that sessions or laps say, 0 where they do not say or what nobody records at a stretch."""
    said = [
        float(table[name].sum() or 0.0) / 60
        for table in (activity.sessions, activity.laps)
        for name in ("total_elapsed_time_s", "total_timer_time_s")
        if name in table.columns and table[name].dtype.is_numeric()
    ]
    return max((minutes for minutes in said if minutes <= _LONGEST_MIN), default=0.0)


def _suggested_min(kept_min: float, activity: Activity, content: bytes) -> float:
    if activity.damage is None or activity.records.is_empty() or not activity.damage.byte:
        return 0.0
    if content[8:12] == b".FIT":
        declared = content[0] + int.from_bytes(content[4:8], "little") + 2
        share = max(len(content), declared) / activity.damage.byte
    else:
        share = max(content.count(tag) for tag in _POINT_TAGS) / len(activity.records)
    suggested = kept_min * share
    return suggested if suggested <= _LONGEST_MIN else 0.0
