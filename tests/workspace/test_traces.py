"""What is left of a forgotten athlete: nothing, and the search that says so finds what is planted."""

from __future__ import annotations

import gzip
import shutil
import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from test_folder import fill
from workspace_builders import run_row, sha, with_wider_numbers

from pipeline import cli
from pipeline.workspace import Searched, Seen, Sought, Workspace, search_traces
from pipeline.workspace.traces import search_tables

pytestmark = pytest.mark.both_databases
ADA, BOB = "ada-lovelace-1815", "bob-the-other"
LAT, LON = 47.1234567, -7.7654321


@pytest.fixture(scope="module")
def made(catalogue_in: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of two athletes who have one recording in common."""
    return make(tmp_path_factory.mktemp("made") / "w")


def make(folder: Path) -> Path:
    """See `made`."""
    with Workspace(folder) as workspace:
        fill(workspace, ADA, (0, 1, 2))
        fill(workspace, BOB, (0, 3))
    return folder


@pytest.fixture
def folder(catalogue_in: str, made: Path, tmp_path: Path) -> Path:
    """That workspace, to be changed: a copy of its folder would have the same rows in PostgreSQL."""
    return shutil.copytree(made, tmp_path / "w") if catalogue_in == "sqlite" else make(tmp_path / "w")


@pytest.fixture
def sought(made: Path) -> Sought:
    """What would be a trace of Ada."""
    with Workspace(made, read_only=True) as workspace:
        return workspace.gather_traces(ADA)


def forgotten(folder: Path) -> None:
    """Forget Ada."""
    with Workspace(folder) as workspace:
        workspace.forget(ADA)


def test_what_is_sought(sought: Sought) -> None:
    """Name, folder, recordings, runs and paths of Ada alone are sought, and a position of each run."""
    kinds = ["the name", "the folder's name"] + 2 * [
        "the SHA-256 of a recording",
        "the name of a recording",
        "the number of a run",
        "the path of a recording",
    ]
    assert sorted(sought.words.values()) == sorted(kinds)
    assert sought.words[ADA.encode()] == "the name"
    assert sha(1).encode() in sought.words
    assert sha(0).encode() not in sought.words
    assert len(sought.positions) == 2


def test_nothing_is_left(folder: Path, sought: Sought) -> None:
    """After forgetting nothing is found in any file or table; every byte of the folder was searched."""
    with Workspace(folder) as workspace:
        workspace.forget(ADA)
        searched = workspace.search_traces(sought)
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert (searched.found, searched.found_in_tables) == ([], [])
    assert searched.files == len(files)
    assert searched.size_bytes == sum(file.stat().st_size for file in files)
    assert searched.unpacked_bytes > 0


def test_everything_is_found_before(made: Path, sought: Sought) -> None:
    """Before forgetting, all that is sought is found: in the catalogue, in packs and in names."""
    with Workspace(made, read_only=True) as workspace:
        searched = workspace.search_traces(sought)
    found = searched.found
    catalogue = {what for file, what in found if file.name == "catalogue.sqlite"}
    catalogue |= {what for _, what in searched.found_in_tables}
    assert catalogue == set(sought.words.values()) - {"the folder's name"}
    assert {what for file, what in found if file.suffix == ".parquet"} == {"a position", "the folder's name"}
    assert {what for file, what in found if file.suffix == ".gz"} >= {"the SHA-256 of a recording"}
    assert not [file for file, _ in found if BOB in str(file)]


def leave_a_copy(folder: Path, keep: Path) -> None:
    """The copy of the catalogue that an upgrade of another version left."""
    shutil.copyfile(keep / "catalogue.sqlite", folder / "catalogue-0001.sqlite")


def leave_a_pack(folder: Path, keep: Path) -> None:
    """Packs under other names."""
    for number, file in enumerate(keep.rglob("*.tracks.parquet")):
        shutil.copyfile(file, folder / f"{number}.parquet")


def leave_an_older_pack(folder: Path, keep: Path) -> None:
    """Packs as an older Surefoot wrote them."""
    leave_a_pack(folder, keep)
    for file in folder.glob("*.parquet"):
        with_wider_numbers(file)


def leave_free_pages(folder: Path, keep: Path) -> None:
    """Rows that were deleted and not overwritten."""
    with closing(sqlite3.connect(folder / "catalogue.sqlite")) as connection:
        connection.execute("PRAGMA secure_delete=OFF")
        connection.execute("CREATE TABLE old (a TEXT)")
        connection.execute("INSERT INTO old VALUES (?)", [sha(2)])
        connection.commit()
        connection.execute("DROP TABLE old")
        connection.commit()


PLANTED: dict[str, tuple[Callable[[Path, Path], object], str]] = {
    "name in a log": (lambda w, _: (w / "log.txt").write_bytes(f"read for {ADA}\n".encode()), "the name"),
    "name of a file": (lambda w, _: (w / f"{ADA}.lock").touch(), "the name"),
    "folder": (lambda w, keep: shutil.copytree(keep / "packs", w / "more"), "the folder's name"),
    "path": (lambda w, _: (w / "packs" / "x").write_text(f"/home/{ADA}/1.fit"), "the path of a recording"),
    "recording": (lambda w, _: (w / "cache").write_text("done: run 2.fit"), "the name of a recording"),
    "run": (lambda w, _: (w / "cache").write_text(str(run_row(2)["run_id"])), "the number of a run"),
    "over two pieces": (lambda w, _: (w / "big").write_bytes(bytes(2**20 - 9) + ADA.encode()), "the name"),
    "in an original": (lambda w, _: (w / "o.gz").write_bytes(gzip.compress(ADA.encode())), "the name"),
    "copy of an upgrade": (leave_a_copy, "the name"),
    "pack": (leave_a_pack, "a position"),
    "older pack": (leave_an_older_pack, "a position"),
    "free pages": (leave_free_pages, "the SHA-256 of a recording"),
}


@pytest.mark.sqlite_alone
@pytest.mark.parametrize("name", PLANTED)
def test_planted_traces_are_found(folder: Path, made: Path, sought: Sought, name: str) -> None:
    """A trace planted after forgetting is found, whatever and wherever it is."""
    plant, what = PLANTED[name]
    forgotten(folder)
    plant(folder, made)
    found = search_traces(folder, sought).found
    assert what in {kind for _, kind in found}


def semicircles(order: str) -> bytes:
    """The position as FIT has it: whole semicircles, of which the degrees are a rounding."""
    return struct.pack(f"{order}ii", round(LAT * 2**31 / 180) + 1, round(LON * 2**31 / 180) - 1)


@pytest.mark.sqlite_alone
@pytest.mark.parametrize(
    ("content", "is_one"),
    [
        (b'<trkpt lat="47.1234567" lon="-7.7654321">', True),
        (b'{"lat": 47.12345, "lon": -7.76543}', True),
        (struct.pack(">dd", LAT, LON), True),
        (struct.pack("<d", LAT) + b"\0" * 20 + struct.pack("<d", LON), True),
        (semicircles("<"), True),
        (semicircles(">"), True),
        (b'lat="47.1234567" lon="-7.7654999"', False),
        (struct.pack(">d", LAT) + b"\0" * 100 + struct.pack(">d", LON), False),
        (struct.pack(">ff", LAT, LON), False),
    ],
)
def test_positions_are_found(tmp_path: Path, content: bytes, is_one: bool) -> None:
    """A position is found as text, doubles or semicircles if both coordinates are together, and else not."""
    (tmp_path / "file").write_bytes(b"before" + content + b"after")
    (tmp_path / "file.gz").write_bytes(gzip.compress(content))
    found = search_traces(tmp_path, Sought({}, [(LAT, LON)])).found
    assert [file.name for file, _ in found] == (["file", "file.gz"] if is_one else [])


@pytest.mark.sqlite_alone
def test_files_that_are_not_what_they_are_called(tmp_path: Path) -> None:
    """A file called an archive or a pack that is none is searched as it is."""
    (tmp_path / "x.gz").write_bytes(b"no gzip of ada-lovelace")
    (tmp_path / "y.parquet").write_bytes(b"no parquet of ada-lovelace")
    (tmp_path / "z.gz").write_bytes(gzip.compress(b"ada-lovelace")[:-9])
    searched = search_traces(tmp_path, Sought({b"ada-lovelace": "the name"}, [(LAT, LON)]))
    assert [file.name for file, _ in searched.found][:2] == ["x.gz", "y.parquet"]
    assert searched.files == 3


LETTERS = st.sampled_from([b"a", b"b", b"\0", b"\xff"])


@pytest.mark.sqlite_alone
@given(
    words=st.lists(st.lists(LETTERS, min_size=6, max_size=8).map(b"".join), min_size=1, max_size=4),
    piece=st.lists(LETTERS, max_size=60).map(b"".join),
    data=st.data(),
)
def test_a_word_is_found_wherever_it_stands(words: list[bytes], piece: bytes, data: st.DataObject) -> None:
    """Exactly those words are found that Python finds in the bytes, at any place, whatever is about them."""
    at = data.draw(st.integers(0, len(piece)))
    planted = piece[:at] + data.draw(st.sampled_from([b"", *words])) + piece[at:]
    searched = Searched()
    search_tables([("rows", [planted])], Sought({word: repr(word) for word in words}, []), searched)
    assert {what for _, what in searched.found_in_tables} == {repr(w) for w in words if w in planted}


@pytest.mark.sqlite_alone
def test_names_of_many_others_are_seen_whatever_their_letters(tmp_path: Path) -> None:
    """A name within another's path is no trace, one that differs by a large letter is."""
    with Workspace(tmp_path / "w") as workspace:
        fill(workspace, ADA, (1,))
        fill(workspace, BOB, (2,))
        [path] = workspace.load_seen(BOB)
        workspace.commit(BOB, None, [], [Seen(f"{path}/run 1.fit.{ADA.upper()}", 1, 1, sha(2))])
        sought = set(workspace.gather_traces(ADA).words)
    assert ADA.encode() in sought
    assert b"run 1.fit" not in sought


def test_what_others_have_is_no_trace(tmp_path: Path) -> None:
    """A name that is part of another's, and recordings that another has as well, are not sought."""
    with Workspace(tmp_path / "w") as workspace:
        fill(workspace, "adalovelace", (0, 1))
        fill(workspace, "adalovelace-2", (0, 1))
        sought = workspace.gather_traces("adalovelace")
        workspace.forget("adalovelace")
        assert set(sought.words.values()) == {"the folder's name"}
        assert workspace.search_traces(sought).found_in_tables == []
    assert search_traces(tmp_path / "w", sought).found == []


def forget(folder: Path, athlete_id: str) -> tuple[int, str, str]:
    """The command's exit code, and what it said on both ways."""
    words = ["forget", athlete_id, "--yes", "--workspace", str(folder)]
    result = CliRunner().invoke(cli.main, words)
    return result.exit_code, result.stdout, result.stderr


def test_the_command_says_what_it_searched(folder: Path) -> None:
    """forget says how much was searched for what; a name too short to be told is said to be so."""
    code, said, _ = forget(folder, ADA)
    assert code == 0
    assert f"Nothing of {ADA} is left in {folder}\n  Searched " in said
    assert "for the folder's name, the name, 2 times the name of a recording, 2 times the path" in said
    assert "and 2 positions, as text, as numbers and as in FIT: none was found" in said
    with Workspace(folder) as workspace:
        fill(workspace, "eve", (7,))
    assert "'eve' alone cannot be told from other bytes: no row" in forget(folder, "eve")[1]


def test_the_command_names_a_trace(folder: Path) -> None:
    """Where a trace is left the command fails with one line that says what is in which file."""
    (folder / "notes.txt").write_text(f"{ADA} came today")
    code, said, trouble = forget(folder, ADA)
    assert (code, said) == (2, "")
    assert trouble == (
        f"surefoot: traces of {ADA} are left in {folder}: the name in notes.txt: "
        "remove them, and tell us how they came there\n"
    )


@pytest.mark.sqlite_alone
def test_forgotten_again_after_a_reader(folder: Path) -> None:
    """Where a reader held traces back, forgetting once more takes them away."""
    with closing(sqlite3.connect(folder / "catalogue.sqlite", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM runs").fetchone()
        code, _, trouble = forget(folder, ADA)
        assert (code, "traces remain" in trouble) == (2, True)
    code, _, trouble = forget(folder, ADA)
    assert (code, trouble.count("\n")) == (2, 1)
    assert f"no athlete {ADA!r}" in trouble
    assert "cleaned and searched all the same, and no trace was found" in trouble
    for file in folder.glob("catalogue*"):
        assert ADA.encode() not in file.read_bytes()
