"""From the tables to the answer of one athlete."""

import math
from datetime import timedelta
from typing import cast

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.balance import derive_dose
from pipeline.effect import HEADLINE, relate_effect
from pipeline.effect.season import build_season, yearly_wave
from pipeline.tables import BalanceSessions, DataFrame, Effects, Runs, Stability
from tests.simulate import SCENARIOS, START, SimulatedSeason, make_log, make_tables, simulate_season

OUTCOMES = ["technical", "difference", "cubic time", "technical alone", "smooth"]


def answer(season: SimulatedSeason) -> DataFrame[Effects]:
    return relate_effect(season.runs, season.stability, season.sessions)


def headline(effects: pl.DataFrame) -> dict[str, object]:
    return effects.filter(pl.col("outcome") == HEADLINE).row(0, named=True)


def a_season(**options: object) -> SimulatedSeason:
    settings_ = {"weeks": 40, "beta": math.log(0.6), "exact": True} | options
    return simulate_season(SCENARIOS["blocks 6"], np.random.default_rng(4), **settings_)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def strong() -> SimulatedSeason:
    """Forty weeks in blocks of six with a planted latent effect of 40 %."""
    return a_season()


def test_noiseless_runs_give_back_the_effect() -> None:
    """With hardly any noise a planted change of 20 % is found as 20 %, and as none on smooth ground."""
    minutes = np.where(np.arange(280) // 28 % 2 == 1, 9.0, 0.0)
    day = np.arange(28, 280, 2)
    dose = derive_dose(make_log(minutes), until=START + timedelta(days=279))["dose"].to_numpy()[day] / 45
    wobble = np.random.default_rng(0).standard_normal((2, len(day))) * 1e-3
    tables = make_tables(
        day, 0.06 * np.exp(math.log(0.8) * dose + wobble[0]), 0.045 * np.exp(wobble[1]), minutes
    )
    effects = relate_effect(*tables)
    assert effects["estimate"].to_list() == pytest.approx([-0.2, -0.2, -0.2, -0.2, 0.0], abs=0.002)
    assert headline(effects)["verdict"] == "steadier with more balance work"


def test_the_planted_effect_is_found_with_its_interval(strong: SimulatedSeason) -> None:
    """The interval holds the planted effect as measured, and the rule says steadier."""
    row = headline(answer(strong))
    assert row["low"] < math.expm1(strong.beta) < row["high"]  # type: ignore[operator]
    assert row["verdict"] == "steadier with more balance work"
    assert row["low"] < row["estimate"] < row["sceptical"] < 0  # type: ignore[operator]


def test_there_are_five_rows_in_a_fixed_order(strong: SimulatedSeason) -> None:
    """The headline first, then the robustness set."""
    assert answer(strong)["outcome"].to_list() == OUTCOMES


def test_a_wave_of_a_year_is_taken_out_by_hand() -> None:
    """Work done in winter alone, and trails that are harder in summer: over a year no effect is left, and
    over 39 weeks, which a wave could not be told from a trend in, one is."""
    angle = 2 * np.pi * np.arange(7 * 52) / 365.25
    minutes = np.where(np.sin(angle) < 0, 9.0, 0.0)
    day = np.arange(0, 7 * 52, 2)
    noise = np.random.default_rng(2).standard_normal((2, len(day))) * 1e-3
    technical, smooth = 0.06 * np.exp(0.1 * np.sin(angle[day]) + noise[0]), 0.045 * np.exp(noise[1])
    year = relate_effect(*make_tables(day, technical, smooth, minutes))
    assert headline(year)["estimate"] == pytest.approx(0.0, abs=0.001)
    short = day < 7 * 39
    part = relate_effect(*make_tables(day[short], technical[short], smooth[short], minutes[: 7 * 39]))
    assert abs(cast("float", headline(part)["estimate"])) > 0.03


def test_forty_weeks_are_enough_for_the_wave() -> None:
    """280 days, the first and the last counted, have sine and cosine; 279 have neither."""
    assert yearly_wave(np.array([0.0, 100.0, 279.0])).shape == (3, 2)
    assert yearly_wave(np.array([0.0, 100.0, 278.0])).shape == (3, 0)
    assert yearly_wave(np.empty(0)).shape == (0, 0)


def test_the_wide_interval_holds_without_the_assumptions(strong: SimulatedSeason) -> None:
    """It holds the planted effect and reaches further than the answer's own interval."""
    row = headline(answer(strong))
    assert row["wide_low"] < math.expm1(strong.beta) < row["wide_high"]  # type: ignore[operator]
    assert row["wide_high"] - row["wide_low"] > row["high"] - row["low"]  # type: ignore[operator]


def test_what_follows_a_long_break_fades() -> None:
    """Runs on days 0, 2, 30 and 51: the break before day 30 leaves 1 there and a half 21 days later."""
    day = np.array([0, 2, 30, 51]) + 30
    tables = make_tables(day, np.full(4, 0.06), np.full(4, 0.045), np.ones(100))
    # A device of fewer than 5 runs would be left out: each day is run twice.
    twice = make_tables(np.repeat(day, 2), np.full(8, 0.06), np.full(8, 0.045), np.ones(100))
    season = build_season("sim", *twice, 21.0)
    assert season.after_break[:, 0] == pytest.approx([0, 0, 0, 0, 1, 1, 0.5, 0.5])
    assert build_season("sim", *tables, 21.0).after_break.shape == (0, 0)


def test_few_windows_scatter_more() -> None:
    """Of two kinds of run, with 10 and with 30 windows, half the scatter is as 3 to 1 and the mean is 1."""
    windows = np.array([10, 30] * 5)
    tables = make_tables(
        np.arange(30, 40), np.full(10, 0.06), np.full(10, 0.045), np.ones(50), windows=windows
    )
    assert build_season("sim", *tables, 21.0).scatter[:2] == pytest.approx([0.5 + 0.75, 0.5 + 0.25])


def test_the_same_seed_gives_the_same_answer(strong: SimulatedSeason) -> None:
    """Nothing in the answer changes from one call to the next."""
    assert answer(strong).equals(answer(strong))


def test_the_order_of_rows_does_not_matter(strong: SimulatedSeason) -> None:
    """Shuffled tables give the same answer."""
    shuffled = relate_effect(
        Runs.validate(strong.runs.sample(fraction=1, shuffle=True, seed=1)),
        Stability.validate(strong.stability.sample(fraction=1, shuffle=True, seed=2)),
        BalanceSessions.validate(strong.sessions.sample(fraction=1, shuffle=True, seed=3)),
    )
    assert shuffled.equals(answer(strong))


def test_recordings_of_two_athletes_are_not_twice_as_many(strong: SimulatedSeason) -> None:
    """Runs that another athlete has as well stand twice in a table of both: the answer is the same."""
    of_two = Stability.cast(pl.concat([strong.stability, strong.stability]))
    assert relate_effect(strong.runs, of_two, strong.sessions).equals(answer(strong))


def test_the_dose_is_that_of_the_dose_table(strong: SimulatedSeason) -> None:
    """The dose of each run equals the day's dose that balance.derive_dose shows."""
    season = build_season("sim", strong.runs, strong.stability, strong.sessions, 21.0)
    shown = derive_dose(strong.sessions, until=max(strong.runs["local_date"].to_list()))
    expected = strong.runs.sort("start_time").join(shown.rename({"date": "local_date"}), on="local_date")
    assert season.dose * 45 == pytest.approx(expected.sort("start_time")["dose"].to_numpy())


def test_runs_near_the_start_of_the_log_are_left_out() -> None:
    """Runs before the log or within 21 days of its start do not enter, and the answer says so."""
    minutes = np.where(np.arange(300) // 28 % 2 == 1, 9.0, 0.0)
    day = np.arange(0, 300, 2)
    noise = np.random.default_rng(0).standard_normal((2, len(day))) * 0.1
    tables = make_tables(day, np.exp(noise[0]), np.exp(noise[1]), minutes)
    row = headline(relate_effect(*tables))
    assert row["n_runs"] == np.sum(day >= 21)
    assert f"{np.sum(day < 21)} runs before the log or in its first weeks left out" in str(row["cautions"])


def test_runs_that_do_not_count_are_left_out(strong: SimulatedSeason) -> None:
    """Only runs with `counts` enter."""
    some = strong.runs.with_columns(counts=pl.int_range(pl.len()) % 2 == 0)
    row = headline(relate_effect(Runs.validate(some), strong.stability, strong.sessions))
    assert row["n_runs"] == strong.runs.height / 2


def test_a_watch_changed_when_the_work_began_by_hand() -> None:
    """Work without effect begins a week before a watch that shows half the wobble: only the break sees it."""
    minutes = np.where(np.arange(280) >= 133, 9.0, 0.0)
    day = np.arange(28, 280, 2)
    halved = np.where(day < 140, 1.0, 0.5)
    noise = np.exp(np.random.default_rng(1).standard_normal((2, len(day))) * 1e-2)
    runs, *others = make_tables(day, 0.06 * halved * noise[0], 0.045 * halved * noise[1], minutes)
    watch = pl.Series(np.where(day < 140, "first watch", "second watch"))
    with_break = relate_effect(Runs.validate(runs.with_columns(device_epoch=watch)), *others)
    without = relate_effect(Runs.validate(runs.with_columns(device_epoch=pl.lit("any watch"))), *others)
    assert with_break["estimate"].to_list() == pytest.approx([0.0] * 5, abs=0.02)
    assert not any("steadier" in verdict for verdict in with_break["verdict"])
    claimed = dict(without.select("outcome", "estimate").iter_rows())
    assert claimed["technical alone"] < -0.25
    assert claimed["smooth"] < -0.25


def test_a_new_device_is_not_progress(strong: SimulatedSeason) -> None:
    """A watch that shows everything 30 % steadier from mid-season moves the estimate by little."""
    late = strong.runs["local_date"] >= START + timedelta(days=7 * 30)
    runs = Runs.validate(
        strong.runs.with_columns(
            device_epoch=pl.when(late).then(pl.lit("b")).otherwise(pl.lit("a")),
        )
    )
    factor = pl.when(pl.col("run_id").is_in(runs.filter(late)["run_id"].implode())).then(0.7).otherwise(1.0)
    stability = Stability.validate(strong.stability.with_columns(value=pl.col("value") * factor))
    before = headline(answer(strong))
    after = headline(relate_effect(runs, stability, strong.sessions))
    assert after["estimate"] == pytest.approx(before["estimate"], abs=0.06)
    assert "2 devices or firmware versions" in str(after["cautions"])


def test_a_device_with_too_few_runs_is_left_out(strong: SimulatedSeason) -> None:
    """Four runs of another device do not enter, and the answer says so."""
    runs = strong.runs.with_columns(
        device_epoch=pl.when(pl.int_range(pl.len()) < 4).then(pl.lit("rare")).otherwise(pl.lit("usual"))
    )
    row = headline(relate_effect(Runs.validate(runs), strong.stability, strong.sessions))
    assert row["n_runs"] == strong.runs.height - 4
    assert "4 runs left out: recorded with a device" in str(row["cautions"])


def test_one_step_in_the_log_is_cautioned() -> None:
    """A programme that starts once, midway, is called what it is; blocks are not."""
    midway = simulate_season(SCENARIOS["N3c"], np.random.default_rng(1), weeks=52)
    blocks = simulate_season(SCENARIOS["blocks 6"], np.random.default_rng(1), weeks=52)
    assert "one step in time" in str(headline(answer(midway))["cautions"])
    assert "one step in time" not in str(headline(answer(blocks))["cautions"])


def test_smooth_ground_that_moved_is_cautioned(strong: SimulatedSeason) -> None:
    """Where smooth ground is as much steadier as technical ground, the answer points to general form."""
    technical = strong.stability.filter(pl.col("terrain") == "technical")
    noise = np.random.default_rng(0).normal(1, 0.1, technical.height)
    smooth = technical.with_columns(
        terrain=pl.lit("smooth", dtype=technical.schema["terrain"]), value=pl.col("value") * pl.Series(noise)
    )
    both = Stability.validate(pl.concat([technical, smooth]))
    row = headline(relate_effect(strong.runs, both, strong.sessions))
    assert "smooth ground was steadier as well" in str(row["cautions"])


def test_a_log_that_fell_silent_is_cautioned(strong: SimulatedSeason) -> None:
    """Months without an entry count as no balance work, and the answer says so."""
    cut = strong.sessions.filter(pl.col("date") < START + timedelta(days=180))
    row = headline(relate_effect(strong.runs, strong.stability, BalanceSessions.validate(cut)))
    assert "the log's last entry is" in str(row["cautions"])


def test_no_log_asks_for_one(strong: SimulatedSeason) -> None:
    """Runs without a log are not enough data, and what is missing is the log."""
    row = headline(relate_effect(strong.runs, strong.stability, BalanceSessions.create_empty()))
    assert (row["verdict"], row["estimate"]) == ("not enough data", None)
    assert row["missing"] == "a balance log (surefoot log FILE --athlete ID)"


def test_no_runs_asks_for_runs(strong: SimulatedSeason) -> None:
    """A log without runs is not enough data, with everything missing named."""
    row = headline(relate_effect(Runs.create_empty(), Stability.create_empty(), strong.sessions))
    assert (row["verdict"], row["n_runs"], row["weeks"]) == ("not enough data", 0, 0)
    assert row["missing"] == "30 more runs that count (0 of 30); 16 more weeks (0 of 16)"


def test_nothing_at_all_is_an_empty_table() -> None:
    """Without runs and without a log there is no athlete to answer."""
    nothing = relate_effect(Runs.create_empty(), Stability.create_empty(), BalanceSessions.create_empty())
    assert nothing.height == 0


def test_the_same_work_every_week_cannot_be_answered() -> None:
    """A dose that never changes is refused, with what would help."""
    day = np.arange(60, 300, 2)
    noise = np.random.default_rng(0).standard_normal((2, len(day))) * 0.1
    row = headline(relate_effect(*make_tables(day, np.exp(noise[0]), np.exp(noise[1]), np.full(300, 6.0))))
    assert row["verdict"] == "cannot be answered from this log"
    assert str(row["missing"]).startswith("contrast: weeks with balance work and weeks without")


def test_steadiness_that_never_changes_is_no_answer(strong: SimulatedSeason) -> None:
    """The same value on every run gives no figure and no finding."""
    flat = Stability.validate(strong.stability.with_columns(value=pl.lit(0.05)))
    row = headline(relate_effect(strong.runs, flat, strong.sessions))
    assert (row["verdict"], row["estimate"]) == ("not precise enough", None)
    assert row["missing"]


def test_missing_values_leave_their_runs_out(strong: SimulatedSeason) -> None:
    """Empty, zero and endless steadiness values are not used."""
    values = strong.stability["value"].to_list()
    values[:3] = [None, 0.0, -1.0]
    stability = Stability.validate(strong.stability.with_columns(value=pl.Series(values)))
    row = headline(relate_effect(strong.runs, stability, strong.sessions))
    assert row["n_runs"] == strong.runs.height - 3


def test_two_athletes_are_answered_apart(strong: SimulatedSeason) -> None:
    """A second athlete's rows do not change the first one's answer."""
    other = make_tables(np.arange(0, 40, 2), np.full(20, 0.06), np.full(20, 0.05), np.full(40, 5.0), "other")
    both = relate_effect(
        Runs.validate(pl.concat([strong.runs, other[0]])),
        Stability.validate(pl.concat([strong.stability, other[1]])),
        BalanceSessions.validate(pl.concat([strong.sessions, other[2]])),
    )
    assert both.filter(pl.col("athlete_id") == "sim").equals(answer(strong))
    assert both["athlete_id"].unique().sort().to_list() == ["other", "sim"]


def tables_of(days: list[int], minutes: NDArray[np.float64], seed: int) -> tuple[object, ...]:
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((2, len(days)))
    return make_tables(np.sort(np.array(days, dtype=np.int64)), np.exp(noise[0]), np.exp(noise[1]), minutes)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 200), max_size=60),
    st.lists(st.sampled_from([0.0, 5.0, 30.0]), min_size=1, max_size=150),
    st.integers(0, 99),
)
def test_any_season_has_a_verdict(days: list[int], minutes: list[float], seed: int) -> None:
    """Whatever runs and log, there are five rows, each with words, and none with a cause in it."""
    effects = relate_effect(*tables_of(days, np.array(minutes), seed))  # type: ignore[arg-type]
    assert effects["outcome"].to_list() == OUTCOMES
    for row in effects.iter_rows(named=True):
        assert row["sentence"]
        assert not any(
            word in row["sentence"].lower() for word in ("improve", "because", "thanks to", "caused")
        )
        assert row["estimate"] is None or row["low"] <= row["estimate"] <= row["high"]
