"""Arrays and groups of the Zarr format, version 3: one chunk an array, packed by gzip.

Source: https://zarr-specs.readthedocs.io/en/latest/v3/core/index.html
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from argand.errors import ArgandError
from argand.files import read_bytes, replacing, write_text

__all__ = ["read_array", "read_attributes", "write_array", "write_group"]

# Data types by the names that the format has for them.
_TYPES = ("bool", "int32", "int64", "float32", "float64", "complex64")

# Structure factors hardly shrink: more work than this level has would be in vain.
_GZIP_LEVEL = 1


def write_group(folder: Path, attributes: dict[str, Any]) -> None:
    """Write what makes a folder a group: zarr.json with attributes that JSON can hold."""
    content = {"zarr_format": 3, "node_type": "group", "attributes": attributes}
    write_text(folder / "zarr.json", json.dumps(content, indent=1, allow_nan=False) + "\n")


def read_attributes(folder: Path) -> dict[str, Any]:
    """Read the attributes of a group.

    Raises
    ------
    ArgandError
        Names a file that is missing or is no group of the format.
    """
    content = _read_json(folder / "zarr.json")
    attributes = content.get("attributes")
    if content.get("node_type") != "group" or not isinstance(attributes, dict):
        raise ArgandError(f"{folder / 'zarr.json'}: is no group of zarr 3 with attributes")
    return attributes


def write_array(folder: Path, array: NDArray[Any]) -> str:
    """Write an array to a folder, and return the SHA-256 of its chunk in hexadecimal digits."""
    folder.mkdir(parents=True, exist_ok=True)
    little_endian = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    packed = gzip.compress(little_endian.tobytes(), _GZIP_LEVEL, mtime=0)
    with replacing(folder / _chunk_name(array.ndim)) as temporary:
        Path(temporary).write_bytes(packed)
    content = json.dumps(_description(array.shape, array.dtype), indent=1)
    write_text(folder / "zarr.json", content + "\n")
    return hashlib.sha256(packed).hexdigest()


def read_array(folder: Path, digest: str) -> NDArray[Any]:
    """Read an array that `write_array` wrote.

    Parameters
    ----------
    folder
        Folder of the array.
    digest
        SHA-256 of its chunk in hexadecimal digits.

    Raises
    ------
    ArgandError
        Names a file that is missing or damaged.
    """
    content = _read_json(folder / "zarr.json")
    name = content.get("data_type")
    shape = content.get("shape")
    sides: list[Any] = shape if isinstance(shape, list) else [None]
    if name not in _TYPES or not all(type(side) is int and side >= 0 for side in sides):
        raise ArgandError(f"{folder / 'zarr.json'}: describes no array that argand wrote")
    dtype = np.dtype(name).newbyteorder("<")
    if content != _description(tuple(sides), dtype):
        raise ArgandError(f"{folder / 'zarr.json'}: describes no array that argand wrote")
    path = folder / _chunk_name(len(sides))
    try:
        packed = path.read_bytes()
    except OSError as error:
        raise ArgandError(f"{path}: cannot be read: {error.strerror}") from None
    if hashlib.sha256(packed).hexdigest() != digest:
        raise ArgandError(f"{path}: is damaged, its SHA-256 is not that of its shard")
    try:
        data = gzip.decompress(packed)
        return np.frombuffer(data, dtype).reshape(sides).astype(dtype.newbyteorder("="))
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise ArgandError(f"{path}: is damaged: {error}") from None


def _chunk_name(axes: int) -> str:
    """Return the name of the only chunk of an array with so many axes: "0.0" for two."""
    return ".".join("0" * max(axes, 1))


def _description(shape: tuple[int, ...], dtype: np.dtype[Any]) -> dict[str, Any]:
    """Return the content of the zarr.json of an array in one chunk."""
    fill: Any = {"b": False, "c": [0.0, 0.0], "f": 0.0}.get(dtype.kind, 0)
    chunk_shape = [max(side, 1) for side in shape]
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(shape),
        "data_type": dtype.name,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunk_shape}},
        "chunk_key_encoding": {"name": "v2", "configuration": {"separator": "."}},
        "fill_value": fill,
        "codecs": [
            {"name": "bytes", "configuration": {"endian": "little"}},
            {"name": "gzip", "configuration": {"level": _GZIP_LEVEL}},
        ],
        "attributes": {},
    }


def _read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; an `ArgandError` names a file that is missing or is none."""
    try:
        content = json.loads(read_bytes(path))
    except (ValueError, RecursionError) as error:
        if isinstance(error, ArgandError):
            raise
        raise ArgandError(f"{path}: is no JSON") from None
    if not isinstance(content, dict):
        raise ArgandError(f"{path}: is no JSON object")
    return content
