"""Frozen descriptions as JSON and back: every object is {"kind": its class, and its fields}."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from argand.errors import ArgandError
from argand.simulate.changes import Substitution, Unmodelled
from argand.simulate.directions import Directions
from argand.simulate.displacements import Groups, Independent, Modes, Waves
from argand.simulate.measurement import Measurement
from argand.simulate.perturbation import Perturbation

__all__ = ["from_json", "to_json"]

_CLASSES: tuple[Any, ...] = (
    Directions,
    Groups,
    Independent,
    Measurement,
    Modes,
    Perturbation,
    Substitution,
    Unmodelled,
    Waves,
)
_CLASS_OF_KIND: dict[str, Any] = {cls.__name__.lower(): cls for cls in _CLASSES}


def to_json(description: Any) -> dict[str, Any]:
    """Turn a `Perturbation`, a `Measurement` or a part of them into what `json.dumps` takes."""
    content: dict[str, Any] = {"kind": type(description).__name__.lower()}
    for field in dataclasses.fields(description):
        content[field.name] = _to_builtins(getattr(description, field.name))
    return content


def from_json(content: Any, name: str = "description") -> Any:
    """Make the object that `to_json` was given of what it returned.

    Raises
    ------
    ArgandError
        Says what in `name` cannot be understood.
    """
    kind = content.get("kind") if isinstance(content, dict) else None
    if kind not in _CLASS_OF_KIND:
        kinds = ", ".join(sorted(_CLASS_OF_KIND))
        raise ArgandError(f"{name} has kind {kind!r}, needs one of {kinds}")
    cls = _CLASS_OF_KIND[kind]
    field_names = {field.name for field in dataclasses.fields(cls)}
    unknown = sorted(set(content) - field_names - {"kind"})
    if unknown:
        raise ArgandError(
            f"{name}: a {kind} has no {unknown[0]!r}, only {', '.join(sorted(field_names))}"
        )
    arguments = {}
    for key, value in content.items():
        if key != "kind":
            arguments[key] = _from_builtins(value, f"{name}.{key}")
    try:
        return cls(**arguments)
    except (TypeError, ValueError) as error:
        raise ArgandError(f"{name}: {error}") from None


def _to_builtins(value: Any) -> Any:
    """Turn the value of a field into what `json.dumps` takes."""
    if dataclasses.is_dataclass(value):
        return to_json(value)
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_to_builtins(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def _from_builtins(value: Any, name: str) -> Any:
    """Make the value of a field of what JSON holds; lists become tuples."""
    if isinstance(value, dict):
        return from_json(value, name)
    if isinstance(value, list):
        return tuple(_from_builtins(item, f"{name}[{i}]") for i, item in enumerate(value))
    return value
