"""Change text files: numbers, words, lines, bytes, encodings, and pieces of other files."""

from __future__ import annotations

import gzip
import re
from collections.abc import Sequence
from random import Random

from fuzz import odd

# A number, with its uncertainty in brackets.
_NUMBER = re.compile(rb"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?:\(\d+\))?")
_WORD = re.compile(rb"\S+")

# Lines that are repeated, at most: a list grows, and a file stays small.
_MOST_REPEATS = 300

# Encodings in which text files are met.
_ENCODINGS = ("utf-16", "utf-16-be", "utf-32", "utf-8-sig", "latin-1", "cp1252")


def mutate(random: Random, data: bytes, words: Sequence[str], other: bytes) -> bytes:
    """Change a text file in one to four places.

    Parameters
    ----------
    random
        Decides the changes.
    data
        The file.
    words
        Words of its format.
    other
        Another file of the format, from which lines are taken.
    """
    for _ in range(random.choice((1, 1, 2, 2, 3, 4))):
        kind = random.random()
        if kind < 0.40:
            data = _replace(random, data, _NUMBER, odd.NUMBERS)
        elif kind < 0.55:
            data = _replace(random, data, _WORD, (*words, *odd.WORDS, *odd.NUMBERS))
        elif kind < 0.80:
            data = _change_lines(random, data, other)
        elif kind < 0.97:
            data = mutate_bytes(random, data)
        else:
            data = _encode(random, data)
    return data


def mutate_bytes(random: Random, data: bytes) -> bytes:
    """Change, remove, insert or repeat some bytes, or cut the file short."""
    start = random.randrange(len(data) + 1)
    length = random.choice((1, 1, 1, 2, 4, 8, 80))
    kind = random.randrange(6)
    if kind == 0:
        return data[:start] + random.randbytes(length) + data[start + length :]
    if kind == 1:
        return data[:start] + data[start + length :]
    if kind == 2:
        return data[:start] + random.randbytes(length) + data[start:]
    if kind == 3:
        return data[:start] + data[start : start + length] * 3 + data[start + length :]
    if kind == 4 and start < len(data):
        flipped = data[start] ^ (1 << random.randrange(8))
        return data[:start] + bytes([flipped]) + data[start + 1 :]
    return data[:start]


def _replace(
    random: Random, data: bytes, pattern: re.Pattern[bytes], values: Sequence[str]
) -> bytes:
    """Replace one match of a pattern by one of some values, or remove it."""
    matches = list(pattern.finditer(data))
    if not matches:
        return data
    match = random.choice(matches)
    value = "" if random.random() < 0.1 else random.choice(values)
    return data[: match.start()] + value.encode("utf-8") + data[match.end() :]


def _change_lines(random: Random, data: bytes, other: bytes) -> bytes:
    """Remove, repeat, move or join lines, or insert lines of another file."""
    lines = data.split(b"\n")
    first = random.randrange(len(lines))
    last = min(len(lines), first + random.choice((1, 1, 1, 2, 5, 20)))
    chosen = lines[first:last]
    kind = random.randrange(6)
    if kind == 0:
        lines[first:last] = []
    elif kind == 1:
        lines[first:last] = chosen * random.choice((2, 2, 3, _MOST_REPEATS // len(chosen)))
    elif kind == 2:
        lines[first:last] = []
        position = random.randrange(len(lines) + 1)
        lines[position:position] = chosen
    elif kind == 3:
        lines[first:last] = [b" ".join(chosen)]
    elif kind == 4:
        donor = other.split(b"\n")
        start = random.randrange(len(donor))
        lines[first:first] = donor[start : start + random.choice((1, 3, 30))]
    else:
        random.shuffle(chosen)
        lines[first:last] = chosen
    return b"\n".join(lines)


def _encode(random: Random, data: bytes) -> bytes:
    """Change the encoding or the ends of lines, or compress the file and damage it or not."""
    kind = random.randrange(5)
    if kind == 0:
        return data.replace(b"\n", random.choice((b"\r\n", b"\r", b"\n\n", b"\x0b")))
    if kind == 1:
        return data.decode("latin-1").encode(random.choice(_ENCODINGS), "replace")
    packed = gzip.compress(data, 1, mtime=0)
    return packed if kind == 2 else mutate_bytes(random, packed)
