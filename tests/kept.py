"""What a workspace keeps, whatever database its catalogue is in: for comparing two of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pipeline.workspace import Workspace, catalogue


def kept_rows(path: Path, athlete_id: str | None = None) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table that holds something of athletes, or those of one athlete."""
    found = {}
    with Workspace(path, read_only=True) as workspace, workspace._reading() as connection:
        for table in catalogue.metadata.sorted_tables:
            if "athlete_id" in table.c:
                query = sa.select(table)
                if athlete_id is not None:
                    query = query.where(table.c.athlete_id == athlete_id)
                found[table.name] = sorted(map(tuple, connection.execute(query)), key=repr)
    return found


def kept(path: Path) -> dict[str, Any]:
    """Every such row, and the bytes of every pack and original."""
    files = [file for name in ("packs", "originals") for file in (path / name).rglob("*") if file.is_file()]
    return kept_rows(path) | {str(file.relative_to(path)): file.read_bytes() for file in files}
