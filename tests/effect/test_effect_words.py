"""The words of the answer: sign spelled out, what could have been seen, no cause."""

import math
from typing import Any

import numpy as np
import pytest

from pipeline.effect.gls import Fit
from pipeline.effect.season import Season
from pipeline.effect.verdict import as_change
from pipeline.effect.words import write_cautions, write_missing, write_sentence
from pipeline.tables import VERDICTS

OUTCOMES = ("technical", "difference", "cubic time", "technical alone", "smooth")


def season(n: int = 112, weeks: float = 52, **changes: Any) -> Season:
    days = np.linspace(0, 7 * weeks - 1, n)
    fields: dict[str, Any] = {
        "athlete_id": "ada",
        "run_ids": tuple(map(str, range(n))),
        "days": days,
        "technical": np.zeros(n),
        "smooth": np.zeros(n),
        "scatter": np.ones(n),
        "dose": np.sin(days / 12),
        "weekend": np.zeros(n),
        "devices": np.ones((n, 1)),
        "run_day": days.astype(np.int64),
        "minutes": np.zeros(max(int(7 * weeks), 1)),
        "n_technical": np.array([40, 40, 32]),
        "has_log": True,
        "n_before_log": 0,
        "n_rare_device": 0,
        "days_since_log": 0,
        "first_run": None,
        "log_start": None,
        "longest_break_days": 0,
    }
    return Season(**fields | changes)


def fit_between(low: float, high: float) -> Fit:
    """A fit whose 95 % interval has these ends as fractions (near enough normal)."""
    ends = math.log1p(low), math.log1p(high)
    return Fit(sum(ends) / 2, (ends[1] - ends[0]) / 2 / 1.96, 10**6)


def test_the_answer_reads_as_agreed() -> None:
    """The agreed wording, figure by figure."""
    sentence = write_sentence("technical", "cannot tell yet", season(), fit_between(-0.20, 0.04))
    assert sentence == (
        "On technical ground your cadence was 9 % steadier (95 % interval 4 % less steady to 20 % steadier) "
        "per 45 more weekly minutes of balance work, over 112 runs in 52 weeks. "
        "With your data a change of 17 % or more could have been seen. "
        "That is not enough to tell yet. This is an association, not proof."
    )


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [
        (-0.20, -0.05, "13 % steadier (95 % interval 5 % to 20 % steadier)"),
        (0.05, 0.20, "12 % less steady (95 % interval 5 % to 20 % less steady)"),
        (-0.10, 0.12, "no steadier and no less steady (95 % interval 12 % less steady to 10 % steadier)"),
        (-0.5, 1e9, "(95 % interval over 900 % less steady to 50 % steadier)"),
    ],
)
def test_the_sign_is_spelled_out(low: float, high: float, says: str) -> None:
    """Each end of the interval says steadier or less steady, never plus or minus."""
    assert says in write_sentence("technical", "cannot tell yet", season(), fit_between(low, high))


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("verdict", VERDICTS)
def test_no_wording_claims_a_cause(outcome: str, verdict: str) -> None:
    """Every verdict of every outcome has words, none of them a cause, a cheer or a sign."""
    for fit in (fit_between(-0.3, -0.1), None):
        sentence = write_sentence(outcome, verdict, season(), fit)
        lower = sentence.lower()
        assert sentence.endswith(".")
        assert not any(word in lower for word in ("improve", "because", "proves", "caused", "+", "-", "!"))


def test_every_verdict_has_its_own_words() -> None:
    """No two verdicts share a sentence."""
    sentences = {write_sentence("technical", v, season(), fit_between(-0.3, 0.1)) for v in VERDICTS}
    assert len(sentences) == len(VERDICTS)


def test_findings_are_called_associations() -> None:
    """A finding in either direction says that it is an association, not proof."""
    for verdict in ("steadier with more balance work", "less steady with more balance work"):
        assert "association, not proof" in write_sentence(
            "technical", verdict, season(), fit_between(-0.3, -0.1)
        )


def test_no_effect_is_told_with_the_interval_that_it_rests_on() -> None:
    """The 95 % interval may reach beyond 10 % where that of 90 %, which decides, does not: both are shown."""
    fit = Fit(0.02, 0.05, 100)
    assert as_change(fit.interval()[1]) > 1 / 0.9 - 1 > as_change(fit.interval(0.90)[1])
    sentence = write_sentence("technical", "no effect of 10 % or more", season(), fit)
    assert "(95 % interval 13 % less steady to 8 % steadier)" in sentence
    assert sentence.endswith(
        "(a factor of 0.9 or 1/0.9) does not fit these runs: "
        "the 90 % interval is 11 % less steady to 6 % steadier."
    )


