"""List values that break programs: integers at their ends, numbers that are none, words."""

from __future__ import annotations

import copy
import struct
from random import Random
from typing import Any

# Numbers as a text file may state them.
NUMBERS = (
    *("0", "-0", "0.0", "1", "-1", "2", "3", "7", "99", "-99", "100", "1000", "1e5", "1e6", "-1e6"),
    *("127", "128", "255", "256", "32767", "32768", "-32769", "65536", "2147483647", "2147483648"),
    *("-2147483648", "-2147483649", "4294967296", "9223372036854775807", "-9223372036854775809"),
    *(
        "1e10",
        "1e16",
        "1e30",
        "1e38",
        "4e38",
        "1e100",
        "1e154",
        "1e200",
        "1e308",
        "-1e308",
        "1e999",
    ),
    *(
        "1e-5",
        "1e-30",
        "1e-45",
        "1e-308",
        "5e-324",
        "-1e-320",
        "1e-999",
        "nan",
        "NaN",
        "inf",
        "-inf",
    ),
    *("Infinity", "0.5", "0.3333", ".25", "5.", "90", "180", "179.9999", "180.0001", "360", "1/3"),
    *(
        "1.5(3)",
        "1.5(30000)",
        "12(",
        ")3",
        "1.2.3",
        "1,5",
        "1e",
        "1e+",
        "--3",
        "+4",
        "0x1F",
        "1_000",
    ),
    *("?", ".", "''", "9" * 40, "-" + "9" * 400, "0." + "1" * 300, "1e" + "9" * 30, "٣", "１"),
)

# Words where something else is expected.
WORDS = (
    *(
        "",
        "x",
        "None",
        "null",
        "true",
        "data_",
        "loop_",
        "_",
        "#",
        ";",
        "'",
        '"',
        "$",
        "\\",
        "{",
        "]",
    ),
    *("é", "\x1a", "\x7f", "\u2028", "\ufeff", "C" * 300, "%s%n", "../..", "-", "*", "=", "+", "@"),
)

# Values of JSON and of arguments in Python.
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 3, 7, 255, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**53),
    *(2**63 - 1, 2**63, -(2**63), 10**30, 10**400, 0.0, -0.0, 0.5, -0.5, 1e-320, 1e-30, 1e-6, 1e6),
    *(1e16, 1e30, -1e30, 1e38, 1e100, 1e154, 1e300, 1e308, -1e308, float("nan"), float("inf")),
    *("", "x", "C", "auto", "P 1", "1", "é\u2028", "x" * 300, [], {}, [[]], [1], [1, 2], ["x"]),
    *([None], [0.1, 0.2, 0.3], {"x": 1}, {"kind": "independent"}, [1e308, -1e308], [True, False]),
)

_INTEGERS = (0, 1, -1, 2, 7, 127, 255, 1000, 65536, 2**31 - 1, -(2**31), 2**30, -(2**24), 10**9)
_FLOATS = (0.0, -0.0, 1.0, -1.0, 0.5, 1e-45, 1e-38, 1e6, -1e6, 1e16, 1e30, 3.4e38, -3.4e38)
_NO_NUMBERS = (float("nan"), float("inf"), float("-inf"))


def value(random: Random) -> Any:
    """Return an odd value, in a copy of its own where it is a list or a dictionary."""
    return copy.deepcopy(random.choice(VALUES))


def word(random: Random, size: int) -> bytes:
    """Return an odd number as 4 or 8 bytes: an integer, or a real number."""
    letter = random.choice("if" if size == 4 else "qd")
    if letter in "iq":
        number = random.choice(_INTEGERS)
        return struct.pack(f"<{letter}", number)
    return struct.pack(f"<{letter}", random.choice(_FLOATS + _NO_NUMBERS))
