"""Change binary files by their format: MTZ, CCP4 maps, arrays of numpy and archives of them."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from random import Random

from fuzz import odd
from fuzz.mutate_json import mutate_tree
from fuzz.mutate_text import mutate as mutate_text
from fuzz.mutate_text import mutate_bytes

# Words of a CCP4 map before its labels.
_MAP_HEADER = 56

# Length of a record in the header of an MTZ file, and of the part before its reflections.
_RECORD = 80
_MTZ_BEGIN = 80

# Words of the header of an MTZ file.
_MTZ_WORDS = (
    *(
        "VERS",
        "TITLE",
        "NCOL",
        "CELL",
        "SORT",
        "SYMINF",
        "SYMM",
        "RESO",
        "VALM",
        "COLUMN",
        "COLSRC",
    ),
    *("NDIF", "PROJECT", "CRYSTAL", "DATASET", "DCELL", "DWAVEL", "BATCH", "END", "MTZHIST", "H"),
    *("MTZBATS", "MTZENDOFHEADERS", "F", "P", "J", "Q", "K", "M", "G", "L", "Y", "B"),
)


def set_word(random: Random, data: bytes, start: int, stop: int, size: int = 4) -> bytes:
    """Put an odd number of 4 or 8 bytes at an aligned place from `start` to `stop`."""
    places = range(start, max(start + 1, min(stop, len(data)) - size + 1), size)
    place = random.choice(places)
    return data[:place] + odd.word(random, size) + data[place + size :]


def mutate_mtz(random: Random, data: bytes) -> bytes:
    """Change a record of the header, a number of the table, or any byte."""
    for _ in range(random.choice((1, 1, 2, 3))):
        header = data.rfind(b"VERS")
        kind = random.random()
        if kind < 0.5 and header > 0:
            data = _change_record(random, data, header)
        elif kind < 0.8:
            data = set_word(random, data, _MTZ_BEGIN, max(header, _MTZ_BEGIN + 4))
        elif kind < 0.85:
            data = set_word(random, data, 0, 40)
        else:
            data = mutate_bytes(random, data)
    return data


def _change_record(random: Random, data: bytes, header: int) -> bytes:
    """Change, remove or repeat a record of the header of an MTZ file."""
    count = max(1, (len(data) - header) // _RECORD)
    place = header + _RECORD * random.randrange(count)
    record = data[place : place + _RECORD]
    kind = random.random()
    if kind < 0.1:
        return data[:place] + data[place + _RECORD :]
    if kind < 0.2:
        return data[:place] + record * 2 + data[place + _RECORD :]
    changed = mutate_text(random, record, _MTZ_WORDS, record)
    return data[:place] + changed[:_RECORD].ljust(_RECORD) + data[place + _RECORD :]


def mutate_map(random: Random, data: bytes) -> bytes:
    """Change a word of the header of a CCP4 map, a value, or any byte."""
    for _ in range(random.choice((1, 1, 2, 3))):
        kind = random.random()
        if kind < 0.6:
            data = set_word(random, data, 0, 4 * _MAP_HEADER)
        elif kind < 0.7:
            small = struct.pack("<i", random.randrange(-2, 12))
            place = 4 * random.randrange(24)
            data = data[:place] + small + data[place + 4 :]
        elif kind < 0.8:
            data = set_word(random, data, 1024, len(data))
        else:
            data = mutate_bytes(random, data)
    return data


def mutate_npy(random: Random, data: bytes) -> bytes:
    """Change the header of an array of numpy, a number, or any byte."""
    end = data.find(b"\n") + 1
    kind = random.random()
    if kind < 0.4:
        words = ("<f8", "<f4", "<i4", "<i8", "|O", "<U3", "|b1", ">f8", "<c16", "True", "False")
        header = mutate_text(random, data[10:end], words, data[10:end])
        length = len(header) if random.random() < 0.8 else random.randrange(2**16)
        return data[:8] + struct.pack("<H", length % 2**16) + header + data[end:]
    if kind < 0.8:
        return set_word(random, data, end, len(data), random.choice((4, 8)))
    return mutate_bytes(random, data)


def mutate_npz(random: Random, data: bytes) -> bytes:
    """Change an array of an archive, its name, or any byte of the archive."""
    if random.random() < 0.3:
        return mutate_bytes(random, data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for _ in range(random.choice((1, 1, 2))):
        name = random.choice(list(members))
        kind = random.random()
        if kind < 0.7:
            members[name] = mutate_npy(random, members[name])
        elif kind < 0.8:
            members[name] = members[random.choice(list(members))]
        elif kind < 0.9 and len(members) > 1:
            del members[name]
        else:
            members[random.choice(("x.npy", "x", "../x.npy", "hkl", ""))] = members[name]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return packed.getvalue()


def mutate_safetensors(random: Random, data: bytes) -> bytes:
    """Change the description of the tensors, a number, or any byte."""
    length = struct.unpack("<Q", data[:8])[0]
    kind = random.random()
    if kind < 0.3:
        header = mutate_tree(random, json.loads(data[8 : 8 + length]))
        text = json.dumps(header).encode()
        return struct.pack("<Q", len(text)) + text + data[8 + length :]
    if kind < 0.8:
        return set_word(random, data, 8 + length, len(data), random.choice((4, 8)))
    if kind < 0.85:
        return set_word(random, data, 0, 8, 8)
    return mutate_bytes(random, data)
