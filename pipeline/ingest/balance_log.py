"""A balance-training log in CSV or XLSX → sessions, with every bad row named."""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

import polars as pl

from pipeline.drills import find_drill, normalise
from pipeline.errors import Rejected
from pipeline.ingest.log_cells import MAX_MINUTES, PARSERS, AmbiguousDate, CellError, parse_date
from pipeline.ingest.log_sheet import Rows, is_spreadsheet, read_sheets
from pipeline.tables import BalanceSessions, DataFrame

REQUIRED = ("date", "drill", "minutes")
OPTIONAL = ("sets", "reps", "hold_s", "side", "surface", "eyes", "clean_sets", "wobbles", "rpe", "note")
_PER_SIDE = "minutes_per_side"
# A log has the one or the other.
_TWINS = {"minutes": (_PER_SIDE,), _PER_SIDE: ("minutes",)}
# Headers as `normalise` gives them → column.
_COLUMNS = {
    **{normalise(column): column for column in (*REQUIRED, *OPTIONAL)},
    **dict.fromkeys(("day", "session date", "date of session"), "date"),
    **dict.fromkeys(("exercise", "exercise name", "drill name", "movement"), "drill"),
    **dict.fromkeys(("min", "mins", "minute", "time min", "time minutes", "total minutes"), "minutes"),
    **dict.fromkeys(("duration", "duration min", "duration mins", "duration minutes"), "minutes"),
    **dict.fromkeys(("minutes per side", "min per side", "mins per side", "minutes side"), _PER_SIDE),
    **dict.fromkeys(("minutes per leg", "min per leg", "mins per leg", "minutes leg"), _PER_SIDE),
    **dict.fromkeys(("set", "number of sets"), "sets"),
    **dict.fromkeys(("rep", "repetitions", "reps per set", "reps a set", "repetitions per set"), "reps"),
    **dict.fromkeys(("hold", "hold sec", "hold seconds", "hold time", "hold time s"), "hold_s"),
    **dict.fromkeys(("leg", "sides", "l r", "left right"), "side"),
    **dict.fromkeys(("notes", "comment", "comments", "remark", "remarks"), "note"),
    **dict.fromkeys(("clean", "sets without a wobble", "clean sets without a wobble"), "clean_sets"),
    **dict.fromkeys(("wobble", "number of wobbles"), "wobbles"),
    **dict.fromkeys(("exertion", "effort", "rpe 0 10", "rpe 1 10", "perceived exertion"), "rpe"),
    **dict.fromkeys(("eyes open closed", "eyes open or closed"), "eyes"),
}
_ADVICE = "`surefoot log --template` prints a log to start from"
_MAX_BYTES = 20_000_000
_HEADER_WITHIN = 10
"""Rows of a sheet, blank ones left out, among which the header is looked for."""


@dataclass(frozen=True, slots=True)
class RowError:
    """A cell that cannot be used; its row is left out. `line` counts from 1, the header is a line."""

    line: int
    column: str
    value: str
    message: str
    is_ambiguous_date: bool = False


@dataclass(frozen=True, slots=True)
class BalanceLog:
    """The sessions of the good rows, what is wrong with the others, and headers that mean nothing here.

    `doubled` is how many rows had their minutes of one side doubled, None where the log has no such column.
    """

    sessions: DataFrame[BalanceSessions]
    errors: list[RowError]
    ignored_columns: tuple[str, ...] = ()
    doubled: int | None = None


class UnclearDates(Rejected):
    """A log whose every date is one day with the day first and another with the month first."""


