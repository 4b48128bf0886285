"""Whether a file's cadence counts strides (one leg) or steps (both): decided once a file, from evidence.

FIT says by its profile; GPX and TCX hold either. Only raw values are judged, so values that count
steps already are left alone and nothing is ever doubled twice.

Walking and running alike, step length grows with step rate: their quotient, the walk ratio, stays
near 0.006 m per step/min from a slow hike to a fast run (Sekiya & Nagasaki 1998,
doi:10.1016/S0966-6362(98)00009-1). Taken for steps, strides show four times that, so the border
between the two readings lies at twice it, and hikers need no rule of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.ingest.activity import Activity
from pipeline.recorded import Recorded

WALK_RATIO_BORDER = 0.012
"""m per step/min: twice the usual walk ratio, half of what strides show when taken for steps."""
ONE_LEG_MAX = 125.0
"""Strides per minute that no runner's one leg reaches (250 steps per minute)."""
ONE_LEG_FAST = 105.0
"""Strides per minute that one leg exceeds for less than 5 % of a run."""
MOVING_MPS = 0.8
FEW = 60
"""Fewer samples than this are thin evidence."""


@dataclass(frozen=True, slots=True)
class CadenceUnit:
    """What cadence counts: one of `tables.CADENCE_UNITS`; the evidence in words, and whether it is thin."""

    unit: str
    reason: str
    thin: bool = False

    @property
    def steps_per_count(self) -> float:
        """What to multiply the file's cadence by to get steps per minute."""
        return steps_per_count(self.unit)

    def question(self, device: str) -> tuple[str, ...]:
        """What to ask the runner where the evidence is thin."""
        if not self.thin:
            return ()
        other = "strides" if self.unit == "steps_per_minute" else "steps"
        counts = self.unit.removesuffix("_per_minute")
        return (
            f"it is not certain that its cadence counts {counts}: if that is wrong, "
            f"`surefoot cadence --athlete ID --device '{device}' --unit {other}` corrects it",
        )


def steps_per_count(unit: str) -> float:
    """What to multiply a cadence of this unit by to get steps per minute."""
    return 2.0 if unit == "strides_per_minute" else 1.0


def overrule_cadence_unit(
    activity: Activity, given: str, rules: Mapping[tuple[str, str], str] | None = None
) -> Activity:
    """An activity as read, its cadence counted as a person said, whatever the evidence.

    `given` is what was said of the file, empty where nothing was; else `rules` say it by device, as
    `tables.Runs` names it, and format. The factor is that from the file's own values, so that nothing is
    doubled twice.
    """
    run = activity.run
    unit = given or (rules or {}).get((run.device or run.creator, run.source_format), "")
    if not unit or run.cadence_unit == "none":
        return activity
    factor = steps_per_count(unit) / steps_per_count(run.cadence_unit)
    found = run.cadence_unit_reason
    reason = f"set by hand (else: {run.cadence_unit.removesuffix('_per_minute')}, since {found})"
    warnings = tuple(warning for warning in run.warnings if "surefoot cadence" not in warning)
    return replace(
        activity,
        run=replace(run, cadence_unit=unit, cadence_unit_reason=reason, warnings=warnings),
        recorded=Recorded(activity.records.with_columns(pl.col("cadence_spm") * factor)),
    )


def decide_cadence_unit(cadence: NDArray[np.float64], speed_mps: NDArray[np.float64]) -> CadenceUnit:
    """Decide for a whole file what its raw cadence [1/min] counts.

    Parameters
    ----------
    cadence, speed_mps
        One value per record, NaN where missing; speed as recorded or derived.
    """
    counted = cadence > 0
    if not counted.any():
        word = "is always 0" if np.isfinite(cadence).any() else "is not in the file"
        return CadenceUnit("none", f"cadence {word}")
    moving = counted & (speed_mps >= MOVING_MPS)
    if moving.sum() >= FEW:
        return _from_walk_ratio(cadence[moving], speed_mps[moving])
    return _from_values(cadence[counted])


def _from_walk_ratio(cadence: NDArray[np.float64], speed_mps: NDArray[np.float64]) -> CadenceUnit:
    beyond_one_leg = float((cadence > ONE_LEG_MAX).mean())
    share_steps = float((60 * speed_mps / cadence**2 < WALK_RATIO_BORDER).mean())
    unit = "steps_per_minute" if share_steps >= 0.5 else "strides_per_minute"
    counts, legs = ("steps", 1) if unit == "steps_per_minute" else ("strides", 2)
    typical = float(np.median(cadence))
    metres = 60 * float(np.median(speed_mps)) / (legs * typical)
    reason = (
        f"{max(share_steps, 1 - share_steps):.0%} of {cadence.size} moving samples fit {counts}: "
        f"a median of {typical:.0f} per minute makes steps of {metres:.2f} m"
    )
    mixed = 0.3 < share_steps < 0.7
    if mixed:
        reason += " (the evidence is mixed)"
    if unit == "strides_per_minute" and beyond_one_leg > 0.2:
        return CadenceUnit(
            "steps_per_minute",
            f"{beyond_one_leg:.0%} of the values are above {ONE_LEG_MAX:.0f}, more than one leg can do, "
            "though the speed would fit strides (the evidence is mixed)",
            thin=True,
        )
    return CadenceUnit(unit, reason, mixed)


def _from_values(cadence: NDArray[np.float64]) -> CadenceUnit:
    """Without speed: the fastest 5 % lie at 85 to 100 for one leg, above 105 for both even on hikes."""
    fast = float(np.quantile(cadence, 0.95))
    counts = "steps" if fast > ONE_LEG_FAST else "strides"
    few = f" and only {cadence.size} values" if cadence.size < FEW else ""
    reason = f"the fastest 5 % of the values lie above {fast:.0f} per minute, as {counts} do"
    return CadenceUnit(f"{counts}_per_minute", f"{reason} (thin evidence: no speed{few})", thin=True)
