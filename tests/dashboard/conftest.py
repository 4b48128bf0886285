"""What the dashboard's tests share."""

import pytest
from fake_workspace import FakeWorkspace


@pytest.fixture(scope="session")
def workspace() -> FakeWorkspace:
    """Three invented runners in memory."""
    return FakeWorkspace()


@pytest.fixture(scope="session")
def run_id(workspace: FakeWorkspace) -> str:
    """A run of maya's that has one before and one after it."""
    return workspace.load_runs("maya")["run_id"][5]
