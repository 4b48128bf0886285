"""Groups of athletes: their names, who is in one, and what is told of its athletes alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from pipeline import accounts, cli
from pipeline.archive import load_archive, save_archive
from pipeline.errors import SurefootError
from pipeline.groups import MAX_GROUPS, choose_members, read_names, write_names
from pipeline.results import Answer
from pipeline.tables import Dose, DoseByCategory, Effects, Groups, Residuals
from pipeline.workspace import AccountBook, FileResult, Workspace
from tests.workspace.workspace_builders import sha

pytestmark = pytest.mark.both_databases
JUNIORS = [f"junior-{n:02}" for n in range(10)]
OTHERS = ["veteran-1", "veteran-2"]
NOW = datetime(2026, 11, 28, 9, tzinfo=UTC)


def answer_of(athlete_id: str, estimate: float) -> Answer:
    """An answer with this estimate, its error the same for everybody."""
    row: dict[str, Any] = {
        name: None if column.nullable else 21 for name, column in Effects.columns().items()
    }
    row |= {"athlete_id": athlete_id, "outcome": "technical", "verdict": "cannot tell yet"}
    row |= {"estimate": estimate, "low": -0.5, "high": 0.9, "se": 0.1, "df": 9}
    row |= dict.fromkeys(("sentence", "missing", "cautions", "method"), "words")
    effects = Effects.cast(pl.DataFrame([row], schema=Effects.create_empty().schema))
    return Answer(Dose.create_empty(), DoseByCategory.create_empty(), effects, Residuals.create_empty())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten juniors with an estimate of -20 % each, two veterans with one of +50 %, nobody in a group."""
    with Workspace(tmp_path / "w") as workspace:
        for n, athlete_id in enumerate(JUNIORS + OTHERS):
            result = FileResult(f"{athlete_id}.fit", sha(n), 9, "rejected", 1, "no run", "try again")
            workspace.commit(athlete_id, None, [result])
            workspace.save_answer(athlete_id, answer_of(athlete_id, -0.2 if athlete_id in JUNIORS else 0.5))
    return tmp_path / "w"


def call(folder: Path, *words: str) -> Result:
    """What a command does."""
    return CliRunner().invoke(cli.main, [*words, "--workspace", str(folder)])


def told(folder: Path, *words: str) -> list[str]:
    """The lines of a command that is done."""
    said = call(folder, *words)
    assert said.exit_code == 0, said.output
    return said.stdout.splitlines()


def refused(folder: Path, *words: str) -> str:
    """The one line of a command that cannot be done."""
    said = call(folder, *words)
    assert said.exit_code == 2
    [line] = said.stderr.splitlines()
    return line


@pytest.mark.sqlite_alone
def test_names_are_tidied_sorted_and_each_once() -> None:
    """By hand: blanks are one, empty parts none, an accent is one letter however it is written."""
    assert read_names(" juniors ,, injured,  juniors,U  18") == ["U 18", "injured", "juniors"]
    assert read_names("cafe\u0301") == read_names("caf\u00e9")
    assert read_names("") == [] == read_names(" , ")


@pytest.mark.sqlite_alone
@pytest.mark.parametrize("text", ["x" * 41, "a\u202eb", "\u200b", ",".join(map(str, range(MAX_GROUPS + 1)))])
def test_what_is_no_name_is_refused(text: str) -> None:
    """Too long, not printable, too many: one line that says what would do."""
    with pytest.raises(SurefootError, match=r"^[^\n]*: (give|an athlete)[^\n]*$"):
        read_names(text)


@pytest.mark.sqlite_alone
@given(st.text(max_size=60))
def test_written_names_are_read_again(text: str) -> None:
    """Whatever text is accepted: its names, written, are the same names."""
    try:
        names = read_names(text)
    except SurefootError:
        return
    assert read_names(write_names(names)) == names


@pytest.mark.sqlite_alone
def test_members_are_those_who_are_there() -> None:
    """In the order of the athletes; who is not among them is nobody."""
    rows = [{"athlete_id": who, "name": "a"} for who in ("x", "y", "gone")]
    groups = Groups.validate(pl.DataFrame(rows), cast=True)
    assert choose_members(groups, "a", ["y", "x", "z"]) == ["y", "x"]
    with pytest.raises(SurefootError, match=r"there is no group 'b': there is a$"):
        choose_members(groups, "b", ["x"])


def test_athletes_are_put_in_listed_and_taken_out(folder: Path) -> None:
    """One may be in several groups; a group without anybody is gone."""
    assert told(folder, "group") == ["There is no group"]
    assert told(folder, "group", "old", *OTHERS) == ["old (2): veteran-1, veteran-2"]
    told(folder, "group", "injured", OTHERS[1], JUNIORS[3])
    assert told(folder, "group") == ["injured (2): junior-03, veteran-2", "old (2): veteran-1, veteran-2"]
    assert told(folder, "group", "old", OTHERS[0], "--remove") == [
        *("injured (2): junior-03, veteran-2", "old (1): veteran-2"),
    ]
    assert told(folder, "group", "injured", "--remove") == ["old (1): veteran-2"]
    exported = folder.parent / "groups.csv"
    told(folder, "export", "groups", "--out", str(exported))
    assert exported.read_text() == "athlete_id,name\nveteran-2,old\n"


