"""Numbers as people read them: with units, a true minus sign, and direction in words."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from pipeline.effect import write_p

NBSP = "\u00a0"
MINUS = "\u2212"
NONE = "–"
_ISO_DAY = re.compile(r"(?<![\w-])\d{4}-\d\d-\d\d(?![\w-])")
MOST_TOLD = 10.0  # of a change: beyond that an end of an interval says only that it is far away


def percent(fraction: float | None, digits: int = 1) -> str:
    """0.038 as `3.8 %`."""
    return NONE if fraction is None else f"{100 * fraction:.{digits}f}{NBSP}%"


def signed_percent(fraction: float | None, digits: int = 1) -> str:
    """0.012 as `+1.2 %`."""
    return NONE if fraction is None else f"{100 * fraction:+z.{digits}f}{NBSP}%".replace("-", MINUS)


def percent_range(low: float | None, high: float | None, digits: int = 1) -> str:
    """0.036 and 0.041 as `3.6 to 4.1 %`."""
    if low is None or high is None:
        return NONE
    return f"{100 * low:.{digits}f} to {percent(high, digits)}"


def change(fraction: float) -> str:
    """A change of unsteadiness in words: -0.09 is `9 % steadier`."""
    size = round(100 * abs(fraction))
    if size == 0:
        return "no change"
    if fraction > MOST_TOLD:
        return f"over {round(100 * MOST_TOLD)}{NBSP}% less steady"
    return f"{size}{NBSP}% {'steadier' if fraction < 0 else 'less steady'}"


def change_range(low: float, high: float) -> str:
    """An interval of changes in words; where both ends have one sign, the end nearer to none comes first."""
    if high < 0:
        return f"{round(-100 * high)} to {change(low)}"
    if low > 0:
        return f"{round(100 * low)} to {change(high)}"
    return f"{change(low)} to {change(high)}"


def p_value(p: float | None) -> str:
    """A p value to three digits, never as zero."""
    return NONE if p is None else write_p(p)


def duration(seconds: float | None) -> str:
    """`2 h 05 min`, or `42 min`."""
    if seconds is None:
        return NONE
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours}{NBSP}h {minutes:02d}{NBSP}min" if hours else f"{minutes}{NBSP}min"


def number(value: float | None, unit: str, digits: int = 0) -> str:
    """A number and its unit."""
    if value is None:
        return NONE
    return f"{value:z,.{digits}f}{NBSP}{unit}".replace(",", "\u202f").replace("-", MINUS)


def count(n: int, noun: str, plural: str = "") -> str:
    """`1 run`, `12 runs`."""
    return f"{n}{NBSP}{noun if n == 1 else plural or f'{noun}s'}"


def day(value: date) -> str:
    """`4 Oct 2026`."""
    return f"{value.day}{NBSP}{value:%b}{NBSP}{value.year}"


def with_days(text: str) -> str:
    """A text whose days stand as 2026-10-04, with them as people read them."""

    def written(found: re.Match[str]) -> str:
        try:
            return day(date.fromisoformat(found[0]))
        except ValueError:
            return found[0]

    return _ISO_DAY.sub(written, text)


def sentence_case(text: str) -> str:
    """The first letter large, the rest as it was."""
    return text[:1].upper() + text[1:]


def naive_words(row: dict[str, Any] | None) -> str:
    """The obvious correlation with the reason why it is not the answer."""
    if row is None or row["naive_r"] is None:
        return "There is no plain correlation to show: fewer than three runs that count since the log began."
    r = f"r{NBSP}={NBSP}{row['naive_r']:+.2f}".replace("-", MINUS)
    return (
        f"Raw variability on technical ground with the balance minutes of the 28 days before each run: "
        f"{r}, p {p_value(row['naive_p'])}. Not to be trusted: {row['naive_reason']}."
    )
