"""Write a solved crystal as a CIF: structure, data, refinement and geometry."""

from __future__ import annotations

import gemmi
import numpy as np
from gemmi import cif

from argand._version import __version__
from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.describe.structure import density
from argand.files import PathLike
from argand.io.cif_writer import (
    add_lattice,
    add_sites,
    new_document,
    with_uncertainty,
    write_document,
)
from argand.reflections import stol
from argand.site_symmetry import cartesian_axes
from argand.solve.absolute_scale import twin_in_use
from argand.solve.composition import formula_units
from argand.solve.contacts import Contacts
from argand.solve.disorder import disorder_notes
from argand.solve.geometry import angles, bonds, symmetry_code
from argand.solve.solution import Solution
from argand.solve.uncertainty import site_sigma
from argand.symmetry import find_spacegroup

__all__ = ["dispersion_of", "write_solution_cif"]

_PROGRAM = f"argand {__version__}"

# Names of radiation as the CIF dictionary has them.
_PROBES = {"x-ray": "x-ray", "neutron": "neutron", "electron": "electron"}

# Decimals of lengths in angstrom, and of angles in degrees, without standard uncertainties.
_LENGTH_DECIMALS = 4
_ANGLE_DECIMALS = 2

_EXTINCTION = r"Fc^*^=kFc[1+0.001xFc^2^\l^3^/sin(2\q)]^-1/4^"


def write_solution_cif(
    path: PathLike, solution: Solution, instructions: str = "", reflections: str = ""
) -> None:
    """Write the structure of a solution as a CIF, complete or not at all.

    Parameters
    ----------
    path
        File to write.
    solution
        Solution with atoms.
    instructions, reflections
        Texts of the SHELX files that belong to the structure; they become part of the CIF, which
        then holds all that a refinement needs.

    Raises
    ------
    ArgandError
        Names the file that cannot be written.
    """
    model = solution.model
    assert model is not None
    crystal = model.crystal
    document, block = new_document(solution.name)
    _add_pairs(block, _chemistry(crystal))
    add_lattice(block, crystal)
    _add_pairs(block, _lattice(crystal))
    _add_pairs(block, _measurement(solution))
    _add_pairs(block, _refinement(solution))
    _add_twin(block, solution)
    _add_atom_types(block, solution)
    sigma = np.where(model.hydrogens[:, None], 0.0, site_sigma(model.refinement))
    labels = add_sites(block, crystal, sigma, model.hydrogens)
    _add_geometry(block, crystal, labels, sigma)
    for tag, text in (("_shelx_res_file", instructions), ("_shelx_hkl_file", reflections)):
        if text:
            block.set_pair(tag, cif.quote(f"\n{text}"))
    write_document(path, document)


def _add_pairs(block: cif.Block, pairs: dict[str, str]) -> None:
    """Add items with one value to a data block."""
    for tag, value in pairs.items():
        block.set_pair(tag, value if value == "?" else cif.quote(value))


def _chemistry(crystal: Crystal) -> dict[str, str]:
    """Return the items on the content of the cell."""
    units = formula_units(crystal)
    words = []
    weight = 0.0
    for element, number in crystal.composition().items():
        count = number / units
        weight += count * gemmi.Element(element).weight
        words.append(element if count == 1 else f"{element}{round(count, 4):g}")
    return {
        "_audit_creation_method": _PROGRAM,
        "_chemical_formula_sum": " ".join(words),
        "_chemical_formula_weight": f"{weight:.2f}",
        "_cell_formula_units_Z": str(units),
        "_exptl_crystal_density_diffrn": f"{density(crystal):.3f}",
        "_exptl_crystal_F_000": f"{crystal.f000():.0f}",
    }


def _lattice(crystal: Crystal) -> dict[str, str]:
    """Return the items on cell and symmetry that follow from others."""
    pairs = {"_cell_volume": f"{crystal.volume:.2f}"}
    group = find_spacegroup(crystal.spacegroup)
    if group is not None:
        pairs["_space_group_crystal_system"] = group.crystal_system_str()
        pairs["_space_group_IT_number"] = str(group.number)
        pairs["_space_group_name_Hall"] = group.hall
    return pairs