def parse_balance_log(
    name: str, content: bytes, athlete_id: str, *, today: date | None = None, dates: str = ""
) -> BalanceLog:
    """Read a log, CSV or XLSX: `date`, `drill`, `minutes` and, where there are, the columns of `OPTIONAL`.

    Forgiving about header spelling, delimiter (comma, semicolon, tab) and encoding; strict about values: a
    bad row is left out and named, the good rows go in. Minutes are the whole time of the entry, both sides
    together; a column `minutes_per_side` instead is doubled, unless the row says left or right or the
    drill has no sides. `dates` "dmy" or "mdy" says which comes first where a date can be read two ways.

    The same row gets the same `session_id` on every import; equal rows of one file are sessions of their
    own. Of a workbook, the first sheet counts whose header fits. `today` bounds the dates (default: this
    day).

    Raises Rejected for a file that is no such table (empty, binary, a required column missing), and where
    every date can be read two ways and `dates` does not say which.
    """
    rows, errors = _table(name, content)
    columns, ignored = _read_header(name, rows[0][1])
    latest = today or datetime.now().astimezone().date()
    read_date = partial(parse_date, latest=latest, order=dates)
    seen: Counter[tuple[date, str, str]] = Counter()
    sessions: list[dict[str, Any]] = []
    doubled = 0 if _PER_SIDE in columns.values() else None
    for line, cells in rows[1:]:
        session, wrong = _read_row(line, cells, columns, len(rows[0][1]), read_date)
        if wrong:
            errors += wrong
            continue
        if doubled is not None:
            doubled += _sides(session) == 2
        drill = normalise(session["drill"])
        key = (session["date"], drill, session.get("side") or "")
        seen[key] += 1
        session["session_id"] = make_session_id(athlete_id, session, seen[key])
        session["athlete_id"] = athlete_id
        known = find_drill(session["drill"])
        session["drill"], session["category"] = known.name, known.category
        sessions.append(session)
    unclear = [error for error in errors if error.is_ambiguous_date]
    if unclear and not sessions and len(unclear) == sum(error.column == "date" for error in errors):
        raise UnclearDates(
            f"the dates of {name} can be read two ways ({unclear[0].value!r}, line {unclear[0].line})",
            "say --dates dmy where the day comes first, --dates mdy where the month does",
        )
    table = pl.DataFrame(sessions, schema=BalanceSessions.create_empty().schema)
    return BalanceLog(
        BalanceSessions.validate(table), sorted(errors, key=lambda error: error.line), tuple(ignored), doubled
    )


def make_session_id(athlete_id: str, session: Mapping[str, Any], number: int) -> str:
    """The id of the `number`th session, from 1, of this athlete's day, drill as it is logged, and side."""
    parts = [session["date"].isoformat(), normalise(session["drill"]), session.get("side") or "", str(number)]
    return hashlib.sha256("\x1f".join([athlete_id, *parts]).encode()).hexdigest()[:16]


def read_session(
    line: int, texts: Mapping[str, str], *, today: date | None = None
) -> tuple[dict[str, Any], list[RowError]]:
    """The values of one row, given as column → text, and what is wrong with its cells.

    The line is only for the errors to say.
    """
    latest = today or datetime.now().astimezone().date()
    cells = [text.strip() for text in texts.values()]
    return _read_row(line, cells, dict(enumerate(texts)), len(cells), partial(parse_date, latest=latest))


def balance_log_template() -> str:
    """A log to start from: every column and three example rows, as CSV."""
    return (
        ",".join([*REQUIRED, *OPTIONAL]) + "\n"
        "2026-01-05,single-leg stance,10,3,,45,both,floor,closed,2,4,5,10 minutes for both legs together\n"
        "2026-01-07,balance board,15,4,,60,both,board,open,3,2,6,first time on the board\n"
        "2026-01-09,single-leg deadlift,8,3,8,,left,floor,open,3,0,6,\n"
    )


def _table(name: str, content: bytes) -> tuple[Rows, list[RowError]]:
    """The rows from the header on, with the line each starts on, and what is wrong with the others."""
    if len(content) > _MAX_BYTES:
        raise Rejected(f"{name} is larger than a log of a lifetime", _ADVICE)
    errors: list[RowError] = []
    if is_spreadsheet(content):
        rows = _choose_sheet(read_sheets(name, content))
    else:
        rows, errors = _split(_decode(name, content))
    if not rows:
        raise Rejected(f"{name} is empty", _ADVICE)
    return rows, errors


def _choose_sheet(sheets: list[Rows]) -> Rows:
    """The first sheet with a header near its top, from there on; failing that, the first with anything."""
    for rows in sheets:
        for start, (_, cells) in enumerate(rows[:_HEADER_WITHIN]):
            if not _missing({_COLUMNS.get(normalise(cell)) for cell in cells}):
                return rows[start:]
    return next(filter(None, sheets), [])


def _decode(name: str, content: bytes) -> str:
    """Text of UTF-8, UTF-16 or, failing both, Windows-1252, without its byte order mark."""
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise Rejected(f"{name} is in the old format of Excel", "save it as XLSX or CSV (UTF-8)")
    try:
        text = content.decode(_encoding(content))
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    if "\x00" in text:
        raise Rejected(f"{name} is not text", "save the log as CSV (UTF-8)")
    return text


