"""What needs all runs of an athlete: places, labels, steadiness, dose and answer. Pure: no disk, no clock.

runs, their passes of places -> learn_places -> label_run -> measure -> answer

Each run's labels and steadiness are kept with a digest of all that they were made of (`Origin`): where
that is still the same they stand, and neither grid nor track of the run is read again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline import terrain
from pipeline.balance import derive_dose, derive_dose_by_category
from pipeline.cells import FEATURES, Cells
from pipeline.columns import dtypes
from pipeline.effect import derive_residuals, relate_effect
from pipeline.exposure import HALF_LIFE_DAYS
from pipeline.marks import UNMARKED, Mark, apply_marks, marks_on
from pipeline.measuring import Cut, cut_run, judge_run, measure_runs
from pipeline.numeric import Array, Integers, Mask, rolling_mean
from pipeline.places import Places, learn_places, place_ids, sum_passes
from pipeline.repeats import KnownStretches, learn_stretches
from pipeline.results import Answer, Origin, Passes, Relabelled, RunResult
from pipeline.rounded import RoundedGrid, RoundedTrack
from pipeline.seconds import Seconds
from pipeline.segments import RunSegments, segments_table
from pipeline.tables import (
    BalanceSessions,
    DataFrame,
    Plans,
    Repeats,
    Residuals,
    Runs,
    Segments,
    Stability,
    Stretches,
)
from pipeline.windows import fit_cadence

YARDSTICK_RUNS = 50
AT_ONCE = 64  # runs: their windows are few, their seconds would be many
ALONG_CELLS = 5  # 25 m: squares of place memory have edges, ground has none there
CERTAIN = 20.0  # log odds that nothing outweighs: of a mark, of a treadmill
INDOOR = frozenset({"treadmill", "indoor_running", "virtual_activity"})


@dataclass(frozen=True, slots=True)
class Known:
    """What was derived of an athlete's runs before."""

    segments: DataFrame[Segments] = field(default_factory=Segments.create_empty)
    stability: DataFrame[Stability] = field(default_factory=Stability.create_empty)
    origins: Mapping[str, Origin] = field(default_factory=dict)
    stretches: DataFrame[Stretches] = field(default_factory=Stretches.create_empty)


NOTHING_KNOWN = Known()
NO_ORIGIN = Origin("", "", "")


@dataclass(frozen=True, slots=True)
class AthleteResult(Answer):
    """All that is known of one athlete; `origins` holds the runs that were labelled or measured anew.

    `repeats` holds the passes of those runs alone, and `new_stretches` the stretches that they were first on.
    """

    runs: DataFrame[Runs]
    segments: DataFrame[Segments]
    stability: DataFrame[Stability]
    origins: Mapping[str, Origin]
    relabelled: Sequence[Relabelled]
    repeats: DataFrame[Repeats]
    new_stretches: DataFrame[Stretches]


