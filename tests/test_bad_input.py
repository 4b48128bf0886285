"""One good run among all that a folder of recordings can hold: each says what it is, and the rest goes on."""

from __future__ import annotations

import gzip
import io
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pipeline import cli
from pipeline.tables import Effects, Runs, Segments, Stability
from pipeline.workspace import Workspace
from tests.ingest.fit_bytes import (
    ENUM,
    FILE_ID,
    FILE_ID_MESSAGES,
    RECORD,
    SESSION,
    T0,
    UINT8,
    UINT16,
    UINT32,
    data,
    definition,
    fit,
)
from tests.made_runs import (
    fit_file,
    gpx_file,
    no_altitude_file,
    no_cadence_file,
    route_file,
    tcx_file,
    treadmill_file,
)

SWIMMING, CYCLING = 5, 2
WORKOUT = 5


def of_sport(sport: int) -> bytes:
    """A FIT activity of two minutes with the sport in its session."""
    record = definition(1, RECORD, [(253, 4, UINT32), (3, 1, UINT8), (4, 1, UINT8)])
    records = [data(1, "IBB", T0 + i, 120, 30) for i in range(120)]
    session = definition(2, SESSION, [(253, 4, UINT32), (2, 4, UINT32), (5, 1, ENUM)])
    return fit(FILE_ID_MESSAGES, record, *records, session, data(2, "IIB", T0 + 120, T0, sport))


def of_kind(kind: int) -> bytes:
    """A FIT file that is no activity."""
    return fit(definition(0, FILE_ID, [(0, 1, ENUM), (1, 2, UINT16)]), data(0, "BH", kind, 1))


