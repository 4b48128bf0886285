"""The cells of a balance log: text → value, or a CellError that says what would do."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any

from pipeline.drills import normalise

EARLIEST = date(2000, 1, 1)
MAX_MINUTES = 600.0
_MAX_COUNT = 10_000
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_ISO_ADVICE = "write it as YYYY-MM-DD"
_SECONDS = MappingProxyType(
    {
        **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600.0),
        **dict.fromkeys(("m", "min", "mins", "minute", "minutes", "'", "′"), 60.0),
        **dict.fromkeys(("s", "sec", "secs", "second", "seconds", '"', "″"), 1.0),
    }
)
_PART = re.compile(r"(\d+(?:[.,]\d*)?|[.,]\d+)\s*([^\W\d_]+|['′\"″]?)\.?\s*")
_WEEKDAY = re.compile(r"^(mon|tues?|wed(nes)?|thu(rs)?|fri|sat(ur)?|sun)(day)?[.,]*\s+", re.IGNORECASE)
_TIME_OF_DAY = re.compile(r"[T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$")
_SIDES = MappingProxyType(
    {
        **dict.fromkeys(("l", "left", "left leg"), "left"),
        **dict.fromkeys(("r", "right", "right leg"), "right"),
        **dict.fromkeys(("b", "both", "both legs", "both sides", "bilateral", "alternating"), "both"),
        **dict.fromkeys(("each", "each leg", "each side", "per leg", "per side", "l r", "r l"), "both"),
        **dict.fromkeys(("l and r", "left right", "right left", "left and right", "right and left"), "both"),
    }
)
_EYES = MappingProxyType(
    {
        **dict.fromkeys(("open", "eyes open", "eo", "o"), "open"),
        **dict.fromkeys(("closed", "eyes closed", "ec", "c", "shut"), "closed"),
    }
)


class CellError(ValueError):
    """A cell that cannot be used; its text says what is wrong and what would do."""


class AmbiguousDate(CellError):
    """A date that is one day with the day first and another with the month first."""


def parse_date(text: str, latest: date, order: str = "") -> date:
    """ISO, or another order where only one reading is possible (a day above 12, or the month by name).

    A weekday before it is not looked at. With `order`, "dmy" or "mdy", day or month come first, always.
    Raises AmbiguousDate where both orders give a day, or the year has two digits, and none is said.
    """
    day = _read_date(_WEEKDAY.sub("", _TIME_OF_DAY.sub("", text.strip())), order)
    if day > latest:
        raise CellError(f"{day} is in the future: correct the date")
    if day < EARLIEST:
        raise CellError(f"{day} is too long ago for a log of balance work: correct the year")
    return day


def _read_date(text: str, order: str) -> date:
    if match := re.fullmatch(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})|(\d{4})(\d{2})(\d{2})", text):
        year, month, day = (int(part) for part in match.groups() if part)
        return _make_date(text, year, month, day)
    if match := re.fullmatch(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{2})", text):
        if not order:
            raise AmbiguousDate(
                f"'{text}' has a year of two digits and can be read in several ways: {_ISO_ADVICE}, or say "
                "--dates dmy or mdy"
            )
        one, other, year = (int(part) for part in match.groups())
        return _make_date(text, 2000 + year, *((other, one) if order == "dmy" else (one, other)))
    if match := re.fullmatch(r"(\d{1,2})[-/. ]+(\d{1,2})[-/. ]+(\d{4})", text):
        one, other, year = (int(part) for part in match.groups())
        if order:
            return _make_date(text, year, *((other, one) if order == "dmy" else (one, other)))
        if one > 12:
            return _make_date(text, year, other, one)
        if other > 12 or one == other:
            return _make_date(text, year, one, other)
        readings = f"{year}-{other:02d}-{one:02d} or {year}-{one:02d}-{other:02d}"
        raise AmbiguousDate(f"'{text}' can be read as {readings}: {_ISO_ADVICE}, or say --dates dmy or mdy")
    if match := re.fullmatch(r"(\d{1,2})(?:st|nd|rd|th)?[-/. ]+([^\W\d_]+)[-/., ]+(\d{4})", text):
        return _read_named(text, match[3], match[2], match[1])
    if match := re.fullmatch(r"([^\W\d_]+)[-/. ]+(\d{1,2})(?:st|nd|rd|th)?[-/., ]+(\d{4})", text):
        return _read_named(text, match[3], match[1], match[2])
    raise CellError(f"'{text}' is not a date: {_ISO_ADVICE}")


def _read_named(text: str, year: str, month: str, day: str) -> date:
    for number, name in enumerate(_MONTHS, start=1):
        if len(month) >= 3 and name.startswith(month.casefold()):
            return _make_date(text, int(year), number, int(day))
    raise CellError(f"'{month}' is not an English month: {_ISO_ADVICE}")


def _make_date(text: str, year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise CellError(f"'{text}' is not a day of the calendar: {_ISO_ADVICE}") from None


def _number(text: str, units: str, example: str) -> float:
    """A finite number of 0 or more, with a decimal point or comma and perhaps its unit."""
    match = re.fullmatch(rf"\+?(\d+(?:[.,]\d*)?|[.,]\d+)\s*(?:{units})?", text.strip(), re.IGNORECASE)
    if match is None:
        raise CellError(f"'{text}' is not a number of 0 or more: write {example}")
    return float(match[1].replace(",", "."))


def parse_minutes(text: str) -> float:
    """Minutes of one exercise: '12', '7.5 min', '90 s', '1 h 20 min', '0:20' (h:mm), '1:05:00' (h:mm:ss).

    0 says that the log was kept and nothing done. '5:00' can be hours or minutes, and is refused.
    """
    if match := re.fullmatch(r"(\d{1,2}):([0-5]\d)(?::([0-5]\d))?", text.strip()):
        hours, minutes, seconds = (int(part or 0) for part in match.groups())
        if hours and match[3] is None:
            raise CellError(
                f"'{text}' can be read as {hours * 60 + minutes} or as {hours + minutes / 60:.4g} minutes: "
                "write the one that is meant"
            )
        found = hours * 60 + minutes + seconds / 60
    else:
        found = _duration(text, "min", "minutes such as 12 or 7.5") / 60
    if found > MAX_MINUTES:
        raise CellError(
            f"{text} minutes is more than {MAX_MINUTES:.0f} on one exercise: write minutes, not seconds"
        )
    return found


def parse_seconds(text: str) -> float:
    """Seconds of a hold, from '30', '30s', '1 min' or '1:30' (m:ss)."""
    if match := re.fullmatch(r"(\d{1,2}):([0-5]\d)", text.strip()):
        return 60.0 * int(match[1]) + int(match[2])
    return _duration(text, "s", "seconds such as 30")


def _duration(text: str, unit: str, example: str) -> float:
    """Seconds of a number in `unit` or with its own, or of several such, each with its own: '1 h 20 min'."""
    parts = _PART.findall(text)
    whole = re.fullmatch(rf"\s*\+?(?:{_PART.pattern})+", text)
    names = [name.casefold() or unit * (len(parts) == 1) for _, name in parts]
    if not whole or not set(names) <= set(_SECONDS):
        raise CellError(f"'{text}' is not a number of 0 or more: write {example}")
    return sum(
        float(number.replace(",", ".")) * _SECONDS[name]
        for (number, _), name in zip(parts, names, strict=True)
    )


def parse_count(text: str) -> int:
    """A whole number of sets, repetitions or wobbles."""
    count = _number(text, "x|sets?|reps?", "a whole number such as 3")
    if not count.is_integer() or count > _MAX_COUNT:
        raise CellError(f"'{text}' is not a whole number up to {_MAX_COUNT}: write one such as 3")
    return int(count)


def parse_rpe(text: str) -> float:
    """Rate of perceived exertion, 0 to 10."""
    rpe = _number(text, r"/\s*10", "0 to 10")
    if not math.isfinite(rpe) or rpe > 10:
        raise CellError(f"an rpe of {text} is above 10: write 0 (rest) to 10 (all out)")
    return rpe


def parse_side(text: str) -> str:
    """left, right or both."""
    return _one_of(text, _SIDES, "left, right or both")


def parse_eyes(text: str) -> str:
    """open or closed."""
    return _one_of(text, _EYES, "open or closed")


def _one_of(text: str, values: Mapping[str, str], example: str) -> str:
    value = values.get(normalise(text))
    if value is None:
        raise CellError(f"'{text}' is not known: write {example}")
    return value


PARSERS: Mapping[str, Callable[[str], Any]] = MappingProxyType(
    {
        "minutes": parse_minutes,
        "minutes_per_side": parse_minutes,
        "sets": parse_count,
        "reps": parse_count,
        "hold_s": parse_seconds,
        "side": parse_side,
        "eyes": parse_eyes,
        "clean_sets": parse_count,
        "wobbles": parse_count,
        "rpe": parse_rpe,
    }
)
