"""What sport a recording is, in the words of the FIT profile, from what it says or how it moves."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import polars as pl

from pipeline.ingest.activity import Activity
from pipeline.ingest.points import speed_of

_WORDS = {
    r"wheelchair": "wheelchair",
    r"(^|_)(run|jog)|run$|running$": "running",
    r"hik|trek": "hiking",
    r"walk": "walking",
    r"swim": "swimming",
    r"(^|_)ski(_|$)|skiing|snowboard": "skiing",
    r"(^|_)row": "rowing",
    r"(^|_)(ride|riding)|bik|cycl|mtb": "cycling",
}
"""What the sport is called by GPX and TCX writers, and FIT's word for it."""
_STRAVA_NUMBERS = {"1": "cycling", "4": "hiking", "9": "running", "10": "walking"}
_SUB_SPORTS = ("trail", "treadmill", "track", "street", "indoor", "virtual", "ultra")
_UNKNOWN = ("", "generic", "other", "all", "training", "fitness_equipment", "unknown")

UNSAID = ("", "generic")
_TREADMILLS = ("treadmill", "indoor_running")

RUN_SPEED_MPS = (1.6, 6.0)
"""Of a run whose sport is not said: the median in motion is not below, the 95 % quantile not above."""
RUN_CADENCE_SPM = (140.0, 215.0)
STANDING_MPS = 0.8
ENOUGH = 60
"""Moving records, and cadences, that a decision from evidence needs."""


def sport_of(text: str) -> tuple[str, str]:
    """Sport and sub-sport as FIT names them, from a GPX type or a TCX sport; ("", "") where it says nothing.

    "trail_running" is ("running", "trail"); a word not known here comes back as it is.
    """
    word = re.sub(r"[\s-]+", "_", text.strip().lower())
    if word in _UNKNOWN:
        return "", ""
    if word in _STRAVA_NUMBERS:
        return _STRAVA_NUMBERS[word], ""
    sport = next((name for pattern, name in _WORDS.items() if re.search(pattern, word)), word)
    sub_sport = next((name for name in _SUB_SPORTS if name in word), "")
    return sport, sub_sport if sport == "running" else ""


def with_sport_of_list(activity: Activity, kind: str) -> Activity:
    """The activity with the sport that a list of activities gives (in English), where the file says none."""
    sport, sub_sport = sport_of(kind)
    if activity.run.sport not in UNSAID or sport not in _WORDS.values():
        return activity
    warnings = (*activity.run.warnings, "the file does not say its sport: it is that of activities.csv")
    return replace(activity, run=replace(activity.run, sport=sport, sub_sport=sub_sport, warnings=warnings))


def with_sport_from_evidence(activity: Activity) -> Activity:
    """The activity as a run, with a warning, where the file does not say and moves like a runner."""
    if activity.run.sport not in UNSAID or why_not_a_runner(activity.records):
        return activity
    warning = "the file does not say its sport: speed and cadence are those of a run"
    warnings = tuple(dict.fromkeys((*activity.run.warnings, warning)))
    return replace(activity, run=replace(activity.run, sport="running", warnings=warnings))


def is_run(sport: str, sub_sport: str) -> bool:
    """Whether these are the words for a run, on whatever ground; a treadmill is one in any sport."""
    return sport == "running" or sub_sport in _TREADMILLS


def why_not_a_runner(records: pl.DataFrame) -> str:
    """What speaks against a run in speed and cadence, empty where nothing does."""
    speed_mps = speed_of(records)
    moving = speed_mps > STANDING_MPS
    if moving.sum() < ENOUGH:
        return "it moves too little to tell"
    low, high = RUN_SPEED_MPS
    typical_mps = float(np.median(speed_mps[moving]))
    if typical_mps < low:
        return f"its usual speed of {typical_mps:.1f} m/s is not a runner's"
    fast_mps = float(np.quantile(speed_mps[moving], 0.95))
    if fast_mps > high:
        return f"it goes faster than {fast_mps:.1f} m/s for 5 % of the time"
    cadence_spm = records["cadence_spm"].to_numpy()[moving]
    cadence_spm = cadence_spm[cadence_spm > 0]
    if cadence_spm.size < ENOUGH:
        return ""
    low, high = RUN_CADENCE_SPM
    share = float(((cadence_spm >= low) & (cadence_spm <= high)).mean())
    return "" if share >= 0.3 else f"only {share:.0%} of its cadence is a runner's"
