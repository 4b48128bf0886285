"""A recording as a FIT activity file, written message by message from numpy structured arrays.

Fields, base types, scales and the CRC-16 are those of Garmin's public FIT protocol (Flexible and
Interoperable Data Transfer). A file has file_id, device_info, timer events, records, lap, session, activity.
"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from sample_data.recording import Recording

EPOCH = datetime(1989, 12, 31, tzinfo=UTC)
SEMICIRCLES_PER_DEG = 2**31 / 180
NO_POSITION = 0x7FFFFFFF
NO_BYTE = 0xFF
MANUFACTURER_DEVELOPMENT = 255
SUB_SPORTS = {"street": 2, "trail": 3}
ENUM, UINT8, UINT16, UINT32, SINT32, UINT32Z = 0x00, 0x02, 0x84, 0x86, 0x85, 0x8C
DTYPES = {ENUM: "u1", UINT8: "u1", UINT16: "<u2", UINT32: "<u4", SINT32: "<i4", UINT32Z: "<u4"}

# message: (local number, global number, ((field, number, base type), ...))
Message = tuple[int, int, tuple[tuple[str, int, int], ...]]
FILE_ID: Message = (
    0,
    0,
    (
        ("serial_number", 3, UINT32Z),
        ("time_created", 4, UINT32),
        ("manufacturer", 1, UINT16),
        ("product", 2, UINT16),
        ("type", 0, ENUM),
    ),
)
DEVICE_INFO: Message = (
    1,
    23,
    (
        ("timestamp", 253, UINT32),
        ("serial_number", 3, UINT32Z),
        ("manufacturer", 2, UINT16),
        ("product", 4, UINT16),
        ("software_version", 5, UINT16),
        ("device_index", 0, UINT8),
    ),
)
EVENT: Message = (2, 21, (("timestamp", 253, UINT32), ("event", 0, ENUM), ("event_type", 1, ENUM)))
RECORD: Message = (
    3,
    20,
    (
        ("timestamp", 253, UINT32),
        ("position_lat", 0, SINT32),
        ("position_long", 1, SINT32),
        ("distance", 5, UINT32),
        ("enhanced_speed", 73, UINT32),
        ("enhanced_altitude", 78, UINT32),
        ("heart_rate", 3, UINT8),
        ("cadence", 4, UINT8),
        ("fractional_cadence", 53, UINT8),
    ),
)
TOTALS = (
    ("timestamp", 253, UINT32),
    ("start_time", 2, UINT32),
    ("total_elapsed_time", 7, UINT32),
    ("total_timer_time", 8, UINT32),
    ("total_distance", 9, UINT32),
    ("event", 0, ENUM),
    ("event_type", 1, ENUM),
)
LAP: Message = (4, 19, (*TOTALS, ("sport", 25, ENUM), ("sub_sport", 39, ENUM)))
SESSION: Message = (
    5,
    18,
    (
        *TOTALS,
        ("first_lap_index", 25, UINT16),
        ("num_laps", 26, UINT16),
        ("sport", 5, ENUM),
        ("sub_sport", 6, ENUM),
    ),
)
ACTIVITY: Message = (
    6,
    34,
    (
        ("timestamp", 253, UINT32),
        ("total_timer_time", 0, UINT32),
        ("local_timestamp", 5, UINT32),
        ("num_sessions", 1, UINT16),
        ("type", 2, ENUM),
        ("event", 3, ENUM),
        ("event_type", 4, ENUM),
    ),
)


def fit_bytes(recording: Recording, serial_number: int) -> bytes:
    """The recording as a FIT file."""
    start = int((recording.start_time - EPOCH).total_seconds())
    end = start + int(recording.elapsed_s[-1])
    totals = {
        "timestamp": end,
        "start_time": start,
        "total_elapsed_time": 1000 * (end - start),
        "total_timer_time": round(1000 * recording.timer_s),
        "total_distance": round(100 * recording.distance_m[-1]),
        "event_type": 1,
        "sport": 1,
        "sub_sport": SUB_SPORTS[recording.sub_sport],
    }
    maker = {"serial_number": serial_number, "manufacturer": MANUFACTURER_DEVELOPMENT, "product": 1}
    parts = [
        _message(FILE_ID, **maker, type=4, time_created=start),
        _message(DEVICE_INFO, **maker, timestamp=start, software_version=100, device_index=0),
        _definition(EVENT),
        _definition(RECORD),
        _data(EVENT, timestamp=start, event=0, event_type=0),
    ]
    records = _records(recording, start)
    done = 0
    for stop_s, start_s in recording.pauses:
        until = int(np.searchsorted(recording.elapsed_s, stop_s, side="right"))
        parts += [
            records[done:until].tobytes(),
            _data(EVENT, timestamp=start + stop_s, event=0, event_type=4),
            _data(EVENT, timestamp=start + start_s, event=0, event_type=0),
        ]
        done = until
    parts += [
        records[done:].tobytes(),
        _data(EVENT, timestamp=end, event=0, event_type=4),
        _message(LAP, **totals, event=9),
        _message(SESSION, **totals, event=8, first_lap_index=0, num_laps=1),
        _message(
            ACTIVITY,
            timestamp=end,
            total_timer_time=totals["total_timer_time"],
            local_timestamp=int((recording.local_time - EPOCH).total_seconds()),
            num_sessions=1,
            type=0,
            event=26,
            event_type=1,
        ),
    ]
    return _file(b"".join(parts))


def crc16(content: bytes) -> int:
    """FIT's CRC-16: polynomial 0x8005, reflected, from zero."""
    crc = 0
    for byte in content:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc


