"""Made-up runs for the tests of the workspace, nobody's, and archives made up anew."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from pipeline.columns import steps_per_unit
from pipeline.results import Answer
from pipeline.rounded import Numbers, RoundedGrid, RoundedTrack
from pipeline.tables import (
    DataFrame,
    Dose,
    DoseByCategory,
    Effects,
    Grid,
    Residuals,
    Runs,
    Segments,
    Track,
)
from pipeline.workspace import FileResult, RunResult
from pipeline.workspace.packs import JOINED

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
Ask = Callable[[sa.URL | str], None]
"""Name a database as a user does."""


def sha(number: int) -> str:
    """A content's SHA-256, of a made-up content."""
    return hashlib.sha256(str(number).encode()).hexdigest()


def answer_of(**given: Any) -> Answer:
    """An answer of these tables, empty where not given."""
    tables = {
        "dose": Dose,
        "dose_by_category": DoseByCategory,
        "effects": Effects,
        "residuals": Residuals,
    }
    return Answer(**{name: given.get(name, schema.create_empty()) for name, schema in tables.items()})


def run_row(number: int, athlete_id: str = "ada", version: int = 1) -> dict[str, Any]:
    """A row of Runs."""
    return {
        "run_id": f"{sha(number)[:16]}-1",
        "athlete_id": athlete_id,
        "start_time": START + timedelta(days=number),
        "local_date": (START + timedelta(days=number)).date(),
        "sport": "running",
        "sub_sport": "trail",
        "title": "",
        "source_format": "fit",
        "device": "maker model",
        "device_epoch": "maker model 1.0 1 Hz",
        "cadence_unit": "strides_per_minute",
        "cadence_unit_reason": "FIT stores strides",
        "sampling": "1 Hz",
        "altitude_class": "clean",
        "distance_m": 10_000.25 + number,
        "elapsed_s": 3720.0,
        "moving_s": 3600.0,
        "ascent_m": None,
        "technical_s": 600.0,
        "technical_share": 0.25,
        "walking_share": 0.0,
        "cadence_identical_share": 0.5,
        "cadence_step_spm": 2.0,
        "quality": 0.98,
        "counts": True,
        "counts_reason": "",
        "warnings": "",
        "content_sha256": sha(number),
        "source_name": f"run {number}.fit",
        "analysis_version": version,
    }


def track(number: int, seconds: int = 120) -> DataFrame[Track]:
    """A track of one pass over rolling ground, one row a second."""
    rng = np.random.default_rng(number)
    t = np.arange(seconds)
    speed = 2.8 + 0.4 * np.sin(t / 40) + rng.normal(0, 0.05, seconds)
    return Track.cast(
        pl.DataFrame(
            {
                "run_id": f"{sha(number)[:16]}-1",
                "elapsed_s": t,
                "timestamp": [START + timedelta(days=number, seconds=int(s)) for s in t],
                "lat_deg": 47 + np.cumsum(rng.normal(2e-5, 5e-6, seconds)) % 1,
                "lon_deg": -7 + np.cumsum(rng.normal(1e-5, 5e-6, seconds)) % 1,
                "altitude_m": np.round(600 + np.cumsum(rng.normal(0, 0.3, seconds)), 1),
                "distance_m": np.cumsum(speed),
                "speed_mps": speed,
                "cadence_spm": np.round(172 + rng.normal(0, 3, seconds)),
                "heart_rate_bpm": np.round(150 + 10 * np.sin(t / 300)),
                "grade": np.clip(rng.normal(0, 0.05, seconds), -0.4, 0.4),
                "gap_speed_mps": speed * 1.05,
                "gait": "run",
                "cadence_flag": "ok",
                "technicality": None,
                "terrain": None,
                "segment_id": None,
            }
        )
    )


def grid(number: int, cells: int = 60) -> DataFrame[Grid]:
    """A grid of a run."""
    rng = np.random.default_rng(number)
    columns = {name: rng.normal(-1, 0.5, cells) for name in Grid.column_names() if name != "run_id"}
    columns |= {
        "cell": np.arange(cells),
        "distance_m": np.arange(cells) * 5.0,
        "elapsed_s": np.cumsum(rng.uniform(1, 3, cells)),
        "lat_deg": 47 + np.arange(cells) * 4e-5,
        "lon_deg": -7 + np.arange(cells) * 2e-5,
        "heading_deg": rng.uniform(0, 360, cells),
        "grade": rng.uniform(-0.2, 0.2, cells),
        "abs_grade": rng.uniform(0, 0.2, cells),
    }
    return Grid.cast(pl.DataFrame({"run_id": f"{sha(number)[:16]}-1", **columns}))


