"""Turn options of ``argand simulate`` into descriptions of what is drawn and measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from argand.errors import ArgandError, reading
from argand.files import read_text
from argand.simulate import (
    Displacement,
    Groups,
    Independent,
    Measurement,
    Modes,
    Perturbation,
    Substitution,
    Waves,
    Width,
    from_json,
    to_json,
)
from argand.store import read_npy

__all__ = ["displacement_of", "read_description", "substitution_of", "width_of"]

Move = Literal["atoms", "molecules", "hydrogens", "waves"]


def width_of(name: str, values: list[float] | None, default: float) -> Width:
    """Return one number, or a range of two, of an option called `name`; None gives the default."""
    if values is None:
        return default
    if len(values) not in (1, 2):
        raise ArgandError(f"{name} has {len(values)} numbers, needs one, or two for a range")
    return values[0] if len(values) == 1 else (values[0], values[1])


def displacement_of(
    move: Move, rms: Width, atoms: list[str] | None, modes: Path | None
) -> Displacement:
    """Describe how sites are displaced.

    Parameters
    ----------
    move : str
        What moves together.
    rms : float or (float, float)
        rms displacement in angstrom, or its range.
    atoms : list of str, optional
        Labels, elements or numbers of the sites that move; None moves all.
    modes : Path, optional
        File of displacement patterns (modes, sites, 3) that replace `move`.
    """
    if modes is not None:
        with reading(modes):
            return _modes_of(modes, rms)
    if move in ("molecules", "hydrogens"):
        if atoms is not None:
            raise ArgandError(
                f"atoms are given, but {move} move: needs --move atoms or --move waves"
            )
        return Groups(rms, move)
    sites = None
    if atoms is not None:
        sites = tuple(int(name) if name.isdecimal() else name for name in atoms)
    return Waves(rms, atoms=sites) if move == "waves" else Independent(rms, sites)


def _modes_of(path: Path, rms: Width) -> Modes:
    """Read an array of displacement patterns (modes, sites, 3) from a .npy file."""
    array = read_npy(path)
    if array.dtype.kind not in "fiu" or array.ndim != 3 or array.shape[2] != 3:
        raise ArgandError(
            f"{path}: has shape {array.shape} of {array.dtype}, needs (modes, sites, 3) numbers"
        )
    try:
        return Modes(array.tolist(), rms)
    except ValueError as error:
        raise ArgandError(f"{path}: {error}") from None


def substitution_of(text: str) -> Substitution:
    """Read SITES:TYPE:SHARE, the type "vacancy" standing for an empty site."""
    parts = text.split(":")
    try:
        sites, replacement, share = parts[0], parts[1], float(parts[2])
    except (IndexError, ValueError):
        raise ArgandError(
            f"substitute is {text!r}, needs SITES:TYPE:SHARE such as Sr:Ba:0.3"
        ) from None
    return Substitution(None if replacement == "vacancy" else replacement, (sites,), (0.0, share))


def read_description(path: Path) -> tuple[Perturbation, Measurement]:
    """Read what is drawn and measured from a simulation.json, which a folder of samples has.

    Raises
    ------
    ArgandError
        Names the file, and what it lacks.
    """
    with reading(path):
        try:
            content = json.loads(read_text(path))
            changes = from_json(content["perturbation"], "perturbation")
            measurement = from_json(content["measurement"], "measurement")
        except (KeyError, TypeError, RecursionError, ValueError) as error:
            if isinstance(error, ArgandError):
                raise
            raise ArgandError(f"{path}: no description of samples: {error}") from None
        if not isinstance(changes, Perturbation) or not isinstance(measurement, Measurement):
            kind = to_json(changes)["kind"]
            raise ArgandError(f"{path}: needs a perturbation and a measurement, has {kind}")
        return changes, measurement
