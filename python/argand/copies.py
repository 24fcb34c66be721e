"""Sum over many copies of one crystal at one list of reflections, and the derivative of the sum.

Copies of a crystal share its space group, its atom types and the reflections; positions,
displacement parameters, occupancies and, where wanted, the unit cells differ. `Copies` computes F
of all of them in one call, and the vector-Jacobian product by the parameters of the sites. It sums
the images under the independent operations of the space group (see `argand.completion`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from argand import _seam
from argand._memory import demand
from argand._pack import row_order
from argand.cell import FloatArray, beta_of_sites, beta_rotations
from argand.completion import independent_operations
from argand.crystal import Crystal, distinct_images
from argand.radiation import Radiation
from argand.reflections import stol
from argand.symmetry import operation_arrays

__all__ = ["Copies"]

# Bytes of a reflection of a model while it is sorted, and of each of its form factors.
_BYTES_OF_REFLECTION = 400
_BYTES_OF_FORM_FACTOR = 48

# Bytes of a structure factor of a copy: the sum, the sum in the order of the list, its completion.
_BYTES_OF_F = 80

# Bytes of an image of an atom of a copy: its position, vibration and occupancy.
_BYTES_OF_IMAGE = 340


class Copies:
    """Compute F of copies of one crystal at one list of reflections, and its derivatives.

    Rows are the n sites of the crystal, followed by further atoms. The crystal decides which sites
    lie on special positions and how many atoms each stands for, wherever the sites of a copy are.

    Parameters
    ----------
    crystal
        The crystal with its n sites, in any space group.
    hkl : (m, 3)
        Reflections, in any order.
    radiation
        The form factors; None: x-rays without dispersion.
    further_types
        Atom types of k further atoms, one by one.
    further_parents : (k,)
        The site whose site symmetry and displacement parameters a further atom has; -1 for one on
        a general position.
    further_b_iso : (k,)
        B in A^2 of the further atoms on general positions.
    merge_images
        Sum images that coincide at a special position as one atom; False sums every image by
        itself with its part of the occupancy. F does not depend on it.
    real_form
        Leave out the imaginary part of the form factors.
    dtype
        "float32" or "float64", in which the sum runs.

    Attributes
    ----------
    kinds : atom types, each listed once
    kind : (rows,) int32, the number in `kinds` of each row
    form : (kinds, m) form factors of `kinds` at `hkl`
    image_occupancy : (rows,) occupancy that the image under one operation has of its site's
    anisotropic : (rows,) bool, rows whose beta turns with the operations
    """

    def __init__(
        self,
        crystal: Crystal,
        hkl: NDArray[np.int32],
        radiation: Radiation | None = None,
        *,
        further_types: Sequence[str] = (),
        further_parents: Sequence[int] | NDArray[np.intp] = (),
        further_b_iso: Sequence[float] | FloatArray = (),
        merge_images: bool = True,
        real_form: bool = False,
        dtype: str = "float64",
    ) -> None:
        self.crystal = crystal
        self.hkl = hkl
        self._radiation = radiation or Radiation()
        self._real_form = real_form
        self._real = np.dtype(dtype)
        self._complex = np.result_type(self._real, np.complex64)
        types = (*crystal.types, *further_types)
        self.kinds = tuple(dict.fromkeys(types))
        self.kind = np.array([self.kinds.index(name) for name in types], np.int32)
        bytes_of_row = _BYTES_OF_REFLECTION + _BYTES_OF_FORM_FACTOR * len(self.kinds)
        demand(f"a model of {len(hkl):,} reflections", bytes_of_row * len(hkl), "give fewer")
        self.form = self._form_factors(stol(hkl, crystal.cell))
        self._sort_reflections()
        self._set_displacements(np.asarray(further_parents, np.intp), further_b_iso)
        self._set_images(merge_images)

    def _form_factors(self, stol_: FloatArray) -> NDArray[Any]:
        """Return form factors (kinds, m) at sin(theta)/lambda (m,), in the type of the sum."""
        form = self._radiation.form_factors(self.kinds, stol_)
        if self._real_form or np.isrealobj(form):
            return np.ascontiguousarray(form.real, self._real)
        return np.ascontiguousarray(form, self._complex)

    def _sort_reflections(self) -> None:
        """Put the reflections, and their form factors, into the order that the kernels like."""
        order = row_order(self.hkl)
        self._order = slice(None) if order is None else order
        self._sorted_hkl = np.ascontiguousarray(self.hkl[self._order])
        self._sorted_form = np.ascontiguousarray(self.form[:, self._order])

    def _set_displacements(
        self, further_parents: NDArray[np.intp], further_b_iso: Sequence[float] | FloatArray
    ) -> None:
        """Find the site, and the displacement parameters in A^2, of every row."""
        crystal = self.crystal
        n = len(crystal.types)
        # Row of the crystal's site that a row follows; -1 on a general position.
        self._site_of_row = np.concatenate([np.arange(n), further_parents])
        rows = len(self._site_of_row)
        on_site = self._site_of_row >= 0
        sites = self._site_of_row[on_site]
        self.anisotropic = np.zeros(rows, bool)
        self.anisotropic[on_site] = crystal.anisotropic[sites]
        self._b_iso = np.zeros(rows)
        self._b_iso[on_site] = crystal.b_iso[sites]
        general = np.flatnonzero(~on_site)
        self._b_iso[general] = np.asarray(further_b_iso, np.float64)[general - n]
        self._u_aniso = None
        if crystal.u_aniso is not None:
            self._u_aniso = np.full((rows, 6), np.nan)
            self._u_aniso[on_site] = crystal.u_aniso[sites]

    def _set_images(self, merge_images: bool) -> None:
        """List the images that are summed: their rows, operations and parts of the occupancy."""
        crystal = self.crystal
        independent, self.completion = independent_operations(
            crystal.symops, np.isrealobj(self.form)
        )
        rotations, translations = operation_arrays(crystal.symops)
        self._rotation = rotations[independent].astype(np.float64)
        self._translation = translations[independent]
        self._beta_rotation = beta_rotations(self._rotation)
        on_site = self._site_of_row >= 0
        occupancy_of_site = crystal.multiplicity() / len(crystal.symops)
        self.image_occupancy = np.ones(len(on_site))
        self.image_occupancy[on_site] = occupancy_of_site[self._site_of_row[on_site]]
        if merge_images:
            self._merge_images(on_site)
        else:
            self._list_all_images()
        self._image_kind = self.kind[self._row]
        self._image_rotation = self._rotation[self._op]
        self._image_translation = self._translation[self._op]
        self._tensor_images = np.flatnonzero(self.anisotropic[self._row])
        self._tensor_rotation = self._beta_rotation[self._op[self._tensor_images]]

    def _list_all_images(self) -> None:
        """List every image by itself, operation by operation."""
        n_ops = len(self._rotation)
        n_rows = len(self._site_of_row)
        self._row = np.tile(np.arange(n_rows), n_ops)
        self._op = np.repeat(np.arange(n_ops), n_rows)
        self._weight = self.image_occupancy[self._row]

    def _merge_images(self, on_site: NDArray[np.bool_]) -> None:
        """List images row by row, one for all that coincide; all images on general positions."""
        n_ops = len(self._rotation)
        site_rows = np.flatnonzero(on_site)
        general_rows = np.flatnonzero(~on_site)
        frac = self.crystal.frac[self._site_of_row[site_rows]]
        frac_images = np.einsum("oij,nj->noi", self._rotation, frac) + self._translation
        beta = self.beta()[0, site_rows]
        beta_images = np.einsum("oqr,nr->noq", self._beta_rotation, beta)
        beta_images[~self.anisotropic[site_rows]] = 0.0
        first, count = distinct_images(frac_images, beta_images)
        image_rows = site_rows[first // n_ops]
        general_image_rows = np.repeat(general_rows, n_ops)
        general_ops = np.tile(np.arange(n_ops), len(general_rows))
        general_count = np.ones(len(general_image_rows), np.intp)
        self._row = np.concatenate([image_rows, general_image_rows])
        self._op = np.concatenate([first % n_ops, general_ops])
        images = np.concatenate([count, general_count])
        self._weight = images * self.image_occupancy[self._row]

    def beta(self, cells: FloatArray | None = None) -> FloatArray:
        """Return beta (1, rows, 6) of the crystal's sites and the further atoms.

        With `cells` (b, 6) in angstrom and degrees, return beta (b, rows, 6) of equal B and U in
        every cell.
        """
        listed = [self.crystal.cell] if cells is None else [tuple(cell) for cell in cells]
        in_cells = []
        for cell in listed:
            in_cells.append(beta_of_sites(self._b_iso, self._u_aniso, self.anisotropic, cell))
        return np.array(in_cells)

    def structure_factors(
        self,
        frac: FloatArray,
        beta: FloatArray,
        occ: FloatArray,
        *,
        beta_factors: FloatArray | None = None,
        cells: FloatArray | None = None,
    ) -> NDArray[Any]:
        """Compute complex F (b, m) of b copies, in the order of `hkl`.

        Parameters
        ----------
        frac : (b, rows, 3)
            Fractional coordinates.
        beta : (b, rows, 6), or (1, rows, 6) for all copies
            Displacement parameters of exp(-h^T beta h).
        occ : (b, rows)
            Chemical occupancies.
        beta_factors : (b, rows) or None
            Numbers that beta of each row is multiplied by.
        cells : (b, 6) or None
            Unit cells in angstrom and degrees; None: all copies have the cell of the crystal.
        """
        image_beta = self._image_beta(beta)
        if beta_factors is not None:
            image_beta = image_beta * beta_factors[:, self._row, None]
        at_rest = not image_beta.any()
        numbers = len(frac) * len(self.hkl)
        needed = _BYTES_OF_F * numbers + _BYTES_OF_IMAGE * len(frac) * len(self._row)
        demand(f"{numbers:,} structure factors of copies", needed, "give fewer at a time")
        batch = self._batch(frac, None if at_rest else image_beta, occ, cells)
        sums = np.empty(batch.out_shape, self._complex)
        _seam.structure_factors(batch, sums, trusted=True)
        f = np.empty_like(sums)
        f[:, self._order] = self.completion.complete(sums, self._sorted_hkl)
        return f

    def vjp(
        self,
        frac: FloatArray,
        beta: FloatArray,
        occ: FloatArray,
        g: NDArray[Any],
        *,
        cells: FloatArray | None = None,
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Compute the derivatives of a real loss L by frac, beta and occ of every row.

        Parameters
        ----------
        frac, beta, occ, cells
            Arguments of `structure_factors`: (b, rows, 3), (b or 1, rows, 6), (b, rows), (b, 6).
        g : (b, m)
            dL/dRe F + i dL/dIm F.

        Returns
        -------
        dL/dfrac (b, rows, 3), dL/dbeta (b, rows, 6) and dL/docc (b, rows).
        """
        copies = len(frac)
        images = len(self._row)
        batch = self._batch(frac, self._image_beta(beta), occ, cells)
        partial = self.completion.adjoint(g, self.hkl)
        weights = np.ascontiguousarray(partial[:, self._order], self._complex)
        by_frac = np.empty((copies * images, 3), self._real)
        by_beta = np.empty((copies * images, 6), self._real)
        by_occ = np.empty(copies * images, self._real)
        _seam.structure_factors_vjp(batch, weights, by_frac, by_beta, by_occ)
        by_frac = by_frac.reshape(copies, images, 3)
        by_beta = by_beta.reshape(copies, images, 6)
        by_occ = by_occ.reshape(copies, images)
        frac_gradient = np.einsum("bia,iac->bic", by_frac, self._image_rotation)
        beta_gradient = by_beta.astype(np.float64)
        tensors = by_beta[:, self._tensor_images]
        beta_gradient[:, self._tensor_images] = np.einsum(
            "biq,iqr->bir", tensors, self._tensor_rotation
        )
        occ_gradient = by_occ * self._weight
        return (
            self._sum_images(frac_gradient),
            self._sum_images(beta_gradient),
            self._sum_images(occ_gradient),
        )

    def _sum_images(self, values: NDArray[Any]) -> FloatArray:
        """Sum numbers of images (b, images, ...) over the images of every row: (b, rows, ...)."""
        by_row = np.argsort(self._row, kind="stable")
        rows = np.arange(len(self._site_of_row))
        first_image = np.searchsorted(self._row[by_row], rows)
        return np.add.reduceat(values[:, by_row], first_image, axis=1, dtype=np.float64)

    def _image_beta(self, beta: FloatArray) -> FloatArray:
        """Return beta (b, images, 6) of the images of rows with beta (b, rows, 6)."""
        images = beta[:, self._row]
        # B of an isotropic site is no tensor to turn, even where the cell is not quite as
        # symmetric as its space group asks for.
        if len(self._tensor_images):
            tensors = images[:, self._tensor_images]
            turned = np.einsum("iqr,bir->biq", self._tensor_rotation, tensors)
            images[:, self._tensor_images] = turned
        return images

    def _batch(
        self,
        frac: FloatArray,
        image_beta: FloatArray | None,
        occ: FloatArray,
        cells: FloatArray | None,
    ) -> _seam.Batch:
        """Return all images of all copies as the core takes them."""
        copies = len(frac)
        images = len(self._row)
        image_frac = np.einsum("iac,bic->bia", self._image_rotation, frac[:, self._row])
        image_frac += self._image_translation
        # Coordinates of many cells leave few digits of a float32 for the position in the cell.
        if self._real == np.float32:
            image_frac -= np.floor(image_frac)
        beta = None
        if image_beta is not None:
            in_copies = np.broadcast_to(image_beta, (copies, images, 6))
            beta = np.ascontiguousarray(in_copies.reshape(-1, 6), self._real)
        image_occ = occ[:, self._row] * self._weight
        form = self._sorted_form
        scatterer = np.broadcast_to(self._image_kind, (copies, images))
        if cells is not None:
            # Every copy has form factors of its own: row (copy, kind) instead of row (kind).
            in_cells = []
            for cell in cells:
                in_cells.append(self._form_factors(stol(self._sorted_hkl, tuple(cell))))
            form = np.concatenate(in_cells)
            scatterer = scatterer + len(self.kinds) * np.arange(copies)[:, None]
        return _seam.Batch(
            atom_ptr=np.arange(copies + 1, dtype=np.int64) * images,
            frac=np.ascontiguousarray(image_frac.reshape(-1, 3), self._real),
            beta=beta,
            occ=np.ascontiguousarray(image_occ.reshape(-1), self._real),
            scatterer=np.ascontiguousarray(scatterer.reshape(-1), np.int32),
            form=form.reshape(-1),
            form_ptr=np.arange(len(form) + 1, dtype=np.int64) * len(self.hkl),
            hkl=self._sorted_hkl,
        )
