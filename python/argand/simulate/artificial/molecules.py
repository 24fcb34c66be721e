"""Molecules that grow within their cells, unit by unit, and leave room for all their images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.simulate.artificial.elements import code_of, contact_limits, draw_codes
from argand.simulate.artificial.packing import Packing, moved_onto_elements
from argand.simulate.artificial.space_groups import GroupOperations
from argand.simulate.artificial.units import (
    COVALENT_RADII,
    LARGEST_UNIT,
    METALS,
    SINGLE_VALENCE,
    Units,
)
from argand.simulate.random import Purpose, uniforms

__all__ = ["WIDEST_CONTACT", "MoleculeGrowth", "grow_molecules"]

#: A molecule and its image in the next cell are so far apart (angstrom) that no two atoms of one
#: element touch
WIDEST_CONTACT = 3.3

# Positions that are tried at once for a unit.
_CANDIDATES = 12

# A molecule that could not grow in so many rounds one after another is given up.
_MOST_FAILURES = 6

# Rounds of an attempt for each site of the largest molecule: most molecules need fewer.
_ROUNDS_A_SITE = 1.5

# Turns of random numbers that one attempt at a crystal may use.
_TURNS_OF_ATTEMPT = 1 << 10

# Uniform numbers of a round: the unit, its elements, and three for each candidate.
_NUMBERS = 2 + LARGEST_UNIT + 3 * _CANDIDATES

# Shortest distances within a molecule, angstrom: of atoms with a common neighbour, and of atoms
# that are three bonds or more apart.
_ACROSS_ANGLE = 2.2
_ACROSS_TORSION = 2.65

# Atoms nearer than this are bonded, angstrom; bonds to a metal are longer.
_BONDED = 1.9

# An image of a metal on a special position is the metal itself: its ligands come so near.
_TO_METAL = 1.85

# Cosine of the angle of bonds about a single atom, 111 degrees.
_SINGLE_COSINE = float(np.cos(np.radians(111.0)))

# Share of nitrogen among the atoms of rings, and of molecules with a metal among all.
_NITROGEN_IN_RINGS = 0.12
_WITH_METAL = 0.12

# Images of a metal nearer than a random distance up to this one (angstrom) are merged: many
# complexes have the metal on a special position, where the group has one.
_REACH_OF_METAL = 6.0

_CARBON, _NITROGEN, _OXYGEN = code_of("C"), code_of("N"), code_of("O")


class MoleculeGrowth:
    """Hold the molecules of many crystals of one group while they grow.

    Attributes
    ----------
    packing : Packing
        The sites; a molecule is never cut by the border of a cell.
    wanted : (b,)
        Sites of each complete molecule.
    """

    def __init__(
        self,
        operations: GroupOperations,
        metric: FloatArray,
        wanted: NDArray[np.int64],
        sites: int,
        shares: Mapping[str, float],
    ) -> None:
        crystals = metric.shape[1]
        self.packing = Packing(operations, metric, sites)
        self.wanted = wanted
        self.shares = shares
        self.units = Units()
        self.contacts = contact_limits()
        self._contact_squares = np.square(self.contacts)
        # Cartesian positions; the axis of the cone in which further bonds lie, and its cosine.
        self._place = np.full((3, crystals, sites), np.nan)
        self._axis = np.full((3, crystals, sites), np.nan)
        self._cosine = np.zeros((crystals, sites))
        self._further = np.zeros((crystals, sites), np.int64)
        # Rounds since each molecule has grown.
        self._failures = np.zeros(crystals, np.int64)

    def start(self, seed: int, index: NDArray[np.int64], turn: NDArray[np.int64]) -> None:
        """Place the first atom of each molecule that has none: a metal, or an atom like others."""
        packing = self.packing
        rows = np.flatnonzero(packing.count == 0)
        uniform = uniforms(seed, index[rows], 8, Purpose.FRAGMENT, turn[rows])
        code = draw_codes(self.shares, uniform[:, 0])
        further = np.maximum(SINGLE_VALENCE[code] + 1, 1)
        has_metal = uniform[:, 1] < _WITH_METAL
        metal = (uniform[:, 2] * len(METALS)).astype(np.int64)
        metal_codes = np.array([code_of(symbol) for symbol in METALS])
        code = np.where(has_metal, metal_codes[metal], code)
        ligands = np.array(list(METALS.values()))[metal]
        reach = np.where(has_metal, _REACH_OF_METAL * uniform[:, 3], 0.0)
        points, coincident, is_free = moved_onto_elements(
            packing.operations,
            packing.metric[:, rows],
            uniform[:, 4:7].T[..., None].copy(),
            reach[:, None],
            self.contacts[code, code][:, None],
        )
        # The images of its ligands are bonded to a metal on a special position too.
        ligands = np.maximum(ligands // coincident[:, 0], 1)
        further = np.where(has_metal, ligands, further)
        placed = np.flatnonzero(is_free[:, 0])
        chosen = rows[placed]
        points = points[:, placed, 0]
        packing.add(chosen, points, code[placed], 1.0 / coincident[placed, 0])
        self._place[:, chosen, 0] = _to_cartesian(packing.to_frac[:, chosen], points)
        height = 2.0 * uniform[placed, 7] - 1.0
        radius = np.sqrt(1.0 - height * height)
        angle = 2.0 * np.pi * uniform[placed, 3]
        self._axis[:, chosen, 0] = radius * np.cos(angle), radius * np.sin(angle), height
        # The first bond has no other bond to keep an angle with; any direction is as good.
        self._cosine[chosen, 0] = 1.0
        self._further[chosen, 0] = further[placed]

    def grow(self, seed: int, index: NDArray[np.int64], turn: NDArray[np.int64]) -> bool:
        """Try to add one unit to each molecule that is not complete; tell whether there was any."""
        packing = self.packing
        growing = (packing.count > 0) & (packing.count < self.wanted)
        growing &= (self._further > 0).any(axis=1) & (self._failures < _MOST_FAILURES)
        rows = np.flatnonzero(growing)
        if not len(rows):
            return False
        uniform = uniforms(seed, index[rows], _NUMBERS, Purpose.FRAGMENT, turn[rows])
        unit = np.searchsorted(self.units.limits, uniform[:, 0], side="right")
        remaining = self.wanted[rows] - packing.count[rows]
        unit = np.where(self.units.size[unit] > remaining, 0, unit)
        is_single = unit == 0
        for part in (np.flatnonzero(is_single), np.flatnonzero(~is_single)):
            if len(part):
                self._add_units(rows[part], unit[part], uniform[part])
        return True

    def is_apart(self) -> NDArray[np.bool_]:
        """Tell in which crystals (b,) molecules keep their distance in narrow cells too."""
        packing = self.packing
        shortest = self.contacts[packing.code[:, :, None], packing.code[:, None]]
        on_element = (packing.share > 0.0) & (packing.share < 1.0)
        is_metal = on_element[:, :, None] | on_element[:, None]
        return packing.is_apart(np.where(is_metal, _TO_METAL, shortest))

    def _add_units(
        self, rows: NDArray[np.intp], unit: NDArray[np.int64], uniform: FloatArray
    ) -> None:
        """Add a unit to each crystal of some rows (r,), where one of its candidates has room."""
        size = self.units.size[unit]
        atoms = int(size.max())
        code = self._elements(unit, uniform, atoms)
        draws = uniform[:, 2 + LARGEST_UNIT :].reshape(len(rows), _CANDIDATES, 3)
        anchor = self._anchors(rows, draws[..., 0])
        anchor_code = np.take_along_axis(self.packing.code[rows], anchor, axis=1)
        # Donors of a metal are nitrogen and oxygen; the candidates of one crystal share elements,
        # so the first one decides.
        to_metal = SINGLE_VALENCE[anchor_code[:, 0]] == 0
        donor = np.where(uniform[:, 1] < 0.6, _NITROGEN, _OXYGEN)
        is_donor = to_metal & (unit <= 1)
        code[:, 0] = np.where(is_donor, np.where(unit == 1, _NITROGEN, donor), code[:, 0])
        places, across = self._candidates(rows, unit, anchor, anchor_code, code, draws)
        frac = _to_frac(self.packing.to_frac[:, rows][..., None, None], places)
        is_free = self._is_free(rows, anchor, code, frac, places, size)
        chosen = is_free.argmax(axis=1)
        succeeded = np.flatnonzero(is_free[np.arange(len(rows)), chosen])
        column = chosen[succeeded]
        crystals = rows[succeeded]
        self._failures[rows] += 1
        self._failures[crystals] = 0
        slot = anchor[succeeded, column]
        self._further[crystals, slot] -= 1
        frame = [vector[:, succeeded, column] for vector in across]
        for atom in range(atoms):
            present = size[succeeded] > atom
            self._add_atom(
                crystals[present],
                unit[succeeded][present],
                atom,
                code[succeeded, atom][present],
                frac[:, succeeded, column, atom][:, present],
                places[:, succeeded, column, atom][:, present],
                [vector[:, present] for vector in frame],
            )

    def _elements(
        self, unit: NDArray[np.int64], uniform: FloatArray, atoms: int
    ) -> NDArray[np.int64]:
        """Return the elements (r, atoms) of units: drawn for single atoms and in rings."""
        code = self.units.code[unit, :atoms].copy()
        drawn = draw_codes(self.shares, uniform[:, 2])
        code[:, 0] = np.where(unit == 0, drawn, code[:, 0])
        is_nitrogen = uniform[:, 2 : 2 + atoms] < _NITROGEN_IN_RINGS
        is_nitrogen &= self.units.is_ring[unit][:, None]
        is_nitrogen[:, 0] = False
        return np.where(is_nitrogen, _NITROGEN, code)

    def _anchors(self, rows: NDArray[np.intp], uniform: FloatArray) -> NDArray[np.int64]:
        """Return the sites (r, c), drawn among those with further bonds."""
        has_bond = self._further[rows] > 0
        order = np.argsort(~has_bond, axis=1, kind="stable")
        number = (uniform * has_bond.sum(axis=1)[:, None]).astype(np.int64)
        return np.take_along_axis(order, number, axis=1)

    def _candidates(
        self,
        rows: NDArray[np.intp],
        unit: NDArray[np.int64],
        anchor: NDArray[np.int64],
        anchor_code: NDArray[np.int64],
        code: NDArray[np.int64],
        draws: FloatArray,
    ) -> tuple[FloatArray, tuple[FloatArray, FloatArray]]:
        """Return positions (3, r, c, atoms), angstrom, and the x and y axes (3, r, c) of units."""
        start = self._at(self._place, rows, anchor)
        axis = self._at(self._axis, rows, anchor)
        cosine = np.take_along_axis(self._cosine[rows], anchor, axis=1)
        sine = np.sqrt(np.maximum(1.0 - cosine * cosine, 0.0))
        along = cosine * axis + sine * _perpendicular(axis, 2.0 * np.pi * draws[..., 1])
        across = _perpendicular(along, 2.0 * np.pi * draws[..., 2])
        length = COVALENT_RADII[anchor_code] + COVALENT_RADII[code[:, :1]]
        first = start + length * along
        atoms = code.shape[1]
        x, y = np.moveaxis(self.units.place[unit, :atoms], -1, 0)[:, :, None]
        places = first[..., None] + x * along[..., None] + y * across[..., None]
        return places, (along, across)

    def _at(self, field: FloatArray, rows: NDArray[np.intp], slot: NDArray[np.int64]) -> FloatArray:
        """Return vectors (3, r, c) of the sites (r, c) of crystals (r,)."""
        return np.take_along_axis(field[:, rows], slot[None], axis=2)

    def _is_free(
        self,
        rows: NDArray[np.intp],
        anchor: NDArray[np.int64],
        code: NDArray[np.int64],
        frac: FloatArray,
        places: FloatArray,
        size: NDArray[np.int64],
    ) -> NDArray[np.bool_]:
        """Tell which candidates (r, c) keep all their distances, to images and in the molecule."""
        packing = self.packing
        sites = int(packing.count[rows].max())
        between = self._contact_squares[code[:, :, None], packing.code[rows, None, :sites]]
        on_element = packing.share[rows, None, :sites] < 1.0
        between = np.where(on_element, _TO_METAL**2, between)
        within = self._squares_within(rows, anchor, places, sites)
        own = None
        if len(packing.operations.rotations) > 1:
            own = self._contact_squares[code[:, :, None], code[:, None, :]]
        return packing.find_free(rows, size, frac, between, within, own)

    def _squares_within(
        self, rows: NDArray[np.intp], anchor: NDArray[np.int64], places: FloatArray, sites: int
    ) -> FloatArray:
        """Return the least squared distances (r, c, atoms, sites) within a molecule, A^2."""
        start = self._at(self._place, rows, anchor)
        x, y, z = self._place[:, rows, None, :sites] - start[..., None]
        is_neighbour = (x * x + y * y + z * z) < _BONDED**2
        is_anchor = np.arange(sites) == anchor[..., None]
        shortest = np.full((*anchor.shape, places.shape[3], sites), _ACROSS_TORSION**2)
        # The first atom of a unit is bonded to the anchor, the others are two bonds from it.
        shortest[:, :, 0][is_neighbour] = _ACROSS_ANGLE**2
        shortest[:, :, 0][is_anchor] = 0.0
        behind = shortest[:, :, 1:].swapaxes(2, 3)
        behind[is_anchor] = _ACROSS_ANGLE**2
        return shortest

    def _add_atom(
        self,
        rows: NDArray[np.intp],
        unit: NDArray[np.int64],
        atom: int,
        code: NDArray[np.int64],
        frac: FloatArray,
        place: FloatArray,
        frame: list[FloatArray],
    ) -> None:
        """Add atom number `atom` of units to crystals (r,), with the directions of its bonds."""
        along, across = frame
        slot = self.packing.count[rows]
        self.packing.add(rows, frac, code, np.ones(len(rows)))
        self._place[:, rows, slot] = place
        x, y = self.units.outward[unit, atom].T
        is_cone = np.isnan(x)
        outward = x * along + y * across
        self._axis[:, rows, slot] = np.where(is_cone, -along, outward)
        self._cosine[rows, slot] = np.where(is_cone, _SINGLE_COSINE, 1.0)
        further = self.units.further[unit, atom]
        further = np.where(unit == 0, SINGLE_VALENCE[code], further)
        # Nitrogen of a ring has no further bond.
        in_ring = self.units.is_ring[unit] & (code == _NITROGEN)
        self._further[rows, slot] = np.where(in_ring, 0, further)


def grow_molecules(
    operations: GroupOperations,
    metric: FloatArray,
    wanted: NDArray[np.int64],
    sites: int,
    shares: Mapping[str, float],
    *,
    seed: int,
    index: NDArray[np.int64],
    attempt: NDArray[np.int64],
) -> tuple[Packing, NDArray[np.bool_]]:
    """Grow one molecule in the asymmetric unit of each cell.

    Parameters
    ----------
    operations, metric
        The group, and metrics (6, b) of the cells.
    wanted, sites
        Atoms (b,) of each molecule, and the largest number of all.
    shares
        Shares of the elements among single atoms.
    seed, index, attempt
        Seed, indices (b,) of the samples, and the number (b,) of the attempt at each.

    Returns
    -------
    The packing, and which (b,) molecules are complete.
    """
    growth = MoleculeGrowth(operations, metric, wanted, sites, shares)
    turn = attempt * _TURNS_OF_ATTEMPT
    growth.start(seed, index, turn)
    for number in range(1, 1 + int(_ROUNDS_A_SITE * sites)):
        if not growth.grow(seed, index, turn + number):
            break
    return growth.packing, (growth.packing.count == wanted) & growth.is_apart()


def _perpendicular(axis: FloatArray, angle: FloatArray) -> FloatArray:
    """Return unit vectors (3, ...) perpendicular to unit vectors, turned about them by an angle.

    Source: T. Duff et al., "Building an orthonormal basis, revisited", JCGT 6 (2017) 1.
    """
    x, y, z = axis
    sign = np.copysign(1.0, z)
    a = -1.0 / (sign + z)
    b = x * y * a
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.stack(
        [
            cosine * (1.0 + sign * x * x * a) + sine * b,
            cosine * (sign * b) + sine * (sign + y * y * a),
            -cosine * (sign * x) - sine * y,
        ]
    )


def _to_frac(to_frac: FloatArray, place: FloatArray) -> FloatArray:
    """Return fractional coordinates (3, ...) of Cartesian places (3, ...), angstrom."""
    t11, t22, t33, t12, t13, t23 = to_frac
    x, y, z = place
    return np.stack([t11 * x + t12 * y + t13 * z, t22 * y + t23 * z, t33 * z])


def _to_cartesian(to_frac: FloatArray, frac: FloatArray) -> FloatArray:
    """Return Cartesian places (3, ...), angstrom, of fractional coordinates (3, ...)."""
    t11, t22, t33, t12, t13, t23 = to_frac
    u, v, w = frac
    z: Any = w / t33
    y = (v - t23 * z) / t22
    x = (u - t12 * y - t13 * z) / t11
    return np.stack([x, y, z])
