"""A spreadsheet (XLSX) that nobody vouched for → the rows of its sheets as text, bounded."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any

from pipeline.errors import Rejected

Rows = list[tuple[int, list[str]]]
"""The number and the cells of each row that is not blank, every row as wide as the widest."""

MAX_ROWS = 20_000
_LAST_ROW = 1_048_576  # of a sheet, in every program
_MAX_COLUMNS = 64
_MAX_MERGED = 100
_MAX_SHEETS = 50
_MAX_MEMBERS = 2_000
_MAX_UNPACKED_BYTES = 32_000_000
_ADVICE = "open it and save the sheet as CSV (UTF-8)"
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*ref="([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})"')
_YEAR = re.compile(r"\b\d{4}\b")


def is_spreadsheet(content: bytes) -> bool:
    """Whether the bytes may be an XLSX file, which is a zip."""
    return content.startswith(b"PK")


def read_sheets(name: str, content: bytes) -> list[Rows]:
    """Each sheet's rows, cells as the text that a CSV would hold: ISO dates, numbers with a point.

    A formula counts as its stored value. Of merged cells the first has the value, as in the file; a date
    alone holds for all rows it is merged over. Raises Rejected for what is no workbook, is protected, or
    is made to harm: too large when unpacked, too many rows, entities.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check(name, archive)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of features of the workbook that a log has no use for
            return list(_sheets(name, content))
    except Rejected:
        raise
    except Exception:
        # openpyxl raises whatever it stumbles over: KeyError, TypeError, errors of XML and of zip.
        raise Rejected(f"{name} is no spreadsheet that can be read", _ADVICE) from None


def _check(name: str, archive: zipfile.ZipFile) -> None:
    """Refuse what unpacks to too much, and any XML with a document type, which alone can hold entities."""
    entries = archive.infolist()
    if any(entry.flag_bits & 1 for entry in entries):
        raise Rejected(f"{name} is protected by a password", _ADVICE)
    if len(entries) > _MAX_MEMBERS or sum(entry.file_size for entry in entries) > _MAX_UNPACKED_BYTES:
        raise Rejected(f"{name} unpacks to more than a log can be", _ADVICE)
    for entry in entries:
        # zipfile gives no more than the size that was summed above.
        part = archive.read(entry)
        is_xml = part.lstrip(b"\0\xef\xbb\xbf\xff\xfe \r\n\t").startswith(b"<")
        if is_xml and (b"<!DOCTYPE" in part or b"\0" in part):
            raise Rejected(f"{name} holds XML that no spreadsheet program writes", _ADVICE)


def _sheets(name: str, content: bytes) -> Iterator[Rows]:
    from openpyxl import load_workbook  # 6 MB, which a worker that reads recordings has no use for

    workbook = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for sheet in workbook.worksheets[:_MAX_SHEETS]:
            cells: Iterator[tuple[Any, ...]] = sheet.iter_rows(
                min_row=1, max_row=_LAST_ROW, max_col=_MAX_COLUMNS, values_only=True
            )
            filled = ((line, row) for line, row in enumerate(cells, start=1) if row.count(None) < len(row))
            rows = {line: list(row) for line, row in islice(filled, MAX_ROWS + 1)}
            if len(rows) > MAX_ROWS:
                raise Rejected(f"{name} has more than {MAX_ROWS:,} rows in a sheet", "split it by year")
            _carry_dates(rows, archive.read(vars(sheet)["_worksheet_path"]))
            yield _as_text(rows)


def _carry_dates(rows: dict[int, list[Any]], xml: bytes) -> None:
    """Give a date that is merged over several rows to each of them."""
    from openpyxl.utils import range_boundaries

    for found in islice(_MERGED.finditer(xml), MAX_ROWS):
        left, top, right, bottom = (int(bound or 0) for bound in range_boundaries(found[1].decode()))
        if left != right or top not in rows or left > len(rows[top]):
            continue
        value = rows[top][left - 1]
        if isinstance(value, date) or (isinstance(value, str) and _YEAR.search(value)):
            for line in range(top + 1, min(bottom, top + _MAX_MERGED) + 1):
                if line in rows:
                    rows[line][left - 1] = value


def _as_text(rows: dict[int, list[Any]]) -> Rows:
    text = {line: [_cell(value) for value in row] for line, row in rows.items()}
    width = max((n for row in text.values() for n, cell in enumerate(row, start=1) if cell), default=0)
    return [(line, row[:width]) for line, row in text.items() if any(row)]


def _cell(value: object) -> str:
    """What a CSV would hold for the value of a cell."""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time.min else value.isoformat(" ", "seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return _clock(value.hour * 3600 + value.minute * 60 + value.second)
    if isinstance(value, timedelta):
        return _clock(round(value.total_seconds()))
    if isinstance(value, float):
        return f"{value:.12g}"
    return "" if value is None else str(value).strip()


def _clock(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{minutes // 60}:{minutes % 60:02d}" + (f":{rest:02d}" if rest else "")
