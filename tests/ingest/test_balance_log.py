"""A balance log is read row by row; what is wrong is named."""

import contextlib
import csv
import io
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import Rejected
from pipeline.ingest.balance_log import (
    OPTIONAL,
    REQUIRED,
    BalanceLog,
    RowError,
    balance_log_template,
    parse_balance_log,
)

TODAY = date(2026, 6, 1)


def parse(text: str, encoding: str = "utf-8") -> BalanceLog:
    return parse_balance_log("log.csv", text.encode(encoding), "ada", today=TODAY)


def only_error(text: str) -> RowError:
    (error,) = parse(text).errors
    return error


def test_reads_a_row_by_hand() -> None:
    """Every column of a row arrives under its name and in its unit."""
    log = parse(
        "date,drill,minutes,sets,reps,hold_s,side,surface,eyes,clean_sets,wobbles,rpe,note\n"
        "2026-01-05,wobble board,7.5,3,8,30,L,grass,closed,2,4,6.5,after work\n"
    )
    row = log.sessions.row(0, named=True)
    assert row | {"session_id": ""} == {
        "session_id": "",
        "athlete_id": "ada",
        "date": date(2026, 1, 5),
        "drill": "wobble board",
        "category": "unstable surface",
        "minutes": 7.5,
        "sets": 3,
        "reps": 8,
        "hold_s": 30.0,
        "side": "left",
        "surface": "grass",
        "eyes": "closed",
        "clean_sets": 2,
        "wobbles": 4,
        "rpe": 6.5,
        "note": "after work",
    }
    assert log.errors == []


def test_bad_rows_are_named_and_good_ones_go_in() -> None:
    """Each bad row is named by line and column, and the rows around it are read."""
    log = parse(
        "date,drill,minutes\n2026-01-05,plank,10\n\n2026-01-06,plank,ten\n2026-02-30,plank,5\n2026-01-08,plank,4\n"
    )
    assert [(e.line, e.column, e.value) for e in log.errors] == [
        (4, "minutes", "ten"),
        (5, "date", "2026-02-30"),
    ]
    assert log.sessions["minutes"].to_list() == [10, 4]


def test_the_template_is_read_without_an_error() -> None:
    """The template has every column and three rows that go in."""
    log = parse_balance_log("t.csv", balance_log_template().encode(), "ada", today=TODAY)
    assert (log.sessions.height, log.errors, log.ignored_columns) == (3, [], ())
    assert balance_log_template().splitlines()[0].split(",") == [*REQUIRED, *OPTIONAL]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_encoding_and_delimiter_do_not_matter(encoding: str, delimiter: str) -> None:
    """A log reads the same in every usual encoding and with every usual delimiter."""
    text = "date,drill,minutes,note\r\n2026-01-05,plank,10,müde\r\n".replace(",", delimiter)
    log = parse(text, encoding)
    assert log.sessions.select("minutes", "note").row(0) == (10.0, "müde")


def test_headers_are_forgiven() -> None:
    """Case, spaces, brackets and near names of a header do not matter; unknown ones are listed."""
    log = parse(" DATE ,Exercise,Duration (min),Hold (s),Clean Sets,Weather\n2026-01-05,plank,10,20,1,sun\n")
    assert log.sessions.select("drill", "minutes", "hold_s", "clean_sets").row(0) == ("plank", 10.0, 20.0, 1)
    assert log.ignored_columns == ("Weather",)


def test_headers_as_people_head_their_sheets() -> None:
    """A sheet in other words than the template's is read whole."""
    header = (
        "Session date,Exercise name,Duration,Hold time,L/R,RPE (0-10),Comments,Reps per set,Eyes open/closed"
    )
    log = parse(f"{header}\n2026-01-05,plank,10 min,20 s,left,6,fine,8,open\n")
    assert log.ignored_columns == ()
    columns = ("minutes", "hold_s", "side", "rpe", "note", "reps", "eyes")
    assert log.sessions.select(columns).row(0) == (10.0, 20.0, "left", 6.0, "fine", 8, "open")


