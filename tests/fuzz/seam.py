"""Call public functions of argand with arguments that are odd: their shapes, types and values.

A call is JSON: the name of a function, and a list of changes of its ordinary arguments, each the
name of an argument, a kind of change, and a number that decides the rest.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from fuzz import odd, sanity
from fuzz.functions import FUNCTIONS, WRITERS, Arguments, ordinary, ordinary_names

# Types that an array is turned into.
_DTYPES = (
    *(
        "int8",
        "uint8",
        "int16",
        "uint16",
        "int32",
        "uint32",
        "int64",
        "uint64",
        "float16",
        "float32",
    ),
    *(
        "float64",
        "longdouble",
        "complex64",
        "complex128",
        "bool",
        "O",
        "U8",
        "S8",
        "M8[s]",
        ">f8",
        ">i4",
    ),
)

# Numbers that are put into an array.
_ELEMENTS = (
    *(0.0, -0.0, 1.0, -1.0, 0.5, 2.0**31 - 1, -(2.0**31), 2.0**31, 2.0**53, 1e5, -1e5, 1e6, 1e10),
    *(1e-30, 1e-320, 1e16, 1e30, -1e30, 1e100, 1e154, 1e300, np.nan, np.inf, -np.inf, 180.0, 90.0),
)

# Arguments that decide how long a call takes are odd within these, so that a campaign is quick:
# what larger ones need is refused by the limit of memory, which tests of their own cover.
_PATIENT = {"d_min": 0.3, "sample_rate": 50.0}


def draw(random: Random) -> bytes:
    """Draw a call: a function and one to three changes of its arguments."""
    name = random.choice(list(FUNCTIONS))
    arguments = ordinary_names(name)
    changes = []
    for _ in range(random.choice((1, 1, 2, 3))):
        kind = random.choice(list(_CHANGES))
        changes.append([random.choice(arguments), kind, random.randrange(10**6)])
    return json.dumps({"function": name, "changes": changes}).encode()


def call(data: bytes, folder: Path) -> None:
    """Make the call that JSON describes; raise `Nonsense` where finite arguments end in NaN."""
    content = json.loads(data)
    name = content["function"]
    arguments = ordinary(name)
    for argument, kind, number in content["changes"]:
        random = Random(number)
        arguments[argument] = _CHANGES[kind](random, arguments[argument], arguments)
        limit = _PATIENT.get(argument)
        if limit is not None and _is_between(arguments[argument], limit):
            arguments[argument] = limit
    was_finite = all(_is_finite(value) for value in arguments.values())
    function = FUNCTIONS[name]
    if name in WRITERS:
        function = partial(function, folder)
    result = function(**arguments)
    if was_finite and not _is_finite(result):
        raise sanity.Nonsense(f"{name} of finite arguments is not finite")


def _is_between(value: Any, limit: float) -> bool:
    """Tell whether a resolution is so high, or a sampling so fine, that a call would take long."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return 1e-3 < value < limit if limit < 1.0 else limit < value < 1e4


def _is_finite(value: Any) -> bool:
    """Tell whether all numbers of a value are finite; what is no number is."""
    if isinstance(value, dict):
        return all(_is_finite(item) for item in value.values())
    try:
        array = np.ma.getdata(value) if np.ma.isMaskedArray(value) else np.asarray(value)
    except (ValueError, TypeError, OverflowError):
        return True
    if array.dtype.kind == "O":
        # numpy makes NaN of None.
        items = array.reshape(-1).tolist()
        numbers = [item for item in items if isinstance(item, (float, complex, np.inexact))]
        return None not in items and bool(np.isfinite(numbers).all())
    return array.dtype.kind not in "fc" or bool(np.isfinite(array).all())


def _to_dtype(random: Random, value: Any, arguments: Arguments) -> Any:
    """Turn an array into another type."""
    array = np.asarray(value)
    # numpy itself may end in a segmentation fault where it makes times of bytes.
    if array.dtype.kind in "SU":
        return value
    try:
        return array.astype(random.choice(_DTYPES))
    except (ValueError, TypeError, OverflowError, RuntimeError):
        return value


