"""Hold a crystal: its cell, its symmetry and the sites of its asymmetric unit."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import gemmi
import numpy as np
from numpy.typing import ArrayLike, NDArray

from argand import _gemmi
from argand import cell as _cell
from argand._convert import ase_atoms, gemmi_model, pymatgen_structure
from argand.atom_types import atom_type, atomic_number
from argand.cell import Cell, FloatArray
from argand.errors import ArgandError
from argand.rows import distinct_rows
from argand.site_ranges import check_site_ranges
from argand.symmetry import operation_arrays, symops_and_name

__all__ = ["SPECIAL_POSITION_RADIUS", "Crystal", "distinct_images"]

#: A symmetry image nearer than this (angstrom) is the same atom: the site lies on a special
#: position. The value is gemmi's.
SPECIAL_POSITION_RADIUS = 0.4

# Two images are one atom when they agree to this, fractional or in beta: far below any effect on F.
_SAME_IMAGE = 1e-9

# Fractional coordinates beyond this are mistakes, and leave no digits for the position in the cell.
_LARGEST_COORDINATE = 1e6


@dataclass(frozen=True, eq=False)
class Crystal:
    """Hold the sites of an asymmetric unit in a cell with symmetry; all of it is read-only.

    Parameters
    ----------
    cell : (a, b, c, alpha, beta, gamma) in angstrom and degrees
    spacegroup : str
        Kept as gemmi's extended Hermann-Mauguin name ('R -3 m' becomes 'R -3 m:H'), or as the
        operations joined by ';' where a setting has no name.
    types : (n,) str, such as 'C', 'O2-', 'Fe3+', 'D'
    frac : (n, 3) array
        Fractional coordinates.
    occ : (n,) array
        Chemical occupancies, or 1; `to_p1` alone applies the multiplicity of special positions.
    b_iso : (n,) array
        B = 8 pi^2 U in A^2, 0 where not given; anisotropic sites have the equivalent of `u_aniso`.
    u_aniso : (n, 6) array, optional
        U_cif in A^2 in the order 11 22 33 12 13 23; rows of isotropic sites are NaN.
    labels : (n,) str, the types where not given
    symops : tuple of str
        All operations as triplets, centring included; they define the symmetry where given.

    Raises
    ------
    ArgandError
        One line that names the argument, what it is and what it needs to be.
    """

    cell: Cell
    spacegroup: str = "P 1"
    types: tuple[str, ...] = ()
    # These three are optional arguments, but arrays in every crystal: the annotations say arrays.
    frac: FloatArray = None  # type: ignore[assignment]
    occ: FloatArray = None  # type: ignore[assignment]
    b_iso: FloatArray = None  # type: ignore[assignment]
    u_aniso: FloatArray | None = None
    labels: tuple[str, ...] = ()
    symops: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "cell", _cell.cell_parameters(self.cell))
        symops, name = symops_and_name(self.symops or self.spacegroup)
        put(self, "symops", symops)
        put(self, "spacegroup", name)
        put(self, "types", tuple(atom_type(symbol).symbol for symbol in self.types))
        n = len(self.types)
        put(self, "labels", tuple(self.labels) or self.types)
        if len(self.labels) != n:
            raise ArgandError(
                f"labels has {len(self.labels)} names, needs one for each of the {n} types"
            )
        frac = np.empty((0, 3)) if self.frac is None else self.frac
        put(self, "frac", _array("frac", frac, (n, 3)))
        largest = np.abs(self.frac).max(initial=0.0)
        if largest > _LARGEST_COORDINATE:
            raise ArgandError(
                f"frac holds {largest:g}, needs coordinates in units of the cell edges"
            )
        occ = 1.0 if self.occ is None else self.occ
        put(self, "occ", _array("occ", occ, (n,)))
        b_iso = 0.0 if self.b_iso is None else self.b_iso
        b_iso = _array("b_iso", b_iso, (n,))
        if self.u_aniso is not None:
            u_aniso = _array("u_aniso", self.u_aniso, (n, 6), nan_rows=True)
            put(self, "u_aniso", u_aniso)
            with np.errstate(over="ignore", invalid="ignore"):
                equivalent = _cell.b_iso_from_u_aniso(u_aniso, self.cell)
            b_iso = _read_only(np.where(self.anisotropic, equivalent, b_iso))
        put(self, "b_iso", b_iso)
        with np.errstate(over="ignore", invalid="ignore"):
            beta = self.beta()[self.anisotropic]
            check_site_ranges(self.labels, self.occ, b_iso, beta, self.anisotropic, self.cell)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the fields of an unpickled or deep-copied crystal, and forbid writing to them."""
        for name, value in state.items():
            if isinstance(value, np.ndarray):
                value.flags.writeable = False
            object.__setattr__(self, name, value)

    @property
    def volume(self) -> float:
        """Return the volume of the cell in A^3."""
        return _cell.cell_volume(self.cell)

    @property
    def reciprocal_metric(self) -> FloatArray:
        """Return the reciprocal metric G* (3, 3) in A^-2: 1/d^2 = h^T G* h."""
        return _cell.reciprocal_metric(self.cell)

    @property
    def anisotropic(self) -> NDArray[np.bool_]:
        """Return a mask (n,) of the sites whose displacement is a tensor U."""
        if self.u_aniso is None:
            return np.zeros(len(self.types), bool)
        return np.asarray(~np.isnan(self.u_aniso[:, 0]))

    def beta(self) -> FloatArray:
        """Return beta (n, 6) of exp(-h^T beta h) of every site, order 11 22 33 12 13 23."""
        return _cell.beta_of_sites(self.b_iso, self.u_aniso, self.anisotropic, self.cell)

    @cached_property
    def _images(self) -> FloatArray:
        """Return every site under every operation, (n, operations, 3), not reduced to the cell."""
        rotations, translations = operation_arrays(self.symops)
        images: FloatArray = np.einsum("oij,nj->noi", rotations, self.frac) + translations
        return images

    @cached_property
    def image_distances(self) -> FloatArray:
        """Return the distance (n, o), angstrom, from each site to its image by each operation.

        Of the images in all unit cells the nearest counts.
        """
        shift = self._images - self.frac[:, None]
        shift -= np.rint(shift)
        squared = np.einsum("noi,ij,noj->no", shift, _cell.metric(self.cell), shift)
        return np.asarray(np.sqrt(np.maximum(squared, 0.0)))

    @cached_property
    def in_place(self) -> NDArray[np.bool_]:
        """Tell, for each site and operation (n, o), whether the operation keeps the site in place.

        An image nearer to the site than `SPECIAL_POSITION_RADIUS` is in place.
        """
        return np.asarray(self.image_distances < SPECIAL_POSITION_RADIUS)

    @property
    def _coincident(self) -> FloatArray:
        """Count, for each site (n,), the operations that keep it in place."""
        return np.asarray(self.in_place.sum(axis=1), np.float64)

    def multiplicity(self) -> FloatArray:
        """Return the atoms (n,) in the cell of each site at full occupancy.

        It is the number of all operations over the number of operations that keep the site in
        place.
        """
        return len(self.symops) / self._coincident

    def to_p1(self) -> Crystal:
        """Fill the cell with all symmetry images and return it in P 1; F stays exactly what it is.

        Images that agree in position and displacement become one site. Images of a site near a
        special position (`0.3333` for 1/3) stay apart and share its occupancy, so that the sum is
        that of gemmi and cctbx.
        """
        operations = len(self.symops)
        return self if operations == 1 else self.images(range(operations))

    def images(self, numbers: Sequence[int]) -> Crystal:
        """Return the images of all sites under some operations, in P 1.

        `numbers` count in `symops`. F of the images is the part of these operations in F of the
        crystal; see `to_p1` for images that agree.
        """
        n_ops = len(numbers)
        frac = self._images[:, list(numbers)] % 1.0
        rotations = operation_arrays(self.symops)[0][list(numbers)]
        turned = np.einsum("oqr,nr->noq", _cell.beta_rotations(rotations), self.beta())
        # B of an isotropic site is no tensor to turn, even where the cell is not quite as
        # symmetric as its space group asks for.
        turned[~self.anisotropic] = 0.0
        first, count = distinct_images(frac, turned)
        order = np.argsort(first)
        first = first[order]
        site = first // n_ops
        u_aniso = None
        if self.u_aniso is not None:
            u_aniso = _cell.u_aniso_from_beta(turned.reshape(-1, 6)[first], self.cell)
            u_aniso[~self.anisotropic[site]] = np.nan
        return Crystal(
            cell=self.cell,
            types=tuple(self.types[i] for i in site),
            frac=frac.reshape(-1, 3)[first],
            occ=self.occ[site] * count[order] / self._coincident[site],
            b_iso=self.b_iso[site],
            u_aniso=u_aniso,
            labels=tuple(self.labels[i] for i in site),
        )

    def composition(self) -> dict[str, float]:
        """Count the atoms of each element in the cell, in Hill order; D is an element of its own.

        Hill order is C, H, then all others by name; by name alone without carbon.
        """
        content: dict[str, float] = {}
        atoms = self.occ * self.multiplicity()
        for symbol, number in zip(self.types, atoms, strict=True):
            element = atom_type(symbol).element
            content[element] = content.get(element, 0.0) + float(number)
        first = [element for element in ("C", "H", "D") if element in content]
        if "C" not in content:
            first = []
        others = sorted(set(content) - set(first))
        return {element: content[element] for element in (*first, *others)}

    @property
    def formula(self) -> str:
        """Return the content of the cell as text, 'C36 H38 N2 O8'."""
        words = []
        for element, number in self.composition().items():
            words.append(f"{element}{round(number, 2):g}")
        return " ".join(words)

    def f000(self) -> float:
        """Return the electrons in the cell, which formula x Z must give; ions count as neutral."""
        electrons = 0.0
        for element, number in self.composition().items():
            electrons += atomic_number(element) * number
        return electrons

    def check_occupied(self) -> None:
        """Raise `ArgandError` unless a site is occupied, for else the crystal scatters nothing."""
        if not (self.occ > 0.0).any():
            raise ArgandError("no site of the crystal is occupied, needs one that scatters")

    def replace(self, **changes: Any) -> Crystal:
        """Return a copy with some fields changed; a new `spacegroup` brings its own operations."""
        if "spacegroup" in changes:
            changes.setdefault("symops", ())
        return dataclasses.replace(self, **changes)

    def select(self, sites: ArrayLike) -> Crystal:
        """Return a crystal with some of the sites, by their numbers or by a mask (n,)."""
        rows = np.arange(len(self.types))[np.asarray(sites)]
        return self.replace(
            types=tuple(self.types[row] for row in rows),
            labels=tuple(self.labels[row] for row in rows),
            frac=self.frac[rows],
            occ=self.occ[rows],
            b_iso=self.b_iso[rows],
            u_aniso=None if self.u_aniso is None else self.u_aniso[rows],
        )

    def summary(self) -> str:
        """Describe the crystal in several lines: cell, symmetry, content, and applied defaults."""
        a, b, c, alpha, beta, gamma = self.cell
        anisotropic = int(np.count_nonzero(self.anisotropic))
        name = "without a name" if "," in self.spacegroup else self.spacegroup
        plural = "s" if len(self.symops) > 1 else ""
        partial = int(np.count_nonzero(self.occ != 1))
        at_rest = int(np.count_nonzero(~self.beta().any(axis=1)))
        n = len(self.types)
        angles = f"{alpha:g} {beta:g} {gamma:g} degrees"
        lines = [
            f"cell         {a:g} {b:g} {c:g} A, {angles}, {self.volume:.2f} A^3",
            f"space group  {name} ({len(self.symops)} operation{plural})",
            f"sites        {n} ({anisotropic} anisotropic, {partial} partly occupied)",
            f"content      {self.formula}, F(000) = {self.f000():g} electrons",
        ]
        if at_rest:
            lines.append(f"displacement {at_rest} sites have none: B = 0 is used for them")
        return "\n".join(lines)

    def to_gemmi(self) -> gemmi.SmallStructure:
        """Return gemmi's SmallStructure with chemical occupancies.

        gemmi's calculator needs its `change_occupancies_to_crystallographic()` called before.
        """
        return _gemmi.small_structure(symops=self.symops, **self._fields(occ=self.occ))

    def to_gemmi_structure(self) -> gemmi.Structure:
        """Return gemmi's Structure of one model, as of a protein, crystallographic occupancies."""
        return gemmi_model.model_of_fields(**self._fields(occ=self.occ / self._coincident))

    @classmethod
    def from_gemmi(cls, structure: gemmi.SmallStructure | gemmi.Structure) -> Crystal:
        """Make a crystal of gemmi's SmallStructure, or of the only model of its Structure.

        Occupancies of a SmallStructure must be chemical, those of a model crystallographic.
        """
        if not isinstance(structure, gemmi.Structure):
            return cls(**_gemmi.fields(structure))
        crystal = cls(**gemmi_model.fields_of_model(structure))
        return crystal.replace(occ=crystal.occ * crystal._coincident)

    def to_ase(self) -> Any:
        """Return ase.Atoms of the whole cell; arrays hold occ, b_iso, u_aniso, atom_type, label."""
        return ase_atoms.atoms_of_fields(**self.to_p1()._fields_in_p1())

    @classmethod
    def from_ase(cls, atoms: Any) -> Crystal:
        """Make a crystal in P 1 of ase.Atoms: the arrays of `to_ase`, or mixed sites of a CIF."""
        return cls(**ase_atoms.fields_of_atoms(atoms))

    def to_pymatgen(self) -> Any:
        """Return pymatgen's Structure of the whole cell; b_iso and u_aniso are site properties."""
        return pymatgen_structure.structure_of_fields(**self.to_p1()._fields_in_p1())

    @classmethod
    def from_pymatgen(cls, structure: Any) -> Crystal:
        """Make a crystal in P 1 of pymatgen's Structure; oxidation states are charges of ions."""
        return cls(**pymatgen_structure.fields_of_structure(structure))

    def _fields_in_p1(self) -> dict[str, Any]:
        """Return the fields of a crystal in P 1 as keywords, without its symmetry."""
        fields = self._fields(occ=self.occ)
        del fields["spacegroup"]
        return fields

    def _fields(self, occ: FloatArray) -> dict[str, Any]:
        """Return the fields as keywords, with given occupancies and without the operations."""
        names = ("cell", "spacegroup", "types", "labels", "frac", "b_iso", "u_aniso")
        return {"occ": occ, **{name: getattr(self, name) for name in names}}


