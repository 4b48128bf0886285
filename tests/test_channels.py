"""Running dynamics, power and developer fields: kept beside the track, second by second."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipeline import analyse_run
from pipeline.batch import Progress, refresh_athlete
from pipeline.channels import derive_channels, pick_dynamics
from pipeline.errors import SurefootError
from pipeline.export import export_table
from pipeline.ingest import Activity, check_run, read_activity
from pipeline.numeric import Integers
from pipeline.recorded import Recorded, Samples
from pipeline.results import FileResult
from pipeline.tables import Records
from pipeline.workspace import Workspace
from tests.made_runs import activity

START = datetime(2025, 6, 1, 8, 0, tzinfo=UTC)


def records(seconds: list[float], **channels: list[object]) -> pl.DataFrame:
    """Records at these seconds after START, with these further channels."""
    core = pl.DataFrame(
        {name: [None] * len(seconds) for name in Records.column_names()}, schema=Records.create_empty().schema
    )
    times = pl.Series(
        "timestamp", [START + timedelta(seconds=s) for s in seconds], dtype=core["timestamp"].dtype
    )
    return core.with_columns(times, **{name: pl.Series(values) for name, values in channels.items()})


def channels_of(table: pl.DataFrame, start_time: datetime, elapsed_s: Integers) -> pl.DataFrame | None:
    """The channels of a table of records."""
    return derive_channels(Samples.of(table), start_time, elapsed_s)


def with_dynamics(number: int) -> Activity:
    """Run `number` by a watch that also records power and the balance of stance time."""
    read = activity(number)
    n = len(read.records)
    return replace(
        read,
        recorded=Recorded(
            read.records.with_columns(
                power_w=pl.Series(200.0 + np.arange(n) % 50),
                stance_time_balance_percent=pl.Series(np.where(np.arange(n) % 7, 49.5, 50.5)),
            )
        ),
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """A workspace with a run with dynamics and one without, in one pack."""
    with Workspace(tmp_path / "workspace") as opened:
        results = [
            analyse_run(
                read, run_id=f"run-{n}", athlete_id="ada", source_name=f"{n}.fit", content_sha256=f"{n}" * 64
            )
            for n, read in enumerate((with_dynamics(0), activity(1)))
        ]
        pack = opened.save_pack("ada", results)
        files = [
            FileResult(f"{n}.fit", f"{n}" * 64, 10, "run", 1, runs=(run.without_frames(),))
            for n, run in enumerate(results)
        ]
        opened.commit("ada", pack, files)
        yield opened


def test_channels_by_hand() -> None:
    """Values are linear between samples up to 3 s apart, and null across longer gaps."""
    got = channels_of(records([0, 2, 6], power_w=[100.0, 300.0, 500.0]), START, np.arange(7))
    assert got is not None
    assert got.columns == ["elapsed_s", "power_w"]
    assert got["power_w"].to_list() == [100.0, 200.0, 300.0, None, None, None, 500.0]
    assert got["power_w"].dtype == pl.Float32


def test_texts_arrays_and_empty_channels_are_left_out() -> None:
    """A channel that is no number, or has no value, is not kept; without any there is no table."""
    odd = records(
        [0, 1],
        activity_type=["running", "running"],
        left_pco_mm=[[1.0, 2.0], [3.0, 4.0]],
        torque_nm=pl.Series([None, None], dtype=pl.Float64).to_list(),
    )
    assert channels_of(odd, START, np.arange(2)) is None


def test_a_wild_time_costs_its_own_value_alone() -> None:
    """A record of another year in the middle, and one that goes back, lose their values only."""
    got = channels_of(
        records([0, 1, 1e9, 2, 1, 3], power_w=[1.0, 2.0, 99.0, 3.0, 98.0, 4.0]), START, np.arange(4)
    )
    assert got is not None
    assert got["power_w"].to_list() == [1.0, 2.0, 3.0, 4.0]


def test_channels_come_back_from_the_workspace(workspace: Workspace) -> None:
    """A run's channels are what was derived, on the track's seconds; the run beside it has none."""
    track, channels = workspace.load_track("run-0"), workspace.load_channels("run-0")
    assert channels["elapsed_s"].equals(track["elapsed_s"])
    read = with_dynamics(0)
    expected = channels_of(read.records, track["timestamp"][0], track["elapsed_s"].to_numpy())
    assert channels.equals(expected)
    assert workspace.load_channels("run-1").shape == (0, 1)
    with pytest.raises(SurefootError, match="no run nobody"):
        workspace.load_channels("nobody")


def test_a_pack_without_channels_has_no_file_for_them(workspace: Workspace, tmp_path: Path) -> None:
    """Runs of plain watches cost nothing; forgetting the athlete removes the files of the others."""
    plain = analyse_run(activity(2), run_id="run-2", athlete_id="bea", content_sha256="2" * 64)
    workspace.save_pack("bea", [plain])
    folder = tmp_path / "workspace" / "packs"
    assert len(list(folder.rglob("*.tracks.parquet"))) == 2
    assert len(list(folder.rglob("*.channels.parquet"))) == 1
    workspace.forget("ada")
    assert not list(folder.rglob("*.channels.parquet"))


@pytest.mark.parametrize("format_", ["csv", "parquet", "json"])
def test_channels_are_exported_long(workspace: Workspace, tmp_path: Path, format_: str) -> None:
    """One row a second and channel that has a value, whatever channels each run has."""
    out = tmp_path / f"channels.{format_}"
    rows = export_table(workspace, "channels", format_, out, None)
    read = {
        "csv": pl.read_csv,
        "parquet": pl.read_parquet,
        "json": lambda f: pl.DataFrame(json.loads(f.read_text())),
    }
    table = read[format_](out)
    assert table.columns == ["run_id", "elapsed_s", "channel", "value"]
    assert len(table) == rows
    channels = workspace.load_channels("run-0")
    assert rows == sum(channels[name].count() for name in channels.columns[1:])
    power = table.filter(channel="power_w", run_id="run-0").sort("elapsed_s")
    assert power["value"].to_list() == pytest.approx(channels["power_w"].drop_nulls().to_list())


def test_dynamics_by_hand() -> None:
    """Balance is a fraction; a stance no foot has, and a balance of nothing, are not known."""
    channels = pl.DataFrame(
        {
            "elapsed_s": [0, 1, 2],
            "stance_time_ms": [250.0, 0.0, 900.0],
            "stance_time_balance_percent": [51.5, 0.0, 49.0],
        }
    )
    found = pick_dynamics(channels)
    np.testing.assert_allclose(found["stance_time_ms"], [250, np.nan, np.nan])
    np.testing.assert_allclose(found["stance_balance"], [0.515, np.nan, 0.49])


def test_ground_time_of_a_developer_field_stands_in_for_stance() -> None:
    """Stryd's ground time is taken where the watch has none of its own; without either there is nothing."""
    stryd = pl.DataFrame({"elapsed_s": [0], "dev_1_ground_time_milliseconds": [240.0]})
    both = stryd.with_columns(stance_time_ms=pl.lit(260.0))
    assert pick_dynamics(stryd)["stance_time_ms"].tolist() == [240.0]
    assert pick_dynamics(both)["stance_time_ms"].tolist() == [260.0]
    assert pick_dynamics(stryd.select("elapsed_s")) == pick_dynamics(None) == {}
    assert pick_dynamics(stryd.clear()) == {}


