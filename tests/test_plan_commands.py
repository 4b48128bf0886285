"""The commands of plan, roster, sensitivity and triage on a workspace of made-up runners."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner, Result

from pipeline import cli
from pipeline.athlete import answer
from pipeline.results import Origin
from pipeline.tables import Runs, Segments
from pipeline.workspace import FileResult, Workspace
from tests.simulate import SCENARIOS, simulate_season
from tests.workspace.workspace_builders import run_result, sha


def call(*words: object) -> Result:
    return CliRunner().invoke(cli.main, [str(word) for word in words])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with one runner's 26 weeks in blocks of six, answered."""
    path = tmp_path_factory.mktemp("plan") / "workspace"
    season = simulate_season(SCENARIOS["blocks 6"], np.random.default_rng(4), beta=-0.5)
    named = [sha(n) for n in range(season.runs.height)]
    ids = dict(zip(season.runs["run_id"], (name[:16] + "-1" for name in named), strict=True))
    runs = Runs.validate(
        season.runs.with_columns(
            pl.col("run_id").replace_strict(ids), pl.Series("content_sha256", named), athlete_id=pl.lit("ada")
        )
    )
    stability = season.stability.with_columns(pl.col("run_id").replace_strict(ids))
    sessions = season.sessions.with_columns(athlete_id=pl.lit("ada"))
    results = [
        FileResult(f"run {n}.fit", named[n], 100, "run", 1, runs=(replace(run_result(n), run=row),))
        for n, row in enumerate(runs.iter_rows(named=True))
    ]
    with Workspace(path) as workspace:
        with workspace.writer_lock():
            pack = workspace.save_pack("ada", [run for result in results for run in result.runs])
            workspace.commit("ada", pack, results)
        workspace.save_balance_sessions("ada", sessions)  # type: ignore[arg-type]
        workspace.save_athlete(
            "ada",
            runs=runs,
            segments=Segments.create_empty(),
            stability=stability,  # type: ignore[arg-type]
            answer=answer(runs, stability, sessions),  # type: ignore[arg-type]
            origins=dict.fromkeys(runs["run_id"], Origin("", "", "")),
        )
    return path


def test_the_answer_shows_the_naive_correlation_and_why_not_to_trust_it(folder: Path) -> None:
    """The line says so in words; --json carries r, p, the standard error and its degrees of freedom."""
    shown = call("effect", "--workspace", folder)
    assert shown.exit_code == 0
    assert "naive correlation, not to be trusted" in " ".join(shown.stdout.split())
    (headline,) = (
        row
        for row in json.loads(call("effect", "--workspace", folder, "--json").stdout)
        if row["outcome"] == "technical"
    )
    assert all(headline[name] is not None for name in ("naive_r", "naive_p", "se", "df"))


def test_the_sensitivity_is_one_step_away(folder: Path) -> None:
    """Five half-lives with intervals and corrected p, called a view and not an answer."""
    shown = call("effect", "--workspace", folder, "--sensitivity")
    lines = [line.split() for line in shown.stdout.splitlines() if line.startswith("     ")]
    assert [words[:2] for words in lines] == [[days, "days"] for days in ("10", "14", "21", "28", "42")]
    assert "not an answer" in " ".join(shown.stdout.split())
    rows = json.loads(call("effect", "--workspace", folder, "--sensitivity", "--json").stdout)
    assert [row["half_life_days"] for row in rows] == [10, 14, 21, 28, 42]


def test_a_roster_of_one_is_told_how_many_are_needed(folder: Path) -> None:
    """One athlete is no roster."""
    assert "needs 10 athletes" in " ".join(call("effect", "--workspace", folder, "--roster").stdout.split())
    together = json.loads(call("effect", "--workspace", folder, "--roster", "--json").stdout)
    assert together["verdict"] == "not enough athletes"


