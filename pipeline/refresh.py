"""From an athlete's stored runs to the answer again, in this process or in a worker.

Workspace -> gather -> analyse_season (anywhere) -> Workspace.save_athlete
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from pipeline.athlete import AthleteResult, Known, analyse_athlete, answer
from pipeline.channels import DYNAMICS
from pipeline.engine import Engine, Lost, start_item
from pipeline.errors import SurefootError
from pipeline.intake import Progress
from pipeline.marks import Mark, from_table
from pipeline.results import Passes, RunResult
from pipeline.seconds import MEASURED, Seconds
from pipeline.tables import BalanceSessions, DataFrame, Plans, Runs
from pipeline.workspace import StoredFrames, Workspace

Watch = Callable[[Progress], None]


def refresh_athlete(
    workspace: Workspace,
    athlete_id: str,
    progress: Progress,
    watch: Watch = lambda progress: None,
    at_hand: Mapping[str, RunResult] = MappingProxyType({}),
) -> None:
    """Label, measure and answer again from all runs of the athlete; those `at_hand` are not read again."""
    season = _gather(workspace, athlete_id)
    season.frames.hand_over(at_hand)
    progress.files, progress.done = 0, 0

    def tell() -> None:
        progress.files, progress.done = len(season.runs), progress.done + 1
        watch(progress)

    _save(workspace, athlete_id, analyse_season(season, tell))


def refresh_athletes(workspace: Workspace, athletes: Sequence[str], engine: Engine) -> None:
    """`refresh_athlete` of many, side by side where the engine's workers see the packs.

    Raises SurefootError, once the others are stored, where one's runs cannot be compared.
    """
    if not engine.shares_disk:
        for athlete_id in athletes:
            refresh_athlete(workspace, athlete_id, Progress())
        return
    lost = []
    for outcome in engine.run(analyse_seasons, ([_gather(workspace, name)] for name in athletes)):
        if isinstance(outcome, Lost):
            lost.append((outcome.item.athlete_id, outcome.reason))
        else:
            _save(workspace, *outcome.result)
    if lost:
        raise SurefootError(
            f"the runs of {lost[0][0]} could not be compared ({lost[0][1]})",
            "its files are stored, and the next call tries again",
        )


def refresh_sharers(workspace: Workspace, athletes: Iterable[str]) -> None:
    """Label the runs of these athletes again, after another's came or went from whom they learn places."""
    for athlete_id in athletes:
        refresh_athlete(workspace, athlete_id, Progress())


def refresh_answer(workspace: Workspace, athlete_id: str) -> None:
    """Dose and answer again, after the log or the half-life changed; labels and steadiness stay."""
    answered = answer(
        workspace.load_runs(athlete_id),
        workspace.load_stability(athlete_id),
        workspace.load_balance_sessions(athlete_id),
        workspace.load_plans(athlete_id),
        workspace.load_settings_of(athlete_id).half_life_days,
    )
    workspace.save_answer(athlete_id, answered)


@dataclass(frozen=True, slots=True)
class Season:
    """All that an athlete's answer is made of, as it goes to a worker."""

    athlete_id: str
    runs: DataFrame[Runs]
    passes: Mapping[str, Passes]
    cadence_moments: Mapping[str, list[float]]
    frames: StoredFrames
    sessions: DataFrame[BalanceSessions]
    plans: DataFrame[Plans]
    known: Known
    marks: Sequence[Mark]
    others: Sequence[tuple[DataFrame[Runs], Mapping[str, Passes]]]
    half_life_days: float


def _gather(workspace: Workspace, athlete_id: str) -> Season:
    return Season(
        athlete_id,
        workspace.load_runs(athlete_id),
        workspace.load_passes(athlete_id),
        workspace.load_cadence_moments(athlete_id),
        workspace.open_frames(athlete_id, MEASURED, DYNAMICS),
        workspace.load_balance_sessions(athlete_id),
        workspace.load_plans(athlete_id),
        Known(
            workspace.load_segments(athlete_id),
            workspace.load_stability(athlete_id),
            workspace.load_origins(athlete_id),
            workspace.load_stretches(athlete_id),
        ),
        from_table(workspace.load_marks(athlete_id)),
        [(workspace.load_runs(o), workspace.load_passes(o)) for o in workspace.sharers(athlete_id)],
        workspace.load_settings_of(athlete_id).half_life_days,
    )


def analyse_seasons(seasons: Sequence[Season]) -> tuple[str, AthleteResult]:
    """In a worker: one season, whose runs each have the time of an item."""
    (season,) = seasons
    return season.athlete_id, analyse_season(season, start_item)


def analyse_season(season: Season, tell: Callable[[], None]) -> AthleteResult:
    """`analyse_athlete`, with `tell` called before each run that is measured."""

    def load_seconds(run_id: str) -> Seconds:
        tell()
        return season.frames.seconds(run_id)

    with season.frames as stored:
        return analyse_athlete(
            season.runs,
            season.passes,
            season.cadence_moments,
            stored.cells,
            load_seconds,
            season.sessions,
            season.plans,
            season.known,
            stored.channels,
            season.marks,
            season.others,
            season.half_life_days,
        )


def _save(workspace: Workspace, athlete_id: str, result: AthleteResult) -> None:
    workspace.save_athlete(
        athlete_id,
        runs=result.runs,
        segments=result.segments,
        stability=result.stability,
        answer=result,
        origins=result.origins,
        relabelled=result.relabelled,
        repeats=result.repeats,
        new_stretches=result.new_stretches,
    )