def test_wrong_calls_change_nothing_and_say_why(folder: Path) -> None:
    """An unknown athlete or group, a name that is none, one who is not in it: a line, and no row."""
    told(folder, "group", "old", OTHERS[0])
    assert "no athlete 'nobody'" in refused(folder, "group", "old", OTHERS[1], "nobody")
    assert "there is no group 'older': there is old" in refused(folder, "group", "older")
    assert "not in old: there is veteran-1" in refused(folder, "group", "old", JUNIORS[0], "--remove")
    assert "one name, without commas" in refused(folder, "group", "a,b", OTHERS[1])
    assert "say which group" in refused(folder, "group", "--remove")
    assert "choose an athlete or a group" in refused(
        folder, "effect", "--athlete", OTHERS[0], "--group", "old"
    )
    assert "--group goes with --triage" in refused(folder, "status", "--group", "old")
    assert told(folder, "group") == ["old (1): veteran-1"]


def test_a_groups_pooled_answer_is_of_its_athletes_alone(folder: Path) -> None:
    """Ten equal estimates of -20 % pool to -20 %, whatever the others have; of fewer nothing is told."""
    told(folder, "group", "juniors", *JUNIORS)
    told(folder, "group", "few", *JUNIORS[:9])
    together = json.loads("\n".join(told(folder, "effect", "--roster", "--group", "juniors", "--json")))
    assert together["estimate"] == pytest.approx(-0.2)
    assert sorted(together["shrunken"]) == JUNIORS
    everyone = json.loads("\n".join(told(folder, "effect", "--roster", "--json")))
    assert everyone["estimate"] > -0.15
    words = " ".join(told(folder, "effect", "--roster", "--group", "juniors"))
    assert words.startswith("juniors: cannot tell yet")
    assert "Of several groups one may show something by chance" in " ".join(words.split())
    assert told(folder, "effect", "--roster", "--group", "few")[0] == "few: not enough athletes"
    answers = told(folder, "effect", "--group", "few")
    assert {name for name in JUNIORS + OTHERS if any(name in line for line in answers)} == set(JUNIORS[:9])


def test_triage_and_report_of_a_group(folder: Path) -> None:
    """Both tell of its athletes and of nobody else."""
    told(folder, "group", "old", *OTHERS)
    assert told(folder, "status", "--triage", "--group", "old") == ["2 athletes need no look"]
    assert told(folder, "status", "--triage") == ["12 athletes need no look"]
    report = folder.parent / "report.html"
    told(folder, "report", "--group", "old", "--out", str(report))
    assert OTHERS[0] in report.read_text()
    assert JUNIORS[0] not in report.read_text()


def test_groups_go_with_an_athlete_and_are_forgotten(folder: Path) -> None:
    """An archive has them, what is taken in elsewhere too; after forgetting no file holds the name."""
    told(folder, "group", "Quittenschnaps", OTHERS[0])
    save_archive(folder, OTHERS[0], folder.parent / "one.zip")
    load_archive(folder.parent / "one.zip", folder.parent / "taken")
    assert told(folder.parent / "taken", "group") == ["Quittenschnaps (1): veteran-1"]
    with Workspace(folder) as workspace:
        workspace.forget(OTHERS[0])
        assert workspace.load_groups().is_empty()
    assert not [
        file for file in folder.rglob("*") if file.is_file() and b"Quittenschnaps" in file.read_bytes()
    ]


@pytest.fixture
def book(tmp_path: Path) -> Iterator[AccountBook]:
    """Ada, who gave coach carol a code, bob, who gave none, and coach dan, who sees ada as well."""
    with AccountBook(tmp_path / "hosted") as book:
        for name, role in (("ada", "runner"), ("bob", "runner"), ("carol", "coach"), ("dan", "coach")):
            accounts.add_account(book, name, role, now=NOW)
        book.add_link("ada", "carol", NOW)
        book.add_link("ada", "dan", NOW)
        yield book


def test_a_coachs_groups_are_the_coachs_own(book: AccountBook) -> None:
    """Another coach of the athlete has none of them, nor has the workspace; who is not seen has no group."""
    book.save_groups("carol", "ada", ["injured", "juniors"])
    assert book.load_groups("carol").rows() == [("ada", "injured"), ("ada", "juniors")]
    assert book.load_groups("dan").is_empty()
    for coach, athlete_id in (("carol", "bob"), ("ada", "ada")):
        with pytest.raises(SurefootError, match="groups are a coach's"):
            book.save_groups(coach, athlete_id, ["mine"])
    with Workspace(book.path) as workspace:
        assert workspace.load_groups().is_empty()
        save_archive(book.path, "ada", book.path.parent / "ada.zip")
    load_archive(book.path.parent / "ada.zip", book.path.parent / "elsewhere")
    with AccountBook(book.path.parent / "elsewhere") as other:
        assert other.load_groups("carol").is_empty()


def test_a_link_that_ends_takes_its_groups_along(book: AccountBook) -> None:
    """A new code while linked keeps them; unlinking, removing the account and forgetting do not."""
    for coach in ("carol", "dan"):
        book.save_groups(coach, "ada", ["injured"])
    book.add_link("ada", "carol", NOW)
    assert len(book.load_groups("carol")) == 1
    book.remove_link("ada", "carol")
    book.add_link("ada", "carol", NOW)
    assert book.load_groups("carol").is_empty()
    assert len(book.load_groups("dan")) == 1
    book.save_groups("carol", "ada", ["Quittenschnaps"])
    with Workspace(book.path) as workspace:
        workspace.forget("ada")
    assert book.load_groups("dan").is_empty()
    assert not [
        file for file in book.path.rglob("*") if file.is_file() and b"Quittenschnaps" in file.read_bytes()
    ]