def test_a_log_that_cannot_answer_says_why() -> None:
    """The refusal names the reason in the log and gives no estimate."""
    sentence = write_sentence(
        "technical", "cannot be answered from this log", season(), fit_between(-0.3, 0.1)
    )
    assert "about the same every week, or only ever more or less" in sentence
    assert "steadier" not in sentence


def test_what_is_missing_is_counted() -> None:
    """Runs, weeks and technical runs that lack are given as numbers with their target."""
    few = season(12, 9.0, n_technical=np.array([6, 4, 2]))
    assert write_missing("not enough data", few, None) == (
        "18 more runs that count (12 of 30); 7 more weeks (9 of 16); "
        "technical runs: 1 in the middle, 3 in the last third of the period"
    )


def test_one_run_is_one_run() -> None:
    """The singular is used where it should be."""
    assert "1 more run that counts" in write_missing("not enough data", season(29), None)


def test_the_weeks_needed_by_hand() -> None:
    """From a detectable 20 % in 52 weeks to 15 % takes (ln 0.8 / ln 0.85)² = 1.885 times as long: 47 more."""
    fit = Fit(0.0, -math.log(0.80) / 2.8 * 0.99999, 100)
    assert write_missing("cannot tell yet", season(), fit).startswith(
        "about 47 more weeks like these to see a change of 15 %; sooner with more contrast"
    )


def test_a_finding_misses_nothing() -> None:
    """Where the answer stands, nothing is missing."""
    assert write_missing("steadier with more balance work", season(), fit_between(-0.3, -0.1)) == ""
    assert write_missing("no effect of 10 % or more", season(), fit_between(-0.05, 0.05)) == ""


def test_looking_often_is_always_said() -> None:
    """An answer with figures says that looking often was not corrected for; a refusal has none to look at."""
    assert "looking often is not corrected for" in write_cautions("cannot tell yet", season(), None)
    assert write_cautions("not enough data", season(12, 9.0), None) == ""


def test_a_break_like_earlier_ones_is_no_silence() -> None:
    """A log is called silent after 28 days, unless it had a break as long before: then it may be the plan."""
    silent, planned = season(days_since_log=29), season(days_since_log=29, longest_break_days=29)
    assert "the log's last entry is 29 days before" in write_cautions("cannot tell yet", silent, None)
    assert "the log's last entry" not in write_cautions("cannot tell yet", planned, None)


def test_the_share_beyond_one_step_is_that_of_least_squares() -> None:
    """It equals the best of one regression on level, trend and step for every run a step may start at."""
    wave = season(40)
    trend = np.column_stack([np.ones(40), wave.days])

    def left(columns: Any) -> float:
        rest = wave.dose - columns @ np.linalg.lstsq(columns, wave.dose)[0]
        return float(rest @ rest)

    best = min(left(np.column_stack([trend, np.arange(40) >= k])) for k in range(1, 40))
    assert wave.share_beyond_one_step == pytest.approx(best / left(trend))


def test_one_step_is_recognised() -> None:
    """A dose that is one step has nothing left beyond one step; a wave has most of it."""
    step = season(dose=(np.arange(112) >= 56).astype(float))
    assert step.share_beyond_one_step == pytest.approx(0, abs=1e-9)
    assert season().share_beyond_one_step > 0.5
    assert "one step in time" in write_cautions("cannot tell yet", step, None)


def test_a_long_break_in_the_runs_is_said() -> None:
    """Five weeks without a run are a caution beside an answer, and none beside a refusal; 21 days are not."""
    days = np.concatenate([np.arange(0.0, 150, 3), np.arange(182.0, 360, 3)])
    broken = season(len(days), 52, days=days)
    assert "35 days without a run that counts" in write_cautions("cannot tell yet", broken, None)
    assert "without a run" not in write_cautions("not precise enough", broken, None)
    short = season(3, 52, days=np.array([0.0, 21, 42]))
    assert "without a run" not in write_cautions("cannot tell yet", short, None)


def test_what_the_interval_assumes_is_said() -> None:
    """The wide interval stands among the cautions, with what it leaves open."""
    said = write_cautions("cannot tell yet", season(), None, fit_between(-0.4, 0.1))
    assert "any from 10 to 42 days" in said
    assert "anything from 10 % less steady to 40 % steadier" in said
