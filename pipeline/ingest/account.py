"""What a whole account's export says beside its recordings: Strava's list of activities."""

from __future__ import annotations

import csv
import io
import re

MAX_BYTES = 64 * 2**20
_RECORDING = re.compile(r"activities/[^/]+\.(fit|gpx|tcx)(\.gz)?", re.I)
_TYPE = 3
"""The column of the kind of activity; headers are in the athlete's language, their order is not."""


def parse_activity_list(content: bytes) -> dict[str, str]:
    """Kind of each activity in Strava's `activities.csv`, by its file, "activities/12.gpx" without ".gz".

    Empty where the content is no such list; rows without a file are left out.
    """
    if len(content) > MAX_BYTES:
        return {}
    rows = csv.reader(io.StringIO(content.decode("utf-8-sig", "replace"), newline=""))
    kinds = {}
    try:
        for row in rows:
            file = next((cell for cell in row[_TYPE + 1 :] if _RECORDING.fullmatch(cell)), None)
            if file is not None:
                kinds[file.removesuffix(".gz")] = row[_TYPE]
    except csv.Error:
        pass
    return kinds
