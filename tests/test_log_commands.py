"""The commands of the balance log, as a person meets them."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pipeline import cli
from pipeline.batch import Item
from pipeline.cli.words import import_lines
from pipeline.drills import find_drill
from pipeline.worker import analyse_batch
from pipeline.workspace import FileResult, Workspace
from tests.ingest.test_workouts import workout

LOG = "date,drill,minutes\n2026-01-05,tree pose,10\n2026-01-07,Tree Pose,20\n2026-01-07,plank,5\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace with a log of three entries, two of a drill that nobody knows."""
    take_in(tmp_path / "w", LOG)
    return tmp_path / "w"


def call(folder: Path, *words: object) -> Result:
    """A command for ada in this workspace."""
    arguments = [*map(str, words), "--athlete", "ada", "--workspace", str(folder)]
    return CliRunner().invoke(cli.main, arguments)


def take_in(folder: Path, text: str) -> Result:
    """Import a log given as text."""
    file = folder.with_suffix(".csv")
    file.write_text(text, encoding="utf-8")
    return call(folder, "log", file)


def stored(folder: Path) -> list[tuple[str, str, str]]:
    """(id, drill, category) of every session."""
    with Workspace(folder, read_only=True) as workspace:
        return workspace.load_balance_sessions("ada").select("session_id", "drill", "category").rows()


def dosed(folder: Path) -> float:
    """Minutes of the dose, in all."""
    with Workspace(folder, read_only=True) as workspace:
        return float(workspace.load_dose("ada")["minutes"].sum())


def test_an_import_asks_for_names(folder: Path) -> None:
    """Unknown drills go in, and the import says how many want a name."""
    said = take_in(folder, LOG).stdout.splitlines()
    assert said[-2] == "please name 1 drill that nobody knows: `surefoot log --unnamed`"
    assert said[-1] == "0 new sessions, 0 updated, 3 already there, 0 rows left out"


def test_unnamed_drills_are_listed(folder: Path) -> None:
    """However it is spelled, an unknown drill is listed once, with its entries and minutes."""
    said = call(folder, "log", "--unnamed").stdout.splitlines()
    assert said[0] == "tree pose: 2 entries, 30 minutes, last on 2026-01-07"
    assert "--name" in said[1]


def test_a_name_holds_for_stored_and_later_sessions(folder: Path) -> None:
    """Named once, every spelling of the drill is another one, in stored sessions and in later imports."""
    before = stored(folder)
    said = call(folder, "log", "--name", "tree pose", "--as", "Quick Taps")
    assert said.exit_code == 0
    assert said.stdout == (
        "'tree pose' is quick taps (surface and footwork) from now on, which counts towards the dose; "
        "2 entries of it in all\n"
    )
    assert sorted(drill for _, drill, _ in stored(folder)) == ["plank", "quick taps", "quick taps"]
    assert [row[0] for row in stored(folder)] == [row[0] for row in before]
    take_in(folder, LOG + "2026-01-09,TREE POSE,7\n")
    assert [drill for _, drill, _ in stored(folder)].count("quick taps") == 3
    assert call(folder, "log", "--unnamed").stdout == "Every drill of the log is known\n"


def test_a_name_can_be_taken_back(folder: Path) -> None:
    """Named as itself, a drill has its own name again and its sessions are as they were."""
    before = stored(folder)
    call(folder, "log", "--name", "tree pose", "--as", "quick taps")
    assert call(folder, "log", "--name", "tree pose", "--as", "tree pose").exit_code == 0
    assert stored(folder) == before


def test_a_drill_named_mobility_does_not_count(folder: Path) -> None:
    """An unknown drill counts until its owner calls it mobility."""
    assert dosed(folder) == 35
    call(folder, "log", "--name", "tree pose", "--as", "mobility")
    assert dosed(folder) == 5


def test_a_known_drill_can_mean_another(folder: Path) -> None:
    """The athlete's own name stands before the catalogue's."""
    call(folder, "log", "--name", "planks", "--as", "side plank")
    assert "side plank" in {drill for _, drill, _ in stored(folder)}


