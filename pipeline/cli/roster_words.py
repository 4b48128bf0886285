"""What the command prints of several athletes, and of one against their own usual range."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from typing import Any

import polars as pl

from pipeline.roster import RosterAnswer


def roster_lines(answer: RosterAnswer) -> list[str]:
    """The roster's answer, and each athlete's estimate drawn towards the mean."""
    lines = [f"roster: {answer.verdict}", *_wrapped(answer.sentence)]
    pooled = answer.pooled
    if pooled is None:
        return lines
    swap = "-" if answer.swap_p is None else f"{answer.swap_p:.3f}"
    lines += _wrapped(
        f"p {pooled.p:.3f} (random effects: Paule-Mandel, Hartung-Knapp), by swapping logs between athletes "
        f"{swap}; {100 * pooled.i2:.0f} % of the spread between estimates is more than their own error."
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
