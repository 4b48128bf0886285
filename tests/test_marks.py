"""What a runner marks holds for the place, for every run, until it is taken back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from pipeline import cli
from pipeline.batch import find_files, import_files, mark_stretch, unmark_stretch
from pipeline.cells import read_cells
from pipeline.errors import SurefootError
from pipeline.marks import UNMARKED, Mark, apply_marks, draw_mark, from_table, marks_on, to_row
from pipeline.places import place_ids
from pipeline.tables import TERRAINS, DataFrame, Grid, Marks
from pipeline.workspace import Workspace
from tests.imports import HereEngine
from tests.made_runs import fit_file, no_cadence_file

METRES_PER_DEG = np.pi / 180 * 6_371_008.8
AT = datetime(2026, 3, 1, tzinfo=UTC)
TECHNICAL, SMOOTH = (TERRAINS.index(name) for name in ("technical", "smooth"))


def eastwards(*, north_m: float = 0.0, heading_deg: float = 90.0, n: int = 60) -> DataFrame[Grid]:
    """A straight pass along the equator, a cell every 5 m."""
    columns: dict[str, object] = dict.fromkeys(Grid.column_names(), 0.0)
    columns |= {
        "run_id": "run",
        "cell": np.arange(n),
        "distance_m": np.arange(n) * 5.0,
        "lat_deg": np.full(n, north_m / METRES_PER_DEG),
        "lon_deg": np.arange(n) * 5.0 / METRES_PER_DEG,
        "heading_deg": heading_deg,
    }
    return Grid.cast(pl.DataFrame(columns))


def place_of(grid: DataFrame[Grid]) -> np.ndarray:
    """The places that a grid crosses."""
    return place_ids(*(grid[name].to_numpy() for name in ("lat_deg", "lon_deg", "heading_deg")))


def marked(run_id: str, grid: DataFrame[Grid], marks: list[Mark]) -> np.ndarray:
    """What each cell of a grid is marked as."""
    return apply_marks(run_id, read_cells(grid), marks)


MARK = draw_mark(eastwards(), "run", 100.0, 200.0, "technical", AT)


def test_a_mark_by_hand() -> None:
    """100 to 200 m marked as technical are cells 20 to 39, and no other."""
    said = marked("run", eastwards(), [MARK])
    assert np.flatnonzero(said == TECHNICAL).tolist() == list(range(20, 40))
    assert set(said[:20]) | set(said[40:]) == {UNMARKED}


@pytest.mark.parametrize(("aside_m", "held"), [(0.0, True), (15.0, True), (19.0, True), (25.0, False)])
def test_a_mark_holds_for_passes_beside_it(aside_m: float, held: bool) -> None:
    """Positions that are 15 m off are on the marked way still; a trail 25 m aside is another."""
    other = eastwards(north_m=aside_m)
    assert (marked("other", other, [MARK]) == TECHNICAL).any() == held
    if held:
        assert marks_on("other", place_of(other), [MARK]) == [MARK]


def test_a_mark_is_for_one_direction() -> None:
    """Who comes the other way is not concerned: down is not up."""
    back = eastwards(heading_deg=270.0)
    assert set(marked("back", back, [MARK])) == {UNMARKED}


def test_the_latest_mark_wins() -> None:
    """Technical, then smooth over a part of it: the part is smooth."""
    later = draw_mark(eastwards(), "run", 120.0, 180.0, "smooth", AT)
    said = marked("run", eastwards(), [MARK, later])
    assert said[25:35].tolist() == [SMOOTH] * 10
    assert said[22] == TECHNICAL


def test_without_positions_a_mark_is_for_its_run() -> None:
    """On a run without positions the metres are marked, and no other run is concerned."""
    blind = Grid.cast(eastwards().with_columns(lat_deg=None, lon_deg=None, heading_deg=None))
    mark = draw_mark(blind, "run", 100.0, 200.0, "smooth", AT)
    assert np.flatnonzero(marked("run", blind, [mark]) == SMOOTH).tolist() == list(range(20, 40))
    assert set(marked("other", eastwards(), [mark])) == {UNMARKED}
    assert marks_on("other", place_of(eastwards()), [mark]) == []


@pytest.mark.parametrize(
    ("start_m", "end_m", "why"),
    [(100, 130, "too short"), (100, 900, "no stretch"), (200, 100, "no stretch"), (-5, 80, "no stretch")],
)
def test_what_cannot_be_marked(start_m: float, end_m: float, why: str) -> None:
    """A stretch under 60 m, or one that is not on the run, is refused in one line."""
    with pytest.raises(SurefootError, match=why):
        draw_mark(eastwards(), "run", start_m, end_m, "smooth", AT)


@given(
    start=st.integers(0, 40),
    length=st.integers(12, 20),
    terrain=st.sampled_from(TERRAINS),
    north_m=st.floats(-1e5, 1e5),
)
def test_a_mark_comes_back_from_its_row(start: int, length: int, terrain: str, north_m: float) -> None:
    """As a row of its table and back, a mark says the same of the same run."""
    grid = eastwards(north_m=north_m)
    mark = draw_mark(grid, "run", start * 5.0, (start + length) * 5.0, terrain, AT)
    (again,) = from_table(Marks.validate(pl.DataFrame([to_row(mark, "ada", AT)]), cast=True))
    assert isinstance(again, Mark)
    assert marked("run", grid, [again]).tolist() == marked("run", grid, [mark]).tolist()


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """A workspace of ada's with four passes of the loop, and one of a colleague."""
    for number in range(4):
        (tmp_path / f"{number}.fit").write_bytes(fit_file(number))
    (tmp_path / "bob.fit").write_bytes(no_cadence_file(1))
    with Workspace(tmp_path / "workspace") as opened:
        for name, files in (
            ("ada", [tmp_path / f"{n}.fit" for n in range(4)]),
            ("bob", [tmp_path / "bob.fit"]),
        ):
            import_files(opened, find_files(files, opened.path), name, HereEngine())
        yield opened


