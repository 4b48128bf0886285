"""Further claims: found where they were planted, and corrected for their number."""

from collections.abc import Iterable

import numpy as np
import polars as pl
import pytest
from statsmodels.stats.multitest import multipletests

from pipeline.cli.words import claim_lines
from pipeline.effect import relate_claims
from pipeline.exposure import decayed_weekly
from pipeline.tables import BalanceSessions, Claims, DataFrame, Runs, Stability
from tests.simulate import make_tables

Tables = tuple[DataFrame[Runs], DataFrame[Stability], DataFrame[BalanceSessions]]


def a_season(*, beta: float = 0.0, clean: float = 0.0, seed: int = 1, windows: int = 20) -> Tables:
    """Half a year in blocks of four weeks: `beta` on descents alone, `clean` per 25 points of clean sets."""
    rng = np.random.default_rng(seed)
    minutes = np.where((np.arange(240) // 28 % 2 == 1) & (np.arange(240) % 7 < 3), 20.0, 0.0)
    day = np.arange(56, 240, 2)
    dose = decayed_weekly(minutes, 21.0)[day] / 45
    sets = np.where(minutes > 0, 10.0, 0.0)
    clean_sets = np.where(minutes > 0, rng.integers(0, 11, 240), 0).astype(float)
    share = decayed_weekly(clean_sets, 21.0)[day] / decayed_weekly(sets, 21.0)[day]
    common = clean * share / 0.25
    noise = 0.08 * rng.standard_normal((3, len(day)))
    runs, stability, log = make_tables(
        day, 0.06 * np.exp(common + noise[0]), 0.045 * np.exp(0.05 * rng.standard_normal(len(day))), minutes
    )
    headline = stability.filter(metric="cadence_cv", terrain="technical")
    further = [
        headline.with_columns(
            pl.Series("value", values),
            direction=pl.lit(direction).cast(headline.schema["direction"]),
            metric=pl.lit(metric),
            n_windows=pl.lit(windows, dtype=pl.Int64),
        )
        for direction, metric, values in (
            ("down", "cadence_cv", 0.06 * np.exp(beta * dose + common + noise[1])),
            ("up", "cadence_cv", 0.06 * np.exp(common + noise[2])),
            ("all", "cadence_cv_late_change", np.expm1(0.1 + 0.1 * rng.standard_normal(len(day)))),
        )
    ]
    told = (
        log.with_columns((pl.col("date") - log["date"].min()).dt.total_days().alias("day"))
        .with_columns(
            pl.col("day").replace_strict(dict(enumerate(sets.astype(int)))).alias("sets"),
            pl.col("day").replace_strict(dict(enumerate(clean_sets.astype(int)))).alias("clean_sets"),
        )
        .drop("day")
    )
    return runs, Stability.validate(pl.concat([stability, *further])), BalanceSessions.validate(told)


def by_name(claims: DataFrame[Claims], column: str) -> dict[str, float]:
    return dict(claims.select("claim", column).iter_rows())


def test_an_effect_on_descents_is_found_there_alone() -> None:
    """Planted on descents it is measured there as planted; climbs and late running show nothing."""
    claims = relate_claims(*a_season(beta=-0.4))
    assert claims["claim"].to_list() == [
        "technical descents",
        "technical climbs",
        "late in the run",
        "sets without a wobble",
    ]
    p = by_name(claims, "p_adjusted")
    assert p["technical descents"] < 0.01
    assert min(p["technical climbs"], p["late in the run"]) > 0.05
    assert (
        by_name(claims, "low")["technical descents"]
        < np.expm1(-0.4)
        < by_name(claims, "high")["technical descents"]
    )


def test_clean_sets_are_asked_of_beside_the_minutes() -> None:
    """What clean sets do is found as their doing."""
    claims = relate_claims(*a_season(clean=-0.2))
    assert by_name(claims, "p_adjusted")["sets without a wobble"] < 0.05
    assert by_name(claims, "estimate")["sets without a wobble"] == pytest.approx(np.expm1(-0.2), abs=0.08)


def test_the_correction_is_that_of_statsmodels() -> None:
    """Adjusted p values equal an independent implementation of Benjamini and Hochberg."""
    claims = relate_claims(*a_season(beta=-0.2, clean=-0.1, seed=3))
    assert claims["p_adjusted"].to_list() == pytest.approx(multipletests(claims["p"], method="fdr_bh")[1])


def test_without_anything_to_find_claims_are_rarely_made() -> None:
    """In 20 seasons of nothing at most 3 have a claim under 0.05 after correction (1 expected)."""
    smallest: Iterable[float] = (
        min(relate_claims(*a_season(seed=seed))["p_adjusted"].to_list()) for seed in range(20)
    )
    assert sum(p < 0.05 for p in smallest) <= 3


def test_too_little_ground_is_no_claim() -> None:
    """Runs with fewer than six windows of a direction do not enter, and what is left over is said."""
    claims = relate_claims(*a_season(windows=5))
    assert claims["claim"].to_list() == ["sets without a wobble"]
    assert "too few runs" in claim_lines("sim", claims.clear())[0]
    assert "Benjamini" in " ".join(claim_lines("sim", claims))
