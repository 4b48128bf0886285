"""A log in a spreadsheet reads as the same log in CSV, and a hostile one is refused in one line."""

import contextlib
import io
import zipfile
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from pipeline.errors import Rejected
from pipeline.ingest import log_sheet
from pipeline.ingest.balance_log import BalanceLog, balance_log_template, parse_balance_log

TODAY = date(2026, 6, 1)
HEADER = ["date", "drill", "minutes"]


def to_bytes(book: Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def sheet_of(rows: Iterable[Iterable[Any]], merge: str = "") -> bytes:
    """A workbook of one sheet."""
    book = Workbook()
    for row in rows:
        book.active.append(list(row))
    if merge:
        book.active.merge_cells(merge)
    return to_bytes(book)


def parse(content: bytes) -> BalanceLog:
    return parse_balance_log("log.xlsx", content, "ada", today=TODAY)


def with_member(content: bytes, name: str, change: Any) -> bytes:
    """The workbook with one member's bytes changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            part = old.read(entry)
            new.writestr(entry.filename, change(part) if entry.filename == name else part)
    return out.getvalue()


def test_dates_and_numbers_by_hand() -> None:
    """Excel's dates, times of day, numbers, durations and plain text arrive as their values."""
    log = parse(
        sheet_of(
            [
                [*HEADER, "sets", "note"],
                [date(2026, 1, 5), "plank", 7.5, 3, "one"],
                [datetime.fromisoformat("2026-01-06 18:30"), "plank", 10, None, None],
                ["2026-01-07", "plank", "12", "2", 5],
                [date(2026, 1, 8), "plank", time(0, 20), None, None],
                [date(2026, 1, 9), "plank", timedelta(minutes=12, seconds=30), None, None],
            ]
        )
    )
    assert log.errors == []
    assert log.sessions["date"].to_list() == [date(2026, 1, day) for day in range(5, 10)]
    assert log.sessions["minutes"].to_list() == [7.5, 10, 12, 20, 12.5]
    assert log.sessions["sets"].to_list() == [3, None, 2, None, None]
    assert log.sessions["note"].to_list() == ["one", None, "5", None, None]


def test_a_workbook_and_its_csv_are_the_same_log() -> None:
    """The template gives the same sessions, ids included, from either format."""
    rows = [line.split(",") for line in balance_log_template().splitlines()]
    from_csv = parse_balance_log("t.csv", balance_log_template().encode(), "ada", today=TODAY)
    assert parse(sheet_of(rows)).sessions.equals(from_csv.sessions)


def test_rows_are_counted_as_the_program_shows_them() -> None:
    """Blank rows and a title above the header are passed over, and errors name the sheet's row."""
    rows = [["My balance log"], [], HEADER, [], [date(2026, 1, 5), "plank", 5], [], ["Total", None, 5]]
    log = parse(sheet_of(rows))
    assert log.sessions["minutes"].to_list() == [5]
    assert {error.line for error in log.errors} == {7}


def test_a_date_merged_over_rows_holds_for_each() -> None:
    """Three exercises beside one merged date are three sessions of that day."""
    day = date(2026, 1, 5)
    rows = [HEADER, [day, "plank", 5], [None, "clam", 6], [None, "foam", 7], [None, "grass", 8]]
    log = parse(sheet_of(rows, merge="A2:A4"))
    assert log.sessions.select("date", "minutes").rows() == [(day, 5), (day, 6), (day, 7)]
    assert [(error.line, error.column) for error in log.errors] == [(5, "date")]


def test_merged_minutes_are_not_multiplied() -> None:
    """Minutes merged over two exercises count once; the second row is named."""
    day = date(2026, 1, 5)
    log = parse(sheet_of([HEADER, [day, "plank", 10], [day, "clam", None]], merge="C2:C3"))
    assert log.sessions["minutes"].to_list() == [10]
    assert [(error.line, error.column) for error in log.errors] == [(3, "minutes")]


def test_the_first_sheet_with_the_header_counts() -> None:
    """Sheets without the required columns are passed over."""
    book = Workbook()
    book.active.append(["goals"])
    for minutes in (5, 9):
        sheet = book.create_sheet()
        sheet.append(HEADER)
        sheet.append([date(2026, 1, 5), "plank", minutes])
    assert parse(to_bytes(book)).sessions["minutes"].to_list() == [5]


def test_a_formula_is_its_stored_value() -> None:
    """What the program last computed counts; a formula never computed is an empty cell."""
    content = sheet_of([HEADER, [date(2026, 1, 5), "plank", "=2*5"], [date(2026, 1, 6), "plank", "=2*6"]])

    def store(part: bytes) -> bytes:
        return part.replace(b"<f>2*5</f><v></v>", b"<f>2*5</f><v>10</v>").replace(
            b"<f>2*5</f><v />", b"<f>2*5</f><v>10</v>"
        )

    log = parse(with_member(content, "xl/worksheets/sheet1.xml", store))
    assert log.sessions["minutes"].to_list() == [10]
    assert [(error.line, error.column) for error in log.errors] == [(3, "minutes")]


GOOD = sheet_of([HEADER, [date(2026, 1, 5), "plank", 5]])
SHEET = "xl/worksheets/sheet1.xml"


def entity(part: bytes) -> bytes:
    """An external entity in the note of nobody's business."""
    head, body = (b"<?xml version='1.0'?>", part.split(b"?>", 1)[-1])
    return head + b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + body


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (GOOD[:200], "no spreadsheet that can be read"),
        (b"PK\x03\x04rest", "save the sheet as CSV"),
        (b"\xd0\xcf\x11\xe0old", "old format of Excel"),
        (with_member(GOOD, SHEET, entity), "XML that no spreadsheet program writes"),
        (with_member(GOOD, SHEET, lambda part: part.decode().encode("utf-16")), "no spreadsheet program"),
        (with_member(GOOD, SHEET, lambda part: part + b" " * 40_000_000), "unpacks to more"),
        (with_member(GOOD, SHEET, lambda part: part[:-40]), "no spreadsheet that can be read"),
        (with_member(GOOD, "xl/workbook.xml", lambda part: b"<a/>"), "is empty"),
        (sheet_of([]), "is empty"),
        (sheet_of([["date", "drill"]]), "no column 'minutes'"),
    ],
)
def test_what_is_no_log_is_refused(content: bytes, says: str) -> None:
    """Damaged, protected, swollen and poisoned workbooks are refused in one line with advice."""
    with pytest.raises(Rejected) as refusal:
        parse(content)
    assert says in str(refusal.value)
    assert refusal.value.advice


