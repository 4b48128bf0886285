"""What the command prints of several athletes and their staggered starts, and of one's own usual range."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import polars as pl

from pipeline.effect import StaggerTest, write_p
from pipeline.effect.design import TRUE_SD
from pipeline.effect.randomisation import FOLLOWED
from pipeline.plan import blocks_of
from pipeline.roster import ALPHA, OF_SEVERAL, RosterAnswer
from pipeline.schedule import count_arrangements


def roster_lines(answer: RosterAnswer, group: str | None = None) -> list[str]:
    """The answer of the roster or of a group, and each athlete's estimate drawn towards the mean."""
    lines = [f"{group or 'roster'}: {answer.verdict}", *_wrapped(answer.sentence)]
    pooled = answer.pooled
    if pooled is None:
        return lines
    if group is not None:
        lines += _wrapped(OF_SEVERAL)
    swap = "-" if answer.swap_p is None else write_p(answer.swap_p)
    lines += _wrapped(
        f"p {write_p(pooled.p)} (random effects: Paule-Mandel, Hartung-Knapp), by swapping logs between "
        f"athletes {swap}; {100 * pooled.i2:.0f} % of the spread between estimates is more than their own "
        "error."
    )
    lines.append(
        "  Each athlete, drawn towards the mean by the imprecision of the own runs (minus is steadier):"
    )
    lines += [
        f"    {athlete_id:<16} " + f"{100 * math.expm1(value):+.0f} %".replace("-", "−")
        for athlete_id, value in zip(answer.athlete_ids, pooled.shrunken, strict=True)
    ]
    return lines


def roster_json(answer: RosterAnswer) -> dict[str, Any]:
    """The same for machines; changes as fractions, `tau` in log units."""
    pooled = answer.pooled
    found: dict[str, Any] = {"verdict": answer.verdict, "sentence": answer.sentence, "swap_p": answer.swap_p}
    if pooled is not None:
        found |= {
            "estimate": math.expm1(pooled.estimate),
            "low": math.expm1(pooled.low),
            "high": math.expm1(pooled.high),
            "p": pooled.p,
            "tau": math.sqrt(pooled.tau2),
            "i2": pooled.i2,
            "shrunken": {
                athlete_id: math.expm1(value)
                for athlete_id, value in zip(answer.athlete_ids, pooled.shrunken, strict=True)
            },
        }
    return found


def stagger_preview_lines(athlete_ids: Sequence[str], detectable: Mapping[int, float | None]) -> list[str]:
    """What all athletes could show together with staggered starts."""
    who = f"{len(athlete_ids)} athletes" if len(athlete_ids) > 1 else "one athlete"
    lines = [
        f"{who}, each starting balance work in a week of their own, drawn by lot:",
        "    " + "".join(f"{weeks:>5} weeks" for weeks in detectable),
        "    " + "".join(f"{_change(change):>11}" for change in detectable.values()),
    ]
    lines += _wrapped(
        "Smallest common change per 45 weekly minutes that the pooled answer would show (80 % power), from "
        "each athlete's own noise and runs; true effects are taken to differ between athletes by an SD of "
        f"{100 * TRUE_SD:.0f} %. The lot brings its own test. "
        + _reach(count_arrangements(range(len(athlete_ids))))
    )
    return lines + _wrapped("To draw the starts: surefoot plan --stagger --weeks 26 --out DIR")


def staggered_lines(plans: Sequence[Mapping[str, Any]], out: str) -> list[str]:
    """Staggered starts as drawn, an athlete a line."""
    first = plans[0]
    lines = [f"drawn by lot with seed {first['seed']} at {first['drawn_at']:%Y-%m-%d %H:%M} UTC"]
    starts = [plan["schedule"].index("1") for plan in plans]
    for plan in plans:
        without, with_work = blocks_of(plan)
        lines.append(
            f"    {plan['athlete_id']:<16} no balance work from {without.start}, balance work from "
            f"{with_work.start} to {with_work.end - timedelta(days=1)}"
        )
    lines += _wrapped(_reach(count_arrangements(starts)))
    return lines + _wrapped(
        f"They are kept in the workspace; the calendars are in {out}, two files an athlete."
    )


def stagger_lines(test: StaggerTest, verdict: str) -> list[str]:
    """What the staggered starts' own test says beside the roster's verdict."""
    who = f"Staggered starts of {len(test.athlete_ids)} athletes, drawn by lot"
    if not test.is_over:
        return _wrapped(f"{who}, run until {test.until}: their own test is made then.")
    if test.p is None:
        return _wrapped(f"{who}: the runs are too few for their own test.")
    agrees = verdict.startswith(("steadier", "less steady")) and (
        (test.correlation < 0) == verdict.startswith("steadier")
    )
    said = f"{who}, have a test of their own: p {write_p(test.p)}"
    if test.allows_because and agrees:
        word = "steadier" if test.correlation < 0 else "less steady"
        return _wrapped(f"{said}. Cadence was {word} because of the balance work.")
    if test.followed < FOLLOWED:
        kept = f"{100 * test.followed:.0f} % of the weeks were kept to"
        said += f", but {kept} and {100 * FOLLOWED:.0f} % are needed"
    return _wrapped(f"{said}, which names no cause. {_reach(test.n_arrangements)}".strip())


def _reach(arrangements: int) -> str:
    ways = "one way" if arrangements == 1 else f"{arrangements:,} ways"
    if arrangements < 1 / ALPHA:
        return (
            f"The starts can be dealt out in {ways} only, so that test cannot get under 5 % and no cause can "
            "be named: four athletes or more can."
        )
    return f"The starts can be dealt out in {ways}, enough for that test to get under 5 %."


def _change(change: float | None) -> str:
    return "-" if change is None else f"{100 * change:.0f} %"


def triage_lines(triage: pl.DataFrame, n_athletes: int) -> list[str]:
    """Who needs a look and why, the most urgent first; how many need none."""
    width = max((len(name) for name in triage["athlete_id"]), default=0)
    lines = [f"{row['athlete_id']:<{width}}  {row['reason']}" for row in triage.iter_rows(named=True)]
    calm = n_athletes - triage["athlete_id"].n_unique()
    noun = "athlete needs" if calm == 1 else "athletes need"
    return [*lines, f"{calm} {noun} no look"]


def range_lines(ranges: pl.DataFrame) -> list[str]:
    """Where one athlete's latest run lies, a line for each ground."""
    return [line for row in ranges.iter_rows(named=True) for line in _wrapped(_where(row))]


def _where(row: Mapping[str, Any]) -> str:
    if row["value"] > row["high"]:
        place = "unsteadier than usual"
    elif row["value"] < row["low"]:
        place = "steadier than usual"
    else:
        place = "within your usual range"
    return (
        f"latest run that counts ({row['local_date']}), {row['terrain']} ground: cadence variability "
        f"{100 * row['value']:.1f} %, {place} ({100 * row['low']:.1f} to {100 * row['high']:.1f} %, from "
        f"{row['n_runs']} runs of the 8 weeks before)"
    )


def _wrapped(text: str) -> list[str]:
    return [textwrap.fill(text, 100, initial_indent="  ", subsequent_indent="  ")]
