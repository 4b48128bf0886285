"""What a whole account's export says beside its recordings: Strava's list of activities."""

from __future__ import annotations

import csv
import io
import re
from typing import NamedTuple

MAX_BYTES = 64 * 2**20
_RECORDING = re.compile(r"activities/[^/]+\.(fit|gpx|tcx)(\.gz)?", re.I)
_NAME, _TYPE = 2, 3
"""The columns of name and kind; headers are in the athlete's language, their order is not."""


class Listed(NamedTuple):
    """What the list says of an activity, empty where it says nothing."""

    kind: str = ""  # "Run", "Trail Run", "Ride"
    title: str = ""  # what its owner called it


UNLISTED = Listed()


def parse_activity_list(content: bytes) -> dict[str, Listed]:
    """What Strava's `activities.csv` says of each activity, by its file, "activities/12.gpx" without ".gz".

    Empty where the content is no such list; rows without a file are left out.
    """
    if len(content) > MAX_BYTES:
        return {}
    rows = csv.reader(io.StringIO(content.decode("utf-8-sig", "replace"), newline=""))
    listed = {}
    try:
        for row in rows:
            file = next((cell for cell in row[_TYPE + 1 :] if _RECORDING.fullmatch(cell)), None)
            if file is not None:
                listed[file.removesuffix(".gz")] = Listed(row[_TYPE], row[_NAME].strip())
    except csv.Error:
        pass
    return listed