def test_a_row_far_below_is_read() -> None:
    """A row at the end of a sheet is read as any other, and named by its number."""
    far = b'<row r="1048576"><c r="B1048576" t="inlineStr"><is><t>x</t></is></c></row></sheetData>'
    log = parse(with_member(GOOD, SHEET, lambda part: part.replace(b"</sheetData>", far)))
    assert log.sessions["minutes"].to_list() == [5]
    assert {error.line for error in log.errors} == {1_048_576}


def test_too_many_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sheet of more rows than a lifetime has is refused whole."""
    monkeypatch.setattr(log_sheet, "MAX_ROWS", 2)
    assert parse(sheet_of([HEADER, [date(2026, 1, 5), "plank", 5], []])).sessions.height == 1
    with pytest.raises(Rejected, match="more than 2 rows"):
        parse(sheet_of([HEADER, *[[date(2026, 1, 5), "plank", 5]] * 2]))


def test_a_merge_over_the_whole_sheet_costs_nothing() -> None:
    """A merged range is clipped to the rows that are there."""
    vast = with_member(
        GOOD,
        SHEET,
        lambda part: part.replace(
            b"</sheetData>", b'</sheetData><mergeCells><mergeCell ref="A2:A1048576"/></mergeCells>'
        ),
    )
    assert parse(vast).sessions["minutes"].to_list() == [5]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_one_wrong_byte_is_a_log_or_a_refusal(place: int, byte: int) -> None:
    """Whatever byte is wrong, there is a log or a Rejected, and never another error."""
    with contextlib.suppress(Rejected):
        parse(GOOD[:place] + bytes([byte]) + GOOD[place + 1 :])
