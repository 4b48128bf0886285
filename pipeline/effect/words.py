"""The answer in plain words: the sign spelled out, what could have been seen, and never a cause."""

from __future__ import annotations

import math

import numpy as np

from pipeline.effect.gls import Fit
from pipeline.effect.randomisation import FOLLOWED, PlanTest
from pipeline.effect.season import LONG_BREAK_DAYS, MIN_RUNS_OF_DEVICE, Season
from pipeline.effect.verdict import (
    MIN_CONTRAST,
    MIN_RUNS,
    MIN_TECHNICAL_PER_THIRD,
    MIN_WEEKS,
    REFUSALS,
    as_change,
    detectable_change,
)
from pipeline.exposure import HALF_LIFE_DAYS

# Runs go on, entries stop: after so many days, and longer than any break before, perhaps no log was kept.
SILENT_LOG_DAYS = 28
# Share of the dose's variance left after trend and one step. Of simulated programmes that start once, midway,
# 95 % lie below this at 26 weeks and all at 52; of blocks of 4 and 6 weeks none, of 8 in half a year most.
ONE_STEP_SHARE = 0.45
_YEARS = 5
# Beyond this a figure only says that nothing is known.
_WIDEST = 9.0

_SUBJECT = {
    "technical": "On technical ground your cadence was",
    "difference": "As a check, technical against smooth ground of the same run, your cadence was",
    "cubic time": "As a check, with a curved trend taken out, your cadence on technical ground was",
    "technical alone": "As a check, without a look at smooth ground, your cadence on technical ground was",
    "smooth": "As a control, on smooth ground your cadence was",
}
_NOT_PROOF = "This is an association, not proof."
_CLOSING = {
    "steadier with more balance work": _NOT_PROOF,
    "less steady with more balance work": f"More balance work went with less steadiness. {_NOT_PROOF}",
    "cannot tell yet": f"That is not enough to tell yet. {_NOT_PROOF}",
    "not precise enough": "That is too imprecise for an answer.",
}


def _percent(fraction: float) -> str:
    if abs(fraction) > _WIDEST:
        return f"over {_WIDEST * 100:.0f} %"
    return f"{abs(round(100 * fraction))} %"


def _steadiness(change: float) -> str:
    if round(100 * change) == 0:
        return "no steadier and no less steady"
    return f"{_percent(change)} {'steadier' if change < 0 else 'less steady'}"


def _interval(low: float, high: float) -> str:
    """`low` is the steadier end. The end nearer to no effect comes first."""
    if high < 0:
        return f"{_percent(high)} to {_percent(low)} steadier"
    if low > 0:
        return f"{_percent(low)} to {_percent(high)} less steady"
    return f"{_percent(high)} less steady to {_percent(low)} steadier"


