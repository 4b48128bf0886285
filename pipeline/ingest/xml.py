"""Reads XML that nobody vouched for: streamed, bounded, tolerant of damage, deaf to entities."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache

from lxml import etree

from pipeline.errors import Rejected
from pipeline.ingest.activity import Damage

MAX_BYTES = 256 * 2**20
MAX_TAGS = 8_000_000
"""Largest document that is read: two days of 1 Hz recording are half of it."""

# Each tag and attribute costs a hundred bytes and more of memory: recordings have one in 13 to 30 bytes.
_FREE_MARKS, _BYTES_PER_MARK = 100_000, 9
# A point with a time has 66 bytes at least; laps, tracks and activities are far fewer than points.
_FREE_POINTS, _BYTES_PER_POINT, _MAX_OTHERS = 20_000, 40, 20_000
_ENCODINGS = (
    "utf-8",
    "us-ascii",
    "iso-8859-1",
    "iso-8859-15",
    "windows-1250",
    "windows-1251",
    "windows-1252",
)
_DECLARED_ENCODING = re.compile(rb"""^\s*<\?xml[^>]*\bencoding\s*=\s*["']([\w.-]+)["']""")
_ELEMENT = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)")
_NOT_XML = bytes(set(range(32)) - {9, 10, 13})


def as_utf8(content: bytes) -> bytes:
    """The document's bytes in UTF-8 without byte order mark or leading white space, whatever it was in."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace").encode().lstrip()
    if content[:4] in (b"<\0?\0", b"<\0g\0", b"<\0T\0"):
        return content.decode("utf-16-le", "replace").encode()
    if content[:4] in (b"\0<\0?", b"\0<\0g", b"\0<\0T"):
        return content.decode("utf-16-be", "replace").encode()
    content = content.removeprefix(b"\xef\xbb\xbf").lstrip()
    if content.isascii():
        return content
    declared = _DECLARED_ENCODING.match(content[:1000])
    encoding = declared[1].decode().lower() if declared else "utf-8"
    if encoding == "utf-8":
        with suppress(UnicodeDecodeError):
            content.decode()
            return content
    return content.decode(encoding if encoding in _ENCODINGS else "utf-8", "replace").encode()


def root_name(content: bytes) -> str:
    """Local name of the first element, empty where the first 64 kB hold none."""
    head = as_utf8(content[: 2**16])
    place = 0 if head.startswith(b"<") else -1
    while place >= 0:
        if element := _ELEMENT.match(head, place):
            return element[1].decode()
        end = head.find(b"-->", place) if head.startswith(b"<!--", place) else place + 1
        place = head.find(b"<", end) if end >= 0 else -1
    return ""


@lru_cache(64)
def local_name(tag: str) -> str:
    """Name of an element without its name space, declared ("{uri}hr") or not ("gpxtpx:hr")."""
    return tag.rpartition("}")[2].rpartition(":")[2]


def _ends_with(root: bytes, tail: bytes) -> bool:
    """Whether the last thing in a document, comments apart, is the end tag of its root."""
    tail = tail.rstrip()
    while tail.endswith(b"-->") and b"<!--" in tail:
        tail = tail[: tail.rindex(b"<!--")].rstrip()
    end_tag = tail.rpartition(b"</")[2]
    return tail.endswith(b">") and end_tag[:-1].strip().rpartition(b":")[2] == root


class Document:
    """One XML document: iterate over its finished elements once, then ask what was wrong with it.

    Elements are freed as soon as the next one is asked for. Whatever stands after the last whole
    `point` of a document that is cut off is left out, so that no point is half read.

    Raises
    ------
    Rejected
        At once, where the document is larger than `MAX_BYTES` or `MAX_TAGS`, is little but tags, or declares
        a document type.
    """

    def __init__(self, content: bytes, *, point: str) -> None:
        tags = content.count(b"<")
        if len(content) > MAX_BYTES or tags > MAX_TAGS:
            raise Rejected("it is larger than any recording of a run", "export the recording again by itself")
        marks = tags + content.count(b"=")
        if marks > _FREE_MARKS and marks * _BYTES_PER_MARK > len(content):
            raise Rejected("it has more tags than a recording of its size", "export the recording again")
        utf8 = as_utf8(content)
        self._text = utf8.translate(None, _NOT_XML)
        if b"<!DOCTYPE" in self._text or b"<!ENTITY" in self._text:
            raise Rejected("it declares a document type, which no watch does", "export the recording again")
        self._damage = (
            Damage(0, "bytes that XML does not allow were left out") if self._text != utf8 else None
        )
        self._point = point
        self.root_attributes: dict[str, str] = {}
        if not _ends_with(root_name(content).encode(), self._text[-1000:]):
            end_tags = re.finditer(rb"</(?:[\w.-]+:)?%b\s*>" % point.encode(), self._text)
            self._text = self._text[: max((tag.end() for tag in end_tags), default=0)]
            self._damage = Damage(len(self._text), "the file is cut off, or goes on where it should end")

    def elements(self, *names: str) -> Iterator[etree._Element]:
        """Every finished element with one of these local names, in the order in which they end.

        Raises Rejected where there are far more than a recording of its size has.
        """
        most = {True: _FREE_POINTS + len(self._text) // _BYTES_PER_POINT, False: _MAX_OTHERS}
        context = etree.iterparse(
            io.BytesIO(self._text),
            events=("end",),
            tag=[f"{{*}}{name}" for name in names],
            encoding="utf-8",
            recover=True,
            huge_tree=False,
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            remove_comments=True,
            remove_pis=True,
        )
        try:
            for _, element in context:
                if not self.root_attributes:
                    self.root_attributes = dict(element.getroottree().getroot().attrib)
                is_point = element.tag.endswith(self._point)
                most[is_point] -= 1
                if most[is_point] < 0:
                    said = f"it has more elements {local_name(element.tag)} than a recording of its size"
                    raise Rejected(said, "export the recording again")
                yield element
                element.clear()
                while is_point and (before := element.getprevious()) is not None:
                    element.getparent().remove(before)
        except etree.XMLSyntaxError as error:
            self._damage = self._damage or Damage(0, str(error))
        self._note(context.error_log)

    def _note(self, log: etree._ListErrorLog) -> None:
        """Keep the first thing that the parser could not read; an undeclared prefix is no damage."""
        for entry in log:
            if self._damage is None and entry.level == etree.ErrorLevels.FATAL:
                self._damage = Damage(self._byte_of(entry.line, entry.column), entry.message.strip())

    def _byte_of(self, line: int, column: int) -> int:
        start = 0
        for _ in range(line - 1):
            start = self._text.find(b"\n", start) + 1
        return start + column

    @property
    def damage(self) -> Damage | None:
        """Where the document first breaks (byte of its UTF-8 text), None where it is sound."""
        return self._damage
