"""Changes of an athlete's settings, and what is to be made again after them.

texts -> AthleteSettings -> Workspace -> the answers and labels that are due

The command makes those at once, the dashboard by a process of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pipeline import batch
from pipeline.errors import SurefootError
from pipeline.settings import AthleteSettings
from pipeline.workspace import Workspace

Due = tuple[str, str]  # athlete, and what is to be made again: a kind of job


@dataclass(frozen=True, slots=True)
class Changed:
    """The settings as they are now, the texts that take the change back, and what is due."""

    settings: AthleteSettings
    undo: Mapping[str, str]
    due: Sequence[Due]


def change_settings(workspace: Workspace, athlete_id: str, texts: Mapping[str, str]) -> Changed:
    """Set what was written, the default back where nothing was.

    Raises SurefootError, and changes nothing, where one of them is none.
    """
    values = {key: AthleteSettings.read(key, text) for key, text in texts.items()}
    with workspace.writer_lock():
        stored = dict(workspace.load_settings(athlete_id).select("key", "value").iter_rows())
        before, shared = workspace.load_settings_of(athlete_id), set(workspace.sharers(athlete_id))
        now = workspace.save_settings(athlete_id, values)
        due: list[Due] = []
        if (sharing := set(workspace.sharers(athlete_id))) != shared:
            due += [(each, "labels") for each in sorted({athlete_id} | shared | sharing)]
        elif before.half_life_days != now.half_life_days:
            due.append((athlete_id, "answer"))
    written = {key: value for key, value, _ in before.with_docs()}
    return Changed(now, {key: written[key] if key in stored else "" for key in texts}, due)


def make_again(workspace: Workspace, due: Sequence[Due]) -> None:
    """Make what is due here and now."""
    for athlete_id, kind in due:
        if kind == "labels":
            batch.refresh_sharers(workspace, [athlete_id])
        else:
            batch.refresh_answer(workspace, athlete_id)


def ask_again(workspace: Workspace, due: Sequence[Due]) -> None:
    """Let the process for long work make what is due."""
    for athlete_id, kind in due:
        workspace.ask_again(athlete_id, kind, datetime.now(UTC))


def start_of(workspace: Workspace, athlete_id: str, run_id: str) -> tuple[float, float]:
    """Latitude and longitude where a run of the athlete began. Raises SurefootError where there is none."""
    if run_id not in set(workspace.load_runs(athlete_id)["run_id"]):
        raise SurefootError(f"{athlete_id} has no run {run_id}", "`surefoot export runs` lists them")
    start = workspace.find_start(run_id)
    if start is None:
        raise SurefootError(f"run {run_id} has no positions", "name the place by its latitude and longitude")
    return start
