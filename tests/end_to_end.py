"""Whether the whole pipeline tells the truth: `python -m tests.end_to_end --out build/truth`.

Writes seasons of runners with and without an effect as watch files and logs, takes them in as `surefoot
analyse` and `surefoot log` do, and holds each verdict against what was planted. Runners, designs and seeds
were fixed before any answer was seen. A second call answers anew from what the first one has analysed.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import polars as pl

from pipeline import batch, read_balance_log
from pipeline.effect import HEADLINE
from pipeline.effect.season import UNIT_MIN_PER_WEEK, build_season
from pipeline.engine import LocalEngine
from pipeline.exposure import HALF_LIFE_DAYS, decayed_weekly
from pipeline.workspace import Workspace
from sample_data import Runner, write_season
from tests.calibrate import straight_line

WEEKS = (26, 39, 52)
BLOCKS_WEEKS = (0, 4, 6, 8)
# The longest seasons take longest: two designs of theirs are enough.
OF_A_YEAR = (0, 8)
# Share that 45 weekly minutes take off the latent unsteadiness, and how long that lasts [days].
TRUTHS = ((0.2, 21.0), (0.3, 10.0), (0.4, 35.0), (0.5, 21.0))
FIRST_SEED = 31_000


def runners() -> list[tuple[Runner, int]]:
    """40 runners with an effect, each before one of the same design and another seed without; their weeks."""
    designs = list(product(WEEKS, BLOCKS_WEEKS, TRUTHS))
    chosen = []
    for n, (weeks, block_weeks, (share, half_life_days)) in enumerate(designs):
        if weeks == WEEKS[-1] and block_weeks not in OF_A_YEAR:
            continue
        for name, number, effect in (("effect", n, math.log(1 - share)), ("null", n + len(designs), 0.0)):
            runner = Runner(f"{name}-{number:02d}", FIRST_SEED + number, effect, half_life_days, block_weeks)
            chosen.append((runner, weeks))
    return chosen


def answer_runner(workspace: Workspace, engine: LocalEngine, out: Path, runner: Runner, weeks: int) -> None:
    """The season of one runner through files, decoder and terrain into the workspace, and its answer."""
    athlete_id = runner.runner_id
    # The folder is there still where an earlier call was ended in the midst of the import.
    if workspace.load_runs(athlete_id).is_empty() or (out / athlete_id).exists():
        folder = write_season(out, runner, weeks)
        batch.import_files(
            workspace, batch.find_files([folder / "runs"], workspace.path), athlete_id, engine, keep=False
        )
        workspace.save_balance_sessions(athlete_id, read_balance_log(folder / "balance-log.csv", athlete_id))
        shutil.rmtree(folder)
    batch.refresh_answer(workspace, athlete_id)


def judge(runner: Runner, weeks: int, workspace: Workspace) -> dict[str, Any]:
    """The headline's row beside the truth: the straight line, in the dose of the declared half-life, through
    what was planted at each run, of which a watch shows a part only."""
    athlete_id = runner.runner_id
    row = workspace.load_effects(athlete_id).row(by_predicate=pl.col("outcome") == HEADLINE, named=True)
    season = build_season(
        athlete_id,
        workspace.load_runs(athlete_id),
        workspace.load_stability(athlete_id),
        workspace.load_balance_sessions(athlete_id),
        HALF_LIFE_DAYS,
    )
    dose = decayed_weekly(season.minutes, runner.half_life_days)[season.run_day] / UNIT_MIN_PER_WEEK
    line = straight_line(season, runner.log_effect * dose)
    return {
        "has_effect": runner.log_effect < 0,
        "weeks": weeks,
        "design": f"blocks of {runner.block_weeks}" if runner.block_weeks else "self-chosen",
        "half_life_days": runner.half_life_days,
        "planted": runner.log_effect,
        "line": line,
        "verdict": row["verdict"],
        "n_runs": row["n_runs"],
        "estimate": None if row["estimate"] is None else math.log1p(row["estimate"]),
        "low": None if row["low"] is None else math.log1p(row["low"]),
        "high": None if row["high"] is None else math.log1p(row["high"]),
        "excludes_zero": row["low"] is not None and not row["low"] <= 0 <= row["high"],
        "naive": row["naive_p"] is not None and row["naive_p"] < 0.05,
    }


def with_shown(judged: pl.DataFrame) -> pl.DataFrame:
    """With `shown`, the share of the line that is measured of the other runners with an effect, and `holds`,
    whether the interval holds that share of the runner's own line."""
    estimate, line = pl.col("estimate"), pl.col("line")
    of_all = (pl.when("has_effect").then(of).otherwise(0.0).fill_null(0.0) for of in (estimate, line))
    others = [of.sum() - of for of in of_all]
    with_share = judged.with_columns(shown=others[0] / others[1])
    return with_share.with_columns(holds=(pl.col("shown") * line).is_between(pl.col("low"), pl.col("high")))


