"""Compute structure factors with form factors that a table gives for each atom and reflection.

Atoms of a molecule are not spherical: their form factors depend on the direction of h, and are
complex. F(h) = sum over sites j and operations (R, t) of occ_j f_j(h R) exp(-T) exp(+2 pi i h.x),
where x = R x_j + t.

Source: L. Midgley et al., arXiv:1911.08847; F. Kleemiss et al., Chem. Sci. 12 (2021) 1675.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from argand import _seam
from argand._memory import demand
from argand._seam import Batch
from argand.cell import beta_rotations
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.form_factors import Corrections, dispersion_of_types
from argand.reflections import HklArray, as_hkl, asymmetric_unit
from argand.rows import distinct_rows, find_rows
from argand.symmetry import operation_arrays

__all__ = ["FormFactorTable", "tabulated_batch", "tabulated_structure_factors"]

ComplexArray = NDArray[np.complex128]

# Bytes of a form factor of an image at one reflection: in the table's order, and in the batch's.
_BYTES_OF_FORM = 48

# Repeated rows of a table agree to this, in electrons: tables have some six digits.
_SAME_FORM = 1e-4


@dataclass(frozen=True, eq=False)
class FormFactorTable:
    """Hold the form factors of the sites of a crystal at reflections.

    Parameters
    ----------
    labels
        Labels of n sites.
    hkl : (k, 3)
        Reflections, with all that the rotations of the space group make of them; of h and -h one is
        enough, since the electron density of an atom is real.
    f : (k, n)
        Form factors in electrons, without vibration, with the sign of exp(+2 pi i h.x).
    has_dispersion
        Whether f' + i f'' is in the table; h and -h are then both needed.
    is_spherical
        Whether equivalent reflections, of which the table has one, share a form factor.

    Raises
    ------
    ArgandError
        Names the argument that does not fit, or a reflection with two different values.
    """

    labels: tuple[str, ...]
    hkl: HklArray
    f: ComplexArray
    has_dispersion: bool = False
    is_spherical: bool = False

    def __post_init__(self) -> None:
        hkl = as_hkl(self.hkl)
        f = np.asarray(self.f, np.complex128)
        if f.shape != (len(hkl), len(self.labels)):
            raise ArgandError(
                f"f has shape {f.shape}, needs ({len(hkl)}, {len(self.labels)}): "
                "reflections of hkl and labels"
            )
        if not np.isfinite(f).all():
            raise ArgandError("f holds NaN or infinity")
        names = [label.upper() for label in self.labels]
        for name in names:
            if names.count(name) > 1:
                raise ArgandError(f"labels holds {name!r} twice, needs each once")
        first, place = distinct_rows(hkl)
        differing = np.abs(f - f[first[place]]).max(axis=1, initial=0.0) > _SAME_FORM
        if differing.any():
            h, k, l = hkl[np.flatnonzero(differing)[0]]
            raise ArgandError(f"reflection {h} {k} {l} has two different form factors")
        object.__setattr__(self, "labels", tuple(self.labels))
        object.__setattr__(self, "hkl", hkl[first])
        object.__setattr__(self, "f", f[first])

    def at(self, hkl: HklArray, spacegroup: str | tuple[str, ...] = "P 1") -> ComplexArray:
        """Return the form factors (m, n) of all sites at reflections (m, 3).

        Parameters
        ----------
        hkl
            Reflections.
        spacegroup
            Name or operations; those of a spherical table, by which reflections are equivalent.

        Raises
        ------
        ArgandError
            Names a reflection that the table lacks.
        """
        listed, wanted = self.hkl, hkl
        if self.is_spherical:
            listed = asymmetric_unit(listed, spacegroup)
            wanted = asymmetric_unit(wanted, spacegroup)
        if not len(listed):
            raise ArgandError("the table of form factors has no reflections")
        rows = find_rows(listed, wanted)
        f = self.f[rows]
        is_listed = rows >= 0
        if not self.has_dispersion:
            mate_rows = find_rows(listed, -wanted)
            by_mate = ~is_listed & (mate_rows >= 0)
            f[by_mate] = self.f[mate_rows[by_mate]].conj()
            is_listed |= by_mate
        if not is_listed.all():
            h, k, l = hkl[np.flatnonzero(~is_listed)[0]]
            raise ArgandError(
                f"the table of form factors lacks {h} {k} {l}, needs all that the rotations of the "
                "space group make of the reflections"
            )
        return f


def tabulated_batch(
    crystal: Crystal,
    hkl: ArrayLike,
    table: FormFactorTable,
    *,
    energy_kev: float | None = None,
    corrections: Corrections = (),
    dtype: np.dtype[Any] | str = "float64",
) -> Batch:
    """Build the batch of a crystal, all of its symmetry images, with tabulated form factors.

    Parameters
    ----------
    crystal
        Structure; labels of its sites name the columns of the table.
    hkl : (m, 3)
        Reflections, whole numbers.
    table
        Form factors.
    energy_kev
        Photon energy in keV; it adds f' + i f'' to a table without dispersion.
    corrections
        (element, f', f'') in electrons at this energy, instead of the tabulated ones.
    dtype
        float32 or float64.

    Raises
    ------
    ArgandError
        Labels of crystal and table differ, the table lacks a reflection, or it has dispersion
        already.
    MemoryLimitError
        The form factors take more than `argand.memory_limit()`.
    """
    indices = as_hkl(hkl)
    columns = _columns(crystal, table)
    if corrections and energy_kev is None:
        raise ArgandError("corrections are f' and f'' at a photon energy: give energy_kev")
    if energy_kev is not None and table.has_dispersion:
        raise ArgandError("energy_kev is given, but the table of form factors has dispersion")
    rotations, translations = operation_arrays(crystal.symops)
    distinct, rotation_of = np.unique(rotations, axis=0, return_inverse=True)
    rotation_of = rotation_of.reshape(-1)
    n, m = len(crystal.types), len(indices)
    numbers = n * len(distinct) * m
    demand(f"{numbers:,} tabulated form factors", _BYTES_OF_FORM * numbers, "give fewer at a time")
    real = np.dtype(dtype)
    form = np.empty((len(distinct), n, m), np.result_type(real, np.complex64))
    for number, rotation in enumerate(distinct):
        turned = np.ascontiguousarray(indices @ rotation, np.int32)
        form[number] = table.at(turned, crystal.symops)[:, columns].T
    if energy_kev is not None:
        form += dispersion_of_types(crystal.types, energy_kev, corrections)[:, None]
    frac = np.einsum("oij,nj->oni", rotations, crystal.frac) + translations[:, None]
    beta = np.einsum("oqr,nr->onq", beta_rotations(rotations), crystal.beta())
    # B of an isotropic site is no tensor to turn, even where the cell is not quite symmetric.
    isotropic = ~crystal.anisotropic
    beta[:, isotropic] = crystal.beta()[isotropic]
    # Images that coincide share the occupancy of their site.
    occ = np.broadcast_to(crystal.occ / crystal.in_place.sum(axis=1), (len(rotations), n))
    scatterer = rotation_of[:, None] * n + np.arange(n)
    return _seam.make_batch(
        frac=np.ascontiguousarray(frac.reshape(-1, 3), real),
        form=np.ascontiguousarray(form.reshape(-1, m)),
        hkl=indices,
        beta=np.ascontiguousarray(beta.reshape(-1, 6), real),
        occ=np.ascontiguousarray(occ.reshape(-1), real),
        scatterer=np.ascontiguousarray(scatterer.reshape(-1), np.int32),
    )


def tabulated_structure_factors(
    crystal: Crystal,
    hkl: Any,
    table: FormFactorTable,
    *,
    energy_kev: float | None = None,
    corrections: Corrections = (),
    dtype: str = "complex128",
) -> NDArray[Any]:
    """Compute F (m,) of a crystal with tabulated form factors; see `tabulated_batch`."""
    real = "float32" if dtype == "complex64" else "float64"
    batch = tabulated_batch(
        crystal, hkl, table, energy_kev=energy_kev, corrections=corrections, dtype=real
    )
    f: NDArray[Any] = np.empty(batch.out_shape, dtype)
    _seam.structure_factors(batch, f)
    return np.asarray(f[0])


def _columns(crystal: Crystal, table: FormFactorTable) -> list[int]:
    """Return the column of the table of each site of a crystal; case does not matter."""
    column_of = {label.upper(): column for column, label in enumerate(table.labels)}
    labels = [label.upper() for label in crystal.labels]
    for label in labels:
        if label not in column_of:
            raise ArgandError(f"the table of form factors lacks the site {label}")
        if labels.count(label) > 1:
            raise ArgandError(f"the crystal has two sites {label}, needs labels of their own")
    further = column_of.keys() - set(labels)
    if further:
        raise ArgandError(f"the table of form factors has {min(further)}, which the crystal lacks")
    return [column_of[label] for label in labels]
