"""The roster's answer, against published figures and an independent implementation."""

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.meta_analysis import combine_effects

from pipeline.cli.roster_words import roster_json, roster_lines
from pipeline.effect import relate_effect, swap_logs
from pipeline.roster import MIN_ATHLETES, pool, relate_roster
from pipeline.tables import BalanceSessions, DataFrame, Effects, Runs, Stability
from tests.simulate import SCENARIOS, make_tables, simulate_season

# Nine laboratories measure one thing (Kacker 2004, Metrologia 41:132, doi 10.1088/0026-1394/41/3/004).
KACKER = np.array([61.0, 61.4, 62.21, 62.3, 62.34, 62.6, 62.7, 62.84, 65.9])
KACKER_VARIANCES = np.array([0.2025, 1.2100, 0.0900, 0.2025, 0.3844, 0.5625, 0.0676, 0.0225, 1.8225])


def test_kackers_laboratories_have_the_published_variance() -> None:
    """Mean, standard error, tau² and I² are those that R's metafor gives with method PM."""
    pooled = pool(KACKER.tolist(), np.sqrt(KACKER_VARIANCES).tolist())
    assert pooled.tau2 == pytest.approx(0.705395309, abs=1e-7)
    assert pooled.estimate == pytest.approx(62.4076199, abs=1e-6)
    assert pooled.se == pytest.approx(0.338030603, abs=1e-7)
    assert pooled.i2 == pytest.approx(0.837218626, abs=1e-7)
    half = 2.3060041 * 0.338030603
    assert (pooled.low, pooled.high) == pytest.approx((62.4076199 - half, 62.4076199 + half), abs=1e-5)


def test_without_heterogeneity_hartung_knapp_is_that_of_the_equal_effects_model() -> None:
    """Kacker's laboratories with errors eight times as large: tau² is zero, and q enters unless floored."""
    ses = 8 * np.sqrt(KACKER_VARIANCES)
    plain, floored = (pool(KACKER.tolist(), ses.tolist(), floor=floor) for floor in (False, True))
    assert plain.tau2 == floored.tau2 == 0
    # metafor's FE with test knha has 0.189889223522271 for the errors as published; q does not know scale.
    assert plain.se == pytest.approx(0.189889223522271)
    assert floored.se == pytest.approx(8 * 0.107845705498231)


@pytest.mark.parametrize("seed", range(5))
def test_statsmodels_agrees(seed: int) -> None:
    """tau², mean and the Hartung-Knapp interval equal those of statsmodels' combine_effects."""
    rng = np.random.default_rng(seed)
    variances = rng.uniform(0.01, 0.2, 12)
    y = rng.normal(-0.1, np.sqrt(variances + 0.1))
    referee = combine_effects(y, variances, method_re="iterated", use_t=True, atol=1e-12, maxiter=500)
    pooled = pool(y.tolist(), np.sqrt(variances).tolist(), floor=False)
    assert pooled.tau2 == pytest.approx(referee.tau2, abs=1e-6)
    assert pooled.estimate == pytest.approx(referee.mean_effect_re, abs=1e-6)
    assert pooled.se == pytest.approx(referee.sd_eff_w_re_hksj, abs=1e-6)


@given(
    st.lists(st.tuples(st.floats(-2, 2), st.floats(0.01, 2)), min_size=2, max_size=30),
)
def test_shrunken_estimates_lie_between_their_own_and_the_mean(pairs: list[tuple[float, float]]) -> None:
    """Nobody's estimate is drawn past the mean or away from it, and the interval holds the mean."""
    y, se = (list(column) for column in zip(*pairs, strict=True))
    pooled = pool(y, se)
    assert pooled.low <= pooled.estimate <= pooled.high
    assert 0 <= pooled.i2 <= 1
    for own, drawn in zip(y, pooled.shrunken, strict=True):
        assert min(own, pooled.estimate) - 1e-9 <= drawn <= max(own, pooled.estimate) + 1e-9


def effects_of(estimates: list[float], se: float = 0.05) -> DataFrame[Effects]:
    rows = [
        {
            "athlete_id": f"runner {i:02d}",
            "outcome": "technical",
            "estimate": math.expm1(estimate),
            "se": se,
            "df": 90,
            "n_runs": 100,
            "weeks": 26.0,
            "verdict": "cannot tell yet",
            "sentence": "so it is",
            "missing": "",
            "cautions": "",
            "method": "",
            "half_life_days": 21.0,
            "naive_reason": "",
        }
        for i, estimate in enumerate(estimates)
    ]
    return Effects.validate(pl.DataFrame(rows, schema=Effects.create_empty().schema))


