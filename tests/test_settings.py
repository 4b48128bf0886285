"""What an athlete may set, and what is made again after it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from pipeline import cli, jobs
from pipeline.effect import relate_effect
from pipeline.errors import SurefootError
from pipeline.setting_changes import ask_again, change_settings
from pipeline.settings import AthleteSettings
from pipeline.tiles import check_tiles, tile_host
from pipeline.workspace import Workspace
from tests.simulate import SCENARIOS, simulate_season

LOG = "date,drill,minutes\n2026-01-05,single leg stance,40\n"


def call(folder: Path, *words: str) -> Any:
    """What a command prints."""
    return CliRunner().invoke(cli.main, [*words, "--workspace", str(folder)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace with a log of one session."""
    (tmp_path / "log.csv").write_text(LOG)
    assert call(tmp_path / "w", "log", str(tmp_path / "log.csv"), "--athlete", "ada").exit_code == 0
    return tmp_path / "w"


def dose_after(folder: Path, days: int) -> float:
    """The stored dose so many days after the session."""
    with Workspace(folder, read_only=True) as workspace:
        return float(workspace.load_dose("ada")["dose"][days])


def test_the_dose_halves_in_the_half_life_that_was_set(folder: Path, tmp_path: Path) -> None:
    """With 10 days what is left of a session halves from day 1 to day 11; the answer says which it was."""
    (tmp_path / "later.csv").write_text(LOG + "2026-03-05,single leg stance,0\n")
    call(folder, "log", str(tmp_path / "later.csv"), "--athlete", "ada")
    assert dose_after(folder, 22) == pytest.approx(dose_after(folder, 1) / 2)
    said = call(folder, "settings", "half_life_days=10", "--athlete", "ada")
    assert "half_life_days=10" in said.stdout
    assert dose_after(folder, 11) == pytest.approx(dose_after(folder, 1) / 2)
    with Workspace(folder, read_only=True) as workspace:
        assert set(workspace.load_effects("ada")["half_life_days"]) == {10.0}
        assert "the half-life was set to 10 days" in workspace.load_effects("ada")["cautions"][0]
    call(folder, "settings", "half_life_days=", "--athlete", "ada")
    with Workspace(folder, read_only=True) as workspace:
        assert set(workspace.load_effects("ada")["half_life_days"]) == {21.0}
        assert "half-life was set" not in workspace.load_effects("ada")["cautions"][0]


def test_another_half_life_is_another_answer_of_the_same_runs() -> None:
    """The answer at 42 days is another one than at 21, and says which it is and that it was set."""
    season = simulate_season(SCENARIOS["blocks 6"], np.random.default_rng(1))
    tables = season.runs, season.stability, season.sessions
    at_42 = relate_effect(*tables, half_life_days=42).row(0, named=True)
    at_21 = relate_effect(*tables).row(0, named=True)
    assert at_42["half_life_days"] == 42
    assert at_42["estimate"] != at_21["estimate"]
    assert "the half-life was set to 42 days, 21 are declared" in at_42["cautions"]
    assert "no new test" in at_42["cautions"]
    assert "the interval holds for a half-life of 42 days" in at_42["cautions"]


def test_a_job_makes_the_answer_again(folder: Path) -> None:
    """The setting holds at once, the answer follows by the process for long work, whose record stays."""
    with Workspace(folder) as workspace:
        changed = change_settings(workspace, "ada", {"half_life_days": "30"})
        assert changed.due == [("ada", "answer")]
        ask_again(workspace, changed.due)
        ask_again(workspace, changed.due)  # one that waits will do for both
        assert set(workspace.load_effects("ada")["half_life_days"]) == {21.0}
    jobs.work(folder)
    with Workspace(folder, read_only=True) as workspace:
        assert workspace.load_jobs("ada").select("kind", "state").rows() == [("answer", "done")]
        assert set(workspace.load_effects("ada")["half_life_days"]) == {30.0}


def test_the_job_of_a_forgotten_athlete_does_nothing(folder: Path) -> None:
    """An answer that is due for nobody is done without one."""
    with Workspace(folder) as workspace:
        workspace.ask_again("nobody", "answer", datetime.now(UTC))
        workspace.ask_again("nobody", "labels", datetime.now(UTC))
    jobs.work(folder)
    with Workspace(folder, read_only=True) as workspace:
        assert set(workspace.load_jobs()["state"]) == {"done"}
        assert workspace.athletes() == ["ada"]


