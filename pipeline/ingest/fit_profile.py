"""The slice of the FIT global profile that Surefoot reads, from the data files beside this module.

`fit_fields.csv` has one row per field (every native field of `record`; of the other messages what is
read of them), `fit_enums.txt` and `fit_exercises.txt` the names of enumerated values. The facts
are those of Garmin's FIT profile, as fitdecode 0.11 (MIT) states them.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE_ID, SPORT, SESSION, LAP, RECORD, EVENT, DEVICE_INFO = 0, 12, 18, 19, 20, 21, 23
ACTIVITY, FILE_CREATOR, TIMESTAMP_CORRELATION, FIELD_DESCRIPTION = 34, 49, 162, 206
SET, EXERCISE_TITLE = 225, 264
TIMESTAMP_FIELD = 253
DEGREES_PER_SEMICIRCLE = 180 / 2**31
# Makers whose product numbers are Garmin's.
_GARMIN_PRODUCTS = {"garmin", "dynastream", "dynastream_oem", "tacx"}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message: the value is `raw / scale - offset` in `unit`.

    `kind` is "time" (seconds since 1989-12-31), the name of an enumeration, or empty for a number or text.
    """

    name: str
    unit: str = ""
    scale: float = 1.0
    offset: float = 0.0
    kind: str = ""

    @property
    def column(self) -> str:
        """The name with its unit as suffix, `vertical_oscillation_mm`."""
        return f"{self.name}_{self.unit}" if self.unit and not self.name.endswith(self.unit) else self.name


@cache
def fields() -> dict[int, dict[int, Field]]:
    """Message number -> field number -> field."""
    found: dict[int, dict[int, Field]] = {}
    with Path(__file__).with_name("fit_fields.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            semicircles = row["scale"] == "semicircles"
            scale = 1 / DEGREES_PER_SEMICIRCLE if semicircles else float(row["scale"] or 1)
            field = Field(row["name"], row["unit"], scale, float(row["offset"] or 0), row["kind"])
            found.setdefault(int(row["message"]), {})[int(row["field"])] = field
    return found


@cache
def _names(file: str) -> dict[str, dict[int, str]]:
    found: dict[str, dict[int, str]] = {}
    kind: dict[int, str] = {}
    for line in Path(__file__).with_name(file).read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            kind = found.setdefault(line.strip("[]"), {})
        else:
            kind.update((int(n), name) for n, name in (entry.split(" ") for entry in line.split(", ")))
    return found


def value_name(kind: str, number: int) -> str:
    """The profile's name of an enumerated value; the number as text where the profile has none."""
    return _names("fit_enums.txt").get(kind, {}).get(number, str(number))


def exercise_name(category: str, number: int) -> str:
    """The name of an exercise within its category ("plank", 43 -> "plank"); empty where unknown."""
    return _names("fit_exercises.txt").get(f"{category}_exercise_name", {}).get(number, "")


def product_name(maker: str, number: int) -> str:
    """A product's name for makers that use Garmin's numbers, else the number as text."""
    return value_name("garmin_product", number) if maker in _GARMIN_PRODUCTS else str(number)
