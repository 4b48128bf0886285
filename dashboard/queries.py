"""Workspace → the small table or fact that a page or the report shows. Nothing here draws or knows a page."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dashboard import words
from dashboard.units import METRIC, MILES, Units
from pipeline.effect import Preview, preview_designs
from pipeline.errors import SurefootError
from pipeline.settings import AthleteSettings
from pipeline.tables import (
    BalanceSessions,
    DataFrame,
    Effects,
    Groups,
    Plans,
    ProposedSessions,
    Repeats,
    Runs,
    Stability,
    Starts,
    Zones,
)
from pipeline.triage import derive_normal_ranges

LASTING_RUNS = 3
HEADLINE_METRIC = "cadence_cv"
HEADLINE_OUTCOME = "technical"
ROBUSTNESS_ORDER = {"difference": 0, "cubic time": 1, "technical alone": 2, "smooth": 3}
EARTH_RADIUS_M = 6_371_008.8
N_CATEGORIES = 3
RECENT_RUNS = 6
RECENT_WEEKS = 4


class Workspace(Protocol):
    """What the dashboard reads of a workspace (pipeline.workspace.Workspace, opened read only)."""

    path: Path

    def state(self) -> Hashable: ...
    def athletes(self) -> list[str]: ...
    def load_runs(self, athlete_id: str) -> DataFrame[Runs]: ...
    def load_run(self, run_id: str) -> dict[str, Any]: ...
    def load_track(self, run_id: str) -> pl.DataFrame: ...
    def load_grounds(self, run_id: str) -> pl.DataFrame: ...
    def load_segments(self, athlete_id: str | None = None, run_id: str | None = None) -> pl.DataFrame: ...
    def load_stability(self, athlete_id: str) -> DataFrame[Stability]: ...
    def load_repeats(self, athlete_id: str) -> DataFrame[Repeats]: ...
    def load_balance_sessions(self, athlete_id: str) -> DataFrame[BalanceSessions]: ...
    def load_proposed_sessions(self, athlete_id: str) -> DataFrame[ProposedSessions]: ...
    def load_adherence(self, athlete_id: str) -> pl.DataFrame: ...
    def count_weeks_in_plan(self, athlete_id: str, until: date) -> tuple[int, int]: ...
    def load_settings_of(self, athlete_id: str) -> AthleteSettings: ...
    def load_plans(self, athlete_id: str) -> DataFrame[Plans]: ...
    def load_dose(self, athlete_id: str) -> pl.DataFrame: ...
    def load_dose_by_category(self, athlete_id: str) -> pl.DataFrame: ...
    def load_residuals(self, athlete_id: str) -> pl.DataFrame: ...
    def load_marks(self, athlete_id: str) -> pl.DataFrame: ...
    def load_effects(self, athlete_id: str) -> DataFrame[Effects]: ...
    def load_zones(self, athlete_id: str) -> DataFrame[Zones]: ...
    def load_starts(self, athlete_id: str, n: int) -> DataFrame[Starts]: ...
    def load_tiles(self) -> str: ...
    def load_groups(self) -> DataFrame[Groups]: ...
    def load_jobs(self, athlete_id: str | None = None) -> pl.DataFrame: ...
    def find_job(self, job_id: str) -> dict[str, Any] | None: ...
    def upload_folder(self, athlete_id: str, job_id: str) -> Path: ...
    def load_rejected(self, athlete_id: str) -> pl.DataFrame: ...
    def counts(self, athlete_id: str) -> dict[str, int]: ...


@dataclass(frozen=True)
class Answer:
    """The stored answer of one athlete: the headline's row of `effects`, the other outcomes
    that have an estimate, the counts.
    """

    headline: dict[str, Any] | None
    robustness: pl.DataFrame
    n_runs: int
    n_counting: int
    n_sessions: int
    left_out: str

    @property
    def has_estimate(self) -> bool:
        """Whether there is an estimate with its interval to draw."""
        return self.headline is not None and all(
            self.headline[name] is not None for name in ("estimate", "low", "high")
        )


def load_answer(workspace: Workspace, athlete_id: str) -> Answer:
    """The stored answer of an athlete; nothing is computed here."""
    runs = workspace.load_runs(athlete_id)
    effects = workspace.load_effects(athlete_id)
    headline = effects.filter(pl.col("outcome") == HEADLINE_OUTCOME)
    return Answer(
        headline=headline.row(0, named=True) if headline.height else None,
        robustness=effects.filter(
            (pl.col("outcome") != HEADLINE_OUTCOME) & pl.col("estimate").is_not_null()
        ).sort(pl.col("outcome").replace_strict(ROBUSTNESS_ORDER, default=len(ROBUSTNESS_ORDER))),
        n_runs=runs.height,
        n_counting=runs.filter(pl.col("counts")).height,
        n_sessions=workspace.load_balance_sessions(athlete_id).height,
        left_out=_left_out(runs),
    )


def units_of(workspace: Workspace, athlete_id: str) -> Units:
    """The units that an athlete chose."""
    return MILES if workspace.load_settings_of(athlete_id).distance_unit == "mi" else METRIC


def trend_runs(workspace: Workspace, athlete_id: str) -> pl.DataFrame:
    """One row per run and terrain, oldest first: headline metric `value`, `low`, `high` (fractions)."""
    stability = workspace.load_stability(athlete_id).filter(
        (pl.col("metric") == HEADLINE_METRIC) & (pl.col("direction") == "all") & pl.col("value").is_not_null()
    )
    runs = workspace.load_runs(athlete_id).select(
        "run_id", "start_time", "local_date", "counts", "counts_reason", "device", "device_epoch"
    )
    return (
        stability.select("run_id", pl.col("terrain").cast(pl.String), "value", "low", "high", "n_windows")
        .join(runs, on="run_id")
        .sort("start_time", "terrain")
    )


def unmeasured_runs(workspace: Workspace, athlete_id: str) -> pl.DataFrame:
    """`local_date` and `counts_reason` of the runs that have no value of the headline metric."""
    measured = trend_runs(workspace, athlete_id).select("run_id").unique()
    runs = workspace.load_runs(athlete_id)
    return runs.join(measured, on="run_id", how="anti").select("local_date", "counts_reason")


def usual_ranges(workspace: Workspace, athlete_id: str) -> pl.DataFrame:
    """Where a run is expected on each ground, from the athlete's own last weeks (tables.NormalRanges)."""
    return derive_normal_ranges(workspace.load_runs(athlete_id), workspace.load_stability(athlete_id))


