"""Store settings and arrays on disk: JSON that is checked against a dataclass, and safetensors.

Every JSON file begins with the kind of file it is and the version of its layout. A file is checked
completely (names, types, finite numbers) before anything uses it; nothing is ever unpickled.
"""

from __future__ import annotations

import io
import json
import math
import os
import zipfile
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from argand._memory import memory_limit
from argand.errors import ArgandError, reading
from argand.files import PathLike, read_bytes, replacing, write_text

__all__ = [
    "axis_length",
    "check_shapes",
    "from_builtins",
    "null_for_nan",
    "read_arrays",
    "read_json",
    "read_npy",
    "read_npz",
    "to_builtins",
    "write_arrays",
    "write_json",
    "write_text",
]

T = TypeVar("T")

# Version of the format of .npy files from which on a header can have more than 64 KiB.
_FIRST_LONG_HEADER = 2

# What numpy's kinds of dtypes hold, in words.
_KINDS = {
    "f": "real numbers",
    "c": "complex numbers",
    "i": "integers",
    "b": "true and false",
    "U": "text",
}


def to_builtins(content: Any) -> Any:
    """Turn a dataclass, with everything in it, into dicts, lists, strings and numbers.

    Arrays become lists, paths become strings.
    """
    import msgspec

    return msgspec.to_builtins(content, enc_hook=_encode)


def from_builtins(kind: type[T], content: Any, source: str) -> T:
    """Make an object of type `kind`, a dataclass or any annotated type, from the content of JSON.

    Raises
    ------
    ArgandError
        Names `source` and the field that is missing, unknown, or of the wrong type.
    """
    import msgspec

    try:
        value = msgspec.convert(content, kind, strict=True)
        unknown = _unknown_field(value, content, "$")
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise ArgandError(f"{source}: {_one_line(error)}") from None
    if unknown is not None:
        raise ArgandError(f"{source}: Object contains unknown field {unknown}")
    return value


def null_for_nan(content: Any) -> Any:
    """Replace NaN and infinity, which JSON has not, by None, also inside lists and dicts."""
    if isinstance(content, dict):
        return {key: null_for_nan(entry) for key, entry in content.items()}
    if isinstance(content, (list, tuple)):
        return [null_for_nan(entry) for entry in content]
    if isinstance(content, float) and not math.isfinite(content):
        return None
    return content


def write_json(path: PathLike, content: Any, *, kind: str, version: int) -> None:
    """Write a dataclass or a dict as JSON, headed by its kind and the version of its layout.

    Raises
    ------
    ArgandError
        Names a file that cannot be written, or whose content holds NaN or infinity.
    """
    document = {"kind": kind, "format": version, **to_builtins(content)}
    try:
        text = json.dumps(document, indent=1, allow_nan=False)
    except ValueError:
        name = os.fspath(path)
        raise ArgandError(f"{name}: cannot hold NaN or infinity, needs finite numbers") from None
    write_text(path, text + "\n")


def read_json(type_: type[T], path: PathLike, *, kind: str, version: int) -> T:
    """Read a JSON file of `write_json` as an object of type `type_`.

    Raises
    ------
    ArgandError
        Names a file that is missing, is no JSON, is another kind of file, or does not fit `type_`.
    """
    name = os.fspath(path)
    data = read_bytes(path)
    with reading(path):
        try:
            document = json.loads(data, parse_constant=_refuse_constant, parse_float=_finite_float)
        except (ValueError, RecursionError) as error:
            raise ArgandError(f"{name}: is no JSON: {_one_line(error)}") from None
        if not isinstance(document, dict) or document.pop("kind", None) != kind:
            raise ArgandError(f"{name}: is no {kind} of argand")
        stated_version = document.pop("format", None)
        if stated_version != version:
            raise ArgandError(
                f"{name}: has format {stated_version}, needs {version}: "
                "made by another version of argand?"
            )
        return from_builtins(type_, document, name)