def test_decimal_comma_is_a_number() -> None:
    """With semicolons between, 7,5 minutes are seven and a half."""
    assert parse("date;drill;minutes\n2026-01-05;plank;7,5\n").sessions["minutes"].item() == 7.5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-04", date(2026, 3, 4)),
        ("2026/3/4", date(2026, 3, 4)),
        ("2026-03-04 18:30", date(2026, 3, 4)),
        ("2026-03-04T18:30:00Z", date(2026, 3, 4)),
        ("13/04/2026", date(2026, 4, 13)),
        ("04/13/2026", date(2026, 4, 13)),
        ("13.4.2026", date(2026, 4, 13)),
        ("05/05/2026", date(2026, 5, 5)),
        ("4 Mar 2026", date(2026, 3, 4)),
        ("4th March 2026", date(2026, 3, 4)),
        ("March 4 2026", date(2026, 3, 4)),
        ("20260304", date(2026, 3, 4)),
        ("Wed 4 Mar 2026", date(2026, 3, 4)),
        ("Wednesday March 4 2026", date(2026, 3, 4)),
    ],
)
def test_a_date_with_one_reading_is_taken(text: str, expected: date) -> None:
    """ISO dates, days above 12 and named months leave one reading, which is taken."""
    assert parse(f"date,drill,minutes\n{text},plank,5\n").sessions["date"].item() == expected


def test_an_ambiguous_date_asks_for_iso() -> None:
    """A date that can be read two ways is not guessed: both readings are shown."""
    error = only_error("date,drill,minutes\n2026-04-01,plank,5\n03/04/2026,plank,5\n")
    assert error.message == (
        "'03/04/2026' can be read as 2026-04-03 or 2026-03-04: "
        "write it as YYYY-MM-DD, or say --dates dmy or mdy"
    )


def test_a_log_whose_dates_are_all_ambiguous_asks_which_order() -> None:
    """Where no date of the file has one reading only, nothing is guessed and the two orders are offered."""
    with pytest.raises(Rejected, match="dates dmy where the day comes first, --dates mdy where the month"):
        parse("date,drill,minutes\n03/04/2026,plank,5\n05/04/2026,plank,5\n")


@pytest.mark.parametrize(
    ("order", "expected"),
    [("dmy", [date(2026, 4, 3), date(2026, 4, 5)]), ("mdy", [date(2026, 3, 4), date(2026, 5, 4)])],
)
def test_the_order_of_dates_can_be_said(order: str, expected: list[date]) -> None:
    """With the order said, every ambiguous date is read by it."""
    text = b"date,drill,minutes\n03/04/2026,plank,5\n05/04/2026,plank,5\n"
    log = parse_balance_log("log.csv", text, "ada", today=TODAY, dates=order)
    assert (log.sessions["date"].to_list(), log.errors) == (expected, [])


def test_a_year_of_two_digits_asks_for_the_order() -> None:
    """26-03-04 may be of 2026 or of 2004: it is asked, and read by the order that is said."""
    error = only_error("date,drill,minutes\n2026-04-01,plank,5\n26-03-04,plank,5\n")
    assert "year of two digits" in error.message
    text = b"date,drill,minutes\n13/04/26,plank,5\n"
    log = parse_balance_log("log.csv", text, "ada", today=TODAY, dates="dmy")
    assert log.sessions["date"].to_list() == [date(2026, 4, 13)]


def test_a_date_against_the_order_said_is_an_error() -> None:
    """A month of 13 is no month, and ISO dates stay ISO."""
    text = b"date,drill,minutes\n04/13/2026,plank,5\n2026-03-04,plank,6\n"
    log = parse_balance_log("log.csv", text, "ada", today=TODAY, dates="dmy")
    assert [(e.line, e.column) for e in log.errors] == [(2, "date")]
    assert log.sessions["date"].to_list() == [date(2026, 3, 4)]


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("20 min", 20),
        ("0:20", 20),
        ("1h", 60),
        ("90 s", 1.5),
        ("1 h 20 min", 80),
        ("1h20m", 80),
        ("1:05:00", 65),
        ("2min 30s", 2.5),
        ("7.5 minutes", 7.5),
        ("12'", 12),
        ("+3", 3),
    ],
)
def test_minutes_in_any_unit(text: str, minutes: float) -> None:
    """Hours, minutes, seconds and the clock's way of writing them all arrive in minutes."""
    assert parse(f"date,drill,minutes\n2026-01-05,plank,{text}\n").sessions["minutes"].item() == minutes


@pytest.mark.parametrize("text", ["5:00", "1:30", "0:75", "1 5", "3 miles", "1h 5", "7.5.2", "min", "1:2:3"])
def test_minutes_that_could_be_something_else_are_refused(text: str) -> None:
    """A clock of hours or minutes, a number without its unit among others, and other units are named."""
    assert only_error(f"date,drill,minutes\n2026-01-05,plank,{text}\n").column == "minutes"


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("30", 30), ("1:30", 90), ("1 min", 60), ("45 sec", 45)]
)
def test_holds_in_any_unit(text: str, seconds: float) -> None:
    """A hold is in seconds unless it says otherwise."""
    log = parse(f"date,drill,minutes,hold\n2026-01-05,plank,5,{text}\n")
    assert log.sessions["hold_s"].item() == seconds


