"""Frozen descriptions as JSON and back: every object is {"kind": its class, and its fields}."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np

from argand.errors import ArgandError
from argand.simulate.changes import Substitution, Unmodelled
from argand.simulate.directions import Directions
from argand.simulate.displacements import Groups, Independent, Modes, Waves
from argand.simulate.measurement import Measurement
from argand.simulate.perturbation import Perturbation
from argand.store import from_builtins

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
    if not isinstance(kind, str) or kind not in _CLASS_OF_KIND:
        kinds = ", ".join(sorted(_CLASS_OF_KIND))
        raise ArgandError(f"{name} has kind {kind!r}, needs one of {kinds}")
    cls = _CLASS_OF_KIND[kind]
    field_names = {field.name for field in dataclasses.fields(cls)}
    unknown = sorted(set(content) - field_names - {"kind"})
    if unknown:
        raise ArgandError(
            f"{name}: a {kind} has no {unknown[0]!r}, only {', '.join(sorted(field_names))}"
        )
    hints = get_type_hints(cls)
    arguments = {}
    for key, value in content.items():
        if key != "kind":
            arguments[key] = _from_builtins(hints[key], value, f"{name}.{key}")
    try:
        return cls(**arguments)
    except (TypeError, ValueError, OverflowError) as error:
        raise ArgandError(f"{name}: {error}") from None


def _to_builtins(value: Any) -> Any:
    """Turn the value of a field into what `json.dumps` takes."""
    if dataclasses.is_dataclass(value):
        return to_json(value)
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_to_builtins(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def _from_builtins(hint: Any, value: Any, name: str) -> Any:
    """Make the value of a field of what JSON holds, and check it against the type of the field.

    Raises
    ------
    ArgandError
        Says what in `name` has the wrong type.
    """
    classes = _described_classes(hint)
    if not classes:
        from_builtins(hint, value, name)
        return _tuples(value)
    if isinstance(value, list) and get_origin(hint) is Sequence:
        parts = []
        for i, item in enumerate(value):
            parts.append(_part(classes, item, f"{name}[{i}]"))
        return tuple(parts)
    if value is None and type(None) in get_args(hint):
        return None
    return _part(classes, value, name)


def _part(classes: tuple[Any, ...], value: Any, name: str) -> Any:
    """Make an object of one of the classes."""
    part = from_json(value, name)
    if not isinstance(part, classes):
        kinds = ", ".join(sorted(cls.__name__.lower() for cls in classes))
        raise ArgandError(f"{name} is a {value['kind']}, needs one of {kinds}")
    return part


def _described_classes(hint: Any) -> tuple[Any, ...]:
    """Return the classes with a description that a type is made of."""
    if hint in _CLASSES:
        return (hint,)
    classes: list[Any] = []
    for argument in get_args(hint):
        classes += _described_classes(argument)
    return tuple(classes)


def _tuples(value: Any) -> Any:
    """Turn lists, also inside lists, into tuples."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
