"""What a cadence counts, set by hand: for the files of a call, for a device, and back again."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import cli, read_activity
from pipeline.batch import find_files, import_files
from pipeline.ingest import overrule_cadence_unit
from pipeline.workspace import Workspace
from tests.imports import HereEngine
from tests.made_runs import activity, fit_file, tcx_file

STEPS, STRIDES = "steps_per_minute", "strides_per_minute"


def named_tcx(number: int, device: bytes = b"Acme Pacer") -> bytes:
    """Run `number` as TCX of a named watch, without speed, distance or positions: in strides."""
    bare = re.sub(rb"<(x:Speed|DistanceMeters|Position)>.*?</\1>", b"", tcx_file(number))
    return bare.replace(b"  </Lap>\n", b"  </Lap>\n<Creator><Name>%s</Name></Creator>" % device)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """A workspace of ada's with two runs of a watch whose unit is guessed, and one as FIT."""
    for number in (0, 1):
        (tmp_path / f"{number}.tcx").write_bytes(named_tcx(number))
    (tmp_path / "2.fit").write_bytes(fit_file(2))
    with Workspace(tmp_path / "workspace") as opened:
        take_in(opened, tmp_path)
        yield opened


def take_in(workspace: Workspace, *paths: Path, **options: object) -> int:
    """Import paths for ada; how many contents were read."""
    done = import_files(workspace, find_files(paths, workspace.path), "ada", HereEngine(), **options)
    return len(done.results) + done.updated


def cadences(workspace: Workspace) -> dict[str, tuple[str, float]]:
    """File → its unit, and the usual cadence of its track."""
    rows = workspace.load_runs("ada").iter_rows(named=True)
    return {
        row["source_name"]: (row["cadence_unit"], workspace.load_track(row["run_id"])["cadence_spm"].median())
        for row in rows
    }


def state(workspace: Workspace) -> list[object]:
    """All that an analysis decides, without the names of packs."""
    runs = workspace.load_runs("ada")
    tracks = [workspace.load_track(run_id).to_dict(as_series=False) for run_id in runs["run_id"]]
    return [runs.to_dicts(), tracks, workspace.load_stability("ada").to_dicts()]


def test_overruling_counts_from_the_files_own_values() -> None:
    """What was read as strides is halved when it counts steps, and stays when it counts strides."""
    read = activity(0)
    spm = read.records["cadence_spm"]
    assert overrule_cadence_unit(read, STEPS).records["cadence_spm"].equals(spm / 2)
    assert overrule_cadence_unit(read, STRIDES).records["cadence_spm"].equals(spm)
    assert overrule_cadence_unit(read, "") is read


@settings(deadline=None, max_examples=20)
@given(st.lists(st.sampled_from([STEPS, STRIDES]), min_size=1, max_size=6))
def test_however_often_it_is_said_the_last_word_counts(said: list[str]) -> None:
    """Any sequence of overruling gives what its last word alone gives: nothing is doubled twice."""
    read = activity(0)
    now = read
    for unit in said:
        now = overrule_cadence_unit(now, unit)
    assert now.records.equals(overrule_cadence_unit(read, said[-1]).records)


def test_thin_evidence_asks() -> None:
    """Without speed the unit is a guess: the reason says so, and the warnings say what corrects it."""
    run = read_activity("run", named_tcx(0)).run
    assert "thin evidence" in run.cadence_unit_reason
    assert any("--device 'Acme Pacer' --unit steps`" in said for said in run.warnings)


def test_good_evidence_does_not_ask() -> None:
    """A file with speed raises no question about its unit."""
    assert not any("surefoot cadence" in said for said in read_activity("run", tcx_file(0)).run.warnings)


def test_a_rule_measures_stored_runs_anew_and_is_undone(workspace: Workspace, tmp_path: Path) -> None:
    """steps halves the device's runs and no other; saying it again does nothing; auto undoes it."""
    before = state(workspace)
    usual = cadences(workspace)
    assert workspace.set_cadence_rule("ada", "Acme Pacer", ["tcx"], STEPS) == 2
    assert take_in(workspace) == 2
    now = cadences(workspace)
    assert {name: now[name] == (STEPS, usual[name][1] / 2) for name in ("0.tcx", "1.tcx")} == {
        "0.tcx": True,
        "1.tcx": True,
    }
    assert now["2.fit"] == usual["2.fit"]
    assert workspace.set_cadence_rule("ada", "Acme Pacer", ["tcx"], STEPS) == 0
    assert take_in(workspace, tmp_path) == 0
    workspace.set_cadence_rule("ada", "Acme Pacer", ["tcx"], "")
    take_in(workspace)
    assert state(workspace) == before