def test_names_are_the_athletes_own(folder: Path) -> None:
    """Somebody else's log keeps its names."""
    call(folder, "log", "--name", "plank", "--as", "side plank")
    file = folder.with_suffix(".csv")
    CliRunner().invoke(cli.main, ["log", str(file), "--athlete", "bob", "--workspace", str(folder)])
    with Workspace(folder, read_only=True) as workspace:
        assert "plank" in workspace.load_balance_sessions("bob")["drill"].to_list()


def test_the_order_of_dates_is_asked_for_and_taken(tmp_path: Path) -> None:
    """A log of ambiguous dates is refused with what would do, and that does."""
    (tmp_path / "log.csv").write_text("date,drill,minutes\n03/04/2026,plank,5\n")
    refused = call(tmp_path / "w", "log", tmp_path / "log.csv")
    assert refused.exit_code == 2
    assert "--dates dmy" in refused.stderr
    call(tmp_path / "w", "log", tmp_path / "log.csv", "--dates", "dmy")
    with Workspace(tmp_path / "w", read_only=True) as workspace:
        assert str(workspace.load_balance_sessions("ada")["date"].item()) == "2026-04-03"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--name", "tree pose", "--as", "quick tabs"], "did you mean quick taps?"),
        (["--name", "tree pose", "--as", "xyzzy"], "no drill 'xyzzy' is known"),
        (["--name", "tree pose"], "--name and --as go together"),
        (["--unnamed", "--name", "a", "--as", "b"], "name a log FILE"),
        ([], "name a log FILE"),
    ],
)
def test_a_wrong_call_says_what_would_do(folder: Path, words: list[str], says: str) -> None:
    """A name that is none, or words that do not go together, are refused in one line and change nothing."""
    before = stored(folder)
    said = call(folder, "log", *words)
    assert said.exit_code == 2
    assert says in said.stderr
    assert len(said.stderr.splitlines()) == 1
    assert stored(folder) == before


def test_the_log_beside_the_plan(folder: Path) -> None:
    """adherence shows each of the last eight weeks in a line, and what is next in one sentence."""
    lines = call(folder, "adherence").stdout.splitlines()
    assert lines[0] == "ada:"
    assert len(lines) == 2 + 8 + 3 + 1
    assert lines[-1].startswith("Next: ")
    first = json.loads(call(folder, "adherence", "--json").stdout)[0]
    assert (first["week"], first["n_sessions"], first["minutes"]) == ("2026-01-05", 2, 35.0)
    out = folder.with_suffix(".out.csv")
    assert call(folder, "export", "adherence", "--out", out).exit_code == 0
    assert out.read_text().splitlines()[1].startswith("ada,2026-01-05,2,35.0")


def test_the_rule_of_sides_is_said(tmp_path: Path) -> None:
    """Of three rows of minutes per side the one of both legs is doubled, and the import says why."""
    log = (
        "date,drill,minutes per side,side\n2026-01-05,foam,5,\n2026-01-06,foam,5,left\n2026-01-07,plank,5,\n"
    )
    said = take_in(tmp_path / "w", log).stdout.splitlines()
    assert said[0] == (
        "minutes per side: 1 row doubled; as they are, those that name one side and those of drills without "
        "sides"
    )
    assert dosed(tmp_path / "w") == 10 + 5 + 5


def test_the_dose_stands_below_by_category(folder: Path) -> None:
    """Ten minutes of two days before count 2 min/week by now; what was done on the day itself not yet."""
    lines = call(folder, "adherence").stdout.splitlines()
    assert lines[-4:-1] == [
        "  dose on 2026-01-07 (half-life 21 days): 2 min/week, of which",
        f"    {'other':<24}   2",
        f"    {'core':<24}   0",
    ]


def test_nothing_logged_is_said(tmp_path: Path) -> None:
    """A log of mobility alone has no weeks yet, and says so."""
    take_in(tmp_path / "w", "date,drill,minutes\n2026-01-05,ankle circles,10\n")
    assert call(tmp_path / "w", "adherence").stdout.startswith("ada: nothing that counts is logged yet")


def test_settings_are_kept_and_given_back(folder: Path) -> None:
    """A setting changes the plan of its athlete until it is given back; all are listed with their meaning."""
    assert "sessions_max=3  (sessions a week, at most)" in call(folder, "settings").stdout.splitlines()
    assert "sessions_max=5" in call(folder, "settings", "sessions_max=5", "rest_days=0").stdout
    assert "sessions_max=5" in call(folder, "settings").stdout
    assert "sessions_max=3" in call(folder, "settings", "sessions_max=").stdout
    assert "rest_days=0" in call(folder, "settings").stdout


