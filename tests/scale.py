"""`python -m tests.scale`: what the dashboard asks of a catalogue of a million runs, and what forgetting one
costs.

One made-up season of a runner, imported as any other, is copied in SQL to as many athletes as it takes. The
rows that only an import reads, and that are most of the bytes, are copied for one athlete in ten. Each
question is asked of seven athletes, once.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from dashboard import queries
from dashboard.roster import roster_table
from pipeline.batch import find_files, import_files
from pipeline.ingest.balance_log import parse_balance_log
from pipeline.log_changes import take_in_log
from pipeline.workspace import Workspace, catalogue
from sample_data import STEADIED
from sample_data.write_season import write_season
from tests.imports import HereEngine

WEEKS = 56
HEAVY = ("passes", "segments", "stretches", "repeats")
ONE_IN = 10
NUMBERED = {"run_id": 8, "content_sha256": 8, "pack_id": 8, "session_id": 8}
"""Columns whose values are made an athlete's own, by so many first characters."""
ROUNDS = 7
ROSTER = 50
FIRST = "runner 00000"


def make_template(folder: Path) -> Path:
    """A workspace of one runner with a season and a log."""
    path = folder / "workspace"
    season = write_season(folder, STEADIED, WEEKS)
    with Workspace(path) as workspace:
        import_files(workspace, find_files([season / "runs"], path), FIRST, HereEngine())
        log = parse_balance_log("log.csv", (season / "balance-log.csv").read_bytes(), FIRST)
        take_in_log(workspace, FIRST, log)
    return path


def copy_season(template: Path, target: Path, n_athletes: int) -> None:
    """A catalogue of as many athletes with that season, in one file that only this process has open."""
    with closing(sqlite3.connect(template)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)
    with closing(sqlite3.connect(target, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=OFF").close()
        connection.execute("PRAGMA synchronous=OFF").close()
        connection.execute("ATTACH ? AS template", [str(template)]).close()
        # In the order of who refers to whom, and of the keys on the disk.
        tables = [table for table in catalogue.metadata.sorted_tables if "athlete_id" in table.c]
        connection.execute("BEGIN").close()
        for number in range(1, n_athletes):
            own = {"athlete": f"runner {number:05}", "number": f"{number:08x}"}
            for table in tables:
                if table.name not in HEAVY or number % ONE_IN == 0:
                    connection.execute(_copying(table), own).close()
        connection.execute("COMMIT").close()


def _copying(table: Any) -> str:
    names = [column.name for column in table.c]
    values = {name: f":number || substr({name}, {cut + 1})" for name, cut in NUMBERED.items()}
    values |= {"athlete_id": ":athlete", "path": ":number || path"}
    said = ", ".join(values.get(name, name) for name in names)
    return f"INSERT INTO {table.name} ({', '.join(names)}) SELECT {said} FROM template.{table.name}"


def ask(workspace: Workspace, athletes: list[str]) -> Iterator[tuple[str, Callable[[str], object]]]:
    """What the pages ask, each of an athlete."""
    shown: Any = workspace
    of_athlete = (
        *(queries.load_answer, queries.trend_runs, queries.usual_ranges, queries.weekly_balance),
        *(queries.dose_pairs, queries.recent, queries.run_table, queries.data_quality),
    )
    for query in of_athlete:
        yield query.__name__, lambda name, query=query: query(shown, name)
    runs = {name: workspace.load_runs(name).row(-1, named=True) for name in athletes}
    yield "find_run", lambda name: queries.find_run(shown, runs[name]["run_id"])
    yield "neighbours", lambda name: queries.neighbours(shown, runs[name])
    yield "run_stability", lambda name: queries.run_stability(shown, runs[name])
    yield "load_segments of a run", lambda name: workspace.load_segments(run_id=runs[name]["run_id"])
    yield "load_repeats", workspace.load_repeats
    yield "counts", workspace.counts
    yield "athletes", lambda name: workspace.athletes()
    some = workspace.athletes()[:: len(workspace.athletes()) // ROSTER][:ROSTER]
    yield f"roster_table of {ROSTER}", lambda name: roster_table(shown, some, date(2026, 1, 1))


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """How long it takes, by the clock and in CPU time [ms]."""
    clock, cpu = time.perf_counter(), time.process_time()
    work()
    return 1000 * (time.perf_counter() - clock), 1000 * (time.process_time() - cpu)


@contextmanager
def told(what: str) -> Iterator[None]:
    """Say how long the block took [s]."""
    start = time.perf_counter()
    yield
    print(f"{what:<44}{time.perf_counter() - start:10.1f} s", flush=True)


def main() -> None:
    """Make the catalogue, ask, forget one, and print what each took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000_000)
    n_runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as place:
        with told("a season, imported"):
            path = make_template(Path(place))
        with Workspace(path) as workspace:
            per_athlete = workspace.load_runs().height
        file = path / "catalogue.sqlite"
        with told("copied to all"):
            template = file.rename(file.with_name("template"))
            copy_season(template, file, max(ROSTER, n_runs // per_athlete))
            template.unlink()
        measure(path)


def measure(path: Path) -> None:
    """Print what a catalogue holds, what each query took, and what it costs to forget one."""
    with Workspace(path, read_only=True) as workspace:
        everyone = workspace.athletes()
        size = (path / "catalogue.sqlite").stat().st_size
        print(f"{len(everyone):,} athletes, {size / 1e9:.2f} GB")
        with closing(sqlite3.connect(path / "catalogue.sqlite")) as connection:
            for name in ("files", "runs", "stability", "segments"):
                (rows,) = connection.execute(f"SELECT count(*) FROM {name}").fetchone()
                print(f"  {name:<12}{rows:14,} rows")
        athletes = everyone[ONE_IN :: ONE_IN * (len(everyone) // (ONE_IN * ROUNDS))][:ROUNDS]
        print(f"\n{'':<32}{'clock':>10}{'CPU':>10}   median, ms")
        for what, query in ask(workspace, athletes):
            clock, cpu = map(
                statistics.median, zip(*(timed(partial(query, n)) for n in athletes), strict=True)
            )
            print(f"{what:<32}{clock:10.1f}{cpu:10.1f}", flush=True)
    with Workspace(path) as workspace:
        print()
        with told("what would be a trace of one, gathered"):
            workspace.gather_traces(FIRST)
        with told("forget one"):
            workspace.forget(FIRST)


if __name__ == "__main__":
    main()