def _reshape(random: Random, value: Any, arguments: Arguments) -> Any:
    """Give an array another shape: empty, transposed, with an axis more, with rows more or less."""
    array = np.asarray(value)
    kind = random.randrange(8)
    if kind == 0:
        return array[:0] if array.ndim else array.reshape(1)
    if kind == 1:
        return array.T
    if kind == 2:
        return array[None]
    if kind == 3:
        return array[..., None]
    if kind == 4 and array.ndim:
        return np.concatenate([array, array])
    if kind == 5 and array.ndim:
        return array[:1]
    if kind == 6 and array.size:
        return array.reshape(-1)[0]
    return array.reshape(-1)


def _restride(random: Random, value: Any, arguments: Arguments) -> Any:
    """Give an array other strides: reversed, every second, repeated, misaligned, read-only."""
    array = np.asarray(value)
    if array.ndim == 0 or array.dtype.kind not in "biufc":
        return value
    kind = random.randrange(6)
    if kind == 0:
        return array[::-1]
    if kind == 1:
        return np.repeat(array, 2, axis=0)[::2]
    if kind == 2:
        return np.broadcast_to(array[:1], array.shape)
    if kind == 3:
        return np.asfortranarray(array)
    if kind == 4:
        memory = bytearray(array.nbytes + 1)
        shifted = np.frombuffer(memory, array.dtype, array.size, 1).reshape(array.shape)
        shifted[...] = array
        return shifted
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def _set_element(random: Random, value: Any, arguments: Arguments) -> Any:
    """Put an odd number into an array, in its own type or as real numbers."""
    array = np.array(value)
    if array.size == 0 or array.dtype.kind not in "biufc":
        return value
    if random.random() < 0.5 and array.dtype.kind != "c":
        array = array.astype(np.float64)
    flat = array.reshape(-1)
    with np.errstate(all="ignore"):
        try:
            flat[random.randrange(len(flat))] = random.choice(_ELEMENTS)
        except (OverflowError, ValueError):
            return value
    return tuple(flat.tolist()) if isinstance(value, tuple) else array


def _fill(random: Random, value: Any, arguments: Arguments) -> Any:
    """Fill an array with one odd number."""
    array = np.array(value)
    if array.dtype.kind not in "fc":
        return value
    array[...] = random.choice(_ELEMENTS)
    return tuple(array.tolist()) if isinstance(value, tuple) else array


def _mask(random: Random, value: Any, arguments: Arguments) -> Any:
    """Mask elements of an array."""
    array = np.asarray(value)
    if array.dtype.kind not in "biufc":
        return value
    return np.ma.masked_array(array, random.choice((False, array > 0)))


def _replace(random: Random, value: Any, arguments: Arguments) -> Any:
    """Replace an argument by an odd value."""
    return odd.value(random)


def _overlap(random: Random, value: Any, arguments: Arguments) -> Any:
    """Replace an argument by the memory of another one."""
    other = arguments[random.choice(sorted(arguments))]
    # Memory that is no text is none of numpy's texts.
    if not isinstance(other, np.ndarray) or np.asarray(value).dtype.kind in "US":
        return other
    try:
        return other.reshape(-1).view(np.asarray(value).dtype)[: np.size(value)]
    except (ValueError, TypeError):
        return other


def _to_list(random: Random, value: Any, arguments: Arguments) -> Any:
    """Turn an array into a list, or an element of it into a word."""
    items = np.asarray(value).tolist()
    if isinstance(items, list) and items and random.random() < 0.5:
        items[random.randrange(len(items))] = odd.value(random)
    return items


_CHANGES: dict[str, Callable[[Random, Any, Arguments], Any]] = {
    "dtype": _to_dtype,
    "shape": _reshape,
    "strides": _restride,
    "element": _set_element,
    "fill": _fill,
    "mask": _mask,
    "value": _replace,
    "overlap": _overlap,
    "list": _to_list,
}
