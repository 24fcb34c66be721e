"""Convert between the fields of a Crystal and the model of a gemmi.Structure, as of a protein."""

from __future__ import annotations

from typing import Any

import gemmi
import numpy as np

from argand._convert.axes import standard_axes
from argand.atom_types import AtomType, atom_type
from argand.cell import (
    Cell,
    FloatArray,
    beta_from_u_aniso,
    cell_parameters,
    matrix_to_sym,
    sym_to_matrix,
    u_aniso_from_beta,
)
from argand.errors import ArgandError

__all__ = ["fields_of_model", "model_of_fields"]

_TWO_PI_SQUARED = 2.0 * np.pi**2


def fields_of_model(structure: gemmi.Structure) -> dict[str, Any]:
    """Return the arguments of Crystal for the only model of a gemmi.Structure.

    The occupancies returned are crystallographic, as those of a model are: half on a twofold axis.
    All alternative conformations are taken.

    Raises
    ------
    ArgandError
        No cell, several models, or copies by non-crystallographic symmetry that are not written
        out.
    """
    if len(structure) != 1:
        raise ArgandError(f"structure has {len(structure)} models, needs one")
    if not structure.cell.is_crystal():
        raise ArgandError("structure has no unit cell, needs a crystal")
    if any(not operation.given for operation in structure.ncs):
        raise ArgandError("structure has copies that are not written out: call expand_ncs() first")
    group = structure.find_spacegroup()
    if group is None and structure.spacegroup_hm:
        raise ArgandError(f"structure has the space group {structure.spacegroup_hm!r}: not known")
    cell = cell_parameters(structure.cell.parameters)
    to_frac = np.array(structure.cell.frac.mat.tolist())
    atoms = [item.atom for item in structure[0].all()]
    types = [AtomType(atom.element.name, atom.charge).symbol for atom in atoms]
    frac = np.array([structure.cell.fractionalize(atom.pos).tolist() for atom in atoms])
    frac = frac.reshape(-1, 3)
    tensors = np.full((len(atoms), 6), np.nan)
    for row, atom in enumerate(atoms):
        if not atom.aniso.nonzero():
            continue
        along = to_frac @ np.array(atom.aniso.as_mat33().tolist()) @ to_frac.T
        tensors[row] = u_aniso_from_beta(_TWO_PI_SQUARED * matrix_to_sym(along), cell)
    return {
        "cell": cell,
        "spacegroup": group.xhm() if group else "P 1",
        "types": tuple(types),
        "labels": tuple(atom.name for atom in atoms),
        "frac": frac,
        "occ": np.array([atom.occ for atom in atoms]),
        "b_iso": np.array([atom.b_iso for atom in atoms]),
        "u_aniso": None if np.isnan(tensors).all() else tensors,
    }


def model_of_fields(
    *,
    cell: Cell,
    spacegroup: str,
    types: tuple[str, ...],
    labels: tuple[str, ...],
    frac: FloatArray,
    occ: FloatArray,
    b_iso: FloatArray,
    u_aniso: FloatArray | None,
) -> gemmi.Structure:
    """Make a gemmi.Structure of one model, one chain and one residue.

    Parameters
    ----------
    cell, spacegroup, types, labels, frac, b_iso, u_aniso
        Fields of a Crystal whose space group has a name.
    occ : (n,)
        Crystallographic occupancies.
    """
    structure = gemmi.Structure()
    structure.cell = gemmi.UnitCell(*cell)
    structure.spacegroup_hm = spacegroup
    residue = gemmi.Residue()
    residue.name = "UNL"
    residue.seqid = gemmi.SeqId("1")
    axes = standard_axes(cell)
    tensors = _cartesian_tensors(cell, u_aniso)
    for row, symbol in enumerate(types):
        element, charge, mass_number = atom_type(symbol)
        if mass_number:
            raise ArgandError(f"atom type {symbol!r} is an isotope, which a model does not know")
        atom = gemmi.Atom()
        atom.name = labels[row]
        atom.element = gemmi.Element(element)
        atom.charge = charge
        atom.pos = gemmi.Position(*(frac[row] @ axes))
        atom.occ = float(occ[row])
        atom.b_iso = float(b_iso[row])
        if tensors is not None and not np.isnan(tensors[row, 0]):
            atom.aniso = gemmi.SMat33f(*tensors[row].tolist())
        residue.add_atom(atom)
    chain = gemmi.Chain("A")
    chain.add_residue(residue)
    model = gemmi.Model(1)
    model.add_chain(chain)
    structure.add_model(model)
    structure.setup_cell_images()
    return structure


def _cartesian_tensors(cell: Cell, u_aniso: FloatArray | None) -> FloatArray | None:
    """Return Cartesian U (n, 6), order 11 22 33 12 13 23, of U along reciprocal axes (n, 6)."""
    if u_aniso is None:
        return None
    axes = standard_axes(cell)
    along = sym_to_matrix(beta_from_u_aniso(u_aniso, cell)) / _TWO_PI_SQUARED
    return matrix_to_sym(np.einsum("ix,nij,jy->nxy", axes, along, axes))
