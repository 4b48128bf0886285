"""Groups of athletes, such as juniors or injured: what they may be called, and who is in one."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

import polars as pl

from pipeline.errors import SurefootError
from pipeline.tables import DataFrame, Groups

MAX_LETTERS = 40
MAX_GROUPS = 20


def read_names(text: str) -> list[str]:
    """The names in a text with commas between them, each once, sorted.

    Raises SurefootError where one is none, or there are too many for one athlete.
    """
    tidy = {" ".join(unicodedata.normalize("NFC", part).split()) for part in text.split(",")} - {""}
    for name in tidy:
        if len(name) > MAX_LETTERS or not name.isprintable():
            raise SurefootError(
                f"{name[:MAX_LETTERS]!r} is no name of a group",
                f"give 1 to {MAX_LETTERS} printable letters, commas between several groups",
            )
    if len(tidy) > MAX_GROUPS:
        raise SurefootError(
            f"these are {len(tidy)} groups", f"an athlete is in {MAX_GROUPS} at most: leave some out"
        )
    return sorted(tidy)


def write_names(names: Iterable[str]) -> str:
    """The names as `read_names` reads them."""
    return ", ".join(sorted(names))


def find_members(groups: DataFrame[Groups], name: str, athletes: Sequence[str]) -> list[str]:
    """Those of the athletes who are in the group."""
    found = set(groups.filter(pl.col("name") == name)["athlete_id"])
    return [athlete_id for athlete_id in athletes if athlete_id in found]


def choose_members(groups: DataFrame[Groups], name: str, athletes: Sequence[str]) -> list[str]:
    """`find_members`. Raises SurefootError where there are none."""
    members = find_members(groups, name, athletes)
    if not members:
        known = write_names(groups["name"].unique())
        raise SurefootError(
            f"there is no group {name!r}",
            f"there is {known}" if known else "`surefoot group NAME ATHLETE` puts an athlete into one",
        )
    return members
