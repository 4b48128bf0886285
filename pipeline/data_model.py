"""docs/data-model.md, made from the declared tables: `make docs` writes it, a test keeps it current."""

from __future__ import annotations

import inspect

import dataframely as dy

from pipeline.tables import PUBLIC, Files, Records, TimerEvents

_INTRO = """# Data model

Made from `pipeline/tables.py` by `make docs`; a test fails when the two differ.

Names are the FIT profile's stem and a unit suffix. Cadence is always steps of both feet per minute. Times
are UTC; intervals are half-open, `[start, end)`; columns without a unit are fractions, counts or words.
Keys are in bold. `surefoot export TABLE` writes any table marked *public* to CSV, Parquet or JSON.
"""


def render_data_model() -> str:
    """The page as Markdown."""
    tables: dict[str, type[dy.Schema]] = {
        "records": Records,
        "timer_events": TimerEvents,
        **PUBLIC,
        "files": Files,
    }
    return "\n".join([_INTRO, *(_section(name, schema) for name, schema in tables.items())])


def _section(name: str, schema: type[dy.Schema]) -> str:
    public = " *(public)*" if name in PUBLIC else ""
    rows = [_row(column_name, column) for column_name, column in schema.columns().items()]
    head = ["| column | type | unit | may be empty | what |", "|---|---|---|---|---|"]
    return "\n".join([f"## {name}{public}", "", inspect.cleandoc(schema.__doc__ or ""), "", *head, *rows, ""])


def _row(name: str, column: dy.Column) -> str:
    meta = column.metadata or {}
    shown = f"**{name}**" if column.primary_key else name
    kind = type(column).__name__.lower()
    if isinstance(column, dy.Enum):
        kind = " / ".join(str(category) for category in column.categories)
    empty = "yes" if column.nullable else ""
    return f"| {shown} | {kind} | {meta.get('unit', '')} | {empty} | {meta.get('doc', '')} |"


if __name__ == "__main__":
    print(render_data_model(), end="")
