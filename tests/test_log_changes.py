"""Changes of the balance log one by one, as the grid of the dashboard makes them."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.ingest.balance_log import parse_balance_log
from pipeline.log_changes import Change, as_texts, change_log, name_drill, take_in_log
from pipeline.workspace import Workspace

TODAY = date(2026, 3, 1)
LOG = (
    b"date,drill,minutes,sets,clean_sets,side\n2026-01-05,SL RDL,10,3,2,left\n2026-01-05,SL RDL,12,3,2,left\n"
    b"2026-01-07,tree pose,20,,,\n"
)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace with a log of three sessions, two of them alike."""
    workspace = Workspace(tmp_path / "w")
    take_in_log(workspace, "ada", parse_balance_log("log.csv", LOG, "ada"))
    return workspace


def logged(workspace: Workspace) -> dict[str, dict[str, str]]:
    """The log as texts, by id."""
    rows = workspace.load_logged("ada").iter_rows(named=True)
    return {row["session_id"]: as_texts(row) for row in rows}


def test_a_new_exercise_is_in_the_log_and_in_the_dose(workspace: Workspace) -> None:
    """42 minutes are logged; 7.5 more make 49.5 in the log and in the dose."""
    put = {"date": "2026-01-09", "drill": "Plank", "minutes": "7,5 min"}
    done = change_log(workspace, "ada", Change(put=(put,)), today=TODAY)
    assert done.errors == ()
    assert workspace.load_balance_sessions("ada")["minutes"].sum() == 49.5
    assert workspace.load_dose("ada")["minutes"].sum() == 49.5


def test_an_edit_keeps_the_id_so_that_the_file_still_knows_the_row(workspace: Workspace) -> None:
    """Minutes changed by hand: the next import of the file says 1 updated, 2 already there."""
    first = next(iter(logged(workspace)))
    change_log(workspace, "ada", Change(put=({"session_id": first, "minutes": "11"},)), today=TODAY)
    assert logged(workspace)[first]["minutes"] == "11"
    taken = take_in_log(workspace, "ada", parse_balance_log("log.csv", LOG, "ada"))
    assert (taken.new, taken.updated, taken.unchanged) == (0, 1, 2)


def test_another_day_is_another_session(workspace: Workspace) -> None:
    """A row moved to the next day is what a corrected file would hold: importing that adds nothing."""
    moved = next(key for key, row in logged(workspace).items() if row["drill"] == "tree pose")
    change_log(workspace, "ada", Change(put=({"session_id": moved, "date": "2026-01-08"},)), today=TODAY)
    assert moved not in logged(workspace)
    taken = take_in_log(
        workspace, "ada", parse_balance_log("log.csv", LOG.replace(b"2026-01-07", b"2026-01-08"), "ada")
    )
    assert (taken.new, taken.updated, taken.unchanged) == (0, 0, 3)


@pytest.mark.parametrize(
    ("column", "text", "message"),
    [
        ("minutes", "abc", "'abc' is not a number of 0 or more"),
        ("minutes", "", "minutes is empty"),
        ("date", "2026-02-30", "is not a day of the calendar"),
        ("rpe", "11", "is above 10"),
        ("clean_sets", "4", "4 clean sets of 3 cannot be"),
        ("sets", "1", "2 clean sets of 1 cannot be"),
        ("side", "middle", "write left, right or both"),
    ],
)
def test_what_cannot_be_read_changes_nothing(
    workspace: Workspace, column: str, text: str, message: str
) -> None:
    """A bad cell is named in the words of the log reader, and the whole change is left out."""
    before = logged(workspace)
    first = next(iter(before))
    good = {"date": "2026-01-09", "drill": "plank", "minutes": "5"}
    change = Change(put=(good, {"session_id": first, column: text}))
    (error,) = change_log(workspace, "ada", change, today=TODAY).errors
    assert error.line == 2
    assert message in error.message
    assert logged(workspace) == before


def test_a_new_row_must_have_what_a_log_must_have(workspace: Workspace) -> None:
    """Date, drill and minutes are asked for, each by its name."""
    errors = change_log(workspace, "ada", Change(put=({"note": "x"},)), today=TODAY).errors
    assert [error.column for error in errors] == ["date", "drill", "minutes"]


def test_a_named_drill_keeps_what_was_logged(workspace: Workspace) -> None:
    """Minutes of a drill with the athlete's own name change; taking the name back gives the logged one."""
    name_drill(workspace, "ada", "tree pose", "single-leg stance")
    key = next(key for key, row in logged(workspace).items() if row["drill"] == "tree pose")
    change_log(workspace, "ada", Change(put=({"session_id": key, "minutes": "9"},)), today=TODAY)
    name_drill(workspace, "ada", "tree pose", "tree pose")
    row = workspace.load_balance_sessions("ada").filter(session_id=key).row(0, named=True)
    assert (row["drill"], row["minutes"]) == ("tree pose", 9.0)


CELLS = st.fixed_dictionaries(
    {
        "date": st.dates(date(2025, 1, 1), TODAY).map(date.isoformat),
        "drill": st.sampled_from(["plank", "tree pose", "Wobble Board", "SL RDL"]),
        "minutes": st.integers(0, 6000).map(lambda tenths: f"{tenths / 10:g}"),
        "side": st.sampled_from(["", "left", "both"]),
        "note": st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20).map(str.strip),
    }
)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(row=CELLS, remove=st.integers(0, 3), edit=st.integers(0, 3))
def test_undo_gives_the_log_back(workspace: Workspace, row: dict[str, str], remove: int, edit: int) -> None:
    """Whatever is taken out, edited and added at once: the undo of it leaves the log as it was, ids too."""
    before = logged(workspace)
    ids = [*before, "unknown"]
    put = [row] if ids[edit] == ids[remove] else [row, {"session_id": ids[edit], **row}]
    done = change_log(workspace, "ada", Change((ids[remove],), tuple(put)), today=TODAY)
    assert done.errors == ()
    assert logged(workspace) != before
    assert change_log(workspace, "ada", done.undo, today=TODAY).errors == ()
    assert logged(workspace) == before
