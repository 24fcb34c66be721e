"""The structure in a SHELX file: free variables, occupancies and displacements as SHELX codes them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from argand.cell import b_iso_from_u_aniso
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.io._shelx import Instructions

__all__ = ["crystal_of"]

_B_PER_U = 8.0 * np.pi**2
_LARGEST = 1e4  # ten times the number of the last free variable there can be


def crystal_of(instructions: Instructions) -> Crystal:
    """The atoms of a .res file as a Crystal.

    A parameter v = 10 m + p is p for m = 0 or 1 (refined or fixed), p x fv(m) for m > 1, and p x (fv(-m) - 1) for
    m < -1. An occupancy counts the site's multiplicity, which is divided out; U between -0.5 and -5 is that multiple
    of the equivalent U of the last atom that is no hydrogen.

    Source: SHELXL manual, chapter on FVAR and atom lines.
    """
    source = instructions.source
    if instructions.cell is None:
        raise ArgandError(f"{source}: no CELL")
    if not instructions.atoms:
        raise ArgandError(f"{source}: no atom sites")
    types, labels, frac, occ, b_iso, u_aniso = [], [], [], [], [], []
    parent = 0.05
    for words in instructions.atoms:
        label, values = words[0], [_value(word, instructions, words[0]) for word in words[2:12]]
        number = int(words[1])
        if not 1 <= number <= len(instructions.elements):
            raise ArgandError(
                f"{source}: atom {label} is of type {number}, SFAC names {len(instructions.elements)}"
            )
        element = instructions.elements[number - 1]
        displacement = values[4:]
        types.append(element)
        labels.append(label)
        frac.append(values[:3])
        occ.append(values[3] if len(values) > 3 else 1.0)
        if len(displacement) == 6:
            u11, u22, u33, u23, u13, u12 = displacement
            u_aniso.append([u11, u22, u33, u12, u13, u23])
            u_iso = _equivalent(instructions, u_aniso[-1])
        else:
            u_aniso.append([np.nan] * 6)
            u_iso = displacement[0] if displacement else 0.05  # SHELX's default
            if -5.0 <= u_iso <= -0.5:
                u_iso = -u_iso * parent
        if element not in ("H", "D"):
            parent = u_iso
        b_iso.append(_B_PER_U * u_iso)
    try:
        crystal = Crystal(
            cell=instructions.cell,
            symops=instructions.symops,
            types=tuple(types),
            labels=tuple(labels),
            frac=np.array(frac),
            b_iso=np.array(b_iso),
            u_aniso=None if np.isnan(u_aniso).all() else np.array(u_aniso),
        )
    except ArgandError as error:
        raise ArgandError(f"{source}: {error}") from None
    share = np.array(occ) * len(crystal.symops) / crystal.multiplicity()
    # 0.33333 x 3 is 1
    return crystal.replace(
        occ=np.where(
            np.abs(share - np.rint(share)) < 2e-4 * np.maximum(share, 1), np.rint(share), share
        )
    )


def _value(word: str, instructions: Instructions, label: str) -> float:
    try:
        coded = float(word)
    except ValueError:
        coded = np.nan
    if not abs(coded) < _LARGEST:
        raise ArgandError(f"{instructions.source}: atom {label} has {word!r}, needs a number")
    which = round(coded / 10.0)
    if abs(which) < 2:
        return coded - 10.0 * which
    if abs(which) > len(instructions.free_variables):
        raise ArgandError(
            f"{instructions.source}: atom {label} asks for free variable {abs(which)}, FVAR lacks it"
        )
    variable = instructions.free_variables[abs(which) - 1]
    rest = coded - 10.0 * which
    return rest * variable if which > 0 else rest * (variable - 1.0)


def _equivalent(instructions: Instructions, u: Sequence[float]) -> float:
    assert instructions.cell is not None
    return float(b_iso_from_u_aniso(np.array(u), instructions.cell)) / _B_PER_U
