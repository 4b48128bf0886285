"""The command as a person meets it: what it prints, how it leaves, and one line for every mistake."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result

from pipeline import cli
from pipeline.cli import recordings
from pipeline.ingest.balance_log import balance_log_template
from pipeline.tables import PUBLIC, VERDICTS, Effects
from pipeline.workspace import Workspace
from tests.made_runs import fit_file

SEASON = Path(__file__).parents[1] / "sample_data" / "season" / "steadied"
COMMANDS = ("analyse", "log", "effect", "status", "report", "export", "dashboard")
COMMANDS += ("backup", "restore", "archive", "unarchive", "forget")


def call(*words: object, answer: str = "") -> Result:
    """Call the command in this process."""
    return CliRunner().invoke(cli.main, [str(word) for word in words], input=answer)


def surefoot(*words: object, **options: object) -> subprocess.CompletedProcess[str]:
    """Call the command as a process of its own."""
    command = [sys.executable, "-m", "pipeline", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)


def assert_one_line(result: Result | subprocess.CompletedProcess[str], code: int, *said: str) -> None:
    """The command left with `code`, one line on stderr that says so, and nothing on stdout."""
    left = result.exit_code if isinstance(result, Result) else result.returncode
    assert left == code
    assert result.stdout == ""
    lines = [line for line in result.stderr.splitlines() if line]
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("surefoot: ")
    for words in said:
        assert words in lines[0]
    assert "Traceback" not in result.stderr


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the small sample season and its log, made by the command itself."""
    folder = tmp_path_factory.mktemp("cli") / "workspace"
    read = surefoot(
        "analyse", SEASON / "runs", "--athlete", "steadied", "--workspace", folder, "--workers", 2
    )
    assert (read.returncode, read.stderr) == (0, "")
    assert read.stdout.splitlines()[0].startswith("12 files: 12 new runs, 0 already known, 0 duplicates")
    logged = surefoot("log", SEASON / "balance-log.csv", "--athlete", "steadied", "--workspace", folder)
    assert (logged.returncode, logged.stderr) == (0, "")
    with (SEASON / "balance-log.csv").open() as file:
        rows = len(list(csv.reader(file))) - 1
    assert (
        logged.stdout.splitlines()[-1] == f"{rows} new sessions, 0 updated, 0 already there, 0 rows left out"
    )
    return folder


@pytest.fixture
def one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command's workers, two at most."""
    monkeypatch.setattr(recordings.os, "cpu_count", lambda: 2)


def test_help_names_every_command() -> None:
    """--help lists all commands, and each has a help of its own with an example of every option."""
    listed = call("--help")
    assert listed.exit_code == 0
    for name in COMMANDS:
        assert f"\n  {name}" in listed.stdout
        shown = call(name, "--help")
        assert shown.exit_code == 0
        assert "--workspace" in shown.stdout


def test_version() -> None:
    """--version prints name and version."""
    assert call("--version").stdout.startswith("surefoot, version ")


def test_the_second_import_knows_all(season: Path) -> None:
    """Analysing the same folder again reads nothing, says so, and leaves with 0."""
    again = call("analyse", SEASON / "runs", "--athlete", "steadied", "--workspace", season, "--workers", 1)
    assert again.exit_code == 0
    assert again.stdout.startswith("12 files: 0 new runs, 12 already known")


def test_analyse_prints_json(season: Path) -> None:
    """--json of an import adds up and lists every new file."""
    words = ("analyse", SEASON / "runs", "--athlete", "steadied", "--workspace", season, "--json")
    said = json.loads(call(*words, "--workers", 1).stdout)
    assert said["files"] == 12 == said["known"]
    assert said["results"] == []
    parts = ("known", "runs", "duplicates", "skipped", "rejected")
    assert said["files"] == sum(said[part] for part in parts)


def test_status_in_words_and_json(season: Path) -> None:
    """Status tells runs and the days they span; its JSON adds up to the files."""
    shown = call("status", "--workspace", season)
    assert shown.stdout.startswith("steadied: 12 files seen: 12 runs, 0 duplicates, 0 skipped")
    assert "runs from 2025-09-02 to 2025-09-21" in shown.stdout
    said = json.loads(call("status", "--workspace", season, "--json").stdout)
    assert said == {"runs": 12, "duplicates": 0, "skipped": 0, "rejected": 0, "files": 12}


