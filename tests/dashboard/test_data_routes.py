"""The data of charts and tables as CSV."""

import io

import polars as pl
import pytest
from fake_workspace import HOSTILE, EmptyWorkspace, FakeWorkspace
from flask.testing import FlaskClient

from dashboard import queries
from dashboard.app import build_app
from dashboard.components import data_url
from dashboard.data_routes import OF_ATHLETE, OF_RUN

HOST = {"Host": "127.0.0.1:8050"}


@pytest.fixture(scope="module")
def client(workspace: FakeWorkspace) -> FlaskClient:
    """A client of the dashboard over the invented runners."""
    return build_app(workspace).server.test_client()


def _read(client: FlaskClient, url: str) -> pl.DataFrame:
    answered = client.get(url, headers=HOST)
    assert answered.status_code == 200
    assert answered.mimetype == "text/csv"
    assert answered.headers["Content-Disposition"].startswith("attachment; filename=surefoot-")
    return pl.read_csv(io.BytesIO(answered.data))


def test_the_trend_comes_whole_and_exact(client: FlaskClient, workspace: FakeWorkspace) -> None:
    """Every run and ground of the chart is a row, its value to the last digit."""
    found = _read(client, data_url("trend", athlete="maya"))
    drawn = queries.trend_runs(workspace, "maya")
    assert found["value"].to_list() == drawn["value"].to_list()
    assert found["counts_reason"].to_list() == drawn["counts_reason"].to_list()


@pytest.mark.parametrize("name", OF_ATHLETE)
@pytest.mark.parametrize("athlete_id", ["maya", "new runner/2", HOSTILE])
def test_every_table_of_every_athlete(client: FlaskClient, name: str, athlete_id: str) -> None:
    """Each has its header at least, also for an athlete without a log or with a hostile name."""
    assert client.get(data_url(name, athlete=athlete_id), headers=HOST).data.count(b"\n") >= 1


@pytest.mark.parametrize("name", OF_RUN)
def test_no_data_of_a_run_holds_a_coordinate(client: FlaskClient, name: str, run_id: str) -> None:
    """The files of a run have no latitude and no longitude, only metres about its start."""
    columns = _read(client, data_url(name, run=run_id)).columns
    assert not [column for column in columns if column.startswith(("lat", "lon"))]


@pytest.mark.parametrize(
    "url",
    [
        data_url("trend", athlete="nobody"),
        data_url("trend", run="none"),
        data_url("profile", run="none"),
        data_url("profile", athlete="maya"),
        data_url("effects", athlete="maya"),
    ],
)
def test_what_is_not_there_is_not_found(client: FlaskClient, url: str) -> None:
    """An unknown athlete, run or name is a 404."""
    assert client.get(url, headers=HOST).status_code == 404


def test_an_empty_workspace_has_no_data() -> None:
    """The address that stands for the first athlete is a 404 where there is none."""
    client = build_app(EmptyWorkspace()).server.test_client()
    assert client.get(data_url("trend", athlete=""), headers=HOST).status_code == 404
