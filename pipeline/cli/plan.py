"""The command of the plan: what could be seen, and a plan drawn by lot."""

from __future__ import annotations

import secrets
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import click

from pipeline.cli import words
from pipeline.cli.terminal import (
    athlete_option,
    choose_athletes,
    json_option,
    say,
    say_json,
    workspace_option,
)
from pipeline.effect import preview_designs
from pipeline.errors import SurefootError
from pipeline.plan import add_plan, draw_plan, write_csv, write_ics
from pipeline.workspace import Workspace


@click.command()
@athlete_option
@click.option("--choose", "block_weeks", type=click.IntRange(1, 26), help="Draw a plan of blocks of N weeks.")
@click.option("--weeks", type=click.IntRange(2, 104), default=40, show_default=True, help="Its length.")
@click.option("--start", type=click.DateTime(["%Y-%m-%d"]), help="Its first day; next Monday if not given.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for its calendar (ICS and CSV).")
@workspace_option
@json_option
def plan(
    athlete_id: str,
    block_weeks: int | None,
    weeks: int,
    start: datetime | None,
    out: Path | None,
    folder: Path,
    as_json: bool,
) -> None:
    """What could be seen under which plan, and, with --choose, a plan drawn by lot and kept."""
    if block_weeks is None:
        _preview(folder, athlete_id, as_json)
    elif out is None:
        raise click.UsageError("name a folder for the calendar with --out", click.get_current_context())
    else:
        _choose(folder, athlete_id, block_weeks, weeks, start.date() if start else None, out, as_json)


def _preview(folder: Path, athlete_id: str, as_json: bool) -> None:
    with Workspace(folder, read_only=True) as workspace:
        choose_athletes(workspace, athlete_id)
        preview = preview_designs(
            athlete_id,
            workspace.load_runs(athlete_id),
            workspace.load_stability(athlete_id),
            workspace.load_balance_sessions(athlete_id),
        )
    if as_json:
        say_json(words.preview_json(preview))
    else:
        say(words.preview_lines(athlete_id, preview))


def _choose(
    folder: Path, athlete_id: str, block_weeks: int, weeks: int, start: date | None, out: Path, as_json: bool
) -> None:
    now = datetime.now(UTC)
    drawn = draw_plan(
        athlete_id,
        block_weeks=block_weeks,
        weeks=weeks,
        start=start or now.date() + timedelta(days=7 - now.weekday()),
        drawn_at=now,
        seed=secrets.randbits(32),
    )
    chosen = drawn.row(0, named=True)
    files = {out / "plan.ics": write_ics(chosen), out / "plan.csv": write_csv(chosen)}
    with Workspace(folder) as workspace:
        choose_athletes(workspace, athlete_id)
        plans = add_plan(workspace.load_plans(athlete_id), drawn)
        try:
            out.mkdir(parents=True, exist_ok=True)
            for file, content in files.items():
                file.write_bytes(content)
        except OSError as error:
            raise SurefootError(
                f"{out} cannot be written ({error.strerror})", "name another folder with --out"
            ) from None
        workspace.save_plans(athlete_id, plans)
    if as_json:
        say_json(chosen)
    else:
        say(words.plan_lines(chosen, map(str, files)))
