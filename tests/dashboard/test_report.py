"""The report as one file."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fake_tables import SENTENCE
from fake_workspace import HOSTILE, FakeWorkspace

from dashboard import report
from pipeline.errors import SurefootError


class _Parts(HTMLParser):
    """Tags with their attributes, and the text outside scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside not in ("script", "style"):
            self.text += data


@pytest.fixture(scope="module")
def html(workspace: FakeWorkspace) -> str:
    """The report of all three runners."""
    return report.render_report(workspace, workspace.athletes())


@pytest.fixture(scope="module")
def parts(html: str) -> _Parts:
    """The same, taken apart."""
    found = _Parts()
    found.feed(html)
    return found


def test_report_loads_nothing(html: str, parts: _Parts) -> None:
    """No element and no style names another file, and the policy forbids what could."""
    for tag, attributes in parts.tags:
        for name in ("src", "href", "srcset", "action", "data"):
            assert name not in attributes, (tag, name)
    style = "".join(re.findall(r"<style>(.*?)</style>", html, re.S))
    assert re.findall(r"url\((?!data:)", style) == []
    assert "default-src 'none'" in html


def test_report_shows_the_plain_correlation_with_its_reason(parts: _Parts) -> None:
    """Beside the answer, and said at once why it must not be trusted."""
    assert "r\u00a0=\u00a0−0.30" in parts.text
    assert "Not to be trusted: both drift." in parts.text


def test_report_holds_plotly_once(html: str) -> None:
    """The library is inlined a single time, however many charts there are."""
    assert html.count("plotly.js (basic") == 1
    assert html.count("Plotly.newPlot(") >= 5


def test_report_gives_the_answer_with_interval_and_n(parts: _Parts) -> None:
    """The stored sentence, the verdict, the interval and the number of runs are in the text."""
    text = parts.text.replace("\u00a0", " ")
    assert SENTENCE in text
    assert "Cannot tell yet." in text
    assert "95 % interval 20 % steadier to 4 % less steady; n = 107 runs" in text
    assert "association, not proof" in text


def test_report_has_all_its_parts(parts: _Parts) -> None:
    """Checks, last runs, data quality and how to read it follow the answer."""
    headings = ("Asked in other ways", "The last 20", "Data quality", "How to read this")
    assert all(heading in parts.text.replace("\u00a0", " ") for heading in headings)


def test_report_escapes_names(html: str, parts: _Parts) -> None:
    """Names from files and command lines are text, never elements."""
    assert not [tag for tag, _ in parts.tags if tag == "img"]
    assert HOSTILE in parts.text
    assert "<img" not in html[html.index("<body>") :]


def test_report_claims_nothing(parts: _Parts) -> None:
    """Words that the method does not carry do not occur."""
    assert not re.search(r"improve|because of|proves|significant", parts.text, re.I)


def test_report_of_a_runner_without_a_log(workspace: FakeWorkspace) -> None:
    """Runs without an answer say so."""
    assert "<h1>Nothing to say yet.</h1>" in report.render_report(workspace, ["new runner/2"])


def test_report_replaces_the_file_as_a_whole(
    workspace: FakeWorkspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that fails leaves the old file and no rubbish."""
    target = tmp_path / "report.html"
    target.write_text("old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(SurefootError, match="No space left on device"):
        report.write_report(workspace, ["maya"], target)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert target.read_text() == "old"


def test_report_is_written(workspace: FakeWorkspace, tmp_path: Path) -> None:
    """The file holds what was rendered, readable by others."""
    target = tmp_path / "report.html"
    report.write_report(workspace, ["maya"], target)
    assert target.read_text(encoding="utf-8") == report.render_report(workspace, ["maya"])
    assert target.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("wanted", [["nobody"], []])
def test_report_needs_a_known_athlete(workspace: FakeWorkspace, tmp_path: Path, wanted: list[str]) -> None:
    """An unknown athlete, or none, is one plain sentence."""
    with pytest.raises(SurefootError, match="athlete"):
        report.write_report(workspace, wanted, tmp_path / "report.html")


def test_report_names_a_folder_that_is_not_there(workspace: FakeWorkspace, tmp_path: Path) -> None:
    """A missing folder is one plain sentence."""
    with pytest.raises(SurefootError, match="cannot be written"):
        report.write_report(workspace, ["maya"], tmp_path / "missing" / "report.html")
