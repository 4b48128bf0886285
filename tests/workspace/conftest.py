"""What the tests of a workspace share."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from workspace_builders import Ask

from pipeline.workspace import link


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Name a database as a user does."""

    def name(url: sa.URL | str) -> None:
        text = url if isinstance(url, str) else url.set(drivername="postgresql").render_as_string(False)
        monkeypatch.setenv(link.VARIABLE, text)

    return name
