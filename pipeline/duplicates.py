"""The same run recorded, or exported, more than once: which recording is kept."""

from __future__ import annotations

from collections import Counter
from functools import partial
from itertools import takewhile
from typing import Any

from pipeline.tables import DataFrame, Runs

START_WITHIN_S = 60.0
AT_ONCE_S = 5.0
DISTANCE_WITHIN_SHARE = 0.05
DISTANCE_WITHIN_M = 100.0
AS_GOOD_FROM_SHARE = 0.9
_FORMATS = ("gpx", "tcx", "fit")
_INDOORS = ("treadmill", "indoor_running", "virtual_activity")
_OUTDOORS = ("trail", "street", "track")


def find_duplicates(runs: DataFrame[Runs]) -> dict[str, str]:
    """Run id of each recording to be set aside, and of the better one of the same run.

    One athlete's runs are the same when they start within 60 s and their distances differ by at most
    5 % or 100 m, or when they start within 5 s, however long they are: nobody begins two runs at once, so
    one is damaged, was stopped early or counts distance otherwise. Not so runs of one file, nor one of a
    treadmill and one of a trail. A file is set aside whole or not at all, so kept is the one whose file
    holds more runs; then, of those with at least 90 % of the most seconds of good cadence (speed from
    positions moves these a little), FIT over TCX over GPX; then the one with most of these seconds, then
    the smaller id. The order of reading does not matter.
    """
    in_file = Counter(_file(run_id) for run_id in runs["run_id"])
    columns = ("run_id", "start_time", "distance_m", "moving_s", "quality", "source_format", "sub_sport")
    rows = runs.select(columns).sort("start_time", "distance_m", "run_id")
    groups: list[list[dict[str, Any]]] = []
    for run in rows.iter_rows(named=True):
        near = takewhile(partial(_starts_near, run), reversed(groups))
        same = next((group for group in near if _same(group[0], run)), None)
        if same is None:
            groups.append([run])
        else:
            same.append(run)
    found: dict[str, str] = {}
    for group in groups:
        most = max(in_file[_file(run["run_id"])] for run in group)
        best = _best([run for run in group if in_file[_file(run["run_id"])] == most])
        others = [run for run in group if run is not best]
        found |= {str(other["run_id"]): str(best["run_id"]) for other in others}
    aside = Counter(_file(run_id) for run_id in found)
    return {run_id: kept for run_id, kept in found.items() if aside[_file(run_id)] == in_file[_file(run_id)]}


def _file(run_id: str) -> str:
    """What the runs of one file share of their ids."""
    return run_id.partition("-")[0]


def _same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    if _file(a["run_id"]) == _file(b["run_id"]):
        return False
    if {_place(a), _place(b)} == {"indoors", "outdoors"}:
        return False
    far, near = sorted((float(a["distance_m"] or 0), float(b["distance_m"] or 0)), reverse=True)
    close = far - near <= max(DISTANCE_WITHIN_SHARE * far, DISTANCE_WITHIN_M)
    at_once = abs((a["start_time"] - b["start_time"]).total_seconds()) <= AT_ONCE_S
    return bool(close or at_once)


def _starts_near(run: dict[str, Any], group: list[dict[str, Any]]) -> bool:
    """Whether the group's first run, which begins no later, begins at most a minute earlier."""
    return bool((run["start_time"] - group[0]["start_time"]).total_seconds() <= START_WITHIN_S)


def _place(run: dict[str, Any]) -> str:
    """Where it was run, as far as the file says: GPX has positions."""
    if run["sub_sport"] in _INDOORS:
        return "indoors"
    return "outdoors" if run["sub_sport"] in _OUTDOORS or run["source_format"] == "gpx" else ""


def _best(runs: list[dict[str, Any]]) -> dict[str, Any]:
    most_s = max(_good_s(run) for run in runs)
    as_good = [run for run in runs if _good_s(run) >= AS_GOOD_FROM_SHARE * most_s]
    return min(as_good, key=_order)


def _good_s(run: dict[str, Any]) -> float:
    return float(run["quality"]) * float(run["moving_s"])


def _order(run: dict[str, Any]) -> tuple[int, float, float, str]:
    rank = _FORMATS.index(str(run["source_format"]))
    return -rank, -round(_good_s(run)), -float(run["moving_s"]), str(run["run_id"])
