"""From watch files and a balance log to an answer.

    from pipeline import analyse_folder, read_balance_log
    log = read_balance_log("sample_data/season/steadied/balance-log.csv", "steadied")
    season = analyse_folder("sample_data/season/steadied/runs", "steadied", log)
    season.runs, season.segments, season.stability   # polars frames, see docs/data-model.md
    print(season.effects["sentence"][0])

The flow, one module a step:

    ingest       bytes -> Activity                      what the file says, nothing dropped
    kinematics   records -> motion, course, grade       one clock, one 5 m grid
    gait         motion -> running, walking, standing   and which cadence can be used
    terrain      course -> technical or smooth          places: all passes of a trail together
    stability    track -> how steady cadence was        on each ground
    balance      log -> dose
    effect       steadiness x dose -> the answer        with its uncertainty

`workflow` joins the steps of one run, `athlete` those of all runs of a runner, without touching a disk;
`batch` runs them over many files into a `workspace`; `archive` takes an athlete from one to another;
`cli` is the command `surefoot`.
"""

from __future__ import annotations

import warnings
from pathlib import Path

from pipeline.athlete import AthleteResult, analyse_athlete, analyse_results
from pipeline.errors import NotARun, Rejected, SurefootError
from pipeline.ingest import Activity, check_run, read_activity
from pipeline.ingest.balance_log import parse_balance_log
from pipeline.tables import BalanceSessions, DataFrame
from pipeline.workflow import analyse_run
from pipeline.workspace import Workspace

__all__ = [
    "Activity",
    "AthleteResult",
    "NotARun",
    "Rejected",
    "SurefootError",
    "Workspace",
    "analyse_athlete",
    "analyse_folder",
    "analyse_results",
    "analyse_run",
    "check_run",
    "read_activity",
    "read_balance_log",
]


def read_balance_log(path: str | Path, athlete_id: str) -> DataFrame[BalanceSessions]:
    """The good rows of a balance log, CSV or XLSX. Raises Rejected where it is no such table."""
    file = Path(path)
    return parse_balance_log(file.name, file.read_bytes(), athlete_id).sessions


def analyse_folder(
    folder: str | Path, athlete_id: str, sessions: DataFrame[BalanceSessions]
) -> AthleteResult:
    """Every run of a folder of recordings, in memory: for a notebook.

    A file that is no run, or cannot be used, is named in a warning and left out. For many files, and to
    keep the results: `surefoot analyse`. Raises SurefootError where there is no run at all.
    """
    results = []
    for n, file in enumerate(sorted(file for file in Path(folder).iterdir() if file.is_file())):
        try:
            activity = read_activity(file.name, file.read_bytes())
            check_run(activity)
            results.append(
                analyse_run(activity, run_id=f"run-{n}", athlete_id=athlete_id, source_name=file.name)
            )
        except (Rejected, NotARun) as why:
            warnings.warn(f"{file.name} was left out: {why}", stacklevel=2)
    if not results:
        raise SurefootError(f"{folder} holds no run", "name the folder of your recordings")
    return analyse_results(results, sessions)
