"""FIT bytes to columns: layout, byte order, compressed times, developer fields, damage."""

import numpy as np
import pytest
from fit_bytes import (
    BYTE,
    DESCRIPTION,
    EVENT,
    FILE_ID,
    FILE_ID_MESSAGES,
    FLOAT32,
    RECORD,
    SINT8,
    STRING,
    T0,
    UINT8,
    UINT16,
    UINT32,
    checksum,
    compressed,
    data,
    definition,
    fit,
    simple_run,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import Rejected
from pipeline.ingest.fit_decode import crc16, decode_fit, unwrap

STAMPED = definition(1, RECORD, [(253, 4, UINT32), (3, 1, UINT8)])


def record_numbers(content: bytes, name: str) -> list[float]:
    return decode_fit(content).table(RECORD).numbers(name).tolist()


def test_checksum_of_the_standard_check_string():
    """CRC-16/ARC of "123456789" is 0xBB3D, as every catalogue of checksums says."""
    assert crc16(b"123456789") == 0xBB3D


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_checksum_is_that_of_the_bitwise_one(content: bytes):
    """The folded checksum equals the bit-by-bit one for content of any length."""
    assert crc16(content) == checksum(content)


def test_unwrap_counts_round():
    """Five bits 30, 31, 0, 1 after 62 go on as 62, 63, 64, 65."""
    low, full = np.array([30, 31, 0, 1]), np.array([62, -1, -1, -1])
    assert unwrap(low, 5, full).tolist() == [62, 63, 64, 65]


def test_a_file_worked_out_by_hand():
    """Three records give their times and heart rates in file order, without a warning."""
    decoded = decode_fit(simple_run(3))
    assert decoded.table(RECORD).numbers("timestamp").tolist() == [T0, T0 + 1, T0 + 2]
    assert decoded.table(RECORD).numbers("heart_rate").tolist() == [100, 101, 102]
    assert (decoded.damage, decoded.warnings) == (None, ())


def test_scale_and_offset():
    """Altitude 3,000 raw is 3000/5 - 500 = 100 m; vertical oscillation 85 raw is 8.5 mm."""
    content = fit(definition(0, RECORD, [(2, 2, UINT16), (39, 2, UINT16)]), data(0, "HH", 3000, 85))
    assert record_numbers(content, "altitude") == [100.0]
    assert record_numbers(content, "vertical_oscillation") == [8.5]


def test_both_byte_orders_in_one_file():
    """A big-endian definition after a little-endian one reads the same numbers."""
    content = fit(
        definition(0, RECORD, [(7, 2, UINT16)]),
        data(0, "H", 258),
        definition(1, RECORD, [(7, 2, UINT16)], big=True),
        data(1, "H", 258, big=True),
    )
    assert record_numbers(content, "power") == [258, 258]


def test_redefinition_keeps_file_order():
    """Records of two definitions under one local number come in the order of the file."""
    content = fit(
        definition(0, RECORD, [(7, 2, UINT16)]),
        data(0, "H", 1),
        definition(0, RECORD, [(7, 2, UINT16), (3, 1, UINT8)]),
        data(0, "HB", 2, 60),
        definition(0, RECORD, [(7, 2, UINT16)]),
        data(0, "H", 3),
    )
    assert record_numbers(content, "power") == [1, 2, 3]
    np.testing.assert_equal(record_numbers(content, "heart_rate"), [np.nan, 60, np.nan])


@pytest.mark.parametrize(
    ("field", "size", "base", "layout", "invalid"),
    [
        (7, 2, UINT16, "H", 0xFFFF),
        (13, 1, SINT8, "b", 0x7F),
        (5, 4, UINT32, "I", 0xFFFFFFFF),
        (114, 4, FLOAT32, "f", float("nan")),
    ],
)
def test_invalid_values_are_missing(field: int, size: int, base: int, layout: str, invalid: float):
    """Each type's invalid value is NaN, and the record stays."""
    content = fit(definition(0, RECORD, [(field, size, base)]), data(0, layout, invalid))
    name = {7: "power", 13: "temperature", 5: "distance", 114: "grit"}[field]
    np.testing.assert_equal(record_numbers(content, name), [np.nan])


def test_arrays_and_texts():
    """An array is a list with None for invalid elements; a text ends at its first zero byte."""
    content = fit(
        definition(0, RECORD, [(69, 2, UINT8)]),
        data(0, "BB", 64, 255),
        definition(1, FILE_ID, [(8, 6, STRING)]),
        data(1, "6s", b"Ana\0xy"),
    )
    decoded = decode_fit(content)
    assert decoded.table(RECORD).objects("left_power_phase", "list") == [[64 / 0.7111111, None]]
    assert decoded.table(FILE_ID).objects("product_name", "text") == ["Ana"]


def test_field_size_that_does_not_fit_its_type_is_read_as_bytes():
    """A 16-bit field of 3 bytes gives three bytes and does not shift what follows."""
    content = fit(definition(0, RECORD, [(7, 3, UINT16), (3, 1, UINT8)]), data(0, "3BB", 1, 2, 3, 99))
    assert decode_fit(content).table(RECORD).objects("power", "list") == [[1, 2, 3]]
    assert record_numbers(content, "heart_rate") == [99]


def test_compressed_time_counts_from_any_message():
    """Five time bits go on from the last time, here an event's, and round at 32 s."""
    # T0 = 1,000,000,000 has the low bits 0: 31,250,000 * 32.
    content = fit(
        definition(0, EVENT, [(253, 4, UINT32), (0, 1, UINT8)]),
        definition(1, RECORD, [(3, 1, UINT8)]),
        data(0, "IB", T0 + 30, 0),
        compressed(1, 31, "B", 80),
        compressed(1, 1, "B", 81),
        data(0, "IB", T0 + 64, 0),
        compressed(1, 2, "B", 82),
    )
    assert record_numbers(content, "timestamp") == [T0 + 31, T0 + 33, T0 + 66]


def test_compressed_time_counts_from_unknown_messages():
    """The last time may be one of a message that the profile does not know."""
    content = fit(
        definition(0, 9999, [(253, 4, UINT32)]),
        definition(1, RECORD, [(3, 1, UINT8)]),
        data(0, "I", T0),
        compressed(1, 5, "B", 80),
    )
    assert record_numbers(content, "timestamp") == [T0 + 5]


def described(index: int, number: int, name: bytes, units: bytes) -> bytes:
    fields = [(0, 1, UINT8), (1, 1, UINT8), (2, 1, UINT8), (3, 8, STRING), (8, 8, STRING)]
    return definition(5, DESCRIPTION, fields) + data(5, "BBB8s8s", index, number, UINT16, name, units)


def test_developer_field_does_not_overwrite_a_native_one():
    """A developer's heart rate stands beside the watch's, under its own name and unit."""
    content = fit(
        described(2, 7, b"Heart Rt", b"b/min"),
        definition(1, RECORD, [(3, 1, UINT8)], developer=[(7, 2, 2)]),
        data(1, "BH", 120, 150),
    )
    columns = {field.column: v for (field, _), v in decode_fit(content).table(RECORD).columns.items()}
    assert columns["heart_rate_bpm"].tolist() == [120]
    assert columns["dev_2_heart_rt_b_min"].tolist() == [150]


def test_developer_fields_are_told_apart_by_application():
    """Field 0 of two applications is two channels, and a later description holds for later definitions."""
    content = fit(
        described(0, 0, b"one", b""),
        described(1, 0, b"two", b""),
        definition(1, RECORD, [], developer=[(0, 2, 0), (0, 2, 1)]),
        data(1, "HH", 10, 20),
        described(0, 0, b"three", b""),
        definition(1, RECORD, [], developer=[(0, 2, 0), (0, 2, 1)]),
        data(1, "HH", 30, 40),
    )
    columns = {field.column: v for (field, _), v in decode_fit(content).table(RECORD).columns.items()}
    np.testing.assert_equal(columns["dev_0_one"], [10, np.nan])
    np.testing.assert_equal(columns["dev_1_two"], [20, 40])
    np.testing.assert_equal(columns["dev_0_three"], [np.nan, 30])


def test_undescribed_developer_field_is_skipped_with_a_warning():
    """A developer field without description is left out by its size, and the warnings say so."""
    content = fit(definition(1, RECORD, [(3, 1, UINT8)], developer=[(0, 2, 0)]), data(1, "BH", 99, 1))
    assert record_numbers(content, "heart_rate") == [99]
    assert "not described" in decode_fit(content).warnings[0]


def test_chained_files_are_one_table():
    """Two files one after the other give the records of both; definitions do not carry over."""
    decoded = decode_fit(simple_run(2) + simple_run(3))
    assert len(decoded.table(RECORD).positions) == 5
    assert (decoded.damage, decoded.warnings) == (None, ())
    assert decode_fit(simple_run(2) + fit(data(1, "IB", T0, 90))).damage is not None


def test_a_first_header_that_spans_the_chain():
    """Where the first header claims the size of both files, the second still is a file of its own."""
    chain = bytearray(simple_run(2) + simple_run(3))
    chain[4:8] = (len(chain) - 16).to_bytes(4, "little")
    decoded = decode_fit(bytes(chain))
    assert decoded.table(RECORD).numbers("heart_rate").tolist() == [100, 101, 100, 101, 102]
    assert decoded.damage is None


def test_a_record_of_a_compressed_time_alone():
    """A record without any field still is a record with its time."""
    layouts = definition(0, EVENT, [(253, 4, UINT32)]) + definition(1, RECORD, [])
    content = fit(layouts, data(0, "I", T0), compressed(1, 3, ""))
    assert record_numbers(content, "timestamp") == [T0 + 3]


def test_number_of_an_array_is_its_first_valid_value():
    """A field that a device writes as an array counts with its first valid element."""
    content = fit(definition(0, RECORD, [(78, 8, UINT32)]), data(0, "II", 0xFFFFFFFF, 3000))
    assert record_numbers(content, "enhanced_altitude") == [100.0]


def test_header_of_twelve_bytes():
    """The older header without a checksum is read as well."""
    assert record_numbers(fit(STAMPED, data(1, "IB", T0, 70), header_size=12), "heart_rate") == [70]


@pytest.mark.parametrize("size", [0, 7, 4_000_000_000])
def test_wrong_size_in_the_header(size: int):
    """A header's size that is 0, too small or too large loses no record where the file is whole."""
    content = bytearray(simple_run(5))
    content[4:8] = size.to_bytes(4, "little")
    content[-2:] = checksum(bytes(content[:-2])).to_bytes(2, "little")
    decoded = decode_fit(bytes(content))
    assert len(decoded.table(RECORD).positions) == 5
    assert (decoded.damage, decoded.warnings) == (None, ("the size in the file's header is wrong",))


def test_wrong_checksum_is_a_warning():
    """A wrong checksum alone keeps all records and is said."""
    decoded = decode_fit(simple_run(4)[:-2] + b"\x01\x02")
    assert (len(decoded.table(RECORD).positions), decoded.damage) == (4, None)
    assert decoded.warnings == ("the file's checksum is wrong",)


def test_junk_after_the_end_is_ignored():
    """What follows a whole file is not read, and is said."""
    decoded = decode_fit(simple_run(4) + b"junk" * 9)
    assert len(decoded.table(RECORD).positions) == 4
    assert decoded.warnings == ("36 bytes after the end of the recording were ignored",)


def test_undefined_message_is_damage_at_its_byte():
    """A data message that was never defined ends the reading there; what came before is kept."""
    start = FILE_ID_MESSAGES + STAMPED + data(1, "IB", T0, 70)
    decoded = decode_fit(fit(start, data(9, "IB", T0 + 1, 71), data(1, "IB", T0 + 2, 72)))
    assert decoded.table(RECORD).numbers("heart_rate").tolist() == [70]
    assert decoded.damage is not None
    assert decoded.damage.byte == 14 + len(start)


@pytest.mark.parametrize(
    "content", [b"", b"no", b"PK\x03\x04" + bytes(40), fit(), fit(definition(0, RECORD, [(3, 1, UINT8)]))]
)
def test_what_holds_nothing_is_rejected(content: bytes):
    """Empty content, another format and a file without a message are rejected with one line."""
    with pytest.raises(Rejected) as rejected:
        decode_fit(content)
    assert "\n" not in str(rejected.value)


def test_byte_fields_are_invalid_together():
    """255 is a valid byte of a byte array unless all of them are 255."""
    layout = definition(0, RECORD, [(8, 3, BYTE)])
    content = fit(layout, data(0, "3B", 255, 0, 255), data(0, "3B", 255, 255, 255))
    packed = decode_fit(content).table(RECORD).objects("compressed_speed_distance", "list")
    assert packed == [[255, 0, 255], None]


def test_many_layouts_are_bounded():
    """A file of ever new layouts is damage at a bound, not a matter of hours."""
    layouts = [definition(0, RECORD, [(3, 1, UINT8), (n % 250, 1 + n // 250, BYTE)]) for n in range(10_500)]
    content = fit(definition(1, RECORD, [(3, 1, UINT8)]), data(1, "B", 60), *layouts)
    decoded = decode_fit(content)
    assert decoded.damage is not None
    assert "layouts" in decoded.damage.reason
    assert decoded.table(RECORD).numbers("heart_rate").tolist() == [60]


def test_sparse_channels_are_bounded():
    """One wide record and very many narrow ones do not give very many wide columns, and that is said."""
    wide = definition(1, RECORD, [(number, 1, UINT8) for number in range(140)]) + data(1, "140s", b"")
    decoded = decode_fit(fit(wide, definition(0, RECORD, [(3, 1, UINT8)]), data(0, "B", 60) * 50_000))
    table = decoded.table(RECORD)
    assert len(table.positions) == 50_001
    assert len(table.columns) * len(table.positions) < 1_500_000
    assert "left out" in decoded.warnings[0]


@settings(deadline=None)
@given(st.integers(0, len(simple_run(40))))
def test_a_cut_keeps_a_prefix_of_the_records(cut: int):
    """Cut anywhere, the file gives the first records unchanged, and says that it is cut."""
    whole = simple_run(40)
    try:
        decoded = decode_fit(whole[:cut])
    except Rejected:
        return
    rates = decoded.table(RECORD).numbers("heart_rate").tolist()
    assert rates == [100 + i for i in range(len(rates))]
    # 14 bytes of header, 15 + 6 of file_id, 12 of the definition, then 6 a record.
    assert len(rates) == min(40, max(0, (cut - 47) // 6))
    assert decoded.damage is not None or cut >= len(whole) - 2


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_random_messages_never_raise(body: bytes):
    """Whatever follows a FIT header, nothing but Rejected is raised."""
    try:
        decode_fit(simple_run(2)[:-2] + body)
        decode_fit(fit(body))
    except Rejected:
        pass