def round_track(table: pl.DataFrame) -> RoundedTrack:
    """A Track of one run, less what is joined to it when it is loaded."""
    first, elapsed_s = table.head(1), table["elapsed_s"].to_numpy()
    starts = [row["timestamp"] - timedelta(seconds=row["elapsed_s"]) for row in first.iter_rows(named=True)]
    names = [name for name in steps_per_unit(Track) if name not in JOINED]
    codes = [table[name].to_physical().to_numpy() for name in ("gait", "cadence_flag")]
    return RoundedTrack(_name_of(table), (starts or [START])[0], elapsed_s, _numbers(table, names), *codes)


def round_grid(table: pl.DataFrame) -> RoundedGrid:
    """A Grid of one run."""
    return RoundedGrid(_name_of(table), _numbers(table, list(steps_per_unit(Grid))))


def _name_of(table: pl.DataFrame) -> str:
    return str(table["run_id"][0]) if len(table) else ""


def _numbers(table: pl.DataFrame, names: list[str]) -> Numbers:
    return Numbers.of({name: table[name].to_numpy().astype(np.float64) for name in names})


def run_result(number: int, athlete_id: str = "ada", version: int = 1, seconds: int = 120) -> RunResult:
    """A run as a worker hands it over before packing."""
    row = run_row(number, athlete_id, version)
    track_of, grid_of = round_track(track(number, seconds)), round_grid(grid(number, seconds // 2))
    return RunResult(row, track_of, grid_of, [float(number), 1.5])


def file_result(run: RunResult) -> FileResult:
    """The result of a file with one run, packed already."""
    row = run.run
    return FileResult(
        source_name=row["source_name"],
        content_sha256=row["content_sha256"],
        size_bytes=1000,
        status="run",
        analysis_version=row["analysis_version"],
        runs=(run.without_frames(),),
    )


def no_run(number: int, status: str) -> FileResult:
    """The result of a file that gave no run."""
    return FileResult(f"file {number}.gpx", sha(number), 10, status, 1, f"it is {status}", "look at it")


def segments(number: int, bounds: list[tuple[float, float]]) -> DataFrame[Segments]:
    """Segments between the given seconds, technical and smooth in turn."""
    rows = [
        {
            "run_id": f"{sha(number)[:16]}-1",
            "segment_id": index,
            "terrain": ("technical", "smooth")[index % 2],
            "direction": "level",
            "start_s": start,
            "end_s": end,
            "start_m": start * 3,
            "end_m": end * 3,
            "grade_mean": 0.01,
            "technicality_mean": (0.75, 0.25)[index % 2],
            "passes": 3,
            "reasons": "uneven, winding",
            "edited": False,
        }
        for index, (start, end) in enumerate(bounds)
    ]
    return Segments.validate(pl.DataFrame(rows, schema_overrides={"passes": pl.Int64}), cast=True)


def runs_frame(rows: list[dict[str, Any]]) -> DataFrame[Runs]:
    """Rows as a table of Runs."""
    return Runs.validate(pl.DataFrame(rows), cast=True)


def again(archive: Path, change: Callable[[dict[str, bytes]], dict[str, bytes]]) -> None:
    """Write an archive again with other members, and a manifest that agrees with them."""
    with zipfile.ZipFile(archive) as source:
        files = {name: source.read(name) for name in source.namelist()}
    facts = json.loads(files.pop("manifest.json"))
    files = change(files)
    if "facts" in files:
        facts |= json.loads(files.pop("facts"))
    facts["files"] = {name: {"size_bytes": len(b), "sha256": digest(b)} for name, b in files.items()}
    write(archive, files | {"manifest.json": json.dumps(facts).encode()})


def write(archive: Path, files: dict[str, bytes]) -> None:
    """A zip of these members."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in files.items():
            target.writestr(name, content)


def digest(content: bytes) -> str:
    """Its SHA-256."""
    return hashlib.sha256(content).hexdigest()


def with_wider_numbers(file: Path) -> None:
    """Write a pack's file anew as Surefoot once did: in 64 bits, each number of which may be null."""
    with pq.ParquetFile(file) as pack:
        runs = [pack.read_row_group(number) for number in range(pack.num_row_groups)]
    types = {
        field.name: pa.int64() if pa.types.is_int32(field.type) else field.type for field in runs[0].schema
    }
    with pq.ParquetWriter(file, pa.schema(types)) as writer:
        for run in runs:
            writer.write_table(run.cast(pa.schema(types)))