def test_status_shows_the_usual_range_and_who_needs_a_look(folder: Path) -> None:
    """Where the latest run lies, on both grounds; and the reason to look at a runner long gone."""
    shown = " ".join(call("status", "--workspace", folder).stdout.split())
    assert shown.count("usual") == 2
    assert "no run for" in call("status", "--workspace", folder, "--triage").stdout
    out = folder.with_suffix(".json")
    given = call("export", "normal_ranges", "--format", "json", "--out", out, "--workspace", folder)
    assert given.exit_code == 0
    ranges = json.loads(out.read_text())
    assert {each["terrain"] for each in ranges} == {"technical", "smooth"}
    assert all(0 < each["low"] < each["high"] and each["n_runs"] >= 6 for each in ranges)
    looks = json.loads(call("status", "--workspace", folder, "--triage", "--json").stdout)
    assert looks[0]["urgency"] == 0


def test_the_plan_shows_what_could_be_seen(folder: Path) -> None:
    """A line each for now and for blocks of 2, 4 and 6 weeks, from these runs."""
    shown = call("plan", "--athlete", "ada", "--workspace", folder)
    lines = [
        line.split("  ")[2] for line in shown.stdout.splitlines() if line.startswith("    ") and "%" in line
    ]
    assert lines == ["as now", "blocks of 2 weeks", "blocks of 4 weeks", "blocks of 6 weeks"]
    assert "from these runs" in " ".join(shown.stdout.split())
    found = json.loads(call("plan", "--athlete", "ada", "--workspace", folder, "--json").stdout)
    assert len(found["detectable"]) == 16


def test_a_drawn_plan_is_kept_and_written(folder: Path, tmp_path: Path) -> None:
    """Seed and time are in the workspace, the calendar in the folder, and the few schedules are said."""
    start = datetime.now(UTC).date() + timedelta(days=3)
    words = ("plan", "--athlete", "ada", "--workspace", folder, "--choose", 6, "--weeks", 36)
    drawn = call(*words, "--start", start, "--out", tmp_path / "calendar")
    assert drawn.exit_code == 0
    assert "only 20 schedules" in " ".join(drawn.stdout.split())
    assert (tmp_path / "calendar" / "plan.ics").read_bytes().startswith(b"BEGIN:VCALENDAR\r\n")
    assert (tmp_path / "calendar" / "plan.csv").read_text().count("\n") == 37
    with Workspace(folder, read_only=True) as workspace:
        (kept,) = workspace.load_plans("ada").to_dicts()
    assert (kept["start"], kept["block_weeks"], len(kept["schedule"])) == (start, 6, 6)
    assert abs((kept["drawn_at"] - datetime.now(UTC)).total_seconds()) < 600


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--choose", 4), "name a folder for the calendar"),
        (("--choose", 4, "--weeks", 35, "--out", "x"), "choose 16, 24, 32"),
        (("--choose", 4, "--start", "2020-01-06", "--out", "x"), "drawn before it begins"),
        (("--choose", 4, "--out", "/proc/nowhere"), "cannot be written"),
    ],
)
def test_what_cannot_be_planned_is_said_in_one_line(
    folder: Path, words: tuple[object, ...], said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Wrong calls leave with 2 and a line, and keep nothing."""
    monkeypatch.chdir(tmp_path)
    result = call("plan", "--athlete", "ada", "--workspace", folder, *words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_stranger_has_no_plan(folder: Path) -> None:
    """An athlete who is not there is named."""
    result = call("plan", "--athlete", "nobody", "--workspace", folder)
    assert (result.exit_code, "no athlete 'nobody'" in result.stderr) == (2, True)


def test_a_roster_is_shown_staggered_starts(folder: Path, tmp_path: Path) -> None:
    """Without an athlete the plan is the roster's; one alone cannot be staggered, wrong calls are told."""
    shown = call("plan", "--workspace", folder)
    assert shown.exit_code == 0
    assert "cannot get under 5 %" in " ".join(shown.stdout.split())
    found = json.loads(call("plan", "--workspace", folder, "--json").stdout)
    assert [row["change"] for row in found["detectable"]] == [None] * 4
    words = ("plan", "--workspace", folder, "--stagger", "--weeks", 26)
    assert "need two athletes" in call(*words, "--out", tmp_path / "x").stderr
    assert "name a folder" in call(*words).stderr
    assert "leave --athlete" in call(*words, "--athlete", "ada").stderr
    assert "name whose blocks" in call("plan", "--workspace", folder, "--choose", 4, "--out", "x").stderr
    assert not list(tmp_path.iterdir())