def write_arrays(path: PathLike, arrays: dict[str, NDArray[Any]]) -> None:
    """Write arrays, by name, as a safetensors file, complete or not at all.

    Raises
    ------
    ArgandError
        Names a file that cannot be written, or the package that is missing.
    """
    safetensors = _safetensors()
    contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    with replacing(path) as temporary:
        try:
            # Its own writer makes a temporary file of another name, which a kill would leave.
            content = safetensors.save(contiguous)
        except Exception as error:
            # The exception of safetensors is derived from Exception alone.
            raise OSError(_one_line(error)) from None
        Path(temporary).write_bytes(content)


def read_arrays(path: PathLike) -> dict[str, NDArray[Any]]:
    """Read the arrays of a safetensors file, by name.

    Raises
    ------
    ArgandError
        Names a file that is missing or damaged, or that holds NaN or infinity.
    """
    name = os.fspath(path)
    safetensors = _safetensors()
    if not Path(path).is_file():
        raise ArgandError(f"{name}: is missing")
    try:
        arrays: dict[str, NDArray[Any]] = safetensors.load_file(path)
    except Exception as error:
        # The exception of safetensors is derived from Exception alone.
        raise ArgandError(f"{name}: is no safetensors file: {_one_line(error)}") from None
    _check_arrays(arrays, name)
    return arrays


def read_npz(path: PathLike) -> dict[str, NDArray[Any]]:
    """Read the arrays of a .npz archive, by name; nothing is unpickled.

    Raises
    ------
    ArgandError
        Names a file that is missing or damaged, whose arrays exceed the memory that a call may
        take, or that holds NaN, infinity or a Python object.
    """
    name = os.fspath(path)
    data = read_bytes(path)
    arrays: dict[str, NDArray[Any]] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            size = sum(entry.file_size for entry in entries)
            if size > memory_limit():
                raise ArgandError(
                    f"{name}: its arrays need {size:.3g} bytes, more than argand.memory_limit()"
                )
            for entry in entries:
                content = archive.read(entry)
                arrays[entry.filename.removesuffix(".npy")] = _parse_npy(content)
    except ArgandError:
        raise
    except Exception as error:
        # zipfile, zlib and numpy's parser raise eleven kinds of exception for a damaged file.
        raise ArgandError(f"{name}: is no archive of arrays: {_one_line(error)}") from None
    _check_arrays(arrays, name)
    return arrays


def read_npy(path: PathLike) -> NDArray[Any]:
    """Read one array from a .npy file; nothing is unpickled.

    Raises
    ------
    ArgandError
        Names a file that is missing or damaged, or that holds NaN, infinity or a Python object.
    """
    name = os.fspath(path)
    data = read_bytes(path)
    try:
        array = _parse_npy(data)
    except Exception as error:
        # numpy's parser of the header raises what Python's tokenizer and parser raise.
        raise ArgandError(f"{name}: is no array: {_one_line(error)}") from None
    _check_arrays({"the array": array}, name)
    return array


def axis_length(arrays: Mapping[str, NDArray[Any]], name: str, axis: int) -> int | None:
    """Return the length of an axis of an array; None where there is no such array or axis."""
    array = arrays.get(name)
    return array.shape[axis] if array is not None and axis < array.ndim else None


def check_shapes(
    arrays: Mapping[str, NDArray[Any]],
    shapes: Mapping[str, tuple[str, tuple[int | None, ...]]],
    source: str,
) -> None:
    """Check that arrays are there, have the shapes they need, and hold the right kind of numbers.

    Parameters
    ----------
    arrays
        Arrays by name; those that `shapes` does not name are not looked at.
    shapes
        Kinds of numpy's dtypes that an array may have, such as "iu", and its shape, by name; None
        is an axis of any length.
    source
        File that the arrays are of.

    Raises
    ------
    ArgandError
        Names the file, the array, and what it has and needs.
    """
    for name, (kinds, shape) in shapes.items():
        if name not in arrays:
            raise ArgandError(f"{source}: has no array {name!r}")
        array = arrays[name]
        fits = array.ndim == len(shape)
        for length, needed in zip(array.shape, shape, strict=False):
            fits = fits and needed in (None, length)
        if not fits:
            words = ", ".join("any" if length is None else str(length) for length in shape)
            raise ArgandError(f"{source}: {name} has shape {array.shape}, needs ({words})")
        if array.dtype.kind not in kinds:
            raise ArgandError(f"{source}: {name} holds {array.dtype}, needs {_KINDS[kinds[0]]}")