@pytest.mark.parametrize(
    ("text", "side"),
    [("L", "left"), ("R", "right"), ("L/R", "both"), ("left+right", "both"), ("each leg", "both")],
)
def test_sides_as_people_write_them(text: str, side: str) -> None:
    """Letters, words and pairs of them all say which side."""
    log = parse(f"date,drill,minutes,side\n2026-01-05,plank,5,{text}\n")
    assert log.sessions["side"].item() == side


@pytest.mark.parametrize(
    ("drill", "side", "minutes"),
    [
        ("single-leg stance", "both", 10),
        ("single-leg stance", "", 10),
        ("single-leg stance", "left", 5),
        ("single-leg stance", "R", 5),
        ("plank", "", 5),
        ("tree pose", "", 10),
    ],
)
def test_minutes_per_side_by_the_stated_rule(drill: str, side: str, minutes: float) -> None:
    """Minutes per side are doubled, unless one side is named or the drill has none; plain minutes never."""
    row = f"2026-01-05,{drill},5,{side}\n"
    doubled = parse(f"date,drill,Minutes per side,side\n{row}")
    assert doubled.doubled == (minutes == 10)
    assert (doubled.errors, doubled.sessions["minutes"].to_list()) == ([], [minutes])
    assert parse(f"date,drill,minutes,side\n{row}").sessions["minutes"].item() == 5


def test_minutes_per_side_keep_the_bound() -> None:
    """400 minutes a side are 800 in all and too many; none are missing; a log has one such column only."""
    header = "date,drill,minutes_per_side\n"
    assert "both sides together" in only_error(f"{header}2026-01-05,tree pose,400\n").message
    assert "is empty" in only_error(f"{header}2026-01-05,tree pose,\n").message
    with pytest.raises(Rejected, match="twice"):
        parse("date,drill,minutes,minutes_per_side\n")


@pytest.mark.parametrize(
    ("row", "column", "says"),
    [
        ("2026-06-02,plank,5", "date", "in the future"),
        ("1999-12-31,plank,5", "date", "correct the year"),
        ("03-04-6,plank,5", "date", "YYYY-MM-DD"),
        ("3 Foo 2026,plank,5", "date", "YYYY-MM-DD"),
        (",plank,5", "date", "is empty"),
        ("2026-01-05,,5", "drill", "is empty"),
        ("2026-01-05,plank,", "minutes", "is empty"),
        ("2026-01-05,plank,601", "minutes", "write minutes, not seconds"),
        ("2026-01-05,plank,-5", "minutes", "0 or more"),
        ("2026-01-05,plank,nan", "minutes", "0 or more"),
        ("2026-01-05,plank,1e400", "minutes", "0 or more"),
        ("2026-01-05,plank,5,2.5", "sets", "whole number"),
        ("2026-01-05,plank,5,2,3", "clean_sets", "3 clean sets of 2"),
        ("2026-01-05,plank,5,3,2,11", "rpe", "0 (rest) to 10"),
        ("2026-01-05,plank,5,3,2,5,up", "side", "left, right or both"),
        ("2026-01-05,plank,5,3,2,5,left,maybe", "eyes", "open or closed"),
        ("2026-01-05,plank,5,3,2,5,left,open,and,more", "", "10 cells and the header 8"),
        ('"2026-01-05",pl"ank,5,"3"x', "", "quotes"),
    ],
)
def test_a_bad_cell_says_what_would_do(row: str, column: str, says: str) -> None:
    """Each kind of bad cell is named with its line, its column and advice."""
    error = only_error(f"date,drill,minutes,sets,clean_sets,rpe,side,eyes\n{row}\n")
    assert (error.line, error.column) == (2, column)
    assert says in error.message


def test_an_open_quote_costs_its_own_row_only() -> None:
    """The rows after a quote that is never closed, or closed in a later row, are still read."""
    never = parse('date,drill,minutes\n"2026-01-05,plank,5\n2026-01-06,plank,6\n')
    later = parse('date,drill,minutes\n2026-01-05,"plank,5\n2026-01-06,plank,6\n2026-01-07,clam",7\n')
    assert ([e.line for e in never.errors], never.sessions["minutes"].to_list()) == ([2], [6])
    assert [e.line for e in later.errors] == [2]
    assert later.sessions["minutes"].to_list() == [6, 7]