def analyse_athlete(
    runs: DataFrame[Runs],
    passes: Mapping[str, Passes],
    cadence_moments: Mapping[str, list[float]],
    load_cells: Callable[[str], Cells],
    load_seconds: Callable[[str], Seconds],
    sessions: DataFrame[BalanceSessions],
    plans: DataFrame[Plans] | None = None,
    known: Known = NOTHING_KNOWN,
    load_channels: Callable[[str], pl.DataFrame | None] = lambda run_id: None,
    marks: Sequence[Mark] = (),
    others: Iterable[tuple[DataFrame[Runs], Mapping[str, Passes]]] = (),
    half_life_days: float = HALF_LIFE_DAYS,
) -> AthleteResult:
    """Labels, steadiness, dose and answer from all runs of one athlete.

    `cadence_moments` hold every run, and so do `passes`, but for runs that a version analysed which did not
    keep them. A run's cells and seconds are asked for only where its labels or steadiness cannot be as they
    were in `known`. `others` are runs of other athletes, and their passes, to learn places from as well.
    """
    rows = list(runs.iter_rows(named=True))
    ids = [run["run_id"] for run in rows]
    passes = {run_id: passes.get(run_id) or _passes_of(load_cells(run_id)) for run_id in ids}
    classes = _altitude_classes(rows)
    models = _cadence_models(runs, cadence_moments)
    scored = _score_passes(rows, classes, passes)
    for runs_of_other, passes_of_other in others:
        passed = [run for run in runs_of_other.iter_rows(named=True) if run["run_id"] in passes_of_other]
        scored += _score_passes(passed, _altitude_classes(passed), passes_of_other)
    places = learn_places(scored)
    segments: dict[str, RunSegments] = {}
    origins, relabelled = {}, []
    measured: list[str] = []
    tables, cuts = [], list[Cut]()
    stretches = KnownStretches.from_table(known.stretches)
    n_known = len(stretches)
    for run in sorted(rows, key=lambda row: (row["start_time"], row["run_id"])):
        run_id, model = run["run_id"], models[run["device_epoch"]]
        before = known.origins.get(run_id, NO_ORIGIN)
        place = passes[run_id].place
        marked = marks_on(run_id, place, marks)
        ids_of_marks = [mark.mark_id for mark in marked]
        labels = _digest(*places.recall(place), classes[run_id], run["sub_sport"], *ids_of_marks)
        ground = before.ground
        cells: Cells | None = None
        if labels != before.labels:
            cells = load_cells(run_id)
            own = label_run(run, cells, places, classes[run_id], marked)
            segments[run_id] = own
            ground = _digest(own.start_s, own.terrain.astype(np.uint8))
            if before.ground not in ("", ground):
                relabelled.append(_compare(run_id, _known_segments(known, run_id), own))
        steady = _digest(ground, model)
        if steady != before.stability:
            if labels == before.labels:
                own = _known_segments(known, run_id)
            seconds = load_seconds(run_id)
            cells = load_cells(run_id) if cells is None else cells
            again, new = learn_stretches(cells, stretches)
            stretches.add(new)
            cut = cut_run(run, own, seconds, load_channels(run_id), model, cells, again)
            run.update(judge_run(run, own, cut.windows))
            cuts.append(cut)
            measured.append(run_id)
            if len(cuts) == AT_ONCE:
                tables.append(measure_runs(cuts))
                cuts.clear()
        if (origin := Origin(labels, ground, steady)) != before:
            origins[run_id] = origin
    tables.append(measure_runs(cuts))
    stability, repeats = (pl.concat(of_kind) for of_kind in zip(*tables, strict=True))
    # Values of our own, of the types declared: to check the tables would cost as much as to label ten runs.
    done = Runs.cast(pl.DataFrame(rows, schema=dtypes(Runs)))
    ground_of_all = Segments.cast(_put(known.segments, segments, segments_table(segments), ids))
    measured_of_all = Stability.cast(_put(known.stability, measured, stability, ids))
    answered = answer(done, measured_of_all, sessions, plans, half_life_days)
    return AthleteResult(
        answered.dose,
        answered.dose_by_category,
        answered.effects,
        answered.residuals,
        done,
        ground_of_all,
        measured_of_all,
        origins,
        relabelled,
        Repeats.cast(repeats),
        stretches.where(np.arange(len(stretches)) >= n_known).to_table(n_known),
    )


def analyse_results(results: Iterable[RunResult], sessions: DataFrame[BalanceSessions]) -> AthleteResult:
    """`analyse_athlete` of runs in memory, that still have their frames."""
    by_id = {str(result.run["run_id"]): result for result in results}
    rows = [result.run for result in by_id.values()]
    return analyse_athlete(
        Runs.validate(pl.DataFrame(rows, schema=dtypes(Runs))),
        {run_id: result.passes for run_id, result in by_id.items()},
        {run_id: result.cadence_moments for run_id, result in by_id.items()},
        lambda run_id: cast(RoundedGrid, by_id[run_id].grid).to_cells(),
        lambda run_id: cast(RoundedTrack, by_id[run_id].track).to_seconds(),
        sessions,
        load_channels=lambda run_id: by_id[run_id].channels,
    )


def _known_segments(known: Known, run_id: str) -> RunSegments:
    return RunSegments.from_table(Segments.cast(known.segments.filter(run_id=run_id)))


def _compare(run_id: str, before: RunSegments, now: RunSegments) -> Relabelled:
    """How far the labels of a run changed, and why."""
    metres = np.arange(0.0, now.end_m.max(initial=0.0), terrain.CELL_M)

    def along(segments: RunSegments, values: NDArray[Any]) -> NDArray[Any]:
        at = np.searchsorted(segments.start_m, metres, side="right") - 1
        return values[np.maximum(at, 0)]

    changed = along(before, before.terrain) != along(now, now.terrain)
    if (along(before, before.edited) != along(now, now.edited))[changed].any():
        reason = "a stretch was marked, or a mark taken back"
    else:
        passes = [float(along(segments, segments.passes).mean()) for segments in (before, now)]
        reason = f"other runs of its places: {passes[0]:.1f} passes on average before, {passes[1]:.1f} now"
    return Relabelled(run_id, float(changed.mean()) if len(changed) else 0.0, reason)


def _put(
    before: pl.DataFrame, anew: Collection[str], table: pl.DataFrame, ids: Collection[str]
) -> pl.DataFrame:
    """The rows of `before`, with `table` in the place of the runs `anew`; none but of the runs in `ids`."""
    kept = before.filter(pl.col("run_id").is_in(list(set(ids).difference(anew))))
    return pl.concat([kept, table])