def test_status_lists_the_rejected(tmp_path: Path, one_process: None) -> None:
    """--rejected names each file with its reason and advice, in words and in JSON."""
    (tmp_path / "notes.txt").write_text("hello")
    folder = tmp_path / "w"
    read = call("analyse", tmp_path / "notes.txt", "--athlete", "ada", "--workspace", folder, "--strict")
    assert read.exit_code == 1
    assert "1 rejected" in read.stdout
    listed = call("status", "--workspace", folder, "--rejected").stdout
    assert listed.startswith("notes.txt: it is neither FIT nor GPX nor TCX: export the original")
    said = json.loads(call("status", "--workspace", folder, "--rejected", "--json").stdout)
    assert [row["source_name"] for row in said["rejected_files"]] == ["notes.txt"]
    assert said["rejected"] == 1


def test_strict_is_only_about_rejected_files(tmp_path: Path, one_process: None) -> None:
    """--strict leaves with 0 where all went well, and without it a rejected file is no failure."""
    (tmp_path / "run.fit").write_bytes(fit_file(0))
    words = ("--athlete", "ada", "--workspace", tmp_path / "w")
    assert call("analyse", tmp_path / "run.fit", *words, "--strict").exit_code == 0
    (tmp_path / "notes.txt").write_text("hello")
    assert call("analyse", tmp_path / "notes.txt", *words).exit_code == 0


def test_the_template_is_a_log(tmp_path: Path) -> None:
    """What `log --template` prints goes in again, every row of it, and a second time changes nothing."""
    template = call("log", "--template").stdout
    assert template == balance_log_template()
    (tmp_path / "log.csv").write_text(template)
    words = ("log", tmp_path / "log.csv", "--athlete", "ada", "--workspace", tmp_path / "w")
    assert call(*words).stdout == "3 new sessions, 0 updated, 0 already there, 0 rows left out\n"
    assert call(*words).stdout == "0 new sessions, 0 updated, 3 already there, 0 rows left out\n"
    assert "not enough data" in call("effect", "--workspace", tmp_path / "w").stdout


def test_bad_rows_of_a_log_are_named(tmp_path: Path) -> None:
    """Of a log with wrong dates the good row goes in; each bad one is a line with its number and column."""
    (tmp_path / "log.csv").write_text(
        "date,drill,minutes,mood\n2026-01-05,board,10,fine\n2026-13-05,board,10,\n2099-01-01,board,10,\nsoon,board,5,\n"
    )
    said = call("log", tmp_path / "log.csv", "--athlete", "ada", "--workspace", tmp_path / "w")
    assert said.exit_code == 0
    lines = said.stdout.splitlines()
    assert [line.split(":")[0] for line in lines[:3]] == [f"log.csv, line {n}, date" for n in (3, 4, 5)]
    assert "'mood' is not used" in lines[3]
    assert lines[-1] == "1 new session, 0 updated, 0 already there, 3 rows left out"
    with Workspace(tmp_path / "w", read_only=True) as workspace:
        assert len(workspace.load_balance_sessions("ada")) == 1


def test_the_answer_in_words(season: Path) -> None:
    """Three weeks are no answer: the verdict is one of the known ones, and what is missing is said."""
    said = call("effect", "--workspace", season)
    assert said.exit_code == 0
    verdict = said.stdout.splitlines()[0].removeprefix("steadied: ")
    assert verdict in VERDICTS
    assert "What would help" in said.stdout


def test_the_answer_in_json_is_the_table(season: Path) -> None:
    """effect --json is a list of rows of the table Effects."""
    rows = json.loads(call("effect", "--workspace", season, "--json").stdout)
    assert Effects.is_valid(pl.DataFrame(rows, schema=Effects.create_empty().schema))
    with Workspace(season, read_only=True) as workspace:
        assert rows == workspace.load_effects().to_dicts()


def test_the_answer_of_junk_alone(tmp_path: Path, one_process: None) -> None:
    """Somebody of whom no run could be read has no answer yet, and is told so."""
    (tmp_path / "notes.txt").write_text("hello")
    call("analyse", tmp_path / "notes.txt", "--athlete", "ada", "--workspace", tmp_path / "w")
    said = call("effect", "--workspace", tmp_path / "w")
    assert said.exit_code == 0
    assert said.stdout.startswith("ada: there is no answer yet")


def test_a_report_is_written(season: Path, tmp_path: Path) -> None:
    """report writes one HTML file and says where."""
    said = call("report", "--out", tmp_path / "report.html", "--workspace", season)
    assert said.exit_code == 0, said.output
    assert said.stdout.strip().endswith(f"{tmp_path / 'report.html'}")
    assert (tmp_path / "report.html").read_text().lower().startswith("<!doctype html>")