def test_a_note_may_span_lines() -> None:
    """Lines are counted on through a quoted note of two lines."""
    log = parse('date,drill,minutes,note\n2026-01-05,plank,5,"one\ntwo"\n2026-01-06,plank,x,\n')
    assert log.sessions["note"].item() == "one\ntwo"
    assert [e.line for e in log.errors] == [4]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"PK\x03\x04rest", "save the sheet as CSV"),
        (b"abc\x00\x01\x02", "is not text"),
        (b"date,drill\n2026-01-05,plank\n", "no column 'minutes': `surefoot log --template`"),
        (b"hello", "no columns 'date', 'drill', 'minutes'"),
        (b"date,day,drill,minutes\n", "'date' twice"),
    ],
)
def test_what_is_no_log_is_rejected_with_advice(content: bytes, says: str) -> None:
    """A file that cannot be a log is refused in one line that says what would do."""
    with pytest.raises(Rejected) as refusal:
        parse_balance_log("log.csv", content, "ada")
    assert says in str(refusal.value)
    assert refusal.value.advice


def test_equal_rows_are_two_sessions() -> None:
    """The same drill twice on a day counts twice, under two ids."""
    log = parse("date,drill,minutes\n2026-01-05,plank,5\n2026-01-05,Plank ,5\n")
    assert log.sessions["session_id"].n_unique() == 2


def test_importing_again_gives_the_same_ids() -> None:
    """The ids rest on content alone, so that a second import changes nothing; another athlete's differ."""
    text = balance_log_template().encode()
    ids = [
        parse_balance_log("a.csv", text, who, today=TODAY).sessions["session_id"].to_list() for who in "aab"
    ]
    assert ids[0] == ids[1]
    assert not set(ids[0]) & set(ids[2])


@pytest.mark.parametrize(
    ("text", "name", "category"),
    [
        ("SL RDL", "single-leg deadlift", "single-leg circuit"),
        ("Dead Bugs", "dead bug", "core"),
        ("Wobble Cushion", "wobble cushion", "unstable surface"),
        ("lateral hops", "lateral hop", "multi-directional"),
        ("tree pose", "tree pose", "other"),
    ],
)
def test_drills_are_known_by_their_other_names(text: str, name: str, category: str) -> None:
    """An alias or a plural gives the drill's usual name; an unknown drill keeps its own."""
    row = parse(f"date,drill,minutes\n2026-01-05,{text},5\n").sessions.row(0, named=True)
    assert (row["drill"], row["category"]) == (name, category)


def test_a_row_of_no_minutes_says_the_log_was_kept() -> None:
    """0 minutes are a valid entry."""
    assert parse("date,drill,minutes\n2026-01-05,none,0\n").sessions["minutes"].item() == 0


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_at_all_break_the_reader(content: bytes) -> None:
    """Whatever the bytes, there is a log or a Rejected, and never another error."""
    for start in (b"", b"date,drill,minutes\n", b"date;drill;minutes;note\n2026-01-05;"):
        with contextlib.suppress(Rejected):
            parse_balance_log("log.csv", start + content, "ada", today=TODAY)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.dates(date(2020, 1, 1), TODAY - timedelta(days=1)),
            st.text(st.characters(codec="utf-8", exclude_characters="\x00\r\n"), min_size=1).filter(
                str.strip
            ),
            st.floats(0, 600),
            st.text(st.characters(codec="utf-8", exclude_characters="\x00\r")),
        )
    )
)
def test_what_csv_writes_is_read_back(rows: list[tuple[date, str, float, str]]) -> None:
    """Any log that a spreadsheet can write comes back with its dates, minutes and notes, and unique ids."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["date", "drill", "minutes", "note"])
    writer.writerows([(day, drill, f"{minutes:.6f}", note) for day, drill, minutes, note in rows])
    log = parse_balance_log("log.csv", out.getvalue().encode(), "ada", today=TODAY)
    assert log.errors == []
    assert log.sessions["date"].to_list() == [day for day, *_ in rows]
    assert log.sessions["minutes"].to_list() == pytest.approx(
        [minutes for _, _, minutes, _ in rows], abs=1e-6
    )
    assert [note or "" for note in log.sessions["note"]] == [note.strip() for *_, note in rows]
    assert log.sessions["session_id"].n_unique() == len(rows)
