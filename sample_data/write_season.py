"""A season on disk: DIR/<runner>/runs, balance-log.csv, truth/ and a stamp that says it is complete."""

from __future__ import annotations

import csv
import json
import math
import multiprocessing
import os
import shutil
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, fields
from pathlib import Path

from sample_data.plan import LOG_COLUMNS, PlannedRun, Season, plan_season
from sample_data.recording import Recording, record_run
from sample_data.routes import Route, make_routes
from sample_data.runner import Runner
from sample_data.write_fit import fit_bytes
from sample_data.write_xml import gpx_bytes, tcx_bytes

VERSION = 1  # of what is written: raise it when the same parameters give other files
STAMP = "complete.json"
STRETCH_COLUMNS = ("file", "terrain", "start_s", "end_s", "start_m", "end_m")


class OccupiedError(Exception):
    """The folder holds something that this generator did not write."""


def write_season(out: Path, runner: Runner, weeks: int) -> Path:
    """Write `weeks` weeks of `runner` to `out`/<runner_id> and return that folder.

    A complete season of the same parameters is left as it is. Raises OccupiedError where the folder
    holds anything else than an earlier sample season.
    """
    folder = out / runner.runner_id
    stamp = {"version": VERSION, "weeks": weeks, **asdict(runner)}
    if folder.exists():
        if not (folder / STAMP).is_file():
            raise OccupiedError(f"{folder} is no sample season: choose another folder with --out")
        if json.loads((folder / STAMP).read_text()) == stamp:
            return folder
    partial = out / f".{runner.runner_id}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "runs").mkdir(parents=True)
    (partial / "truth").mkdir()

    routes = make_routes()
    season = plan_season(runner, weeks, routes)
    _write_csv(partial / "balance-log.csv", LOG_COLUMNS, [tuple(row.values()) for row in season.log])
    stretches = _write_runs(partial / "runs", runner, season, routes)
    _write_truth(partial / "truth", runner, weeks, season, routes, stretches)
    (partial / STAMP).write_text(json.dumps(stamp, indent=1) + "\n")
    if folder.exists():
        shutil.rmtree(folder)
    partial.rename(folder)
    return folder


def write_run(folder: Path, runner: Runner, route: Route, run: PlannedRun) -> Recording:
    """Make one run, write its file, and return what was recorded."""
    recording = record_run(runner, route.reversed() if run.direction == "reverse" else route, run)
    match run.source_format:
        case "gpx":
            content = gpx_bytes(recording)
        case "tcx":
            content = tcx_bytes(recording)
        case _:
            content = fit_bytes(recording, serial_number=runner.seed)
    (folder / run.file_name).write_bytes(content)
    return recording


def _write_runs(
    folder: Path, runner: Runner, season: Season, routes: tuple[Route, ...]
) -> list[tuple[object, ...]]:
    """All runs, on all cores; the rows of stretches.csv."""
    workers = min(os.cpu_count() or 1, len(season.runs))
    batches = [season.runs[i::workers] for i in range(workers)]
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        jobs = [pool.submit(_write_batch, folder, runner, batch, routes) for batch in batches]
        rows = [row for job in jobs for row in job.result()]
    return sorted(rows, key=lambda row: (str(row[0]), row[2]))


def _write_batch(
    folder: Path, runner: Runner, runs: tuple[PlannedRun, ...], routes: tuple[Route, ...]
) -> list[tuple[object, ...]]:
    by_name = {route.name: route for route in routes}
    return [
        (run.file_name, *stretch)
        for run in runs
        for stretch in write_run(folder, runner, by_name[run.route], run).stretches
    ]


def _write_truth(
    folder: Path,
    runner: Runner,
    weeks: int,
    season: Season,
    routes: tuple[Route, ...],
    stretches: list[tuple[object, ...]],
) -> None:
    """truth.json: parameters and routes; runs.csv: latent state of each run; stretches.csv: its ground."""
    names = [field.name for field in fields(PlannedRun)]
    rows = [(run.file_name, *(_plain(getattr(run, name)) for name in names)) for run in season.runs]
    _write_csv(folder / "runs.csv", ("file", *names), rows)
    _write_csv(folder / "stretches.csv", STRETCH_COLUMNS, stretches)
    truth = {
        "runner": asdict(runner),
        "weeks": weeks,
        "half_life_days": runner.half_life_days,
        "effect_per_45_min": round(math.expm1(runner.log_effect), 6),
        "first_log_day": season.first_log_day.isoformat(),
        "routes": {
            route.name: {
                "trail": route.trail,
                "length_m": route.length_m,
                "stretches": [asdict(stretch) for stretch in route.stretches],
            }
            for route in routes
        },
    }
    (folder / "truth.json").write_text(json.dumps(truth, indent=1) + "\n")


def _plain(value: object) -> object:
    """Instants and days as ISO text, other values as they are."""
    return value.isoformat() if hasattr(value, "isoformat") else value


def _write_csv(path: Path, columns: tuple[str, ...] | list[str], rows: list[tuple[object, ...]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
