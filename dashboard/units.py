"""Distances, heights and paces in the units that an athlete chose."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dashboard import words

FOOT_M = 0.3048
MILE_M = 1609.344
# From here on a length is told in kilometres or miles: 500 m and 2,000 ft are not, half a mile is.
LONG_M = 800.0


MPH_PER_MPS = 3600 / MILE_M
_SPEED = re.compile(r"(\d+(?:\.\d+)?)(\s)m/s\b")
_LENGTH = re.compile(r"(\d+(?:\.\d+)?)(\s)m\b(?!/)")


def _feet(metres: str) -> str:
    """As exact as the metres were written."""
    feet = float(metres) / FOOT_M
    return f"{feet:.1f}" if "." in metres else f"{feet:.0f}"


@dataclass(frozen=True, slots=True)
class Units:
    """How long a unit of distance and one of height are, what they are called, and lengths of a scale bar."""

    distance_unit: str
    unit_m: float
    height_unit: str
    height_m: float
    scale_m: tuple[float, ...]

    def distance(self, metres: float | None, digits: int = 1) -> str:
        """8046.72 as `8.0 km` or `5.0 mi`."""
        return words.number(self.along(metres), self.distance_unit, digits)

    def along(self, metres: float | None) -> float | None:
        """Metres as a number of units."""
        return None if metres is None else metres / self.unit_m

    def span(self, start_m: float, end_m: float, digits: int = 2) -> str:
        """`0.50 to 1.25 km`."""
        return f"{start_m / self.unit_m:.{digits}f} to {end_m / self.unit_m:.{digits}f} {self.distance_unit}"

    def height(self, metres: float | None) -> str:
        """305 as `305 m` or `1 001 ft`."""
        return words.number(None if metres is None else metres / self.height_m, self.height_unit)

    def pace_s(self, metres: float | None, seconds: float | None) -> float | None:
        """Seconds for a unit of distance; None where there is no distance or no time."""
        return seconds * self.unit_m / metres if metres and seconds else None

    def pace(self, metres: float | None, seconds: float | None) -> str:
        """`5:30 min/km`."""
        pace = self.pace_s(metres, seconds)
        if pace is None:
            return words.NONE
        minutes, rest = divmod(round(pace), 60)
        return f"{minutes}:{rest:02d}{words.NBSP}min/{self.distance_unit}"

    def in_words(self, text: str) -> str:
        """A sentence of the analysis, which is metric, with its lengths and speeds in these units."""
        if self.distance_unit == "km":
            return text
        text = _SPEED.sub(lambda found: f"{float(found[1]) * MPH_PER_MPS:.1f}{found[2]}mph", text)
        return _LENGTH.sub(lambda found: _feet(found[1]) + found[2] + self.height_unit, text)

    def short(self, metres: float) -> str:
        """A length of a scale bar: `500 m`, `2 km`, `1,000 ft`, `2 mi`."""
        if metres >= LONG_M:
            return f"{metres / self.unit_m:g}{words.NBSP}{self.distance_unit}"
        return f"{metres / self.height_m:,.0f}{words.NBSP}{self.height_unit}"


METRIC = Units(
    "km", 1000.0, "m", 1.0, tuple(float(factor * 10**power) for power in range(1, 6) for factor in (1, 2, 5))
)
MILES = Units(
    "mi",
    MILE_M,
    "ft",
    FOOT_M,
    (
        *(feet * FOOT_M for feet in (50, 100, 200, 500, 1000, 2000)),
        *(miles * MILE_M for miles in (0.5, 1, 2, 5, 10, 20, 50)),
    ),
)