def _measurement(solution: Solution) -> dict[str, str]:
    """Return the items on radiation and measured reflections."""
    merged = solution.merged
    radiation = solution.radiation
    pairs = {
        "_diffrn_radiation_probe": _PROBES[radiation.probe],
        "_diffrn_reflns_number": str(merged.measured),
        "_diffrn_reflns_av_R_equivalents": _number(merged.r_int, 4),
        "_diffrn_reflns_av_unetI/netI": _number(merged.r_sigma, 4),
    }
    for name, indices in zip("hkl", merged.hkl.T, strict=True):
        pairs[f"_diffrn_reflns_limit_{name}_min"] = str(indices.min())
        pairs[f"_diffrn_reflns_limit_{name}_max"] = str(indices.max())
    if radiation.wavelength is not None:
        sine = np.minimum(radiation.wavelength * stol(merged.hkl, merged.cell), 1.0)
        theta = np.degrees(np.arcsin(sine))
        pairs |= {
            "_diffrn_radiation_wavelength": f"{radiation.wavelength:.5f}",
            "_diffrn_reflns_theta_min": f"{theta.min():.2f}",
            "_diffrn_reflns_theta_max": f"{theta.max():.2f}",
            "_diffrn_measured_fraction_theta_max": _number(merged.completeness, 3),
        }
    return pairs | {
        "_reflns_number_total": str(len(merged.hkl)),
        "_reflns_number_gt": str(int(merged.strong.sum())),
        "_reflns_threshold_expression": r"I > 2\s(I)",
        "_reflns_d_resolution_high": f"{merged.d_min:.3f}",
        "_reflns_d_resolution_low": f"{merged.d_max:.3f}",
    }


def _refinement(solution: Solution) -> dict[str, str]:
    """Return the items on solution and refinement."""
    model = solution.model
    assert model is not None
    pairs = {
        "_computing_structure_solution": _PROGRAM,
        "_computing_structure_refinement": _PROGRAM,
        "_atom_sites_solution_primary": "iterative",
        "_atom_sites_solution_hydrogens": "geom" if model.hydrogens.any() else "none",
        "_refine_ls_structure_factor_coef": "Fsqd",
        "_refine_ls_matrix_type": "full",
        "_refine_ls_hydrogen_treatment": "constr" if model.hydrogens.any() else "undef",
        "_refine_ls_number_reflns": str(model.reflections),
        "_refine_ls_number_parameters": str(model.parameters),
        "_refine_ls_number_restraints": "0",
        "_refine_ls_R_factor_all": _number(model.r1_all, 4),
        "_refine_ls_R_factor_gt": _number(model.r1, 4),
        "_refine_ls_wR_factor_ref": _number(model.wr2, 4),
        "_refine_ls_goodness_of_fit_ref": _number(model.goodness, 3),
        "_refine_diff_density_max": _number(model.highest_peak, 3),
        "_refine_diff_density_min": _number(model.deepest_hole, 3),
    }
    details = disorder_notes(model.disorder)
    if details:
        pairs["_refine_special_details"] = " ".join(details)
    a, b = model.weighting.a, model.weighting.b
    pairs["_refine_ls_weighting_scheme"] = "calc"
    scheme = rf"w=1/[\s^2^(Fo^2^)+({a:.4f}P)^2^+{b:.4f}P] where P=(Fo^2^+2Fc^2^)/3"
    outliers = int(np.count_nonzero(model.outliers))
    if outliers:
        scheme += f"; less for {outliers} outliers"
    pairs["_refine_ls_weighting_details"] = scheme
    if model.extinction:
        pairs["_refine_ls_extinction_method"] = "SHELXL"
        pairs["_refine_ls_extinction_expression"] = _EXTINCTION
        pairs["_refine_ls_extinction_coef"] = f"{model.extinction:.5f}"
    else:
        pairs["_refine_ls_extinction_method"] = "none"
    if solution.flack is not None:
        flack = solution.flack
        value = with_uncertainty(flack.value, flack.uncertainty, 3)
        pairs["_refine_ls_abs_structure_Flack"] = value
    return pairs


def _add_twin(block: cif.Block, solution: Solution) -> None:
    """Add the domains of a twin, with their shares and the law h' = law h of the second one."""
    law, fraction = twin_in_use(solution)
    if law is None or solution.twin is None:
        return
    columns = ["id", "mass_fraction_refined"]
    columns += [f"twin_matrix_{row}{column}" for row in (1, 2, 3) for column in (1, 2, 3)]
    rows = block.init_loop("_twin_individual_", columns)
    uncertainty = solution.twin.uncertainty
    matrices = (np.eye(3).ravel(), np.array(law))
    for number, (share, matrix) in enumerate(
        zip((1.0 - fraction, fraction), matrices, strict=True)
    ):
        value = with_uncertainty(share, uncertainty, 4)
        rows.add_row([str(number + 1), value, *(f"{element:g}" for element in matrix)])