def preview(workspace: Workspace, athlete_id: str) -> Preview:
    """What each design of the coming weeks could show."""
    return preview_designs(
        athlete_id,
        workspace.load_runs(athlete_id),
        workspace.load_stability(athlete_id),
        workspace.load_balance_sessions(athlete_id),
        workspace.load_settings_of(athlete_id).half_life_days,
    )


def design_changes(preview: Preview) -> pl.DataFrame:
    """`design`, `weeks` and the smallest `change` that would be seen (fraction, null where it cannot be)."""
    rows = [(design, weeks, change) for (design, weeks), change in preview.detectable.items()]
    columns = {"design": pl.String, "weeks": pl.Int64, "change": pl.Float64}
    return pl.DataFrame(rows, schema=columns, orient="row").sort("design", "weeks")


def device_breaks(runs: pl.DataFrame) -> pl.DataFrame:
    """`local_date` and `words` of the runs from which another device, firmware or sampling was the usual one.

    It is the usual one from a run on that begins `LASTING_RUNS` in a row with it: a single run exported
    in another format, or recorded on a borrowed watch, is no change of watch.

    Parameters
    ----------
    runs : rows with `start_time`, `local_date`, `device`, `device_epoch`.
    """
    lasting = (
        runs.sort("start_time")
        .with_columns(spell=pl.col("device_epoch").rle_id())
        .group_by("spell", maintain_order=True)
        .agg(pl.len().alias("length"), pl.col("local_date", "device", "device_epoch").first())
        .filter(pl.col("length") >= LASTING_RUNS)
        .filter(pl.col("device_epoch") != pl.col("device_epoch").shift(1, fill_value=""))
    )
    words, before = [], None
    for device in lasting["device"]:
        words.append("watch settings changed" if device == before or not device else f"new watch: {device}")
        before = device
    return lasting.select("local_date").with_columns(pl.Series("words", words, dtype=pl.String)).slice(1)


def weekly_balance(workspace: Workspace, athlete_id: str) -> pl.DataFrame:
    """Logged minutes: one row per `week` (its Monday) and `category`; the smaller categories become one."""
    sessions = workspace.load_balance_sessions(athlete_id).select(
        pl.col("date").dt.truncate("1w").alias("week"), "category", "minutes"
    )
    few = _with_few_categories(sessions)
    return few.group_by("week", "category").agg(pl.col("minutes").sum()).sort("week", "category")


def dose_by_category(workspace: Workspace, athlete_id: str) -> pl.DataFrame:
    """Decayed weekly minutes: one row per `date` and `category`; the smaller categories become one."""
    few = _with_few_categories(workspace.load_dose_by_category(athlete_id))
    return few.group_by("date", "category").agg(pl.col("dose").sum()).sort("date", "category")