def test_a_rule_holds_for_later_files_of_the_device(workspace: Workspace, tmp_path: Path) -> None:
    """A run that comes after the rule is read by it; another device, format or athlete is not."""
    workspace.set_cadence_rule("ada", "Acme Pacer", ["tcx"], STEPS)
    (tmp_path / "3.tcx").write_bytes(named_tcx(3))
    (tmp_path / "4.tcx").write_bytes(named_tcx(4, b"Acme Other"))
    take_in(workspace, tmp_path)
    units = {name: unit for name, (unit, _) in cadences(workspace).items()}
    assert (units["3.tcx"], units["4.tcx"], units["2.fit"]) == (STEPS, STRIDES, STRIDES)
    import_files(workspace, find_files([tmp_path / "3.tcx"], workspace.path), "bea", HereEngine())
    assert workspace.load_runs("bea")["cadence_unit"].to_list() == [STRIDES]


def test_a_call_overrules_its_own_files_also_known_ones(workspace: Workspace, tmp_path: Path) -> None:
    """A known file given again with a unit is measured anew, once; others stay; a later rule outranks it."""
    one = tmp_path / "0.tcx"
    assert take_in(workspace, one, cadence_unit=STEPS) == 1
    assert take_in(workspace, one, cadence_unit=STEPS) == 0
    assert take_in(workspace, tmp_path) == 0
    now = cadences(workspace)
    assert (now["0.tcx"][0], now["1.tcx"][0]) == (STEPS, STRIDES)
    workspace.set_cadence_rule("ada", "Acme Pacer", ["tcx"], "")
    take_in(workspace)
    assert cadences(workspace)["0.tcx"][0] == STRIDES


def test_without_originals_and_files_a_run_stays_as_it_is_until_its_file_comes(tmp_path: Path) -> None:
    """A rule that cannot be applied yet is counted, and applied when the file is given again."""
    file = tmp_path / "0.tcx"
    file.write_bytes(named_tcx(0))
    with Workspace(tmp_path / "workspace") as workspace:
        take_in(workspace, file, keep=False)
        file.rename(tmp_path / "moved.tcx")
        workspace.set_cadence_rule("ada", "Acme Pacer", ["tcx"], STEPS)
        done = import_files(workspace, [], "ada", HereEngine())
        assert done.left_old == 1
        assert [unit for unit, _ in cadences(workspace).values()] == [STRIDES]
        take_in(workspace, tmp_path / "moved.tcx")
        assert [unit for unit, _ in cadences(workspace).values()] == [STEPS]


def call(*words: object) -> Result:
    """Call the command in this process."""
    return CliRunner().invoke(cli.main, [str(word) for word in words])


def test_the_command_lists_sets_and_undoes(workspace: Workspace) -> None:
    """surefoot cadence lists devices, sets one, says when there is nothing to do, and undoes with auto."""
    where = ("--athlete", "ada", "--workspace", workspace.path)
    listed = call("cadence", *where).stdout
    assert "'Acme Pacer' tcx: strides in 2 runs\n" in listed
    assert "thin evidence" in listed
    set_ = ("cadence", *where, "--workers", 1, "--device", "Acme Pacer", "--unit")
    assert (
        call(*set_, "steps").stdout
        == "The cadence of 'Acme Pacer' is counted in steps: 2 runs measured anew\n"
    )
    assert "already: nothing to do" in call(*set_, "steps").stdout
    assert "'Acme Pacer' tcx: steps in 2 runs, set by hand" in call("cadence", *where).stdout
    assert "as its files say: 2 runs" in call(*set_, "auto").stdout
    assert "set by hand" not in call("cadence", *where).stdout


def test_the_command_names_what_is_missing(workspace: Workspace) -> None:
    """A device that nobody has, or a device without a unit, is one line and code 2."""
    where = ("--athlete", "ada", "--workspace", workspace.path)
    unknown = call("cadence", *where, "--device", "Nobody", "--unit", "steps")
    assert unknown.exit_code == 2
    assert "lists the devices" in unknown.stderr
    alone = call("cadence", *where, "--device", "Acme Pacer")
    assert alone.exit_code == 2
    assert "--unit" in alone.stderr


def test_runs_that_do_not_count_are_listed_with_why(workspace: Workspace) -> None:
    """status --not-counting gives day, file and reason of each, as lines or as JSON."""
    lines = call("status", "--not-counting", "--workspace", workspace.path).stdout.splitlines()
    runs = workspace.load_runs("ada").filter(counts=False)
    assert len(lines) == len(runs) > 0
    for line, row in zip(lines, runs.iter_rows(named=True), strict=True):
        assert line.startswith(f"{row['local_date']}  {row['source_name']}: {row['counts_reason']}")
    assert (
        '"counts_reason"' in call("status", "--not-counting", "--json", "--workspace", workspace.path).stdout
    )
