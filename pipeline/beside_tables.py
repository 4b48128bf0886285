"""The tables of what stands beside the answer and never is the answer, and of groups of athletes."""

from __future__ import annotations

import dataframely as dy

from pipeline.columns import TERRAINS, choice, count, day, number, text


class Sensitivity(dy.Schema):
    """One row per athlete and half-life: a view of how the answer leans on it, never the answer."""

    athlete_id = text("whose it is", key=True)
    half_life_days = count("half-life of the dose", unit="days", key=True)
    estimate = number("", "change of unsteadiness per 45 weekly minutes, -0.09 is 9 % steadier")
    low = number("", "lower end of the 95 % interval, not corrected for the search")
    high = number("", "upper end of the 95 % interval, not corrected for the search")
    p = number("", "p value of the block permutation, corrected for the search", min=0, max=1)


class Claims(dy.Schema):
    """One row per athlete and further claim of the training advice, beside the answer."""

    athlete_id = text("whose it is", key=True)
    claim = text("descents, climbs, late in the run, or sets without a wobble", key=True)
    estimate = number("", "change of unsteadiness per 45 weekly minutes, or 25 points more clean sets")
    low = number("", "lower end of its 95 % interval, not corrected for the number of claims")
    high = number("", "upper end")
    p = number("", "two-sided p value of the estimate", min=0, max=1)
    p_adjusted = number("", "p value after Benjamini and Hochberg over the athlete's claims", min=0, max=1)
    n_runs = count("runs it rests on")


class Residuals(dy.Schema):
    """One row per run that enters the answer: what is left of it, for the eye."""

    athlete_id = text("whose run it is", key=True)
    run_id = text("the run", key=True)
    local_date = day("local day")
    dose_left = number("min/week", "dose with everything else that the answer takes out taken out")
    change_left = number("", "technical unsteadiness with the same taken out, -0.09 is 9 % steadier")
    residual = number("SD", "how far from what the answer's model and the runs before led to expect")


class NormalRanges(dy.Schema):
    """One row per athlete and terrain: where a run is expected, from the athlete's own last 8 weeks."""

    athlete_id = text("whose range it is", key=True)
    terrain = choice("the ground", TERRAINS, key=True)
    low = number("", "lower end of the range of `cadence_cv`", nullable=False, min=0)
    high = number("", "upper end", nullable=False, min=0)
    n_runs = count("runs it rests on, the latest left out")
    run_id = text("the latest run that counts")
    local_date = day("its day")
    value = number("", "its `cadence_cv`", nullable=False, min=0)


class Triage(dy.Schema):
    """One row per reason to look at an athlete, the most urgent first."""

    athlete_id = text("whom to look at", key=True)
    urgency = count(
        "0 data missing, 1 log or plan not kept, 2 unsteadier than usual, 3 new device, 4 answer reached"
    )
    reason = text("why, in words", key=True)


class Groups(dy.Schema):
    """One row per athlete and group that a coach put the athlete into, to look at some of the roster."""

    athlete_id = text("who is in the group", key=True)
    name = text("what the coach calls the group", key=True)
