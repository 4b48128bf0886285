"""The catalogue of balance drills, drills.csv: names people use → the drill, its category, whether it counts.

The categories are those of the training literature; the file is the one place to add a drill or a name of it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType

UNKNOWN_CATEGORY = "other"


@dataclass(frozen=True, slots=True)
class Drill:
    """One drill. `difficulty` is 1 (easy) to 5; `per_side` says whether it is done once for each leg."""

    name: str
    category: str
    difficulty: int | None = None
    counts: bool = True
    per_side: bool | None = None


def normalise(text: str) -> str:
    """Small letters and digits, one space between words: 'Hold (s)' and 'hold_s' are the same."""
    return " ".join(re.findall(r"[^\W_]+", text.casefold()))


def find_drill(text: str, own_names: Mapping[str, str] = MappingProxyType({})) -> Drill:
    """The drill a person means: by `own_names` (normalised name → drill) first, then by the catalogue.

    Case, hyphens, plurals and aliases do not matter. A drill nobody knows keeps its name, is 'other' and
    counts: who writes it into a balance log means it as balance work.
    """
    text = own_names.get(normalise(text), text)
    return catalogue().get(_key(text)) or Drill(text, UNKNOWN_CATEGORY)


def is_known(text: str) -> bool:
    """Whether the catalogue has this name."""
    return _key(text) in catalogue()


def _key(text: str) -> str:
    """The normalised name without a plural s; all of them go, so that the key of a key is itself."""
    return normalise(text).rstrip("s")


@cache
def drills() -> tuple[Drill, ...]:
    """Every drill of the catalogue."""
    return tuple(drill for drill, _ in _rows())


@cache
def catalogue() -> Mapping[str, Drill]:
    """Names and aliases, normalised → drill."""
    return MappingProxyType({_key(name): drill for drill, names in _rows() for name in names})


@cache
def uncounted() -> frozenset[str]:
    """Names of the drills whose minutes do not count towards the dose."""
    return frozenset(drill.name for drill in drills() if not drill.counts)


def _rows() -> list[tuple[Drill, list[str]]]:
    text = resources.files("pipeline").joinpath("drills.csv").read_text(encoding="utf-8")
    return [
        (
            Drill(
                row["drill"],
                row["category"],
                int(row["difficulty"]),
                row["counts_towards_dose"] == "yes",
                row["per_side"] == "yes",
            ),
            [row["drill"], *filter(None, row["aliases"].split("|"))],
        )
        for row in csv.DictReader(io.StringIO(text))
    ]
