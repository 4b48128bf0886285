"""What the tests share."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from sample_data import STEADIED
from sample_data.plan import plan_season
from sample_data.routes import make_routes
from sample_data.write_season import write_run
from tests.postgres_server import Server, all_new_workspaces_in, started

# A busy machine is no reason to fail: speed is measured in `make bench`.
settings.register_profile("surefoot", deadline=None)
settings.load_profile("surefoot")

FORMATS = ("fit", "fit", "gpx", "tcx")
CORPUS = Path(__file__).parents[2] / "shared" / "corpus"


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real recordings beside the checkout; skips where it is not there."""
    if not (CORPUS / "index.csv").is_file():
        if os.environ.get("CI") and CORPUS.parent.is_dir():
            pytest.fail(f"{CORPUS.parent} is there but its corpus cannot be read")
        pytest.skip("the corpus of real recordings (../shared/corpus) is not on this machine")
    return CORPUS


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what is marked `both_databases` twice, with catalogues in SQLite and in PostgreSQL."""
    marks = {mark.name for mark in metafunc.definition.iter_markers()}
    if "both_databases" in marks:
        databases = ["sqlite"] if "sqlite_alone" in marks else ["sqlite", "postgresql"]
        metafunc.parametrize("catalogue_in", databases, indirect=True, scope="module")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server; skips where the machine has none, and fails for that in CI, which installs it."""
    with started() as server:
        yield server


@pytest.fixture(scope="module", autouse=True)
def catalogue_in(request: pytest.FixtureRequest) -> Iterator[str]:
    """The database that new workspaces get, by name; SQLite where a test is not marked `both_databases`."""
    if getattr(request, "param", "sqlite") == "sqlite":
        yield "sqlite"
    else:
        with all_new_workspaces_in(request.getfixturevalue("postgres")):
            yield "postgresql"


@pytest.fixture(scope="session")
def storage() -> Iterator[Any]:
    """A server that speaks S3, as fsspec sees it, which all `s3://` URLs then lead to."""
    import fsspec
    from moto.server import ThreadedMotoServer  # slow to import, and few need it

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patched:
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            patched.setenv(name, value)
        yield fsspec.filesystem("s3")
    server.stop()


@pytest.fixture(scope="session")
def week(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up season's first week: a run of each format, and two in FIT."""
    folder, routes = tmp_path_factory.mktemp("season"), make_routes()
    (folder / "runs").mkdir()
    by_name = {route.name: route for route in routes}
    runs = plan_season(STEADIED, 1, routes).runs
    for run, kind in zip(runs, FORMATS, strict=False):
        write_run(folder / "runs", STEADIED, by_name[run.route], replace(run, source_format=kind))
    (folder / "balance-log.csv").write_text("date,drill,minutes\n2025-09-01,wobble board,20\n")
    return folder