def _add_atom_types(block: cif.Block, solution: Solution) -> None:
    """Add the elements of the structure with their dispersion."""
    assert solution.crystal is not None
    elements = list(solution.crystal.composition())
    columns = ["symbol", "scat_dispersion_real", "scat_dispersion_imag", "scat_source"]
    rows = block.init_loop("_atom_type_", columns)
    dispersion = dispersion_of(elements, solution.radiation.energy_kev)
    for element, real, imaginary in dispersion:
        source = f"{solution.radiation.table}, Cromer-Liberman"
        rows.add_row([element, f"{real:.4f}", f"{imaginary:.4f}", cif.quote(source)])
    if not dispersion:
        for element in elements:
            rows.add_row([element, ".", ".", cif.quote(solution.radiation.table)])


def dispersion_of(
    elements: list[str], energy_kev: float | None
) -> tuple[tuple[str, float, float], ...]:
    """Return f' and f'' of elements at a photon energy in keV; nothing without an energy."""
    if energy_kev is None:
        return ()
    rows = []
    for element in elements:
        number = gemmi.Element(element).atomic_number
        real, imaginary = gemmi.cromer_liberman(z=number, energy=1000.0 * energy_kev)
        rows.append((element, real, imaginary))
    return tuple(rows)


def _add_geometry(block: cif.Block, crystal: Crystal, labels: list[str], sigma: FloatArray) -> None:
    """Add the loops of bonds and angles, with standard uncertainties where positions have some.

    These leave out how the errors of different atoms, and of the cell, depend on each other.
    """
    contacts = bonds(crystal)
    cartesian = sigma[:, :3] * np.linalg.norm(cartesian_axes(crystal), axis=0)
    error = np.sqrt(np.mean(cartesian**2, axis=1))
    _add_bonds(block, contacts, labels, error)
    _add_angles(block, contacts, labels, error)


def _add_bonds(block: cif.Block, contacts: Contacts, labels: list[str], error: FloatArray) -> None:
    """Add the loop of bonds; each bond between two sites stands there once."""
    columns = ["atom_site_label_1", "atom_site_label_2", "distance", "site_symmetry_2", "publ_flag"]
    rows = block.init_loop("_geom_bond_", columns)
    ends = zip(contacts.site, contacts.neighbour, contacts.distance, strict=True)
    for bond, (first, second, length) in enumerate(ends):
        if first > second:
            continue
        sigma = float(np.hypot(error[first], error[second]))
        distance = with_uncertainty(float(length), sigma, _LENGTH_DECIMALS)
        code = symmetry_code(int(contacts.operation[bond]), contacts.translation[bond])
        rows.add_row([labels[first], labels[second], distance, code, "?"])


def _add_angles(block: cif.Block, contacts: Contacts, labels: list[str], error: FloatArray) -> None:
    """Add the loop of angles at every site."""
    columns = [
        "atom_site_label_1",
        "atom_site_label_2",
        "atom_site_label_3",
        "angle",
        "site_symmetry_1",
        "site_symmetry_3",
        "publ_flag",
    ]
    rows = block.init_loop("_geom_angle_", columns)
    length = contacts.distance
    codes = []
    for operation, translation in zip(contacts.operation, contacts.translation, strict=True):
        codes.append(symmetry_code(int(operation), translation))
    for (one, other), degrees in zip(*angles(contacts), strict=True):
        first, centre, third = (
            contacts.neighbour[one],
            contacts.site[one],
            contacts.neighbour[other],
        )
        at_ends = np.hypot(error[first] / length[one], error[third] / length[other])
        # The distance of the outer atoms, seen from the centre, tells how its error turns both.
        span = np.linalg.norm(contacts.vector[one] - contacts.vector[other])
        at_centre = error[centre] * span / (length[one] * length[other])
        sigma = float(np.degrees(np.hypot(at_ends, at_centre)))
        angle = with_uncertainty(float(degrees), sigma, _ANGLE_DECIMALS)
        names = [labels[first], labels[centre], labels[third]]
        rows.add_row([*names, angle, codes[one], codes[other], "?"])


def _number(value: float, decimals: int) -> str:
    """Write a number that may be unknown."""
    return f"{value:.{decimals}f}" if np.isfinite(value) else "?"
