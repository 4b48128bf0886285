"""The same run recorded, or exported, more than once: which recording is kept."""

from __future__ import annotations

from collections import Counter
from typing import Any

from pipeline.tables import DataFrame, Runs

START_WITHIN_S = 60.0
DISTANCE_WITHIN_SHARE = 0.05
DISTANCE_WITHIN_M = 100.0
_FORMATS = ("gpx", "tcx", "fit")


def find_duplicates(runs: DataFrame[Runs]) -> dict[str, str]:
    """Run id of each recording to be set aside, and of the better one of the same run.

    One athlete's runs are the same when they start within 60 s and their distances differ by at most
    5 % or 100 m, unless they are runs of one file. A file is set aside whole or not at all, so kept is
    the one whose file holds more runs, then the one with more seconds of good cadence, then FIT over TCX
    over GPX, then the smaller id, so that the order of reading does not matter.
    """
    in_file = Counter(_file(run_id) for run_id in runs["run_id"])
    rows = runs.sort("start_time").select(
        "run_id", "start_time", "distance_m", "moving_s", "quality", "source_format"
    )
    groups: list[list[dict[str, Any]]] = []
    for run in rows.iter_rows(named=True):
        same = next((g for g in reversed(groups[-4:]) if _same(g[0], run)), None)
        if same is None:
            groups.append([run])
        else:
            same.append(run)
    found: dict[str, str] = {}
    for group in groups:
        best, *others = sorted(group, key=lambda run: (-in_file[_file(run["run_id"])], *_order(run)))
        found |= {str(other["run_id"]): str(best["run_id"]) for other in others}
    aside = Counter(_file(run_id) for run_id in found)
    return {run_id: kept for run_id, kept in found.items() if aside[_file(run_id)] == in_file[_file(run_id)]}


def _file(run_id: str) -> str:
    """What the runs of one file share of their ids."""
    return run_id.partition("-")[0]


def _same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    if _file(a["run_id"]) == _file(b["run_id"]):
        return False
    apart_s = abs((b["start_time"] - a["start_time"]).total_seconds())
    far, near = sorted((float(a["distance_m"] or 0), float(b["distance_m"] or 0)), reverse=True)
    return apart_s <= START_WITHIN_S and far - near <= max(DISTANCE_WITHIN_SHARE * far, DISTANCE_WITHIN_M)


def _order(run: dict[str, Any]) -> tuple[float, int, str]:
    good_s = float(run["quality"]) * float(run["moving_s"])
    return -round(good_s), -_FORMATS.index(str(run["source_format"])), str(run["run_id"])