def _encoding(content: bytes) -> str:
    """UTF-16 by its mark or, without one, by the zero byte beside the header's first letter; else UTF-8."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if content[:2].count(0) == 1:
        return "utf-16-be" if content[0] == 0 else "utf-16-le"
    return "utf-8-sig"


def _split(text: str) -> tuple[Rows, list[RowError]]:
    """Cells of each row that is not blank, with the line it starts on; broken quotes are an error."""
    lines = list(io.StringIO(text, newline=""))
    first = next((line for line in lines if line.strip()), "")
    delimiter = max(",;\t", key=first.count)
    rows: Rows = []
    errors: list[RowError] = []
    start = 0
    while start < len(lines):
        reader = csv.reader(iter(lines[start:]), delimiter=delimiter, strict=True, skipinitialspace=True)
        begun = start
        try:
            for cells in reader:
                if rows and reader.line_num > begun - start + 1 and not _is_long_note(cells, rows[0][1]):
                    # An open quote has swallowed the next rows up to another quote: give them back.
                    raise csv.Error
                if any(cell.strip() for cell in cells):
                    rows.append((begun + 1, cells))
                begun = start + reader.line_num
            break
        except csv.Error:
            message = 'the quotes do not match: put " around a whole cell, and write a quote inside it as ""'
            errors.append(RowError(begun + 1, "", lines[begun].strip()[:80], message))
            start = begun + 1
    return rows, errors


def _is_long_note(cells: list[str], header: list[str]) -> bool:
    """Whether a row of several lines is whole: a cell under each header, line ends in the note alone."""
    return len(cells) == len(header) and all(
        _COLUMNS.get(normalise(title)) == "note"
        for cell, title in zip(cells, header, strict=True)
        if "\n" in cell or "\r" in cell
    )


def _read_header(name: str, cells: list[str]) -> tuple[dict[int, str], list[str]]:
    """Which cell holds which column, and the headers that mean nothing here."""
    columns: dict[int, str] = {}
    ignored = []
    for index, cell in enumerate(cells):
        column = _COLUMNS.get(normalise(cell))
        if column is None:
            if cell.strip():
                ignored.append(cell.strip())
        elif {column, *_TWINS.get(column, ())} & set(columns.values()):
            raise Rejected(f"{name} has the column '{column}' twice", "leave one of them")
        else:
            columns[index] = column
    if missing := _missing(set(columns.values())):
        plural = "column" if len(missing) == 1 else "columns"
        named = ", ".join(f"'{column}'" for column in missing)
        raise Rejected(f"{name} has no {plural} {named}", _ADVICE)
    return columns, ignored


def _missing(columns: Set[str | None]) -> list[str]:
    """The required columns that are not among these."""
    return [column for column in REQUIRED if not {column, *_TWINS.get(column, ())} & columns]


def _read_row(
    line: int, cells: list[str], columns: Mapping[int, str], width: int, read_date: Callable[[str], date]
) -> tuple[dict[str, Any], list[RowError]]:
    """The row's values, and what is wrong with its cells."""
    surplus = [cell for cell in cells[width:] if cell.strip()]
    if surplus:
        message = f'the row has {len(cells)} cells and the header {width}: put " around text with a delimiter'
        return {}, [RowError(line, "", surplus[0], message)]
    session: dict[str, Any] = {}
    errors: list[RowError] = []
    for index, column in columns.items():
        text = cells[index].strip() if index < len(cells) else ""
        try:
            session[column] = _read_cell(column, text, read_date)
        except CellError as bad:
            errors.append(RowError(line, column, text, str(bad), isinstance(bad, AmbiguousDate)))
    sets, clean = session.get("sets"), session.get("clean_sets")
    if sets is not None and clean is not None and clean > sets:
        message = f"{clean} clean sets of {sets} cannot be: correct sets or clean_sets"
        errors.append(RowError(line, "clean_sets", str(clean), message))
    if _PER_SIDE in session and not errors:
        one_side = session.pop(_PER_SIDE)
        session["minutes"] = one_side * _sides(session)
        if session["minutes"] > MAX_MINUTES:
            message = f"both sides together are more than {MAX_MINUTES:.0f} minutes: write fewer"
            errors.append(RowError(line, _PER_SIDE, f"{one_side:g}", message))
    return session, errors


def _sides(session: Mapping[str, Any]) -> int:
    """How often the minutes of one side were done: once where one is named, or the drill has none."""
    one = session.get("side") in ("left", "right") or find_drill(session["drill"]).per_side is False
    return 1 if one else 2


def _read_cell(column: str, text: str, read_date: Callable[[str], date]) -> Any:
    if not text:
        if column in (*REQUIRED, _PER_SIDE):
            raise CellError(f"{column} is empty: every row needs date, drill and minutes")
        return None
    if column == "date":
        return read_date(text)
    return PARSERS[column](text) if column in PARSERS else text