def _parse_npy(data: bytes) -> NDArray[Any]:
    """Return the array of the bytes of a .npy file, whose header is compared with their number.

    A header that speaks of more than the file has would make numpy allocate it first.
    """
    file = io.BytesIO(data)
    major, _ = np.lib.format.read_magic(file)
    read_header = np.lib.format.read_array_header_1_0
    if major >= _FIRST_LONG_HEADER:
        read_header = np.lib.format.read_array_header_2_0
    shape, _, dtype = read_header(file)
    stated = math.prod(shape) * dtype.itemsize
    stored = len(data) - file.tell()
    # Python objects are pickled, in any number of bytes; numpy refuses them below.
    if min(shape, default=0) < 0 or (stated != stored and not dtype.hasobject):
        raise ValueError(f"its header speaks of {stated} bytes, and it has {stored}")
    file.seek(0)
    array: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    return array


def _check_arrays(arrays: Mapping[str, NDArray[Any]], source: str) -> None:
    """Refuse arrays that hold NaN or infinity."""
    for name, array in arrays.items():
        is_float = array.dtype.kind in "fc"
        if is_float and not np.isfinite(array).all():
            raise ArgandError(f"{source}: {name} holds a number that is not finite")


def _encode(value: Any) -> Any:
    """Turn numpy arrays, numpy numbers and paths into what JSON has."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _unknown_field(value: Any, content: Any, path: str) -> str | None:
    """Find a field of `content` that the dataclasses in `value` do not have; msgspec ignores these.

    Returns the quoted name of the field and where it is, or None.
    """
    children: list[tuple[Any, Any, str]] = []
    if is_dataclass(value) and isinstance(content, dict):
        names = [field.name for field in fields(value)]
        for name in content:
            if name not in names:
                return f"`{name}` - at `{path}`"
            children.append((getattr(value, name), content[name], f"{path}.{name}"))
    elif isinstance(value, dict) and isinstance(content, dict):
        for (key, item), plain in zip(value.items(), content.values(), strict=False):
            children.append((item, plain, f"{path}[{key!r}]"))
    elif isinstance(value, (list, tuple)) and isinstance(content, (list, tuple)):
        for index, (item, plain) in enumerate(zip(value, content, strict=False)):
            children.append((item, plain, f"{path}[{index}]"))
    for item, plain, child_path in children:
        # Long lists of numbers are not worth a call for each of their elements.
        if not isinstance(plain, (dict, list, tuple)):
            continue
        unknown = _unknown_field(item, plain, child_path)
        if unknown is not None:
            return unknown
    return None


def _refuse_constant(text: str) -> Any:
    """Refuse NaN and Infinity, which Python's JSON has and the standard has not."""
    raise ValueError(f"{text} is no number of JSON")


def _finite_float(text: str) -> float:
    """Read a number of JSON, and refuse one that is too large for a float, such as 1e999."""
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text} is too large for a number")
    return number


def _one_line(error: BaseException) -> str:
    """Join the message of an exception into one line; without a message return its class."""
    return " ".join(str(error).split()) or type(error).__name__


def _safetensors() -> Any:
    """Import safetensors, which is an optional dependency."""
    try:
        import safetensors.numpy
    except ModuleNotFoundError:
        advice = 'pip install ".[learn]" in argand\'s source folder'
        raise ArgandError(f"this needs the package safetensors: {advice}") from None
    return safetensors.numpy
