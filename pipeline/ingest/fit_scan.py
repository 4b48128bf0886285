"""Where each message of a FIT file starts, and which definition it follows."""

from __future__ import annotations

from array import array
from functools import cache

import numpy as np
from numpy.typing import NDArray

from pipeline.ingest import fit_profile as profile
from pipeline.ingest.activity import Damage
from pipeline.ingest.fit_layout import Definition, Description, triples

# Devices define some twenty layouts, at most fifty, and their messages have more than six bytes on average;
# the bounds keep a hostile file from costing far more than its size.
_DEFINITIONS, _BYTES_PER_DEFINITION = 100, 1000
_MESSAGES, _BYTES_PER_MESSAGE = 100_000, 4
_MAX_DESCRIPTIONS = 1000
# Instead of a size: a message that the walk stops for.
_STOP = 1 << 40


@cache
def _headers(local: int) -> tuple[slice, ...]:
    """The header bytes of a local message type: its number, and 32 with a compressed timestamp."""
    plain, first = slice(local, local + 1), 0x80 | local << 5
    return (plain, slice(first, first + 32)) if local < 4 else (plain,)


class Scanner:
    """Walks over the messages of a FIT file and sorts their offsets by definition."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.damage: Damage | None = None
        self.undescribed = False
        self.compressed = False
        self.surplus = False
        self._definitions: list[Definition] = []
        self._interned: dict[tuple[bytes, tuple[Description | None, ...]], int] = {}
        self._most = min(_DEFINITIONS + len(content) // _BYTES_PER_DEFINITION, 2**16)
        self._found = array("I")
        # Of each definition message: how many messages came before, which local type it sets, and to what.
        self._since, self._locals, self._numbers = array("I"), array("B"), array("H")
        self.begin_segment()

    def begin_segment(self) -> None:
        """Forget the local definitions: each file of a chain starts afresh."""
        self._sizes = [_STOP] * 256
        self._described: dict[tuple[int, int], Description] = {}
        self._describing: dict[int, Definition] = {}

    def scan(self, position: int, end: int) -> int:
        """Find messages from `position` on; return where it stopped.

        That is `end`, or the start of a message that does not fit before `end`, or of one that makes no
        sense (then `damage` says why).
        """
        content, sizes, found = self.content, self._sizes, self._found
        add = found.append
        while position < end:
            while position < end:
                add(position)
                position += sizes[content[position]]
            if position > end:
                start = found.pop()
                if sizes[content[start]] < _STOP:
                    return start
                position = self._special(start, end)
                if position == start:
                    return start
        return position

    def definitions(self) -> list[Definition]:
        """The definitions that have messages which are read, each told which and where they are."""
        most = _MESSAGES + len(self.content) // _BYTES_PER_MESSAGE
        self.surplus = len(self._found) > most
        positions = np.frombuffer(self._found, np.uint32)[:most].astype(np.int64)
        headers = np.frombuffer(self.content, np.uint8).take(positions)
        self.compressed = bool((headers >= 0x80).any())
        which = self._definition_of_each(headers)
        wanted = [known.is_read(self.compressed) for known in self._definitions]
        read = np.flatnonzero(np.array(wanted, bool).take(which))
        own = which.take(read)
        order = read.take(np.argsort(own, kind="stable"))
        ends = np.cumsum(np.bincount(own, minlength=len(self._definitions))).tolist()
        ranks = self._ranks(which)
        for known, begin, end in zip(self._definitions, [0, *ends], ends, strict=False):
            known.positions = positions.take(order[begin:end])
            if known.message in ranks:
                known.rows = ranks[known.message].take(order[begin:end])
        return [known for known in self._definitions if len(known.positions)]

    def _definition_of_each(self, headers: NDArray[np.uint8]) -> NDArray[np.uint16]:
        """The number of the definition that each message follows, from its header byte."""
        which = np.empty(len(headers), np.uint16)
        current = np.zeros(256, np.uint16)
        following = [*self._since[1:], len(headers)]
        for begin, end, local, number in zip(
            self._since, following, self._locals, self._numbers, strict=False
        ):
            for span in _headers(local):
                current[span] = number
            which[begin:end] = current.take(headers[begin:end])
        return which

    def _ranks(self, which: NDArray[np.uint16]) -> dict[int, NDArray[np.int64]]:
        """Of each kind of message with several definitions, which of its kind each message is."""
        kinds = [known.message for known in self._definitions]
        several = {kind for kind in kinds if kinds.count(kind) > 1 and kind in profile.fields()}
        return {kind: np.cumsum((np.array(kinds) == kind).take(which)) - 1 for kind in several}

    def _special(self, position: int, end: int) -> int:
        """Read a definition or a field description; return the next position, or this one to stop."""
        header = self.content[position]
        local = header >> 5 & 3 if header & 0x80 else header
        if local in self._describing:
            following = position + self._describing[local].size
            if following > end:
                return position
            self._found.append(position)
            return following if self._describe(self._describing[local], position) else position
        if header & 0xC0 != 0x40:
            self.damage = Damage(position, "a message of a kind that was never defined")
            return position
        return self._define(position, end)

    def _define(self, position: int, end: int) -> int:
        content = self.content
        header = content[position]
        body = position + 6
        if body > end:
            return position
        if content[position + 2] > 1:
            self.damage = Damage(position, "a definition with an impossible byte order")
            return position
        following = middle = body + 3 * content[position + 5]
        if header & 0x20:
            following = middle + 1 + 3 * content[middle] if middle < end else end + 1
        if following > end:
            return position
        native, developer = content[body:middle], content[middle + 1 : following]
        descriptions = tuple(map(self._described.get, zip(developer[2::3], developer[::3], strict=True)))
        key = content[position + 1 : following], descriptions
        number = self._interned.setdefault(key, len(self._definitions))
        if number == len(self._definitions):
            if number >= self._most:
                self.damage = Damage(position, f"more than {self._most:,} different layouts of messages")
                return position
            order = ">" if content[position + 2] else "<"
            number_bytes = content[position + 3 : position + 5]
            message = int.from_bytes(number_bytes, "big" if order == ">" else "little")
            size = 1 + sum(native[1::3]) + sum(developer[1::3])
            self._definitions.append(Definition(message, order, native, developer, descriptions, size))
            self.undescribed |= None in descriptions
        self._assign(header & 0x0F, number)
        return following

    def _assign(self, local: int, number: int) -> None:
        self._since.append(len(self._found))
        self._locals.append(local)
        self._numbers.append(number)
        known = self._definitions[number]
        size = known.size
        self._describing.pop(local, None)
        if known.message == profile.FIELD_DESCRIPTION:
            self._describing[local], size = known, _STOP
        for span in _headers(local):
            self._sizes[span] = [size] * (span.stop - span.start)

    def _describe(self, known: Definition, position: int) -> bool:
        """Read a field_description at once, as definitions need it; False where there are too many."""
        said: dict[str, bytes] = {}
        offset = position + 1
        for number, size, _ in triples(known.native):
            if number in profile.fields()[known.message]:
                said[profile.fields()[known.message][number].name] = self.content[offset : offset + size]
            offset += size
        index, number, base = (
            (said.get(name) or b"\xff")[0]
            for name in ("developer_data_index", "field_definition_number", "fit_base_type_id")
        )
        name, units = (
            said.get(name, b"").split(b"\0", 1)[0].decode("utf-8", "replace")
            for name in ("field_name", "units")
        )
        self._described[index, number] = Description(index, number, base, name, units)
        if len(self._described) > _MAX_DESCRIPTIONS:
            self.damage = Damage(position, f"more than {_MAX_DESCRIPTIONS:,} developer fields")
        return self.damage is None
