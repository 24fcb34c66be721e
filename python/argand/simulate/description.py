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

_KINDS: dict[str, Any] = {
    kind.__name__.lower(): kind
    for kind in (
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
}


def to_json(description: Any) -> dict[str, Any]:
    """A `Perturbation`, `Measurement` or a part of them as what `json.dumps` takes."""
    content: dict[str, Any] = {"kind": type(description).__name__.lower()}
    for field in dataclasses.fields(description):
        content[field.name] = _plain(getattr(description, field.name))
    return content


def from_json(content: Any, name: str = "description") -> Any:
    """What `to_json` was given, checked; an `ArgandError` says what in `name` cannot be understood."""
    kind = content.get("kind") if isinstance(content, dict) else None
    if kind not in _KINDS:
        raise ArgandError(f"{name} has kind {kind!r}, needs one of {', '.join(sorted(_KINDS))}")
    cls = _KINDS[kind]
    known = {field.name for field in dataclasses.fields(cls)}
    unknown = sorted(set(content) - known - {"kind"})
    if unknown:
        raise ArgandError(
            f"{name}: a {kind} has no {unknown[0]!r}, only {', '.join(sorted(known))}"
        )
    try:
        return cls(
            **{
                key: _object(value, f"{name}.{key}")
                for key, value in content.items()
                if key != "kind"
            }
        )
    except (TypeError, ValueError) as error:
        raise ArgandError(f"{name}: {error}") from None


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return to_json(value)
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def _object(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return from_json(value, name)
    if isinstance(value, list):
        return tuple(_object(item, f"{name}[{i}]") for i, item in enumerate(value))
    return value
