"""TCX (Training Center XML), with the extensions TPX and LX of Garmin; other makers write the same."""

from __future__ import annotations

import math

import polars as pl
from lxml import etree

from pipeline.ingest.activity import Activity, ActivityInfo
from pipeline.ingest.points import ROW, activity_of_points, parse_time
from pipeline.ingest.sports import sport_of
from pipeline.ingest.xml import Document, local_name

_CHANNELS = {
    "Time": "timestamp",
    "LatitudeDegrees": "lat_deg",
    "LongitudeDegrees": "lon_deg",
    "AltitudeMeters": "altitude_m",
    "DistanceMeters": "distance_m",
    "HeartRateBpm": "heart_rate_bpm",
    "Cadence": "cadence",
    "Speed": "speed_mps",
    "Watts": "power_w",
}
_RUN_CADENCE = len(ROW)
"""A slot after the others: a foot's cadence replaces the bike's where a point has both."""


_INSTANT = pl.Datetime("us", "UTC")
_LAPS: dict[str, pl.DataType | type[pl.DataType]] = {
    "start_time": _INSTANT,
    "total_timer_time_s": pl.Float64,
    "total_distance_m": pl.Float64,
}
_SESSIONS: dict[str, pl.DataType | type[pl.DataType]] = {
    "start_time": _INSTANT,
    "sport": pl.String,
    "sub_sport": pl.String,
}


class _Columns(dict[str, int | None]):
    """Where in a point's row an element's text goes; asked once per spelling of a tag."""

    def __missing__(self, tag: str) -> int | None:
        name = local_name(tag)
        self[tag] = _RUN_CADENCE if name == "RunCadence" else ROW.get(_CHANNELS.get(name, ""))
        return self[tag]


def parse_tcx(content: bytes) -> Activity:
    """Every Trackpoint of every activity, lap and track of a TCX file, in file order, one row each.

    `laps` has start_time, total_timer_time_s and total_distance_m of each lap; `sessions` start_time,
    sport and sub_sport of each activity. A file of several sports is "multisport".

    Raises
    ------
    Rejected
        Where the document cannot be trusted (see `xml.Document`). A damaged one gives what can be read.
    """
    document = Document(content, point="Trackpoint")
    columns = _Columns()
    cells: list[str | None] = []
    track_ends: list[int] = []
    laps: list[dict[str, object]] = []
    sessions: list[dict[str, object]] = []
    device, firmware, file_kind = "", "", "course"
    for element in document.elements("Trackpoint", "Track", "Lap", "Activity", "Creator", "Workout"):
        name = local_name(element.tag)
        if name == "Trackpoint":
            cells += _row(element, columns)
        elif name == "Track":
            track_ends.append(len(cells) // len(ROW))
        elif name == "Lap":
            laps.append(_lap(element))
        elif name == "Activity":
            sessions.append(_session(element))
        elif name == "Creator":
            device, firmware = _text(element, "Name"), _version(element)
        elif not sessions:
            file_kind = "workout"
    first = sessions[0] if sessions else {"sport": "", "sub_sport": ""}
    sport = "multisport" if len({session["sport"] for session in sessions}) > 1 else str(first["sport"])
    return activity_of_points(
        cells,
        ActivityInfo(
            "tcx",
            sport,
            str(first["sub_sport"]),
            device=device,
            firmware=firmware,
            file_kind="activity" if sessions or document.damage else file_kind,
        ),
        breaks=track_ends,
        damage=document.damage,
        laps=pl.DataFrame(laps, schema=_LAPS),
        sessions=pl.DataFrame(sessions, schema=_SESSIONS),
    )


def _row(point: etree._Element, columns: _Columns) -> list[str | None]:
    row: list[str | None] = [None] * (len(ROW) + 1)
    for part in point.iter("*"):
        column = columns[part.tag]
        if column is not None and row[column] is None:
            row[column] = part[0].text if len(part) else part.text
    run_cadence = row.pop()
    if run_cadence is not None:
        row[ROW["cadence"]] = run_cadence
    return row


def _lap(lap: etree._Element) -> dict[str, object]:
    return {
        "start_time": parse_time(lap.get("StartTime")),
        "total_timer_time_s": _number(_text(lap, "TotalTimeSeconds")),
        "total_distance_m": _number(_text(lap, "DistanceMeters")),
    }


def _session(activity: etree._Element) -> dict[str, object]:
    sport, sub_sport = sport_of(activity.get("Sport") or "")
    return {"start_time": parse_time(_text(activity, "Id")), "sport": sport, "sub_sport": sub_sport}


def _text(element: etree._Element, child: str) -> str:
    return (element.findtext(f"{{*}}{child}") or "").strip()


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _version(creator: etree._Element) -> str:
    version = creator.find("{*}Version")
    if version is None:
        return ""
    return ".".join(filter(None, (_text(version, "VersionMajor"), _text(version, "VersionMinor"))))