@pytest.mark.parametrize("format_", ["csv", "parquet", "json"])
@pytest.mark.parametrize("table", sorted(PUBLIC))
def test_an_export_reads_back_equal(season: Path, tmp_path: Path, table: str, format_: str) -> None:
    """Every public table, in every format, reads back with the rows that the workspace holds."""
    file = tmp_path / f"{table}.{format_}"
    said = call("export", table, "--format", format_, "--out", file, "--workspace", season)
    assert said.exit_code == 0, said.output
    schema = PUBLIC[table].create_empty().schema
    with Workspace(season, read_only=True) as workspace:
        if table == "track":
            ids = workspace.load_runs("steadied")["run_id"].to_list()
            kept = pl.concat(track for _, track in workspace.load_tracks(ids))
        elif table == "channels":
            ids = workspace.load_runs("steadied")["run_id"].to_list()
            assert all(workspace.load_channels(run_id).width == 1 for run_id in ids), "the sample has none"
            kept = PUBLIC[table].create_empty()
        elif table == "grid":
            kept = workspace.load_grid("steadied")
        else:
            kept = getattr(workspace, f"load_{table}")("steadied")
    if format_ == "csv":
        plain = {
            name: pl.String if isinstance(dtype, pl.Datetime) else dtype for name, dtype in schema.items()
        }
        read = pl.read_csv(file, schema_overrides=plain)
        times = [name for name, dtype in schema.items() if isinstance(dtype, pl.Datetime)]
        read = read.with_columns(pl.col(times).str.to_datetime(time_unit="us", time_zone="UTC"))
    elif format_ == "parquet":
        read = pl.read_parquet(file).cast(dict(schema))
    else:
        rows = json.loads(file.read_text())
        texts = {n: pl.String if dtype.is_temporal() else dtype for n, dtype in schema.items()}
        read = pl.DataFrame(rows, schema=texts)
        days = [name for name, dtype in schema.items() if dtype == pl.Date]
        times = [name for name, dtype in schema.items() if isinstance(dtype, pl.Datetime)]
        read = read.with_columns(
            pl.col(days).str.to_date(), pl.col(times).str.to_datetime(time_unit="us", time_zone="UTC")
        )
    empty_is_null = pl.col(pl.String).fill_null("")
    assert read.columns == list(schema)
    assert read.with_columns(empty_is_null).equals(pl.DataFrame(kept).with_columns(empty_is_null))
    assert f"{len(kept):,} row" in said.stdout


def test_forget_asks_and_then_forgets(tmp_path: Path, one_process: None) -> None:
    """forget does nothing unless confirmed; then nothing of the athlete is left."""
    (tmp_path / "run.fit").write_bytes(fit_file(0))
    folder = tmp_path / "w"
    call("analyse", tmp_path / "run.fit", "--athlete", "ada", "--workspace", folder)
    refused = call("forget", "ada", "--workspace", folder, answer="n\n")
    assert refused.exit_code == 2
    assert "nothing was done" in refused.stderr
    assert call("status", "--workspace", folder).stdout.startswith("ada: 1 file seen")
    done = call("forget", "ada", "--workspace", folder, answer="y\n")
    assert done.exit_code == 0
    assert f"Nothing of ada is left in {folder}" in done.stdout
    assert not [*folder.glob("packs/**/*.parquet"), *folder.glob("originals/**/*.gz")]
    assert_one_line(call("forget", "ada", "--yes", "--workspace", folder), 2, "no athlete 'ada'")


MISTAKES = {
    "no command": ((), "Missing command"),
    "no such command": (("analyze",), "analyze"),
    "no such option": (("status", "--colour"), "--colour"),
    "a bad number": (("analyse", "x", "--athlete", "ada", "--workers", "many"), "many"),
    "no athlete": (("analyse", "."), "--athlete"),
    "an athlete without a name": (("analyse", ".", "--athlete", " "), "an athlete needs a name"),
    "a log for nobody": (("log", "text.txt", "--athlete", ""), "an athlete needs a name"),
    "a missing path": (("analyse", "nowhere", "--athlete", "ada"), "there is no file or folder nowhere"),
    "a missing workspace": (("status",), "there is no workspace"),
    "a missing workspace, answer": (("effect", "--json"), "there is no workspace"),
    "a missing workspace, report": (("report", "--out", "x.html"), "there is no workspace"),
    "a missing workspace, export": (("export", "runs", "--out", "x.csv"), "there is no workspace"),
    "a log without its file": (("log", "--athlete", "ada"), "name a log FILE"),
    "a log that is not there": (("log", "nowhere.csv", "--athlete", "ada"), "nowhere.csv cannot be read"),
    "a log that is a folder": (("log", "folder", "--athlete", "ada"), "folder cannot be read"),
    "a log that is no table": (("log", "text.txt", "--athlete", "ada"), "text.txt has no columns"),
    "a workspace that is a file": (
        ("analyse", "folder", "--athlete", "ada", "--workspace", "text.txt"), "text.txt is a file"
    ),
    "a workspace to read that is a file": (("status", "--workspace", "text.txt"), "text.txt is a file"),
    "a workspace that is another folder": (
        ("analyse", "folder", "--athlete", "ada", "--workspace", "full"), "full is not a workspace"
    ),
    "an unknown table": (("export", "laps", "--out", "x.csv"), "'laps' is not one of"),
    "an unknown format": (("export", "runs", "--format", "xlsx", "--out", "x"), "'xlsx' is not one of"),
}  # fmt: skip