def table(judged: pl.DataFrame) -> Iterator[str]:
    """Lines: verdicts against truth, by effect and then by what was varied."""
    judged = with_shown(judged)
    yield (
        "runners                       n  naive  interval  steadier  less steady  no effect  cannot tell"
        "  refused  holds line"
    )
    groups: list[tuple[str, pl.DataFrame]] = [
        ("no effect", judged.filter(~pl.col("has_effect"))),
        ("effect", judged.filter("has_effect")),
    ]
    for column in ("weeks", "design", "half_life_days", "planted"):
        for has_effect in (False, True):
            for key, part in judged.filter(has_effect=has_effect).group_by(column, maintain_order=True):
                value = f"{1 - math.exp(key[0]):.0%}" if column == "planted" else str(key[0])
                name = f"{'effect' if has_effect else 'no effect'}, {column} {value}"
                groups.append((name, part))
    for name, part in groups:
        verdicts = part["verdict"]
        counts = [
            int(verdicts.str.starts_with(start).sum())
            for start in ("steadier", "less", "no effect", "cannot tell")
        ]
        yield (
            f"{name:<27}{part.height:>4}{part['naive'].sum():>7}{part['excludes_zero'].sum():>10}{counts[0]:>10}"
            f"{counts[1]:>13}{counts[2]:>11}{counts[3]:>13}{part.height - sum(counts):>9}"
            f"{part['holds'].sum():>12}"
        )
    for half_life_days, part in judged.filter(pl.col("has_effect")).group_by(
        "half_life_days", maintain_order=True
    ):
        shown = part["estimate"].sum() / part["line"].sum()
        yield (
            f"effect with a half-life of {half_life_days[0]:.0f} days: {shown:.2f} of the line through what "
            "was planted was measured"
        )
    shares = judged.filter("has_effect")["shown"].to_numpy()
    yield (
        f"the share that the other runners with an effect showed of their lines: {shares.min():.2f} to "
        f"{shares.max():.2f}"
    )
    for part in (part for name, part in groups if name == "no effect" and part.height):
        yield f"no effect: mean estimate {part['estimate'].mean():+.3f}"


def main() -> None:
    """Read the options, make what is missing, answer, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.end_to_end", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the workspace; kept")
    parser.add_argument("--runners", type=int, default=80, help="only the first of them (default 80, all)")
    options = parser.parse_args()
    began = time.monotonic()
    engine = LocalEngine(os.cpu_count() or 1)
    judged = []
    try:
        with Workspace(options.out / "workspace") as workspace:
            for runner, weeks in runners()[: options.runners]:
                answer_runner(workspace, engine, options.out, runner, weeks)
                judged.append(judge(runner, weeks, workspace))
                print(
                    f"{runner.runner_id} {judged[-1]['design']}, {weeks} weeks: {judged[-1]['verdict']}",
                    flush=True,
                )
    finally:
        engine.close()
    print("\n".join(table(pl.DataFrame(judged))))
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
