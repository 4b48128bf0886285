"""A workspace as large as a coach's: a made-up season, copied over years and athletes row by row.

Every copy is a run of its own in the catalogue; its track lies in the pack of the run it was copied from.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import sqlalchemy as sa

from pipeline.batch import find_files, import_files, refresh_answer
from pipeline.ingest.balance_log import parse_balance_log
from pipeline.log_changes import take_in_log
from pipeline.results import FileResult, RunResult
from pipeline.tables import Segments, Track
from pipeline.workspace import Workspace, catalogue
from pipeline.workspace.frames import to_rows
from pipeline.workspace.packs import pack_files
from pipeline.workspace.sqlite import Sqlite
from sample_data import STEADIED
from sample_data.write_season import write_season
from tests.imports import HereEngine
from tests.workspace.workspace_builders import round_grid, round_track

SEASON_WEEKS = 12
LONG_RUN_S = 6 * 3600
COPIED = (
    *(catalogue.files, catalogue.runs, catalogue.placements, catalogue.segments, catalogue.stability),
    *(catalogue.repeats, catalogue.balance_sessions),
)
NAMES = ("run_id", "content_sha256", "session_id")


def make_many_runs(folder: Path, n_athletes: int, n_runs: int) -> tuple[Path, str]:
    """A workspace in `folder` of so many athletes and runs in all, and the id of a run of six hours in it."""
    path = folder / "many"
    season = write_season(folder, STEADIED, SEASON_WEEKS)
    first = "runner 1"
    with Workspace(path) as workspace:
        import_files(workspace, find_files([season / "runs"], path), first, HereEngine())
        log = (season / "balance-log.csv").read_bytes()
        take_in_log(workspace, first, parse_balance_log("balance-log.csv", log, first))
        per_season = workspace.load_runs(first).height
    engine = Sqlite(path, read_only=False).engine
    with engine.begin() as connection:
        seasons = n_runs // n_athletes // per_season
        rows = {table: connection.execute(sa.select(table)).mappings().all() for table in COPIED}
        packs = connection.execute(sa.select(catalogue.packs)).mappings().all()
        for number in range(1, n_athletes + 1):
            athlete_id = f"runner {number}"
            own = {
                pack["pack_id"]: pack["pack_id"]
                if number == 1
                else _copy_pack(connection, path, dict(pack), athlete_id)
                for pack in packs
            }
            for n in range(number == 1, seasons):
                for table in COPIED:
                    copies = (_copy(row, athlete_id, own, n) for row in rows[table])
                    connection.execute(table.insert(), list(copies))
    engine.dispose()
    with Workspace(path) as workspace:
        long = add_long_run(workspace, first)
        for athlete_id in workspace.athletes():
            refresh_answer(workspace, athlete_id)
    return path, long


def add_long_run(workspace: Workspace, athlete_id: str, seconds: int = LONG_RUN_S) -> str:
    """Runs of an athlete one after the other as one of so many seconds: its id."""
    runs = workspace.load_runs(athlete_id).sort("start_time")
    run_id = "10000000000000000-1"
    tracks, segments = zip(*_in_a_row(workspace, runs["run_id"].to_list(), run_id, seconds), strict=True)
    row = runs.row(-1, named=True)
    track = Track.cast(pl.concat(tracks).head(seconds))
    run = row | {
        "run_id": run_id,
        "content_sha256": "1" * 64,
        "start_time": row["start_time"] + timedelta(days=2),
        "local_date": row["local_date"] + timedelta(days=2),
        "elapsed_s": float(seconds),
        "moving_s": float(seconds),
        "distance_m": track["distance_m"][-1],
    }
    with workspace.open_frames(athlete_id, (), ()) as stored:
        result = RunResult(run, round_track(track), round_grid(stored.grid(row["run_id"])), [0.0])
    pack = workspace.save_pack(athlete_id, [result])
    file = FileResult("long.fit", "1" * 64, 1, "run", int(row["analysis_version"]), runs=(result,))
    workspace.commit(athlete_id, pack, [file])
    engine = Sqlite(workspace.path, read_only=False).engine
    with engine.begin() as connection:
        rows = to_rows(Segments.cast(pl.concat(segments)))
        connection.execute(catalogue.segments.insert(), [{**one, "athlete_id": athlete_id} for one in rows])
    engine.dispose()
    return run_id


def _in_a_row(
    workspace: Workspace, run_ids: list[str], run_id: str, seconds: int
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Tracks and segments, each put where the one before ended."""
    second, metre, n_segments = 0, 0.0, 0
    for _, track in workspace.load_tracks(run_ids):
        of_run = workspace.load_segments(run_id=track["run_id"][0])
        name = pl.lit(run_id).alias("run_id")
        segment = pl.col("segment_id") + n_segments
        yield (
            track.with_columns(name, segment, pl.col("elapsed_s") + second, pl.col("distance_m") + metre),
            of_run.with_columns(
                name, segment, pl.col("start_s", "end_s") + second, pl.col("start_m", "end_m") + metre
            ),
        )
        second += int(track["elapsed_s"][-1]) + 1
        metre += float(np.nanmax(track["distance_m"].to_numpy()))
        n_segments += of_run.height
        if second >= seconds:
            return


def _copy(row: Any, athlete_id: str, packs: Mapping[str, str], n: int) -> dict[str, Any]:
    """A row of another athlete's, or of the season `n` seasons later."""
    new = dict(row) | {"athlete_id": athlete_id}
    for name in NAMES:
        if name in new:
            whose = hashlib.sha256(f"{new[name]} {athlete_id} {n}".encode()).hexdigest()
            new[name] = f"{whose[:16]}-1" if name == "run_id" else whose
    for name in ("start_time", "local_date", "date"):
        if name in new:
            new[name] += timedelta(weeks=SEASON_WEEKS * n)
    return new | ({"pack_id": packs[new["pack_id"]]} if "pack_id" in new else {})


def _copy_pack(connection: sa.Connection, path: Path, pack: dict[str, Any], athlete_id: str) -> str:
    """The pack once more, as another athlete's."""
    pack_id = hashlib.sha256(f"{pack['pack_id']} {athlete_id}".encode()).hexdigest()[:32]
    key = (pack["analysis_version"], pack["pack_id"])
    ours = pack_files(path, athlete_id, pack["analysis_version"], pack_id)
    for source, target in zip(pack_files(path, pack["athlete_id"], *key), ours, strict=True):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    connection.execute(catalogue.packs.insert(), {**pack, "athlete_id": athlete_id, "pack_id": pack_id})
    return pack_id
