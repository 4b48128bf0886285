"""A balance-training log in CSV → sessions, with every bad row named."""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from pipeline.drills import find_drill, normalise
from pipeline.errors import Rejected
from pipeline.ingest.log_cells import PARSERS, CellError, parse_date
from pipeline.tables import BalanceSessions, DataFrame

REQUIRED = ("date", "drill", "minutes")
OPTIONAL = ("sets", "reps", "hold_s", "side", "surface", "eyes", "clean_sets", "wobbles", "rpe", "note")
# Headers as `normalise` gives them → column.
_COLUMNS = {
    **{normalise(column): column for column in (*REQUIRED, *OPTIONAL)},
    "day": "date",
    "exercise": "drill",
    "min": "minutes",
    "mins": "minutes",
    "minute": "minutes",
    "duration min": "minutes",
    "duration minutes": "minutes",
    "set": "sets",
    "rep": "reps",
    "repetitions": "reps",
    "hold": "hold_s",
    "hold sec": "hold_s",
    "hold seconds": "hold_s",
    "leg": "side",
    "notes": "note",
    "comment": "note",
    "clean": "clean_sets",
    "wobble": "wobbles",
}
_ADVICE = "`surefoot log --template` prints a log to start from"
_MAX_BYTES = 20_000_000


@dataclass(frozen=True, slots=True)
class RowError:
    """A cell that cannot be used; its row is left out. `line` counts from 1, the header is a line."""

    line: int
    column: str
    value: str
    message: str


@dataclass(frozen=True, slots=True)
class BalanceLog:
    """The sessions of the good rows, what is wrong with the others, and headers that mean nothing here."""

    sessions: DataFrame[BalanceSessions]
    errors: list[RowError]
    ignored_columns: tuple[str, ...] = ()


def parse_balance_log(name: str, content: bytes, athlete_id: str, *, today: date | None = None) -> BalanceLog:
    """Read a CSV log: `date`, `drill`, `minutes` and, where there are, the columns of `OPTIONAL`.

    Forgiving about header spelling, delimiter (comma, semicolon, tab) and encoding; strict about values: a
    bad row is left out and named, the good rows go in. The same row gets the same `session_id` on every
    import; equal rows of one file are sessions of their own. `today` bounds the dates (default: this day).

    Raises Rejected for a file that is no such table: empty, binary, a spreadsheet, a required column missing.
    """
    rows, errors = _split(_decode(name, content))
    if not rows:
        raise Rejected(f"{name} is empty", _ADVICE)
    columns, ignored = _read_header(name, rows[0][1])
    latest = today or datetime.now().astimezone().date()
    seen: Counter[tuple[date, str, str]] = Counter()
    sessions: list[dict[str, Any]] = []
    for line, cells in rows[1:]:
        session, wrong = _read_row(line, cells, columns, len(rows[0][1]), latest)
        if wrong:
            errors += wrong
            continue
        drill = normalise(session["drill"])
        key = (session["date"], drill, session.get("side") or "")
        seen[key] += 1
        stamp = "\x1f".join([athlete_id, key[0].isoformat(), drill, key[2], str(seen[key])])
        session["session_id"] = hashlib.sha256(stamp.encode()).hexdigest()[:16]
        session["athlete_id"] = athlete_id
        known = find_drill(session["drill"])
        session["drill"], session["category"] = known.name, known.category
        sessions.append(session)
    table = pl.DataFrame(sessions, schema=BalanceSessions.create_empty().schema)
    return BalanceLog(
        BalanceSessions.validate(table), sorted(errors, key=lambda error: error.line), tuple(ignored)
    )


def balance_log_template() -> str:
    """A log to start from: every column and three example rows, as CSV."""
    return (
        ",".join([*REQUIRED, *OPTIONAL]) + "\n"
        "2026-01-05,single-leg stance,10,3,,45,both,floor,closed,2,4,5,\n"
        "2026-01-07,balance board,15,4,,60,both,board,open,3,2,6,first time on the board\n"
        "2026-01-09,single-leg deadlift,8,3,8,,left,floor,open,3,0,6,\n"
    )


def _decode(name: str, content: bytes) -> str:
    """Text of UTF-8, UTF-16 or, failing both, Windows-1252, without its byte order mark."""
    if content.startswith(b"PK"):
        raise Rejected(f"{name} is a spreadsheet or an archive, not CSV", "save the sheet as CSV (UTF-8)")
    if len(content) > _MAX_BYTES:
        raise Rejected(f"{name} is larger than a log of a lifetime", _ADVICE)
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


def _split(text: str) -> tuple[list[tuple[int, list[str]]], list[RowError]]:
    """Cells of each row that is not blank, with the line it starts on; broken quotes are an error."""
    lines = list(io.StringIO(text, newline=""))
    first = next((line for line in lines if line.strip()), "")
    delimiter = max(",;\t", key=first.count)
    rows: list[tuple[int, list[str]]] = []
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
        elif column in columns.values():
            raise Rejected(f"{name} has the column '{column}' twice", "leave one of them")
        else:
            columns[index] = column
    missing = [column for column in REQUIRED if column not in columns.values()]
    if missing:
        plural = "column" if len(missing) == 1 else "columns"
        named = ", ".join(f"'{column}'" for column in missing)
        raise Rejected(f"{name} has no {plural} {named}", _ADVICE)
    return columns, ignored


def _read_row(
    line: int, cells: list[str], columns: Mapping[int, str], width: int, latest: date
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
            session[column] = _read_cell(column, text, latest)
        except CellError as bad:
            errors.append(RowError(line, column, text, str(bad)))
    sets, clean = session.get("sets"), session.get("clean_sets")
    if sets is not None and clean is not None and clean > sets:
        message = f"{clean} clean sets of {sets} cannot be: correct sets or clean_sets"
        errors.append(RowError(line, "clean_sets", str(clean), message))
    return session, errors


def _read_cell(column: str, text: str, latest: date) -> Any:
    if not text:
        if column in REQUIRED:
            raise CellError(f"{column} is empty: every row needs date, drill and minutes")
        return None
    if column == "date":
        return parse_date(text, latest)
    return PARSERS[column](text) if column in PARSERS else text