def _digest(*parts: object) -> str:
    """Of texts and arrays, to know them again by."""
    found = hashlib.blake2b(digest_size=16)
    for part in parts:
        found.update(part.tobytes() if isinstance(part, np.ndarray) else str(part).encode())
        found.update(b";")
    return found.hexdigest()


def _altitude_classes(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Run -> the class that most of its device epoch's time has: a watch does not change by the day.

    A run without altitude stays without.
    """
    seconds: dict[str, dict[str, float]] = {}
    for run in rows:
        if run["altitude_class"] != "none":
            of_epoch = seconds.setdefault(run["device_epoch"], {})
            of_epoch[run["altitude_class"]] = of_epoch.get(run["altitude_class"], 0.0) + run["moving_s"]
    usual = {epoch: max(sorted(of), key=of.__getitem__) for epoch, of in seconds.items()}
    return {
        run["run_id"]: "none" if run["altitude_class"] == "none" else usual[run["device_epoch"]]
        for run in rows
    }


def _passes_of(cells: Cells) -> Passes:
    return sum_passes(_place_ids(cells), {name: cells[name] for name in FEATURES})


def _place_ids(cells: Cells) -> Integers:
    return place_ids(*(cells[name] for name in ("lat_deg", "lon_deg", "heading_deg")))


def _score_passes(
    rows: Iterable[Mapping[str, Any]], classes: Mapping[str, str], passes: Mapping[str, Passes]
) -> list[tuple[Integers, Array]]:
    """What each run says of the places it crossed."""
    scored = []
    for run in rows:
        own = passes[run["run_id"]]
        scored.append((own.place, terrain.derive_score(own.values, classes[run["run_id"]], run["sampling"])))
    return scored


def _cadence_models(runs: DataFrame[Runs], sums: Mapping[str, list[float]]) -> dict[str, Array]:
    """Device epoch -> its model, from its first 50 runs.

    So the yardstick of a watch is soon settled, and later runs do not change what earlier ones measured.
    """
    ordered = runs.sort("start_time", "run_id")
    return {
        str(key[0]): fit_cadence(sums[run_id] for run_id in part["run_id"][:YARDSTICK_RUNS])
        for key, part in ordered.partition_by("device_epoch", as_dict=True).items()
    }


def label_run(
    run: Mapping[str, Any],
    cells: Cells,
    places: Places,
    altitude_class: str,
    marks: Sequence[Mark] = (),
) -> RunSegments:
    """Segments of one run from what all passes say of its places, and its own score where few passed.

    A treadmill is smooth; what the runner marked is what the runner said.
    """
    shared, passes = places.recall(_place_ids(cells))
    own = terrain.derive_score(cells, altitude_class, run["sampling"])
    known = np.isfinite(shared)
    score = np.where(known, rolling_mean(shared, ALONG_CELLS), own)
    if run["sub_sport"] in INDOOR:
        score = np.full(len(score), -CERTAIN)
    said = apply_marks(run["run_id"], cells, marks)
    score = np.where(said == terrain.TECHNICAL, CERTAIN, np.where(said == terrain.SMOOTH, -CERTAIN, score))
    segments = terrain.derive_segments(
        cells,
        score,
        np.where(known, passes, 1),
        altitude_class=altitude_class,
        end_s=run["elapsed_s"] or float(cells["elapsed_s"].max(initial=0.0)),
    )
    return _say_marked(segments, cells, said != UNMARKED) if marks else segments


def _say_marked(segments: RunSegments, cells: Cells, marked: Mask) -> RunSegments:
    """Segments that are marked for the most part are so because the runner said so."""
    of = np.searchsorted(segments.start_m, cells["distance_m"], side="right") - 1
    share = np.bincount(of, marked, len(segments)) / np.maximum(np.bincount(of, minlength=len(segments)), 1)
    edited = share > 0.5
    said = zip(edited, segments.reasons, strict=True)
    return replace(segments, edited=edited, reasons=["you marked it" if e else why for e, why in said])


def answer(
    runs: DataFrame[Runs],
    stability: DataFrame[Stability],
    sessions: DataFrame[BalanceSessions],
    plans: DataFrame[Plans] | None = None,
    half_life_days: float = HALF_LIFE_DAYS,
) -> Answer:
    """The answer of one athlete, with the dose up to the last day known."""
    last = max([*runs["local_date"].to_list(), *sessions["date"].to_list()], default=date.min)
    athletes = sorted({*runs["athlete_id"], *sessions["athlete_id"]})
    left = [derive_residuals(each, runs, stability, sessions, half_life_days) for each in athletes]
    return Answer(
        derive_dose(sessions, until=last, half_life_days=half_life_days),
        derive_dose_by_category(sessions, until=last, half_life_days=half_life_days),
        relate_effect(runs, stability, sessions, plans, half_life_days=half_life_days),
        Residuals.cast(pl.concat([Residuals.create_empty(), *left])),
    )