def distinct_images(
    frac: FloatArray, beta: FloatArray
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Find which symmetry images of sites are different atoms.

    Parameters
    ----------
    frac : (n, o, 3)
        Fractional coordinates of n sites under o operations, in any cell.
    beta : (n, o, 6)
        Displacement tensors of the images; 0 for isotropic sites.

    Returns
    -------
    Numbers site x o + operation of one image of each atom, site by site, and how many images each
    stands for.
    """
    n, n_ops, _ = frac.shape
    position = np.rint(frac / _SAME_IMAGE) % np.rint(1.0 / _SAME_IMAGE)
    tensor = np.rint(beta / _SAME_IMAGE)
    number = np.arange(n, dtype=np.float64)[:, None, None]
    site = np.broadcast_to(number, (n, n_ops, 1))
    key = np.concatenate([site, position, tensor], axis=2).reshape(n * n_ops, 10)
    first, place = distinct_rows(key)
    return first, np.bincount(place)


def _read_only(array: FloatArray) -> FloatArray:
    """Forbid writing to an array, and return it."""
    array.flags.writeable = False
    return array


def _array(name: str, value: Any, shape: tuple[int, ...], nan_rows: bool = False) -> FloatArray:
    """Return a checked read-only float64 copy of the argument `name`; a scalar fills all sites."""
    if np.ma.is_masked(value):
        raise ArgandError(f"{name} is a masked array, needs plain numbers: leave masked values out")
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ArgandError(f"{name} holds something that is no number") from None
    if array.ndim == 0 and len(shape) == 1:
        array = np.full(shape, array)
    if array.shape != shape:
        wanted = "(n,)" if len(shape) == 1 else f"(n, {shape[1]})"
        raise ArgandError(
            f"{name} has shape {array.shape}, needs {wanted} with n = {shape[0]} types"
        )
    numbers = array
    if nan_rows:
        numbers = array[~np.isnan(array).all(axis=1)]
    if not np.isfinite(numbers).all():
        raise ArgandError(f"{name} holds NaN or infinity")
    return _read_only(array)
