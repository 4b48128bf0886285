"""Archives become files, and hostile ones cost only themselves."""

import gzip
import io
import tracemalloc
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


def test_a_zip_of_zips_of_zips_is_bounded_by_its_depth():
    """42.zip: sixteen zips in each of sixteen in each of sixteen end at the third level, unopened below."""
    content = b"A"
    for _ in range(5):
        content = zipped({str(n): content for n in range(16)})
    ends = found("42", content)
    assert len(ends) == 16**3
    assert {reason for _, reason in ends} == {"it lies in more than 3 archives"}


def test_a_bomb_in_a_zip_costs_only_itself():
    """A bomb beside a recording, and a bomb in a zip beside it, leave the recording."""
    bomb = zipped({"zeros": bytes(8 * 2**20)})
    content = zipped({"a": b"A", "bomb": bytes(8 * 2**20), "b.zip": bomb})
    assert found("x", content) == [
        ("x/a", b"A"),
        ("x/bomb", "it unpacks to far more than a recording can be"),
        ("x/b.zip/zeros", "it unpacks to far more than a recording can be"),
    ]


def test_a_list_of_members_without_end_is_not_read(monkeypatch):
    """A million empty members, or an end that claims them, are refused before their list is read."""
    monkeypatch.setattr(archive, "MAX_DIRECTORY_BYTES", 10_000)
    content = zipped({f"{number}.fit": b"" for number in range(1000)})
    assert found("x", content) == [("x", "it holds more than 100,000 files")]


@pytest.mark.parametrize("name", ["/etc/passwd.fit", "../../x.fit", "C:\\x.fit", "a/../../x.fit", "~/x.fit"])
def test_no_name_becomes_a_file(tmp_path, monkeypatch, name):
    """Whatever a member is called, nothing is written where its name points."""
    monkeypatch.chdir(tmp_path)
    [(_, content)] = found("x", zipped({name: b"A" * 50}))
    assert content == b"A" * 50
    assert list(tmp_path.rglob("*")) == []


def test_a_link_is_told_and_not_followed():
    """A member that is a symbolic link is a link and no file."""
    link = zipfile.ZipInfo("run.fit")
    link.external_attr = 0o120777 << 16
    assert found("x", zipped({link: b"/etc/passwd"})) == [("x/run.fit", "it is a link to a file, not a file")]


def test_members_of_the_same_name_are_both_read():
    """Two members may bear one name: each has its own bytes."""
    content = zipped({"name1": b"first", "name2": b"second"}).replace(b"name2", b"name1")
    assert found("x", content) == [("x/name1", b"first"), ("x/name1", b"second")]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_without_bounds_are_told(method):
    """What packs with bzip2 or LZMA can ask for any memory, and no watch or site uses it."""
    assert found("x", zipped({"a": b"A" * 99}, method)) == [("x/a", "it is packed in an unusual way")]


@pytest.mark.parametrize("place", [18, 22])
def test_a_zip64_lie_about_a_size_is_found_out(place):
    """Sizes that claim to be elsewhere, or 4 GB, are damage of that member alone."""
    content = bytearray(zipped({"a": b"A" * 50, "b": b"B" * 50}, zipfile.ZIP_STORED))
    directory = content.index(b"PK\x01\x02")
    content[directory + place + 2 : directory + place + 6] = b"\xfe\xff\xff\xff"
    ends = found("x", bytes(content))
    assert ends[0][1] in ("it is damaged in its archive", b"A" * 50)
    assert ends[1] == ("x/b", b"B" * 50)


def test_a_name_that_is_lost_is_no_crash():
    """A member without a name, which damage can make, is read or told."""
    content = zipped({"abc": b"A" * 50})
    nameless = content.replace(b"abc", b"\0bc")
    assert found("x", nameless)[0][1] in (b"A" * 50, "it is damaged in its archive")


def test_a_list_of_activities_comes_first():
    """What is said of the others is read before them, wherever it stands."""
    content = zipped({"activities/1.gpx": b"G", "activities.csv": b"C"})
    assert [name for name, _ in found("x", content)] == ["x/activities.csv", "x/activities/1.gpx"]


def test_a_large_zip_within_a_zip_is_read(monkeypatch):
    """A zip within a zip may be larger than any recording: it waits in a nameless file."""
    monkeypatch.setattr(archive, "SPOOL_BYTES", 100)
    monkeypatch.setattr(archive, "MAX_MEMBER_BYTES", 400)
    inner = zipped({str(n): bytes([n]) * 300 for n in range(9)}, zipfile.ZIP_STORED)
    assert len(inner) > 400
    ends = found("x", zipped({"part1.zip": inner, "a.fit": b"A" * 401}, zipfile.ZIP_STORED))
    assert [end for _, end in ends] == [
        *(bytes([n]) * 300 for n in range(9)),
        "it unpacks to far more than a recording can be",
    ]


def test_a_file_on_disk_is_never_held_whole(tmp_path):
    """40 MB of small files in a zip, and in a zip within it, are read in a tenth of that memory."""
    files = {f"{n}.fit": n.to_bytes(4, "little") * 10_000 for n in range(500)}
    inner = zipped(files, zipfile.ZIP_STORED)
    (tmp_path / "x.zip").write_bytes(zipped({**files, "inner.zip": inner}, zipfile.ZIP_STORED))
    del inner
    with (tmp_path / "x.zip").open("rb") as source:
        tracemalloc.start()
        sizes = [len(member.content) for member in members("x.zip", source)]
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert sizes == [40_000] * 1000
    assert most < 40_000_000 / 10 + archive.SPOOL_BYTES


names = st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1, max_size=8)
plain = st.binary(max_size=99).filter(lambda content: not is_archive(content))


@given(st.dictionaries(names, plain, max_size=6))
def test_every_member_comes_out_as_it_went_in(files):
    """Whatever the names and bytes, a zip gives each file back once, and so does a zip within a zip."""
    for content in (zipped(files), zipped({"inner": zipped(files)})):
        assert sorted(member.content for member in members("x", content)) == sorted(files.values())


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