def _plural(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


def _closing(verdict: str, fit: Fit) -> str:
    """What follows from the figures. No effect is told by two tests of 5 %, so by the interval of 90 %."""
    if verdict in _CLOSING:
        return _CLOSING[verdict]
    low, high = (as_change(end) for end in fit.interval(0.90))
    return (
        "An effect of 10 % or more (a factor of 0.9 or 1/0.9) does not fit these runs: the 90 % interval is "
        f"{_interval(low, high)}."
    )


def write_sentence(outcome: str, verdict: str, season: Season, fit: Fit | None) -> str:
    """The answer as a person should read it."""
    size = f"{_plural(season.n_runs, 'run')} in {_plural(round(season.weeks), 'week')}"
    if not season.has_log:
        return f"Without a balance log there is nothing to compare with: {size} are ready for one."
    if verdict == "not enough data":
        return (
            f"There is not enough data for an answer yet: {size} can be used, and an answer needs "
            f"{MIN_RUNS} runs, {MIN_WEEKS:.0f} weeks and {MIN_TECHNICAL_PER_THIRD} runs in each third."
        )
    if verdict == "cannot be answered from this log":
        return (
            f"These {size} cannot answer the question: balance work was about the same every week, or only "
            "ever more or less, so it cannot be told apart from a trend over time."
        )
    if fit is None:
        return f"These {size} cannot answer the question: the dose cannot be told apart from the rest."
    low, high = (as_change(end) for end in fit.interval())
    return (
        f"{_SUBJECT[outcome]} {_steadiness(as_change(fit.estimate))} (95 % interval {_interval(low, high)}) "
        f"per 45 more weekly minutes of balance work, over {size}. "
        f"With your data a change of {_percent(detectable_change(fit))} or more could have been seen. "
        f"{_closing(verdict, fit)}"
    )


def write_p(p: float) -> str:
    """A p value to three digits, never as zero."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def write_plan(sentence: str, verdict: str, test: PlanTest) -> str:
    """The answer's sentence with what the plan's own test adds to it."""
    steadier = verdict.startswith("steadier")
    agrees = (steadier or verdict.startswith("less steady")) and (test.correlation < 0) == steadier
    if not test.is_over:
        added = f"A plan drawn by lot runs until {test.until}: its own test is made then."
    elif test.p is None:
        added = "The plan drawn by lot is over, but its runs are too few for its own test."
    elif test.allows_because and agrees:
        # The lot alone decided which weeks had balance work: nothing else can have.
        word = "steadier" if steadier else "less steady"
        sentence = sentence.replace(f" {_NOT_PROOF}", "")
        added = (
            "The weeks of the plan were drawn by lot and kept to, and the lot's own test has "
            f"p {write_p(test.p)}: cadence was {word} because of the balance work."
        )
    else:
        added = f"The plan drawn by lot is over: its own test has p {write_p(test.p)}"
        if test.followed < FOLLOWED:
            added += (
                f", but it was kept to in {100 * test.followed:.0f} % of its weeks and "
                f"{100 * FOLLOWED:.0f} % are needed"
            )
        added += ", which names no cause."
    if not test.can_reach_5_percent:
        added += (
            f" Only {test.n_schedules} schedules could have been drawn, too few for its p to get under 0.05."
        )
    return f"{sentence} {added}"


def write_missing(verdict: str, season: Season, fit: Fit | None) -> str:
    """What is lacking for an answer and what would do; empty where the answer stands."""
    if verdict == "not enough data":
        return "; ".join(_missing_data(season))
    if verdict == "cannot be answered from this log":
        return (
            "contrast: weeks with balance work and weeks without, in turns of 4 to 8 weeks "
            f"(the dose varies by {45 * (season.contrast or 0):.1f} min/week about its trend, "
            f"{45 * MIN_CONTRAST:.1f} are needed)"
        )
    if verdict not in ("not precise enough", "cannot tell yet"):
        return ""
    if fit is None:
        return "balance work that changes within the time of one device, and steadiness that differs by run"
    return (
        f"{_weeks_needed(season, fit)}; sooner with more contrast between weeks with and without balance work"
    )


def _weeks_needed(season: Season, fit: Fit) -> str:
    """Weeks for the next smaller round change: the standard error falls with the root of their number."""
    change = detectable_change(fit)
    target = next((size for size in (0.30, 0.20, 0.15, 0.10, 0.05) if size < change), 0.02)
    weeks = season.weeks * (math.log(1 - change) / math.log(1 - target)) ** 2
    if weeks > _YEARS * 52:
        return f"more than {_YEARS} years like these to see a change of {_percent(target)}"
    more = math.ceil(weeks - season.weeks)
    like_these = "week like this" if more == 1 else "weeks like these"
    return f"about {more} more {like_these} to see a change of {_percent(target)}"


def _missing_data(season: Season) -> list[str]:
    parts = []
    if not season.has_log:
        parts.append("a balance log (surefoot log FILE --athlete ID)")
    if season.n_runs < MIN_RUNS:
        more = _plural(MIN_RUNS - season.n_runs, "more run that counts", "more runs that count")
        parts.append(f"{more} ({season.n_runs} of {MIN_RUNS})")
    if season.weeks < MIN_WEEKS:
        weeks = math.ceil(MIN_WEEKS - season.weeks)
        parts.append(f"{_plural(weeks, 'more week')} ({season.weeks:.0f} of {MIN_WEEKS:.0f})")
    thin = [
        f"{MIN_TECHNICAL_PER_THIRD - count} in the {name}"
        for name, count in zip(("first", "middle", "last"), season.n_technical, strict=True)
        if count < MIN_TECHNICAL_PER_THIRD
    ]
    if thin and season.n_runs:
        parts.append(f"technical runs: {', '.join(thin)} third of the period")
    return parts


def write_cautions(
    verdict: str,
    season: Season,
    smooth: Fit | None,
    any_response: Fit | None = None,
    half_life_days: float = HALF_LIFE_DAYS,
) -> str:
    """What speaks against reading more into the answer; `any_response` without its half-life and shape."""
    parts = []
    if half_life_days != HALF_LIFE_DAYS:
        parts.append(
            f"the half-life was set to {half_life_days:g} days, {HALF_LIFE_DAYS:g} are declared: another one "
            "chosen after a look at the answer is no new test, and the best of several is too good"
        )
    if season.n_before_log:
        parts.append(
            f"{_plural(season.n_before_log, 'run')} before the log or in its first weeks left out: "
            "what was done before the log is not known"
        )
    if season.n_rare_device:
        parts.append(
            f"{_plural(season.n_rare_device, 'run')} left out: recorded with a device or firmware "
            f"that has fewer than {MIN_RUNS_OF_DEVICE} runs here"
        )
    if season.days_since_log > max(SILENT_LOG_DAYS, season.longest_break_days):
        parts.append(
            f"the log's last entry is {season.days_since_log} days before the last run, "
            "and days without an entry count as no balance work"
        )
    if season.devices.shape[1] > 1:
        parts.append(
            f"{season.devices.shape[1]} devices or firmware versions, each with a level of its own: "
            "a change of device is never counted as progress"
        )
    if verdict not in REFUSALS:
        gaps = np.diff(season.days)
        if gaps.size and gaps.max() > LONG_BREAK_DAYS:
            parts.append(
                f"{gaps.max():.0f} days without a run that counts: a level that fades in the weeks after is "
                "taken out, but an injury or an illness may do more, and look like balance work's doing"
            )
        if season.share_beyond_one_step < ONE_STEP_SHARE:
            parts.append(
                "balance work is close to one step in time (a before and an after), "
                "so anything else that changed then would look the same"
            )
        if smooth is not None and (smooth.interval()[1] < 0 or smooth.interval()[0] > 0):
            moved = "steadier" if smooth.estimate < 0 else "less steady"
            parts.append(f"smooth ground was {moved} as well, which points to general form, not to footing")
        if any_response is not None:
            low, high = (as_change(end) for end in any_response.interval())
            parts.append(
                f"the interval holds for a half-life of {half_life_days:g} days and a straight line: with "
                "any from 10 to 42 days, and should more bring less, 45 weekly minutes against none may be "
                "anything from "
                f"{_interval(low, high)}"
            )
        parts.append("looking often is not corrected for: read it at 16, 26, 39 and 52 weeks")
    return "; ".join(parts)
