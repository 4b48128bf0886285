"""The data model's page says what the tables are."""

from pathlib import Path

import dataframely as dy
import pytest

from pipeline.data_model import render_data_model
from pipeline.tables import PUBLIC

DOCS = Path(__file__).parents[1] / "docs"


def test_the_page_is_current() -> None:
    """docs/data-model.md is what `make docs` would write now."""
    assert (DOCS / "data-model.md").read_text() == render_data_model()


@pytest.mark.parametrize("schema", PUBLIC.values())
def test_every_column_says_what_it_is(schema: type[dy.Schema]) -> None:
    """A column without a description helps nobody."""
    for name, column in schema.columns().items():
        assert (column.metadata or {}).get("doc"), f"{schema.__name__}.{name}"


@pytest.mark.parametrize("schema", PUBLIC.values())
def test_a_unit_in_the_name_is_the_unit_declared(schema: type[dy.Schema]) -> None:
    """`_m` is metres, `_s` seconds, `_spm` steps a minute: name and metadata never part."""
    units = {"_m": "m", "_s": "s", "_spm": "steps/min", "_mps": "m/s", "_deg": "deg", "_bpm": "beats/min"}
    for name, column in schema.columns().items():
        for suffix, unit in units.items():
            if name.endswith(suffix):
                assert (column.metadata or {})["unit"] == unit, f"{schema.__name__}.{name}"
