"""GPX 1.0 and 1.1, with the extensions of Garmin, Strava, Suunto, COROS, Amazfit and others."""

from __future__ import annotations

import re

from pipeline.ingest.activity import Activity, ActivityInfo
from pipeline.ingest.points import ROW, activity_of_points
from pipeline.ingest.sports import sport_of
from pipeline.ingest.xml import Document, local_name

_SPELLINGS = {
    "time": "timestamp",
    "ele": "altitude_m",
    "distance": "distance_m",
    "speed": "speed_mps",
    "cad": "cadence",
    "cadence": "cadence",
    "runcadence": "cadence",
    "hr": "heart_rate_bpm",
    "heartrate": "heart_rate_bpm",
    "heartratebpm": "heart_rate_bpm",
    "power": "power_w",
    "watts": "power_w",
    "powerinwatts": "power_w",
    "atemp": "temperature_c",
    "temp": "temperature_c",
    "temperature": "temperature_c",
}


class _Columns(dict[str, int | None]):
    """Where in a point's row an element's text goes; asked once per spelling of a tag."""

    def __missing__(self, tag: str) -> int | None:
        channel = _SPELLINGS.get(local_name(tag).lower())
        self[tag] = ROW[channel] if channel else None
        return self[tag]


def parse_gpx(content: bytes) -> Activity:
    """Every point of every track and segment of a GPX file, in file order, one row each.

    Raises
    ------
    Rejected
        Where the document cannot be trusted (see `xml.Document`). A damaged one gives what can be read.
    """
    document = Document(content, point="trkpt")
    columns = _Columns()
    lat, lon = ROW["lat_deg"], ROW["lon_deg"]
    cells: list[str | None] = []
    segment_ends: list[int] = []
    kinds: list[str] = []
    for element in document.elements("trkpt", "trkseg", "type"):
        name = local_name(element.tag)
        if name == "trkpt":
            row: list[str | None] = [None] * len(ROW)
            row[lat], row[lon] = element.get("lat"), element.get("lon")
            for part in element.iter("*"):
                column = columns[part.tag]
                if column is not None and row[column] is None:
                    row[column] = part.text
            cells += row
        elif name == "trkseg":
            segment_ends.append(len(cells) // len(ROW))
        elif (parent := element.getparent()) is not None and local_name(parent.tag) == "trk":
            kinds.append((element.text or "").strip())
    creator = document.root_attributes.get("creator", "").strip()
    return activity_of_points(
        cells,
        ActivityInfo("gpx", *sport_of(kinds[0] if kinds else ""), device=_device(creator), creator=creator),
        breaks=segment_ends,
        damage=document.damage,
        warnings=_several(kinds),
    )


def _device(creator: str) -> str:
    """The watch, where the creator names one; most name a site or a program instead."""
    return creator if re.search(r"watch|garmin (?!connect)|suunto|coros|polar|amazfit", creator, re.I) else ""


def _several(kinds: list[str]) -> tuple[str, ...]:
    if len(set(kinds)) < 2:
        return ()
    return (f"the file holds tracks of several kinds ({', '.join(dict.fromkeys(kinds))}), read as one",)
