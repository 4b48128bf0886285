"""The command that lets a runner have the last word on the ground."""

from __future__ import annotations

from pathlib import Path

import click
import polars as pl

from pipeline import batch
from pipeline.cli.terminal import athlete_option, choose_athletes, say, turn, workspace_option
from pipeline.tables import TERRAINS, DataFrame, Marks, Runs
from pipeline.workspace import VeiledWorkspace, Workspace


@click.command()
@click.argument("run_id", metavar="[RUN]", required=False)
@athlete_option
@click.option("--from", "start_m", type=click.FloatRange(0), help="Where the stretch begins, metres.")
@click.option("--to", "end_m", type=click.FloatRange(0), help="Where it ends, metres.")
@click.option("--as", "terrain", type=click.Choice(TERRAINS), help="What it is.")
@click.option("--undo", metavar="MARK", help="Take this mark back.")
@workspace_option
def mark(
    run_id: str | None,
    athlete_id: str,
    start_m: float | None,
    end_m: float | None,
    terrain: str | None,
    undo: str | None,
    folder: Path,
) -> None:
    """Mark a stretch of a run as technical or smooth, for every run over that place; list marks, undo one.

    Metres count from the start of the run, as the segments of `surefoot export segments` do.
    """
    given = (run_id, start_m, end_m, terrain)
    if (run_id is None and any(value is not None for value in given)) or (undo and run_id):
        raise click.UsageError("name the RUN to mark, or --undo a mark", click.get_current_context())
    if run_id is not None and (start_m is None or end_m is None or terrain is None):
        raise click.UsageError("a stretch needs --from, --to and --as", click.get_current_context())
    if run_id is None and undo is None:
        with VeiledWorkspace(folder, read_only=True) as workspace:
            choose_athletes(workspace, athlete_id)
            say(_mark_lines(workspace.load_marks(athlete_id), workspace.load_runs(athlete_id)))
        return
    with Workspace(folder) as workspace:
        choose_athletes(workspace, athlete_id)
        with turn(workspace):
            if undo is not None:
                batch.unmark_stretch(workspace, athlete_id, undo)
                say([f"Mark {undo} is taken back, and its place is judged by its features again"])
            elif run_id is not None and start_m is not None and end_m is not None and terrain is not None:
                found = batch.mark_stretch(workspace, athlete_id, run_id, start_m, end_m, terrain)
                edited = workspace.load_segments(athlete_id).filter(pl.col("edited"))["run_id"].n_unique()
                say(
                    [
                        f"Mark {found}: {start_m:.0f} to {end_m:.0f} m are {terrain}."
                        f" Runs with a marked stretch: {edited}"
                    ]
                )


def _mark_lines(marks: DataFrame[Marks], runs: DataFrame[Runs]) -> list[str]:
    names = dict(runs.select("run_id", "source_name").iter_rows())
    return [
        f"{row['mark_id']}: {row['start_m']:.0f} to {row['end_m']:.0f} m of"
        f" {names.get(row['run_id'], row['run_id'])} are {row['terrain']}"
        for row in marks.iter_rows(named=True)
    ] or ["Nothing is marked"]