@pytest.mark.parametrize(("words", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line(
    words: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong call leaves with 2 and one line on stderr that names what is wrong; nothing is made."""
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("full").mkdir()
    Path("full/photo.jpg").touch()
    Path("text.txt").write_text("hello\n")
    before = sorted(tmp_path.rglob("*"))
    assert_one_line(call(*words), 2, said)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "words",
    [
        ("status",), ("effect",), ("report", "--out", "x.html"), ("export", "runs", "--out", "x.csv"),
    ],
)  # fmt: skip
def test_an_unknown_athlete_is_named(season: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    """Asking for somebody who is not there says so, whatever is asked."""
    words = tuple(str(tmp_path / word) if word.startswith("x.") else word for word in words)
    assert_one_line(call(*words, "--athlete", "eve", "--workspace", season), 2, "there is no athlete 'eve'")
    assert not list(tmp_path.iterdir())


def test_an_export_into_nowhere(season: Path, tmp_path: Path) -> None:
    """An export into a folder that is not there, or onto one, is one line and leaves nothing behind."""
    for out in (tmp_path / "nowhere" / "runs.csv", tmp_path):
        assert_one_line(call("export", "runs", "--out", out, "--workspace", season), 2)
    assert not list(tmp_path.iterdir())


def test_a_mistake_in_a_process_of_its_own(tmp_path: Path) -> None:
    """What holds in this process holds for the real command: code 2 and one line."""
    assert_one_line(
        surefoot("analyse", tmp_path / "nowhere", "--athlete", "ada"), 2, "there is no file or folder"
    )


def test_a_closed_pipe_is_no_error(season: Path) -> None:
    """`surefoot status | head -0` ends quietly."""
    command = [sys.executable, "-m", "pipeline", "export", "--help"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    process.wait(60)
    assert b"Traceback" not in said


@pytest.fixture
def many_runs(tmp_path: Path) -> Path:
    """A folder of 120 runs that differ by a byte after their end, so that an import takes a while."""
    folder = tmp_path / "runs"
    folder.mkdir()
    for number in range(120):
        (folder / f"{number:03}.fit").write_bytes(fit_file(number % 12) + number.to_bytes(2, "big"))
    return folder


def lines_of(process: subprocess.Popen[bytes]) -> list[str]:
    """What a process that has ended wrote to stderr, without blank lines."""
    _, stderr = process.communicate(timeout=60)
    return [line for line in stderr.decode().splitlines() if line]


def test_ctrl_c_in_the_middle(tmp_path: Path, many_runs: Path) -> None:
    """Stopped while packs are coming in: one line, 130, and the same call goes on to the end."""
    folder = tmp_path / "w"
    words = ["analyse", str(many_runs), "--athlete", "ada", "--workspace", str(folder), "--workers", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    while process.poll() is None and not list(folder.glob("packs/*/*/*.parquet")):
        os.sched_yield()
    os.killpg(process.pid, signal.SIGINT)
    lines = lines_of(process)
    assert process.returncode == 130
    assert lines == ["surefoot: stopped: what was finished is kept, and the same call goes on from there"]
    with Workspace(folder) as workspace:
        stored = workspace.load_runs("ada")["run_id"].to_list()
        assert len(list(workspace.load_tracks(stored))) == len(stored)
    again = surefoot(*words, "--json")
    assert again.returncode == 0
    said = json.loads(again.stdout)
    assert said["files"] == 120
    with Workspace(folder, read_only=True) as workspace:
        assert workspace.counts("ada")["files"] == 120
        assert workspace.counts("ada")["rejected"] == 0
