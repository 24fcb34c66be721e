"""Settings and arrays on disk: JSON that is checked against a dataclass, and safetensors.

Every JSON file begins with what it is and the version of its layout. What is read is checked completely (names, types,
finite numbers) before anything uses it; nothing is ever unpickled.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from argand.errors import ArgandError
from argand.files import PathLike, replacing

__all__ = [
    "from_builtins",
    "read_arrays",
    "read_json",
    "to_builtins",
    "write_arrays",
    "write_json",
    "write_text",
]

T = TypeVar("T")


def to_builtins(content: Any) -> Any:
    """Turn a dataclass, with all that it holds, into what `json.dumps` takes; arrays become lists."""
    return msgspec.to_builtins(content, enc_hook=_encode)


def from_builtins(kind: type[T], content: Any, source: str) -> T:
    """Make a `kind` (a dataclass, or any annotated type) of what JSON holds.

    Raises
    ------
    ArgandError
        Names `source` and the field that is missing, unknown, or of the wrong type.
    """
    try:
        return msgspec.convert(content, kind, strict=True)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise ArgandError(f"{source}: {_one_line(error)}") from None


def write_json(path: PathLike, content: Any, *, kind: str, version: int) -> None:
    """Write a dataclass, or builtins, as JSON that says that it is a `kind`, and of which version."""
    plain = to_builtins(content)
    text = json.dumps({"kind": kind, "format": version, **plain}, indent=1, allow_nan=False)
    write_text(path, text + "\n")


def read_json(type_: type[T], path: PathLike, *, kind: str, version: int) -> T:
    """Read what `write_json` wrote, as a `type_`.

    Raises
    ------
    ArgandError
        Names a file that is missing, is no JSON, is another kind of file, or does not fit `type_`.
    """
    name = os.fspath(path)
    try:
        content = json.loads(Path(path).read_bytes(), parse_constant=_no_constant)
    except OSError as error:
        raise ArgandError(f"{name}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ArgandError(f"{name}: is no JSON: {_one_line(error)}") from None
    if not isinstance(content, dict) or content.pop("kind", None) != kind:
        raise ArgandError(f"{name}: is no {kind} of argand")
    found = content.pop("format", None)
    if found != version:
        raise ArgandError(
            f"{name}: has format {found}, needs {version}: made by another version of argand?"
        )
    return from_builtins(type_, content, name)


def write_arrays(path: PathLike, arrays: dict[str, NDArray[Any]]) -> None:
    """Write arrays, by name, as a safetensors file, whole or not at all."""
    package = _safetensors()
    with replacing(path) as temporary:
        contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
        package.save_file(contiguous, temporary)


def read_arrays(path: PathLike) -> dict[str, NDArray[Any]]:
    """Read what `write_arrays` wrote, by name.

    Raises
    ------
    ArgandError
        Names a file that is missing or damaged, or that holds NaN or infinity.
    """
    name = os.fspath(path)
    package = _safetensors()
    if not Path(path).is_file():
        raise ArgandError(f"{name}: is missing")
    try:
        arrays: dict[str, NDArray[Any]] = package.load_file(path)
    except Exception as error:  # safetensors raises a kind of its own, which is no ValueError
        raise ArgandError(f"{name}: is no safetensors file: {_one_line(error)}") from None
    for key, array in arrays.items():
        if array.dtype.kind in "fc" and not np.isfinite(array).all():
            raise ArgandError(f"{name}: {key} holds a number that is not finite")
    return arrays


def write_text(path: PathLike, text: str) -> None:
    """Write a text file, whole or not at all."""
    with replacing(path) as temporary:
        Path(temporary).write_text(text, encoding="utf-8")


def _encode(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ModuleNotFoundError:
        raise ArgandError("this needs the package safetensors: pip install '.[learn]'") from None
    return safetensors.numpy
