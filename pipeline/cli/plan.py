"""The command of the plan: what could be seen, and a plan drawn by lot."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import click

from pipeline.cli import roster_words, words
from pipeline.cli.terminal import (
    any_athlete_option,
    choose_athletes,
    json_option,
    say,
    say_json,
    workspace_option,
)
from pipeline.effect import preview_designs, preview_staggered
from pipeline.errors import SurefootError
from pipeline.plan import add_plan, draw_plan, draw_staggered, write_csv, write_ics
from pipeline.tables import Plans
from pipeline.workspace import Workspace


@click.command()
@any_athlete_option
@click.option("--choose", "block_weeks", type=click.IntRange(1, 26), help="Draw a plan of blocks of N weeks.")
@click.option("--stagger", is_flag=True, help="Draw a start of balance work for each of all athletes.")
@click.option("--weeks", type=click.IntRange(2, 104), default=40, show_default=True, help="Its length.")
@click.option("--start", type=click.DateTime(["%Y-%m-%d"]), help="Its first day; next Monday if not given.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for its calendar (ICS and CSV).")
@workspace_option
@json_option
def plan(
    athlete_id: str | None,
    block_weeks: int | None,
    stagger: bool,
    weeks: int,
    start: datetime | None,
    out: Path | None,
    folder: Path,
    as_json: bool,
) -> None:
    """What could be seen under which plan, and, with --choose or --stagger, plans drawn by lot and kept.

    Without --athlete: what all athletes could show together, were each to start balance work in a week of
    their own, drawn by lot.
    """
    context = click.get_current_context()
    first = start.date() if start else None
    if stagger and (athlete_id is not None or block_weeks is not None):
        raise click.UsageError("--stagger is for all athletes: leave --athlete and --choose out", context)
    if block_weeks is not None and athlete_id is None:
        raise click.UsageError("name whose blocks with --athlete", context)
    if (stagger or block_weeks is not None) and out is None:
        raise click.UsageError("name a folder for the calendar with --out", context)
    if stagger and out is not None:
        _stagger(folder, weeks, first, out, as_json)
    elif block_weeks is not None and athlete_id is not None and out is not None:
        _choose(folder, athlete_id, block_weeks, weeks, first, out, as_json)
    elif athlete_id is None:
        _preview_staggered(folder, as_json)
    else:
        _preview(folder, athlete_id, as_json)


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


def _preview_staggered(folder: Path, as_json: bool) -> None:
    with Workspace(folder, read_only=True) as workspace:
        athletes = choose_athletes(workspace, None)
        detectable = preview_staggered(
            athletes, workspace.load_runs(), workspace.load_stability(), workspace.load_balance_sessions()
        )
    if as_json:
        say_json(
            {
                "athletes": athletes,
                "detectable": [{"weeks": weeks, "change": change} for weeks, change in detectable.items()],
            }
        )
    else:
        say(roster_words.stagger_preview_lines(athletes, detectable))


def _stagger(folder: Path, weeks: int, start: date | None, out: Path, as_json: bool) -> None:
    now = datetime.now(UTC)
    with Workspace(folder) as workspace:
        drawn = draw_staggered(
            choose_athletes(workspace, None),
            weeks=weeks,
            start=start or _next_monday(now),
            drawn_at=now,
            seed=secrets.randbits(32),
        )
        rows = list(drawn.iter_rows(named=True))
        files: dict[Path, bytes] = {}
        for n, row in enumerate(rows, start=1):
            # An athlete's name may be anything, a file's may not.
            name = re.sub(r"[^\w-]+", "_", row["athlete_id"])
            files |= {
                out / f"{n:02d}-{name}.ics": write_ics(row),
                out / f"{n:02d}-{name}.csv": write_csv(row),
            }
        plans = {
            row["athlete_id"]: add_plan(
                workspace.load_plans(row["athlete_id"]),
                Plans.validate(drawn.filter(athlete_id=row["athlete_id"])),
            )
            for row in rows
        }
        _write(out, files)
        for athlete_id, own in plans.items():
            workspace.save_plans(athlete_id, own)
    if as_json:
        say_json(rows)
    else:
        say(roster_words.staggered_lines(rows, str(out)))


def _write(out: Path, files: Mapping[Path, bytes]) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        for file, content in files.items():
            file.write_bytes(content)
    except OSError as error:
        raise SurefootError(
            f"{out} cannot be written ({error.strerror})", "name another folder with --out"
        ) from None


def _choose(
    folder: Path, athlete_id: str, block_weeks: int, weeks: int, start: date | None, out: Path, as_json: bool
) -> None:
    now = datetime.now(UTC)
    drawn = draw_plan(
        athlete_id,
        block_weeks=block_weeks,
        weeks=weeks,
        start=start or _next_monday(now),
        drawn_at=now,
        seed=secrets.randbits(32),
    )
    chosen = drawn.row(0, named=True)
    files = {out / "plan.ics": write_ics(chosen), out / "plan.csv": write_csv(chosen)}
    with Workspace(folder) as workspace:
        choose_athletes(workspace, athlete_id)
        plans = add_plan(workspace.load_plans(athlete_id), drawn)
        _write(out, files)
        workspace.save_plans(athlete_id, plans)
    if as_json:
        say_json(chosen)
    else:
        say(words.plan_lines(chosen, map(str, files)))


def _next_monday(now: datetime) -> date:
    return now.date() + timedelta(days=7 - now.weekday())