@pytest.mark.parametrize("change", ["sessions_max", "sessions_max=many", "max=3", "sessions_max=1", "=3"])
def test_a_wrong_setting_changes_nothing(folder: Path, change: str) -> None:
    """What is no setting, no number or no plan is refused in one line, beside a right one too."""
    said = call(folder, "settings", "rest_days=2", change)
    assert said.exit_code == 2
    assert len(said.stderr.splitlines()) == 1
    assert "rest_days=1" in call(folder, "settings").stdout


def proposal(number: int, drill: str, day: date, minutes: float = 4.0) -> dict[str, Any]:
    """A row as an import hands it over."""
    known = find_drill(drill)
    return {
        "session_id": f"p{number}",
        "date": day,
        "drill": known.name,
        "category": known.category,
        "minutes": minutes,
        "sets": 3,
        "reps": 10,
        "hold_s": None,
        "source_name": "gym.fit",
    }


def import_workout(folder: Path) -> None:
    """As if a strength workout of three exercises, and one on another day, had just been imported."""
    rows = (
        proposal(1, "calf raise", date(2026, 1, 8)),
        proposal(2, "bench press", date(2026, 1, 8)),
        proposal(3, "plank", date(2026, 1, 7)),
        proposal(4, "clam", date(2026, 1, 9)),
    )
    skipped = FileResult("gym.fit", "ab" * 32, 100, "skipped", 1, "the sport is training", proposals=rows)
    with Workspace(folder) as workspace:
        workspace.commit("ada", None, [skipped])


def test_workouts_of_the_watch_wait_for_an_answer(folder: Path) -> None:
    """Proposals are listed and count for nothing before they are accepted."""
    import_workout(folder)
    lines = call(folder, "log", "--proposals").stdout.splitlines()
    assert lines[1] == "2026-01-08  calf raise (foundation strength): 4.0 minutes, 3 sets of 10, from gym.fit"
    assert len(lines) == 5
    assert dosed(folder) == 35


def test_accepted_workouts_are_in_the_log_once(folder: Path) -> None:
    """Accepted ones count; what the log has by hand, or nobody knows, is left; a new import asks no more."""
    import_workout(folder)
    said = call(folder, "log", "--accept", "all").stdout.splitlines()
    assert said == [
        "2026-01-07  plank: left, since the log has this drill on that day already",
        "2026-01-08  bench press: left, since nobody knows it as balance work: name the drill first",
        "2 proposals accepted, 2 left",
    ]
    assert dosed(folder) == 35 + 8
    import_workout(folder)
    assert call(folder, "log", "--accept", "all").stdout.splitlines()[-1] == "0 proposals accepted, 2 left"
    assert len(stored(folder)) == 5


def test_declined_workouts_do_not_come_back(folder: Path) -> None:
    """A declined day is gone for good, another day still waits."""
    import_workout(folder)
    assert call(folder, "log", "--decline", "2026-01-08").stdout == "2 proposals declined, 0 left\n"
    import_workout(folder)
    assert len(call(folder, "log", "--proposals").stdout.splitlines()) == 2 + 1
    call(folder, "log", "--decline", "all")
    assert call(folder, "log", "--proposals").stdout.startswith("No strength workout")
    assert len(stored(folder)) == 3


def test_a_day_that_is_none_is_refused(folder: Path) -> None:
    """Neither all nor a date is a wrong call."""
    said = call(folder, "log", "--accept", "yesterday")
    assert said.exit_code == 2
    assert "neither 'all' nor a date" in said.stderr


def test_a_skipped_workout_hands_its_sets_over(tmp_path: Path) -> None:
    """A FIT file that is no run but has sets is skipped with its proposals, by the same way as any import."""
    content = workout((30, 10, 1, 19, 43))
    item = Item("ada", "gym.fit", "ab" * 32, content)
    (result,) = analyse_batch(tmp_path, False, {}, False, [item]).results
    assert (result.status, [row["drill"] for row in result.proposals]) == ("skipped", ["plank"])
    assert "1 workout with exercises: `surefoot log --proposals` shows them" in import_lines([result], 0, 0)
