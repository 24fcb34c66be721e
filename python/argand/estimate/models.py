"""Models of a known crystal for a search: what may move, and how it scatters."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from argand.cell import Cell, FloatArray, beta_from_b_iso, u_aniso_from_beta
from argand.crystal import Crystal
from argand.estimate.difference import DifferenceMap
from argand.estimate.further_atom import WithFurtherAtom
from argand.estimate.linearisation import Linearisation
from argand.estimate.riding import released_modes
from argand.radiation import Radiation
from argand.refine import Model, Parameters, free
from argand.refine.parameters import BISO, COORDINATES, FRAC, UANISO
from argand.site_symmetry import cartesian_axes

__all__ = ["DisplacementModels", "MovableCrystal"]

# Models of so many lists of reflections are kept. The data sets of a series are much alike.
_KEPT_MODELS = 4

# A site of this occupancy or more is seen as well as a full one; displacements of one with less
# are expected to be smaller in proportion.
_SEEN_OCCUPANCY = 0.5

# An empty site is expected to stay where it is; a prior of no width at all has no weight.
_LEAST_PRIOR_SHARE = 1e-3


class MovableCrystal:
    """Hold a known crystal, what of it may move, and how it is measured.

    Parameters
    ----------
    crystal
        The known structure, n sites.
    modes
        Cartesian displacements (k, n, 3) that are free, one parameter each.
    leaders
        Site (n,) whose displacement each site takes over when atoms are exchanged; itself if it
        follows none.
    radiation
        Form factors and wavelength.
    extinction
        SHELXL's x of the known structure. It is refined where it is not 0.
    further_element
        Type of an atom that measured crystals may have and the known one has not; None: there is
        none.

    Attributes
    ----------
    positions : the modes as parameters
    parameters : the modes, an overall B, and extinction where there is some: k' in all
    released : hydrogens that leave their carriers, as further parameters
    moves : (k', n, 3) Cartesian displacement, angstrom, of one unit of each of `parameters`

    Raises
    ------
    ArgandError
        No site of the crystal is occupied: it scatters nothing.
    """

    def __init__(
        self,
        crystal: Crystal,
        modes: FloatArray,
        *,
        leaders: NDArray[np.intp],
        radiation: Radiation,
        extinction: float = 0.0,
        further_element: str | None = None,
    ) -> None:
        crystal.check_occupied()
        self.crystal = crystal
        self.leaders = leaders
        self.radiation = radiation
        self.extinction = extinction
        self.further_element = further_element
        self.positions = free(crystal, positions=modes)
        self.parameters = self.positions + self.unmoving
        self.moves = self._moves(self.parameters)
        self._models: dict[tuple[Cell, bytes], DisplacementModels] = {}

    @property
    def unmoving(self) -> Parameters:
        """Return the parameters that move no site: an overall B, and extinction if any."""
        refined = self.extinction != 0.0
        return free(self.crystal, positions=False, overall_b=True, extinction=refined)

    @cached_property
    def released(self) -> Parameters:
        """Return the directions of hydrogens that ride on a carrier, each hydrogen on its own."""
        modes = self.moves[: len(self.positions)]
        return free(self.crystal, positions=released_modes(self.crystal, modes))

    @cached_property
    def vibration(self) -> Parameters:
        """Return a change of B for each site that leads; sites that follow it change with it.

        An anisotropic site changes by the same in all directions.
        """
        crystal = self.crystal
        one = beta_from_b_iso(np.ones(()), crystal.cell)
        u_of_b = u_aniso_from_beta(one, crystal.cell)
        names = []
        directions = []
        for leader in np.unique(self.leaders).tolist():
            direction = np.zeros((len(crystal.types), COORDINATES))
            follows = self.leaders == leader
            direction[follows & ~crystal.anisotropic, BISO] = 1.0
            direction[follows & crystal.anisotropic, UANISO] = u_of_b
            names.append(f"{crystal.labels[leader]}.B")
            directions.append(direction)
        return Parameters(tuple(names), ("b",) * len(names), np.array(directions))

    @cached_property
    def released_moves(self) -> FloatArray:
        """Return the Cartesian displacement (j, n, 3), angstrom, of a unit of `released`."""
        return self._moves(self.released)

    @cached_property
    def moved_site(self) -> NDArray[np.intp]:
        """Return the site (k',) that each parameter moves most."""
        squares = np.square(self.moves).sum(axis=2)
        return np.asarray(squares.argmax(axis=1))

    @cached_property
    def displacement_per_unit(self) -> float:
        """Return the rms displacement, angstrom, of a free site whose parameters are N(0, 1)."""
        squares = np.square(self.moves).sum(axis=(0, 2))
        return float(np.sqrt(squares.max(initial=0.0)))

    def prior_share(self, moves: FloatArray) -> FloatArray:
        """Return by how much the prior of parameters with `moves` (j, n, 3) is narrower, (j,).

        It is narrower for sites of low occupancy, which the data hardly see. Occupancies of sites
        that move together add up: atoms that share a place, hydrogens and their carrier.
        """
        is_moved = np.square(moves).sum(axis=2) > 0.0
        share = is_moved @ self.crystal.occ / _SEEN_OCCUPANCY
        share = np.clip(share, _LEAST_PRIOR_SHARE, 1.0)
        return np.where(is_moved.any(axis=1), share, 1.0)

    def models(self, hkl: NDArray[np.int32], cell: Cell) -> DisplacementModels:
        """Return the models for reflections hkl (m, 3) in this cell; the last ones are kept."""
        key = cell, np.ascontiguousarray(hkl).tobytes()
        if key not in self._models:
            if len(self._models) >= _KEPT_MODELS:
                del self._models[next(iter(self._models))]
            self._models[key] = DisplacementModels(self, hkl, cell)
        return self._models[key]

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: all but the models, which are made anew where they are needed."""
        return self.__dict__ | {"_models": {}}

    def _moves(self, parameters: Parameters) -> FloatArray:
        axes = cartesian_axes(self.crystal)
        return np.asarray(parameters.directions[:, :, FRAC] @ axes.T)


class DisplacementModels:
    """Model a movable crystal for m reflections in one cell; each part is made when first used.

    Attributes
    ----------
    movable : what may move
    crystal : the known structure in the cell of the data
    displaced : the model whose parameters are `movable.parameters`
    """

    def __init__(self, movable: MovableCrystal, hkl: NDArray[np.int32], cell: Cell) -> None:
        self.movable = movable
        self.crystal = movable.crystal.replace(cell=cell)
        self.displaced = Model(
            self.crystal,
            hkl,
            movable.parameters,
            radiation=movable.radiation,
            extinction=movable.extinction,
            mates_merged=True,
        )
        self.is_position = np.array(self.displaced.parameters.kinds) == "position"

    @cached_property
    def unmoved(self) -> Model:
        """Return the model of the known structure: only overall B and extinction are free."""
        return self.displaced.of(self.crystal, self.movable.unmoving)

    @cached_property
    def linearisation(self) -> Linearisation:
        """Return the statistical linearisation of the position parameters."""
        movable = self.movable
        hkl = self.displaced.hkl
        return Linearisation(self.crystal, hkl, movable.positions, movable.radiation)

    @cached_property
    def difference(self) -> DifferenceMap:
        """Return the maker of difference maps of the displaced crystal."""
        return DifferenceMap(self.displaced)

    @cached_property
    def further(self) -> WithFurtherAtom | None:
        """Return the model with one more atom, or None where none is expected."""
        if self.movable.further_element is None:
            return None
        return WithFurtherAtom(self.difference, self.movable.further_element)

    @cached_property
    def released(self) -> Model | None:
        """Return the model whose hydrogens may leave their carriers; None where none rides."""
        released = self.movable.released
        if not len(released):
            return None
        return self.displaced.of(self.crystal, self.displaced.parameters + released)

    @cached_property
    def vibrating(self) -> Model:
        """Return the model in which the B of each site is free as well."""
        return self.displaced.of(self.crystal, self.displaced.parameters + self.movable.vibration)

    def with_positions(self, p: FloatArray, displacement: FloatArray) -> FloatArray:
        """Replace the positions in p (..., k') by those of displacements (..., n, 3)."""
        moved = self.displaced.from_displacements(displacement)
        return np.where(self.is_position, moved, p)
