"""Molecules that grow within their cells, in the asymmetric units of crystals of one group."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from argand import _core
from argand._seam.arrays import address
from argand._seam.checks import check_array

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class MoleculeStarts(NamedTuple):
    """Hold what molecules of b crystals grow from; o operations, identity first."""

    # (b,) atoms of each complete molecule
    wanted: IntArray
    # (b, 6) metrics, A^2, 11 22 33 12 13 23
    metric: FloatArray
    # (b, 6) from Cartesian angstrom to fractional coordinates, upper triangular
    to_frac: FloatArray
    # (o, 3, 4) rotation and translation of each operation
    operation: FloatArray
    # (b, 3) direction of bonds of the first atom
    axis: FloatArray
    # (b,) bonds of the first atom
    further: IntArray


class MoleculeSites(NamedTuple):
    """Hold the sites of b molecules; growth writes those behind the first one."""

    # (3, b, n) fractional coordinates
    frac: FloatArray
    # (b, n) codes of elements
    code: IntArray
    # (b, n) 1 over the number of operations that keep a site in place
    share: FloatArray
    # (b,) sites of each molecule; 0 stays 0
    number: IntArray


class MoleculeUnits(NamedTuple):
    """Hold u units of up to k atoms; unit 0 is a single atom, unit 1 a ring that metals take."""

    # (u - 1,) uniform numbers between these choose the units
    limits: FloatArray
    # (u,) atoms of each unit
    size: IntArray
    # (u, k, 2) x, y, angstrom
    place: FloatArray
    # (u, k, 2) direction of a further bond of each atom; NaN: a cone about the bond to the anchor
    outward: FloatArray
    # (u, k) elements
    code: IntArray
    # (u, k) further bonds of each atom
    further: IntArray
    # (u,) whether atoms, the first one left out, may be nitrogen
    is_ring: NDArray[np.bool_]


class MoleculeElements(NamedTuple):
    """Hold what growth needs to know of e elements by their codes."""

    # (s - 1,) uniform numbers between these choose the elements of single atoms
    limits: FloatArray
    # (s,) elements that single atoms can be
    drawn: IntArray
    # (e,) covalent radii, angstrom
    radius: FloatArray
    # (e, e) least squared distances between molecules, A^2
    contact_square: FloatArray
    # (e,) further bonds of a single atom; 0 for metals
    further: IntArray
    nitrogen: int
    oxygen: int


def grow_molecules(
    starts: MoleculeStarts,
    sites: MoleculeSites,
    units: MoleculeUnits,
    elements: MoleculeElements,
    *,
    rounds: int,
    seed: int,
    purpose: int,
    index: IntArray,
    turn: IntArray,
    metal_square: float,
) -> None:
    """Add units to molecules until they are complete, have no bond left or find no room.

    All arrays are checked for shape and kind.

    Parameters
    ----------
    starts, sites, units, elements
        The crystals with their first atoms, and what is added.
    rounds
        Units that are tried at most for each molecule.
    seed, purpose, index, turn
        What the random numbers of round r are a pure function of: seed, index (b,), purpose and
        turn (b,) + r.
    metal_square
        Least squared distance of an atom to images of a site on a symmetry element, A^2.

    Raises
    ------
    ValueError, TypeError
        Name the array, what it is and what it must be.
    """
    crystals, slots = sites.code.shape
    operations = len(starts.operation)
    count, atoms = units.code.shape
    kinds, shares = len(elements.radius), len(elements.drawn)
    for name, array, shape, dtype in (
        ("index", index, (crystals,), "int64"),
        ("turn", turn, (crystals,), "int64"),
        ("wanted", starts.wanted, (crystals,), "int64"),
        ("metric", starts.metric, (crystals, 6), "float64"),
        ("to_frac", starts.to_frac, (crystals, 6), "float64"),
        ("operation", starts.operation, (operations, 3, 4), "float64"),
        ("axis", starts.axis, (crystals, 3), "float64"),
        ("further", starts.further, (crystals,), "int64"),
        ("units.limits", units.limits, (count - 1,), "float64"),
        ("units.size", units.size, (count,), "int64"),
        ("units.place", units.place, (count, atoms, 2), "float64"),
        ("units.outward", units.outward, (count, atoms, 2), "float64"),
        ("units.code", units.code, (count, atoms), "int64"),
        ("units.further", units.further, (count, atoms), "int64"),
        ("units.is_ring", units.is_ring, (count,), "bool"),
        ("elements.limits", elements.limits, (shares - 1,), "float64"),
        ("elements.drawn", elements.drawn, (shares,), "int64"),
        ("elements.radius", elements.radius, (kinds,), "float64"),
        ("elements.contact_square", elements.contact_square, (kinds, kinds), "float64"),
        ("elements.further", elements.further, (kinds,), "int64"),
    ):
        check_array(name, array, shape, dtype)
    check_array("frac", sites.frac, (3, crystals, slots), "float64", written=True)
    check_array("code", sites.code, (crystals, slots), "int64", written=True)
    check_array("share", sites.share, (crystals, slots), "float64", written=True)
    check_array("number", sites.number, (crystals,), "int64", written=True)
    if crystals and starts.wanted.max() > slots:
        raise ValueError(f"wanted is up to {starts.wanted.max()}, needs {slots} or less")
    if crystals and not (sites.number.min() >= 0 and sites.number.max() <= 1):
        raise ValueError("number has crystals with more than a first atom, needs 0 or 1")
    start_arrays = (
        address(starts.wanted),
        address(starts.metric),
        address(starts.to_frac),
        address(starts.operation),
        address(starts.axis),
        address(starts.further),
    )
    site_arrays = (
        address(sites.frac),
        address(sites.code),
        address(sites.share),
        address(sites.number),
    )
    unit_arrays = (
        count,
        atoms,
        address(units.limits),
        address(units.size),
        address(units.place),
        address(units.outward),
        address(units.code),
        address(units.further),
        address(units.is_ring),
    )
    element_arrays = (
        kinds,
        shares,
        address(elements.limits),
        address(elements.drawn),
        address(elements.radius),
        address(elements.contact_square),
        address(elements.further),
        elements.nitrogen,
        elements.oxygen,
    )
    _core.grow_molecules(
        (crystals, slots, operations, rounds),
        (seed, purpose, address(index), address(turn)),
        start_arrays,
        site_arrays,
        unit_arrays,
        element_arrays,
        metal_square,
    )