def _with_few_categories(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows with those categories that have the fewest `minutes` as one."""
    ranked = (
        frame.group_by("category").agg(pl.col("minutes").sum()).sort("minutes", descending=True)["category"]
    )
    if len(ranked) <= N_CATEGORIES:
        return frame
    is_main = pl.col("category").is_in(ranked.head(N_CATEGORIES - 1).to_list())
    return frame.with_columns(category=pl.when(is_main).then("category").otherwise(pl.lit("all other")))


def dose_pairs(workspace: Workspace, athlete_id: str) -> pl.DataFrame:
    """Technical unsteadiness of each run beside the dose of its day: `value`, `dose` (min/week), `counts`."""
    technical = trend_runs(workspace, athlete_id).filter(pl.col("terrain") == "technical")
    dose = workspace.load_dose(athlete_id).select(pl.col("date").alias("local_date"), "dose")
    return technical.join(dose, on="local_date").sort("start_time")


def recent(workspace: Workspace, athlete_id: str) -> dict[str, Any]:
    """Medians of the last runs that count by terrain, and balance minutes a week over the last weeks."""
    trend = trend_runs(workspace, athlete_id).filter(pl.col("counts"))
    facts: dict[str, Any] = {}
    for terrain in ("technical", "smooth"):
        last = trend.filter(pl.col("terrain") == terrain).tail(RECENT_RUNS)
        facts[terrain] = last["value"].median()
        facts[f"{terrain}_n"] = last.height
    dose = workspace.load_dose(athlete_id).sort("date").tail(7 * RECENT_WEEKS)
    facts["balance_min_per_week"] = dose["minutes"].sum() / RECENT_WEEKS if dose.height else None
    facts["balance_until"] = dose["date"].max()
    return facts


def run_table(workspace: Workspace, athlete_id: str) -> pl.DataFrame:
    """One row per run, newest first, with the headline metric on both grounds as `technical` and `smooth`."""
    wide = (
        trend_runs(workspace, athlete_id)
        .pivot("terrain", index="run_id", values=["value", "n_windows"])
        .rename({"value_technical": "technical", "value_smooth": "smooth"}, strict=False)
    )
    for name in ("technical", "smooth"):
        if name not in wide.columns:
            wide = wide.with_columns(pl.lit(None, pl.Float64).alias(name))
    runs = workspace.load_runs(athlete_id).with_columns((pl.col("technical_s") / 60).alias("technical_min"))
    return runs.join(wide.select("run_id", "technical", "smooth"), on="run_id", how="left").sort(
        "start_time", descending=True
    )


def find_run(workspace: Workspace, run_id: str) -> dict[str, Any] | None:
    """The run's row, or None where there is no such run."""
    try:
        return workspace.load_run(run_id)
    except SurefootError:
        return None


def neighbours(workspace: Workspace, run: dict[str, Any]) -> tuple[str | None, str | None]:
    """Identifiers of the athlete's previous and next run in time."""
    ids = workspace.load_runs(run["athlete_id"]).sort("start_time")["run_id"].to_list()
    at = ids.index(run["run_id"])
    return (ids[at - 1] if at else None, ids[at + 1] if at + 1 < len(ids) else None)


def run_stability(workspace: Workspace, run: dict[str, Any]) -> pl.DataFrame:
    """All metrics of one run: one row per terrain, direction and metric."""
    return (
        workspace.load_stability(run["athlete_id"])
        .filter(pl.col("run_id") == run["run_id"])
        .with_columns(pl.col("terrain").cast(pl.String), pl.col("direction").cast(pl.String))
    )


def local_positions(track: pl.DataFrame) -> pl.DataFrame:
    """Seconds with a position, as metres east and north of the first one: no coordinate leaves this function.

    Returns
    -------
    elapsed_s, distance_m, terrain, east_m, north_m (equirectangular, good to 0.1 % over 50 km).
    """
    fixes = track.drop_nulls(["lat_deg", "lon_deg"])
    if fixes.is_empty():
        east = north = np.empty(0)
    else:
        lat, lon = np.radians(fixes["lat_deg"].to_numpy()), np.radians(fixes["lon_deg"].to_numpy())
        turned = (lon - lon[0] + np.pi) % (2 * np.pi) - np.pi
        east, north = EARTH_RADIUS_M * turned * np.cos(lat[0]), EARTH_RADIUS_M * (lat - lat[0])
    return fixes.select("elapsed_s", "distance_m", pl.col("terrain").cast(pl.String)).with_columns(
        pl.Series("east_m", east.round(1)), pl.Series("north_m", north.round(1))
    )


def windowed_variability(track: pl.DataFrame, *, window_s: int = 20, trend_s: int = 31) -> pl.DataFrame:
    """SD of cadence about its running mean in 20 s windows wholly on one ground, over mean cadence.

    A picture of where in the run cadence was unsteady. It is not adjusted for speed and grade, which
    needs all runs of the athlete; the run's own figure is.

    Returns
    -------
    distance_m and elapsed_s at the window's middle, terrain, `value` as a fraction.
    """
    running = track.filter((pl.col("gait") == "run") & pl.col("terrain").is_not_null()).with_columns(
        pl.col("terrain").cast(pl.String),
        pl.when(pl.col("cadence_flag") == "ok").then("cadence_spm").alias("cadence_spm"),
    )
    broken = (pl.col("elapsed_s").diff() != 1) | (pl.col("terrain") != pl.col("terrain").shift(1))
    return (
        running.with_columns(broken.fill_null(value=True).cum_sum().alias("block"))
        .with_columns(
            (
                pl.col("cadence_spm")
                - pl.col("cadence_spm").rolling_mean(trend_s, center=True, min_samples=1).over("block")
            ).alias("residual"),
            (pl.int_range(pl.len()).over("block") // window_s).alias("window"),
        )
        .group_by("block", "window", "terrain", maintain_order=True)
        .agg(
            pl.col("distance_m").mean(),
            pl.col("elapsed_s").mean(),
            (pl.col("residual").std(ddof=0) / pl.col("cadence_spm").mean()).alias("value"),
            pl.col("residual").count().alias("n"),
            pl.len().alias("seconds"),
        )
        .filter((pl.col("seconds") == window_s) & (pl.col("n") >= window_s - 2))
        .select("distance_m", "elapsed_s", "terrain", "value", "block")
    )


def by_distance(track: pl.DataFrame, step_m: float) -> pl.DataFrame:
    """The run in steps of so many metres: mean altitude, mean usable running cadence, technical share."""
    usable = (pl.col("gait") == "run") & (pl.col("cadence_flag") == "ok")
    return (
        track.drop_nulls("distance_m")
        .group_by((pl.col("distance_m") // step_m).cast(pl.Int64).alias("step"))
        .agg(
            pl.col("altitude_m").mean(),
            pl.col("cadence_spm").filter(usable).mean(),
            (pl.col("terrain").cast(pl.String) == "technical").mean().alias("technical_share"),
        )
        .sort("step")
    )


def hover_path(positions: pl.DataFrame, n: int = 4000) -> dict[str, list[float]]:
    """The path that links track and profile: at most n of `distance_km`, `east_m`, `north_m`."""
    known = positions.drop_nulls("distance_m")
    rows: NDArray[np.int64] = np.unique(np.linspace(0, max(known.height - 1, 0), n).astype(np.int64))
    thin = known[rows.tolist()] if known.height else known
    return {
        "distance_km": (thin["distance_m"] / 1000).round(4).to_list(),
        "east_m": thin["east_m"].to_list(),
        "north_m": thin["north_m"].to_list(),
    }


def data_quality(workspace: Workspace, athlete_id: str) -> list[tuple[str, str]]:
    """What the answer rests on, as pairs of a name and a text: devices, cadence, runs left out, files."""
    runs = workspace.load_runs(athlete_id)
    seen = workspace.counts(athlete_id)
    used = float(np.median(runs["quality"].to_numpy())) if runs.height else None
    facts = [
        ("Devices", _tally(runs["device"].replace("", "unknown"))),
        ("Cadence counted as", _tally(runs["cadence_unit"].cast(pl.String).str.replace_all("_", " "))),
        ("Sampling", _tally(runs["sampling"].cast(pl.String))),
        ("Running cadence used, median of runs", words.percent(used, 0)),
        ("Runs that do not count", _left_out(runs)),
        ("To know of the recordings", _tally(runs["warnings"].str.split("; ").explode().drop_nulls())),
        (
            "Files",
            f"{seen['files']} seen: {seen['runs']} runs, {seen['duplicates']} recorded twice, "
            f"{seen['skipped']} not a run, {seen['rejected']} that could not be used",
        ),
    ]
    return [(name, text) for name, text in facts if text]


def _left_out(runs: pl.DataFrame) -> str:
    """Why runs do not count, those of one kind together: without the figures and names of each run."""
    alike = (
        runs.filter(~pl.col("counts"))["counts_reason"]
        .str.replace(r"^\d+ technical and \d+ smooth windows", "too few technical or smooth windows")
        .str.replace(r"^the same run as .*", "the same run in a better recording is there")
    )
    return _tally(alike)


def _tally(texts: pl.Series) -> str:
    counted = texts.rename("text").value_counts(sort=True).filter(pl.col("text") != "")
    return "; ".join(f"{text} ({n})" for text, n in counted.iter_rows())