def zipped_run() -> bytes:
    """A zip with one run in it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("inner.fit", fit_file(9))
    return buffer.getvalue()


def garbage_after_header() -> bytes:
    """A FIT header that promises 2,000 bytes, and 2,000 bytes of nothing that makes sense."""
    return fit_file(0)[:14] + bytes(range(1, 251)) * 8


@dataclass(frozen=True)
class Bad:
    """A file, what becomes of it, and words of the reason (of a run: why it does not count)."""

    name: str
    content: Callable[[], bytes]
    status: str
    said: str


BAD = {
    case.name: case
    for case in (
        Bad("empty.fit", lambda: b"", "rejected", "the file is empty"),
        Bad("zeros.fit", lambda: bytes(4096), "rejected", "the file is empty"),
        Bad("text.fit", lambda: b"went for a run today\n", "rejected", "neither FIT nor GPX nor TCX"),
        Bad("page.gpx", lambda: b"<!doctype html><html>log in</html>", "rejected", "web page"),
        Bad("other.gpx", lambda: b"<?xml version='1.0'?><kml></kml>", "rejected", "XML of another kind"),
        Bad("garbage.fit", garbage_after_header, "rejected", "holds no"),
        Bad("header.fit", lambda: fit_file(0)[:14], "rejected", "holds no"),
        Bad("plan.gpx", lambda: route_file(4), "rejected", "none of its records has a time"),
        Bad("archive.fit.gz", lambda: gzip.compress(fit_file(4))[:9000], "rejected", "cut off or damaged"),
        Bad("swim.fit", lambda: of_sport(SWIMMING), "skipped", "the sport is swimming, not running"),
        Bad("ride.fit", lambda: of_sport(CYCLING), "skipped", "the sport is cycling, not running"),
        Bad(
            "ride.tcx",
            lambda: tcx_file(4).replace(b'Sport="Running"', b'Sport="Biking"'),
            "skipped",
            "the sport is cycling, not running",
        ),
        Bad(
            "hike.gpx",
            lambda: gpx_file(4).replace(b"<type>running<", b"<type>hiking<"),
            "skipped",
            "the sport is hiking, not running",
        ),
        Bad("workout.fit", lambda: of_kind(WORKOUT), "skipped", "workout"),
        Bad("zip.fit", zipped_run, "run", ""),
        Bad("silent.fit", lambda: no_cadence_file(5), "run", "no cadence was recorded"),
        Bad("flat.gpx", lambda: no_altitude_file(6), "run", ""),
        Bad("indoors.fit", lambda: treadmill_file(7), "run", "0 technical"),
        Bad("cut.fit", lambda: fit_file(8)[:30_000], "run", ""),
    )
}


def surefoot(*words: object) -> Result:
    """Call the command in this process."""
    return CliRunner().invoke(cli.main, [str(word) for word in words])


def lay_out(folder: Path, *names: str) -> Path:
    """A folder with a good run, a directory that looks like a run, and the bad files of these names."""
    folder.mkdir()
    (folder / "good.fit").write_bytes(fit_file(0))
    (folder / "folder.fit").mkdir()
    for name in names:
        (folder / name).write_bytes(BAD[name].content())
    return folder


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """All bad files beside the good run, analysed once; the workspace and what was printed."""
    place = tmp_path_factory.mktemp("bad")
    runs = lay_out(place / "runs", *BAD)
    words = ("analyse", runs, "--athlete", "ada", "--workspace", place / "w", "--workers", 2, "--json")
    return place / "w", surefoot(*words)


def test_all_goes_on(everything: tuple[Path, Result]) -> None:
    """The import of everything at once leaves with 0, says nothing on stderr, and its counts add up."""
    _, said = everything
    assert (said.exit_code, said.stderr) == (0, "")
    told = json.loads(said.stdout)
    assert told["files"] == len(BAD) + 1 == len(told["results"])
    for status, key in (("run", "runs"), ("skipped", "skipped"), ("rejected", "rejected")):
        expected = sum(case.status == status for case in BAD.values()) + (status == "run")
        assert told[key] == expected, key
    assert told["duplicates"] == told["known"] == 0


@pytest.mark.parametrize("name", BAD)
def test_each_says_what_and_why(everything: tuple[Path, Result], name: str) -> None:
    """Each file has its status, and one line that says what is wrong and, where it helps, what would do."""
    case = BAD[name]
    found = [
        result
        for result in json.loads(everything[1].stdout)["results"]
        if result["source_name"] in (name, f"{name}/inner.fit")
    ]
    assert [result["status"] for result in found] == [case.status]
    if case.status == "run":
        return
    reason, advice = found[0]["reason"], found[0]["advice"]
    assert case.said in reason
    assert "\n" not in reason + advice
    assert not re.search(r"Error|Traceback|/tmp/|0x[0-9a-f]{6}", reason + advice)
    assert bool(advice) == (case.status == "rejected"), "a skipped file needs no advice, a rejected one does"


@pytest.mark.parametrize("name", [name for name, case in BAD.items() if case.status == "run"])
def test_a_poor_run_says_why_it_does_not_count(everything: tuple[Path, Result], name: str) -> None:
    """A run with a channel missing is a run; where it cannot count it says why."""
    with Workspace(everything[0], read_only=True) as workspace:
        names = (name, f"{name}/inner.fit")
        run = next(row for row in workspace.load_runs().iter_rows(named=True) if row["source_name"] in names)
    assert BAD[name].said in run["counts_reason"]
    assert bool(run["counts_reason"]) != run["counts"]


def test_a_cut_file_says_where(everything: tuple[Path, Result]) -> None:
    """A FIT file that breaks off keeps its records up to there, and the run carries a warning."""
    with Workspace(everything[0], read_only=True) as workspace:
        runs = {row["source_name"]: row for row in workspace.load_runs().iter_rows(named=True)}
    assert 0 < runs["cut.fit"]["distance_m"] < runs["good.fit"]["distance_m"]
    assert "damaged" in runs["cut.fit"]["warnings"] or "cut" in runs["cut.fit"]["warnings"]


def test_nothing_is_half_written(everything: tuple[Path, Result]) -> None:
    """Every pack on disk is named, every run has its track and its original, every table is valid."""
    with Workspace(everything[0], read_only=True) as workspace:
        runs = workspace.load_runs()
        tracks = dict(workspace.load_tracks(runs["run_id"].to_list()))
        assert all(len(track) for track in tracks.values())
        for sha in runs["content_sha256"]:
            assert workspace.load_original(sha)
        assert Runs.is_valid(runs)
        assert Segments.is_valid(workspace.load_segments())
        assert Stability.is_valid(workspace.load_stability())
        assert Effects.is_valid(workspace.load_effects())
        assert workspace.counts()["files"] == len(BAD) + 1
    packs = {path.name.split(".")[0] for path in everything[0].glob("packs/*/*/*")}
    Workspace(everything[0]).close()  # opening sweeps what nothing names
    assert {path.name.split(".")[0] for path in everything[0].glob("packs/*/*/*")} == packs
    assert not list(everything[0].rglob("*.tmp"))


def test_the_next_import_reads_none_of_it_again(everything: tuple[Path, Result]) -> None:
    """Bad files are known as bad: the second import has nothing new."""
    folder = everything[0]
    words = ("analyse", folder.parent / "runs", "--athlete", "ada", "--workspace", folder, "--json")
    told = json.loads(surefoot(*words, "--workers", 1).stdout)
    assert (told["known"], told["results"]) == (len(BAD) + 1, [])


def test_in_words(everything: tuple[Path, Result]) -> None:
    """Status lists each rejected file on one line with its reason, other sports are not among them."""
    listed = surefoot("status", "--rejected", "--workspace", everything[0]).stdout.splitlines()
    rejected = [case for case in BAD.values() if case.status == "rejected"]
    assert len(listed) == len(rejected)
    for case in rejected:
        assert any(line.startswith(f"{case.name}: ") and case.said in line for line in listed), case.name


@pytest.mark.parametrize("name", ["empty.fit", "silent.fit", "swim.fit"])
def test_each_alone_with_a_good_run(tmp_path: Path, name: str) -> None:
    """Beside a rejected file, a skipped one or a poor run alone, the good run goes in and has its ground."""
    runs = lay_out(tmp_path / "runs", name)
    said = surefoot("analyse", runs, "--athlete", "ada", "--workspace", tmp_path / "w", "--workers", 1)
    assert (said.exit_code, said.stderr) == (0, "")
    assert said.stdout.startswith("2 files: ")
    with Workspace(tmp_path / "w", read_only=True) as workspace:
        good = workspace.load_runs().filter(source_name="good.fit")
        assert good["counts"].to_list() == [True]
        assert set(workspace.load_segments(run_id=good["run_id"][0])["terrain"]) == {"technical", "smooth"}


def test_a_log_with_wrong_dates(everything: tuple[Path, Result], tmp_path: Path) -> None:
    """Of a log with wrong dates the good rows go in, and each bad one is one line with its number and why."""
    days = ("2025-08-01", "2025-02-30", "2087-01-01", "yesterday", "", "2025-08-03")
    log = tmp_path / "log.csv"
    log.write_text("date,drill,minutes\n" + "".join(f"{day},balance board,20\n" for day in days))
    said = surefoot("log", log, "--athlete", "ada", "--workspace", everything[0])
    assert (said.exit_code, said.stderr) == (0, "")
    *named, last = said.stdout.splitlines()
    assert [line.split(": ")[0] for line in named] == [f"log.csv, line {n}, date" for n in (3, 4, 5, 6)]
    assert all(len(line.split(": ", 1)[1]) > 10 for line in named)
    assert last == "2 new sessions, 0 updated, 0 already there, 4 rows left out"
    with Workspace(everything[0], read_only=True) as workspace:
        assert len(workspace.load_balance_sessions("ada")) == 2
        assert workspace.load_dose("ada")["minutes"].sum() == 40