def smooth_stretch(workspace: Workspace) -> tuple[str, float, float]:
    """A long smooth segment of ada's first run."""
    first = workspace.load_runs("ada")["run_id"][0]
    own = workspace.load_segments("ada").filter(run_id=first, terrain="smooth")
    longest = own.sort(pl.col("end_m") - pl.col("start_m")).row(-1, named=True)
    return first, longest["start_m"], longest["end_m"]


def everything(workspace: Workspace) -> list[object]:
    """All that the marks can change."""
    tables = (workspace.load_runs(), workspace.load_segments(), workspace.load_stability())
    return [table.to_dicts() for table in (*tables, workspace.load_effects())]


def test_a_mark_holds_for_all_runs_and_can_be_undone(workspace: Workspace) -> None:
    """Every pass says what was marked, with its reason, and other runners none; undone, all is as before."""
    before = everything(workspace)
    run_id, start_m, end_m = smooth_stretch(workspace)
    mark_id = mark_stretch(workspace, "ada", run_id, start_m, end_m, "technical")
    segments = workspace.load_segments("ada")
    marked = segments.filter(pl.col("edited"))
    assert marked["run_id"].n_unique() == 4
    assert set(marked["terrain"]) == {"technical"}
    assert set(marked["reasons"]) == {"you marked it"}
    assert not workspace.load_segments("bob")["edited"].any()
    changes = workspace.load_label_changes("ada")
    assert set(changes["run_id"]) == set(marked["run_id"])
    assert set(changes["reason"]) == {"a stretch was marked, or a mark taken back"}
    assert changes["changed_share"].min() > 0
    unmark_stretch(workspace, "ada", mark_id)
    assert everything(workspace) == before
    assert workspace.load_label_changes("ada")["version"].max() == 3


def test_a_mark_survives_a_new_analysis_and_a_new_run(workspace: Workspace, tmp_path: Path) -> None:
    """A later run over the place is marked as well, and so are runs that are analysed anew."""
    run_id, start_m, end_m = smooth_stretch(workspace)
    mark_stretch(workspace, "ada", run_id, start_m, end_m, "technical")
    (tmp_path / "4.fit").write_bytes(fit_file(4))
    workspace.set_cadence_rule("ada", workspace.load_run(run_id)["device"], ["fit"], "steps_per_minute")
    import_files(workspace, find_files([tmp_path / "4.fit"], workspace.path), "ada", HereEngine())
    marked = workspace.load_segments("ada").filter(pl.col("edited"))
    assert marked["run_id"].n_unique() == 5
    reasons = workspace.load_label_changes("ada")["reason"].to_list()
    assert sum(reason.startswith("analysed anew") for reason in reasons) == 4


def test_more_passes_change_labels_with_their_reason(tmp_path: Path) -> None:
    """Where later runs change what an earlier one is called, the history says when, how far and why."""
    with Workspace(tmp_path / "workspace") as workspace:
        for number in range(4):
            (tmp_path / f"{number}.fit").write_bytes(fit_file(number))
            found = find_files([tmp_path / f"{number}.fit"], workspace.path)
            import_files(workspace, found, "ada", HereEngine())
        changes = workspace.load_label_changes("ada")
    assert len(changes) > 0
    assert changes["reason"].str.contains(r"^other runs of its places: \d\.\d passes on average before").all()
    assert changes["changed_share"].is_between(0, 1).all()


def call(*words: object) -> Result:
    return CliRunner().invoke(cli.main, [str(word) for word in words])


def test_the_command(workspace: Workspace) -> None:
    """`surefoot mark` marks, lists and takes back, and says what is missing in one line."""
    run_id, start_m, end_m = smooth_stretch(workspace)
    common = ("--athlete", "ada", "--workspace", workspace.path)
    assert call("mark", *common).stdout == "Nothing is marked\n"
    done = call("mark", run_id, "--from", start_m, "--to", end_m, "--as", "technical", *common)
    assert done.exit_code == 0
    assert "Runs with a marked stretch: 4" in done.stdout
    mark_id = done.stdout.split()[1].rstrip(":")
    assert call("mark", *common).stdout.startswith(f"{mark_id}: ")
    assert call("mark", "--undo", mark_id, *common).exit_code == 0
    for words, said in (
        (("--undo", mark_id), "has no mark"),
        ((run_id,), "needs --from, --to and --as"),
        (("nobody", "--from", 0, "--to", 100, "--as", "smooth"), "no run nobody"),
        ((run_id, "--from", 0, "--to", 10, "--as", "smooth"), "too short"),
        (("--from", 0), "name the RUN"),
    ):
        refused = call("mark", *words, *common)
        assert refused.exit_code == 2
        assert said in refused.stderr
        assert len(refused.stderr.strip().splitlines()) == 1