SPREAD = [-0.3, -0.25, -0.2, -0.2, -0.15, -0.1, -0.1, -0.05, -0.2, -0.15]


@pytest.mark.parametrize(
    ("estimates", "swap_p", "verdict"),
    [
        (SPREAD, 0.01, "steadier with more balance work"),
        ([-x for x in SPREAD], 0.01, "less steady with more balance work"),
        (SPREAD, 0.06, "cannot tell yet"),
        (SPREAD, None, "cannot tell yet"),
        ([x + 0.16 for x in SPREAD], 0.01, "cannot tell yet"),
        (SPREAD[:9], 0.01, "not enough athletes"),
        (SPREAD[:1], 0.01, "not enough athletes"),
        ([], None, "not enough athletes"),
    ],
)
def test_a_finding_needs_both_tests_and_ten_athletes(
    estimates: list[float], swap_p: float | None, verdict: str
) -> None:
    """Either test alone, or fewer than ten athletes, is no finding."""
    answer = relate_roster(effects_of(estimates), swap_p)
    assert answer.verdict == verdict
    assert (answer.pooled is None) == (len(estimates) < 2)
    assert MIN_ATHLETES == 10


def test_the_roster_in_words() -> None:
    """Athletes come by name, not by size; the sign is spelled out and no cause is named."""
    answer = relate_roster(effects_of(SPREAD), 0.01)
    text = "\n".join(roster_lines(answer))
    assert "14 % to 18 %" not in text
    assert "16 % steadier" in text
    names = [line.split()[1] for line in text.splitlines() if line.startswith("    runner")]
    assert names == sorted(names)
    assert "because" not in text
    assert set(roster_json(answer)["shrunken"]) == set(answer.athlete_ids)


def test_no_p_is_told_as_zero() -> None:
    """What is under a thousandth is told as that: ten runners who agree, with logs swapped 4,999 times."""
    text = " ".join(roster_lines(relate_roster(effects_of([-0.3] * 10, se=0.01), 0.0002)))
    assert text.count("p < 0.001") == 1
    assert "0.000" not in text
    assert "0.042" in " ".join(roster_lines(relate_roster(effects_of(SPREAD), 0.042)))


def a_roster(k: int, beta: float, seed: int) -> tuple[DataFrame[Runs], DataFrame[Stability], Any]:
    """`k` runners who choose their weeks themselves, each with an effect of `beta`."""
    parts: list[tuple[pl.DataFrame, ...]] = []
    for i in range(k):
        season = simulate_season(SCENARIOS["N1"], np.random.default_rng([seed, i]), beta=beta)
        name = f"r{i}"
        runs = season.runs.with_columns(run_id=name + pl.col("run_id"), athlete_id=pl.lit(name))
        stability = season.stability.with_columns(run_id=name + pl.col("run_id"))
        log = season.sessions.with_columns(session_id=name + pl.col("session_id"), athlete_id=pl.lit(name))
        parts.append((runs, stability, log))
    runs, stability, log = (pl.concat(list(tables)) for tables in zip(*parts, strict=True))
    return Runs.validate(runs), Stability.validate(stability), BalanceSessions.validate(log)


def test_swapped_logs_hold_their_size() -> None:
    """Without an effect p is under 0.05 in at most 4 of 20 rosters of ten (1 expected)."""
    found = [swap_logs(*a_roster(10, 0.0, seed)) for seed in range(20)]
    assert sum(p is not None and p < 0.05 for p in found) <= 4


def test_a_common_effect_is_found_by_both_tests() -> None:
    """Twelve runners with a large effect: pooled and swapped agree, end to end."""
    tables = a_roster(12, -0.5, 3)
    answer = relate_roster(relate_effect(*tables), swap_logs(*tables))
    assert answer.verdict == "steadier with more balance work"


def test_one_athlete_has_nobody_to_swap_with() -> None:
    """One runner, or one with a log, gives no p."""
    assert swap_logs(*a_roster(1, 0.0, 1)) is None
    quiet = make_tables(np.arange(30, 60), np.ones(30), np.ones(30), np.zeros(60))
    assert swap_logs(*quiet) is None