def test_dynamics_of_one_run_are_not_those_of_another(workspace: Workspace) -> None:
    """Of two runs in one pack, the one with a balance of stance has its rows, the plain one has none."""
    refresh_athlete(workspace, "ada", Progress(files=2))
    rows = workspace.load_stability("ada").filter(metric="stance_asymmetry")
    assert set(rows["run_id"]) == {"run-0"}
    assert set(workspace.load_stability("ada")["run_id"]) == {"run-0", "run-1"}


def test_developer_fields_of_real_files(corpus: Path) -> None:
    """Stryd's fields and Garmin's dynamics keep the values of the file, under names with units."""
    seen = set()
    watches = ("Fr955v19.28andStryd", "Garmin920_withFirstbeat")
    stryd = [corpus / "odd" / f"GoldenCheetah__{name}.fit" for name in watches]
    for path in (*stryd, *sorted(corpus.glob("trail-dynamics/*.fit"))[:3]):
        read = read_activity(path.name, path.read_bytes())
        check_run(read)
        run = analyse_run(read, run_id="run", athlete_id="ada")
        assert run.channels is not None
        for name in run.channels.columns[1:]:
            seen.add(name)
            low, high = read.records[name].min(), read.records[name].max()
            assert (
                low - 1e-3 * abs(low) <= run.channels[name].min() <= run.channels[name].max() <= high * 1.001
            )
    assert {
        "stance_time_ms",
        "stance_time_balance_percent",
        "vertical_oscillation_mm",
        "step_length_mm",
    } <= seen
    assert any(name.startswith("dev_") for name in seen)