def test_what_takes_a_change_back_is_what_was_written_before(folder: Path) -> None:
    """An empty text takes back to a default, its own text to another value; what stays is not due."""
    with Workspace(folder) as workspace:
        first = change_settings(workspace, "ada", {"units": "mi", "half_life_days": "21"})
        assert (first.settings.distance_unit, first.undo, first.due) == (
            *("mi", {"units": "", "half_life_days": ""}, []),
        )
        second = change_settings(workspace, "ada", {"units": "km"})
        assert second.undo == {"units": "mi"}
        assert change_settings(workspace, "ada", second.undo).settings.distance_unit == "mi"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("half_life_days=9", "half_life_days cannot be 9: give 10 to 42"),
        ("half_life_days=many", "half_life_days cannot be 'many': give a number"),
        ("half_lifedays=20", "there is no setting 'half_lifedays': did you mean half_life_days?"),
        ("units=furlongs", "units cannot be 'furlongs': give km or mi"),
        ("rest_days=nan", "rest_days cannot be nan"),
        ("tiles=file:///etc/{z}/{x}/{y}", "the tile address names no host"),
        ("tiles=https://a.example/{z}/{x}", "the tile address lacks {y}"),
        ("tiles=https://{s}.example/{z}/{x}/{y}", "the tile address names no host"),
        ("tiles=https://a.example/{s}/{z}/{x}/{y}", "other braces"),
    ],
)
def test_a_wrong_setting_says_what_would_do(folder: Path, change: str, says: str) -> None:
    """One line names the setting, what is wrong with it and what would do; nothing changes."""
    before = call(folder, "settings", "--athlete", "ada").stdout
    said = call(folder, "settings", change, "--athlete", "ada")
    assert (said.exit_code, len(said.stderr.splitlines())) == (2, 1)
    assert says in said.stderr
    assert call(folder, "settings", "--athlete", "ada").stdout == before


def test_tiles_are_the_workspace_s(folder: Path) -> None:
    """They are set without an athlete, listed with whom they tell, and taken away by nothing."""
    assert "no host is asked" in call(folder, "settings", "--athlete", "ada").stdout
    said = call(folder, "settings", "tiles=https://Tiles.example:8443/{z}/{x}/{y}.png?key=1").stdout
    assert "asks https://tiles.example:8443 for the ground" in said
    assert call(folder, "settings", "tiles=").exit_code == 0
    assert "no host is asked" in call(folder, "settings", "--athlete", "ada").stdout
    assert call(folder, "settings").exit_code == 2


@pytest.mark.parametrize(
    "template",
    [
        "https://a.example; script-src *//{z}/{x}/{y}",
        "https://user:pass@a.example/{z}/{x}/{y}",
        "https://a.example\n/{z}/{x}/{y}",
        "https://a.example'/{z}/{x}/{y}",
        "https://[::1/{z}/{x}/{y}",
        "javascript://a.example/{z}/{x}/{y}",
        "https://*/{z}/{x}/{y}",
        f"https://a.example/{{z}}/{{x}}/{{y}}/{'a' * 500}",
    ],
)
def test_no_address_gets_more_into_the_policy_than_one_host(template: str) -> None:
    """What could name another host or another rule of a Content-Security-Policy is refused."""
    with pytest.raises(SurefootError, match="tile address"):
        check_tiles(template)


def test_a_plain_address_is_kept_as_it_is() -> None:
    """With or without a port and a key; the host alone is what the policy opens for."""
    for address, host in (
        ("https://a.example/{z}/{x}/{y}.png", "https://a.example"),
        ("http://127.0.0.1:8080/t/{z}/{y}/{x}?key=a-b", "http://127.0.0.1:8080"),
    ):
        assert check_tiles(f" {address} ") == address
        assert tile_host(address) == host
    assert check_tiles(" ") == ""


def test_every_setting_is_written_as_it_is_read() -> None:
    """The text that is shown for a value reads as that value."""
    for key, text, doc in AthleteSettings().with_docs():
        value = AthleteSettings.read(key, text)
        assert value == getattr(AthleteSettings(), key)
        assert doc
        assert AthleteSettings.read(key, " ") is None