def _crc_table() -> list[int]:
    table = np.arange(256, dtype=np.uint16)
    for _ in range(8):
        table = np.where(table & 1, table >> 1 ^ 0xA001, table >> 1).astype(np.uint16)
    return [int(entry) for entry in table]


CRC_TABLE = _crc_table()


def _file(body: bytes) -> bytes:
    header = bytes([14, 0x20]) + (2132).to_bytes(2, "little") + len(body).to_bytes(4, "little") + b".FIT"
    content = header + crc16(header).to_bytes(2, "little") + body
    return content + crc16(content).to_bytes(2, "little")


def _records(recording: Recording, start: int) -> NDArray[np.void]:
    out = np.zeros(len(recording.elapsed_s), _dtype(RECORD))
    out["header"] = RECORD[0]
    out["timestamp"] = start + recording.elapsed_s
    for name, degrees in (("position_lat", recording.lat_deg), ("position_long", recording.lon_deg)):
        out[name] = np.where(np.isnan(degrees), NO_POSITION, np.round(degrees * SEMICIRCLES_PER_DEG))
    out["distance"] = np.round(100 * recording.distance_m)
    out["enhanced_speed"] = np.round(1000 * recording.speed_mps)
    out["enhanced_altitude"] = np.round(5 * (recording.altitude_m + 500))
    out["heart_rate"] = recording.heart_rate_bpm
    no_cadence = np.isnan(recording.cadence_spm)
    half_steps = np.where(no_cadence, 0, recording.cadence_spm).astype(np.int64)
    out["cadence"] = np.where(no_cadence, NO_BYTE, half_steps // 2)
    out["fractional_cadence"] = np.where(no_cadence, NO_BYTE, 64 * (half_steps % 2))
    return out


def _dtype(message: Message) -> np.dtype[np.void]:
    return np.dtype([("header", "u1"), *((name, DTYPES[base]) for name, _, base in message[2])])


def _definition(message: Message) -> bytes:
    local, number, fields = message
    sizes = (bytes([n, np.dtype(DTYPES[base]).itemsize, base]) for _, n, base in fields)
    return bytes([0x40 | local, 0, 0]) + number.to_bytes(2, "little") + bytes([len(fields)]) + b"".join(sizes)


def _data(message: Message, **values: int) -> bytes:
    row = np.zeros(1, _dtype(message))
    row["header"] = message[0]
    for name, value in values.items():
        row[name] = value
    return row.tobytes()


def _message(message: Message, **values: int) -> bytes:
    return _definition(message) + _data(message, **values)
