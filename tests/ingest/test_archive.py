"""Archives become files, and hostile ones cost only themselves."""

import gzip
import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ingest import archive
from pipeline.ingest.archive import is_archive, members


def zipped(files, method=zipfile.ZIP_DEFLATED):
    """A zip of these names and contents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as target:
        for name, content in files.items():
            target.writestr(name, content)
    return buffer.getvalue()


def found(name, content):
    """Names and contents of all members, the reason in place of a content that cannot be had."""
    return [(m.name, m.content if m.problem is None else m.problem.reason) for m in members(name, content)]


def test_a_plain_file_yields_itself():
    """What is no archive comes back as it is."""
    assert found("a.fit", b"abc") == [("a.fit", b"abc")]


def test_zip_in_zip_and_gzip_are_opened():
    """Archives within archives are opened by their content, whatever they are called."""
    inner = zipped({"b.fit": b"B", "c.bin": gzip.compress(b"C")})
    outer = zipped({"folder/": b"", "folder/a.fit": b"A", "inner.dat": inner, "__MACOSX/._a.fit": b"x"})
    assert found("x", outer) == [
        ("x/folder/a.fit", b"A"),
        ("x/inner.dat/b.fit", b"B"),
        ("x/inner.dat/c.bin", b"C"),
    ]


def test_gzip_loses_its_ending():
    """run.fit.gz is run.fit."""
    assert found("run.fit.gz", gzip.compress(b"F")) == [("run.fit", b"F")]


def test_an_empty_zip_has_no_members():
    """A zip of nothing is an archive of no files."""
    assert is_archive(zipped({}))
    assert found("x.zip", zipped({})) == []


def test_an_office_document_is_a_file():
    """A spreadsheet is a zip inside and a file to people."""
    book = zipped({"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<w/>"})
    assert found("log.xlsx", book) == [("log.xlsx", book)]


def test_names_are_never_paths():
    """A member that climbs out of its folder is a name like any other, without control characters."""
    assert found("x.zip", zipped({"../../etc/a\x1b[2J.fit": b"A"})) == [("x.zip/../../etc/a[2J.fit", b"A")]


def test_a_damaged_member_costs_only_itself():
    """Flipped bytes in one member are a problem of that member; its neighbours are read."""
    content = bytearray(zipped({"a": b"A" * 50, "b": b"B" * 50, "c": b"C" * 50}, zipfile.ZIP_STORED))
    content[content.index(b"B" * 50)] ^= 0xFF
    assert found("x", bytes(content)) == [
        ("x/a", b"A" * 50),
        ("x/b", "it is damaged in its archive"),
        ("x/c", b"C" * 50),
    ]


def test_an_encrypted_member_is_told():
    """A member with a password is named as such."""
    content = bytearray(zipped({"a": b"A", "b": b"B"}))
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    assert found("x", bytes(content)) == [("x/a", b"A"), ("x/b", "it is encrypted")]


@pytest.mark.parametrize("keep", [10, 60, -5])
def test_a_cut_gzip_is_told(keep):
    """A gzip that was not downloaded whole is damaged."""
    cut = gzip.compress(bytes(range(256)) * 9)[:keep]
    assert found("a.gz", cut) == [("a.gz", "the gzip archive is cut off or damaged")]


def test_a_cut_zip_is_told():
    """A zip without its directory, which stands at the end, is damaged."""
    assert found("a.zip", zipped({"a": b"A"})[:-9]) == [("a.zip", "the zip archive is cut off or damaged")]


@pytest.mark.parametrize("wrap", [gzip.compress, lambda zeros: zipped({"a": zeros})])
def test_a_bomb_is_stopped_at_its_first_megabytes(wrap):
    """8 MB of zeros, a thousandth of that when packed, are no recording."""
    [(_, reason)] = found("bomb", wrap(bytes(8 * 2**20)))
    assert reason == "it unpacks to far more than a recording can be"


def test_archives_too_deep_are_told():
    """Three archives in each other are opened, four are not."""
    content = b"A"
    for _ in range(3):
        content = zipped({"z": content})
    assert found("x", content) == [("x/z/z/z", b"A")]
    assert found("x", zipped({"z": content})) == [("x/z/z/z", "it lies in more than 3 archives")]


def test_too_many_members_and_too_many_bytes_are_told(monkeypatch):
    """The limits count over everything inside, however it is nested."""
    nested = zipped({"z1": zipped({"a": b"A" * 9, "b": b"B" * 9}), "c": b"C" * 9})
    monkeypatch.setattr(archive, "MAX_MEMBERS", 3)
    assert found("x", nested)[-1] == ("x", "it holds more than 3 files")
    monkeypatch.undo()
    monkeypatch.setattr(archive, "MAX_TOTAL_BYTES", 100)
    assert found("x", nested)[-1][1] == "the archive unpacks to more than 0 GB"


SOUND = zipped({"a.fit": b"A" * 90, "b.zip": zipped({"c": b"C" * 90}), "d.gz": gzip.compress(b"D" * 90)})


@settings(deadline=None)
@given(st.data())
def test_damaged_archives_never_raise(data):
    """Whatever is changed in an archive, each member is content or a stated problem."""
    content = bytearray(SOUND)
    for place in data.draw(st.lists(st.integers(4, len(SOUND) - 1), max_size=6)):
        content[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(4, len(SOUND)))
    for member in members("x", bytes(content[:cut])):
        assert (member.content is None) == (member.problem is not None)
