"""The two runners of the sample: one whom balance work steadies, one whom it does not."""

from __future__ import annotations

import math
from dataclasses import dataclass

# Fixed on the day the generator was written, before any answer was looked at. Never change them
# for a nicer answer.
STEADIED_SEED = 20261123
UNAFFECTED_SEED = 20261124


@dataclass(frozen=True, slots=True)
class Runner:
    """A simulated runner.

    `log_effect` is the change of log unsteadiness on technical ground per 45 weekly minutes of a dose that
    decays with `half_life_days`; balance work comes in on and off blocks of `block_weeks`, or with 0 as the
    runner likes, week by week. SDs are of log unsteadiness; drifts are Ornstein-Uhlenbeck processes.
    """

    runner_id: str
    seed: int
    log_effect: float
    half_life_days: float = 21.0
    block_weeks: int = 8
    day_shared_sd: float = 0.08
    day_technical_sd: float = 0.08
    drift_shared_sd: float = 0.07
    drift_technical_sd: float = 0.06
    drift_days: float = 30.0
    weekend: float = 0.04
    fitness_per_year: float = -0.05
    gap_speed_mps: float = 2.95
    cadence_spm: float = 166.0
    cadence_sd_smooth_spm: float = 2.1
    cadence_sd_technical_spm: float = 3.3


STEADIED = Runner("steadied", STEADIED_SEED, math.log(0.6))
UNAFFECTED = Runner("unaffected", UNAFFECTED_SEED, 0.0)
RUNNERS = {runner.runner_id: runner for runner in (STEADIED, UNAFFECTED)}
