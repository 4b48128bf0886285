"""Exports of whole accounts through the import, and files of several runs."""

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from pipeline.batch import Imported, find_files, import_files
from pipeline.workspace import Workspace
from tests.imports import HereEngine

SEASON = Path(__file__).parents[1] / "sample_data" / "season" / "steadied" / "runs"
LIST = "id,date,name,Activity Type,about,file\n"


def take_in(folder: Path, *paths: Path) -> tuple[Imported, list[str]]:
    """What an import gives, and the ids of the runs there are after it."""
    with Workspace(folder) as workspace:
        done = import_files(workspace, find_files(paths, folder), "ada", HereEngine())
        return done, sorted(workspace.load_runs("ada")["run_id"])


def slow_gpx() -> bytes:
    """Ten minutes at a walk, of no stated sport."""
    points = "".join(
        f'<trkpt lat="{30 + s * 1.2 / 111_195:.7f}" lon="-40">'
        f"<time>2024-05-04T09:{s // 60:02}:{s % 60:02}Z</time></trkpt>"
        for s in range(600)
    )
    return f"<gpx><trk><trkseg>{points}</trkseg></trk></gpx>".encode()


def strava(kind: str) -> dict[str, bytes]:
    """A small export: names in the order in which they lie in the zip."""
    return {
        "activities/1.gpx.gz": gzip.compress(slow_gpx()),
        "activities/2.fit.gz": gzip.compress(sorted(SEASON.glob("*.fit"))[0].read_bytes()),
        "media/1.jpg": b"\xff\xd8\xff\xe0picture",
        "activities.csv": f"{LIST}1,x,a,{kind},,activities/1.gpx.gz\n2,x,b,Run,,activities/2.fit.gz".encode(),
        "shoes.csv": b"Shoe Brand\n",
    }


def save(files: dict[str, bytes], folder: Path, as_zip: bool) -> Path:
    """The files as a folder, or in a zip."""
    if as_zip:
        (folder / "export.zip").write_bytes(zipped(files))
        return folder / "export.zip"
    for name, content in files.items():
        (folder / "export" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "export" / name).write_bytes(content)
    return folder / "export"


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in files.items():
            target.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize("as_zip", [True, False])
@pytest.mark.parametrize(("kind", "status"), [("Run", "run"), ("Hike", "skipped")])
def test_a_strava_export_tells_the_sport(tmp_path: Path, as_zip: bool, kind: str, status: str) -> None:
    """The list decides what the slow file is; what is no recording is skipped for one reason."""
    done, _ = take_in(tmp_path / "w", save(strava(kind), tmp_path, as_zip))
    ends = {result.source_name.removeprefix("export.zip/"): result for result in done.results}
    statuses = {name.removesuffix(".gz"): result.status for name, result in ends.items()}
    assert statuses == {
        "activities/1.gpx": status,
        "activities/2.fit": "run",
        "media/1.jpg": "skipped",
        "activities.csv": "skipped",
        "shoes.csv": "skipped",
    }
    assert ends["media/1.jpg"].reason == ends["activities.csv"].reason == ends["shoes.csv"].reason


def test_a_list_that_is_known_still_speaks(tmp_path: Path) -> None:
    """A recording that comes later to a folder whose list was read before is told by that list."""
    files = strava("Run")
    late = files.pop("activities/1.gpx.gz")
    folder = save(files, tmp_path, as_zip=False)
    take_in(tmp_path / "w", folder)
    (folder / "activities" / "1.gpx.gz").write_bytes(late)
    done, runs = take_in(tmp_path / "w", folder)
    assert [result.status for result in done.results] == ["run"]
    assert len(runs) == 2


def test_a_garmin_export_is_read_through_its_inner_zips(tmp_path: Path) -> None:
    """Recordings two zips deep are runs; summaries in JSON are skipped; nothing is rejected."""
    fits = [path.read_bytes() for path in sorted(SEASON.glob("*.fit"))[:2]]
    parts = [zipped({f"ada_{n}.fit": fit}) for n, fit in enumerate(fits)]
    export = {
        "DI_CONNECT/DI-Connect-Fitness/ada_summarizedActivities.json": b'[{"activityType": "running"}]',
        "DI_CONNECT/DI-Connect-Uploaded-Files/UploadedFiles_0-_Part1.zip": parts[0],
        "DI_CONNECT/DI-Connect-Uploaded-Files/UploadedFiles_0-_Part2.zip": parts[1],
        "customer_data/customer.json": b"{}",
    }
    done, runs = take_in(tmp_path / "w", save(export, tmp_path, as_zip=True))
    assert sorted(result.status for result in done.results) == ["run", "run", "skipped", "skipped"]
    assert len(runs) == 2


def test_two_runs_of_a_chained_file_are_two_runs(tmp_path: Path) -> None:
    """Two recordings end to end are one file of two runs; a copy of the second is a duplicate."""
    first, second = (path.read_bytes() for path in sorted(SEASON.glob("*.fit"))[:2])
    (tmp_path / "chained.fit").write_bytes(first + second)
    done, runs = take_in(tmp_path / "w", tmp_path / "chained.fit")
    [result] = done.results
    assert result.status == "run"
    assert runs == [result.content_sha256[:16], f"{result.content_sha256[:16]}-2"]
    (tmp_path / "second.fit").write_bytes(second)
    again, runs_after = take_in(tmp_path / "w", tmp_path / "chained.fit", tmp_path / "second.fit")
    assert again.known == 1
    assert [result.status for result in again.results] == ["duplicate"]
    assert runs_after == runs
