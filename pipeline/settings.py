"""What an athlete may set: plan of the training advice, half-life of the dose, units, shared places."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.adherence import Thresholds, setting
from pipeline.exposure import HALF_LIFE_DAYS

UNITS = ("km", "mi")


@dataclass(frozen=True, slots=True)
class AthleteSettings(Thresholds):
    """The plan, and what else is the athlete's own."""

    half_life_days: float = setting(
        HALF_LIFE_DAYS, "days in which the dose of balance work halves, 21 is declared", least=10, most=42
    )
    units: float = setting(0, "of the dashboard and the report: km, or mi with feet", words=UNITS)
    share_places: float = setting(0, "1: places are learnt together with the others who set this", most=1)

    @property
    def distance_unit(self) -> str:
        """`km` or `mi`."""
        return UNITS[int(self.units)]
