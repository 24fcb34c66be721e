"""Files of a solution: they are read back as the same crystal, with the same R1."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import gemmi
import numpy as np
import pytest

import argand
from argand.atom_types import atom_type
from argand.crystal import Crystal
from argand.density import map_from_structure_factors
from argand.errors import ArgandWarning
from argand.io import open_file, write_crystal
from argand.io.cif_writer import with_uncertainty
from argand.io.shelx_writer import ShelxRefinement, shelx_text
from argand.measured import agreement, calculated_intensity, merge
from argand.radiation import Radiation
from argand.solve.absolute_scale import scaled_phases, twin_in_use
from argand.solve.composition import formula_units
from argand.solve.geometry import angles, bonds
from argand.solve.solution import Solution
from argand.solve.uncertainty import site_sigma
from argand.solve.write import write_solution
from solutions import DATA, StandInFlack, StandInTwin, solution_of

# Crystals of several systems and centrings, one with its centre of symmetry off the origin.
NAMES = ("2002248", "4003024", "9000905", "9002547", "9008098", "9012705", "1100977")


def neutral(name: str) -> Crystal:
    """Read a crystal with elements instead of ions: SHELX knows no others."""
    with warnings.catch_warnings():
        # Some of these files have faults, which other tests look at.
        warnings.simplefilter("ignore", ArgandWarning)
        crystal = argand.read_crystal(DATA / f"{name}.cif")
    elements = [gemmi.Element(atom_type(symbol).element).name for symbol in crystal.types]
    b_iso = np.where(crystal.b_iso > 0, crystal.b_iso, 0.6)
    return crystal.replace(types=tuple(elements), b_iso=b_iso)


def benzene() -> Crystal:
    """Make a ring of six carbons with hydrogens, flat and regular, in a large cell."""
    angle = np.arange(6) * np.pi / 3.0
    ring = np.column_stack([np.cos(angle), np.sin(angle), 0.0 * angle])
    position = np.concatenate([1.39 * ring, 2.34 * ring]) + 4.0
    b_carbon, b_hydrogen = 3.0, 3.6
    u = np.full((12, 6), np.nan)
    u[:6] = [b_carbon / (8.0 * np.pi**2)] * 3 + [0.0] * 3
    return Crystal(
        cell=(9.0, 8.5, 8.0, 90.0, 90.0, 90.0),
        spacegroup="P 21 21 21",
        types=("C",) * 6 + ("H",) * 6,
        labels=tuple(f"C{i}" for i in range(1, 7)) + tuple(f"H{i}" for i in range(1, 7)),
        frac=position / [9.0, 8.5, 8.0],
        b_iso=np.array([b_carbon] * 6 + [b_hydrogen] * 6),
        u_aniso=u,
    )


def r1_of_shelx(folder: Path, solution: Solution) -> tuple[float, float]:
    """Return R1 and wR2 of the SHELX files of a solution, read as any other such files."""
    instructions = open_file(folder / f"{solution.name}.res")
    crystal = instructions.crystal()
    experiment = instructions.experiment()
    path = folder / f"{solution.name}.hkl"
    merged = merge(argand.read_reflections(path, cell=crystal.cell, spacegroup=crystal.spacegroup))
    calculated = calculated_intensity(
        crystal,
        merged.hkl,
        radiation=experiment.measured_radiation(),
        extinction=experiment.extinction,
        twin=experiment.twin,
        fraction=experiment.twin_shares or 0.0,
    )
    fit = agreement(calculated, merged.intensity, merged.sigma, experiment.weights)
    scale = instructions.instructions().free_variables[0]
    assert scale == pytest.approx(fit.scale, rel=5e-3)
    return fit.r1, fit.wr2


@pytest.mark.parametrize("name", NAMES)
def test_shelx_files_have_the_same_r1(name: str, tmp_path: Path) -> None:
    solution = solution_of(neutral(name), name=name)
    write_solution(solution, tmp_path)
    r1, wr2 = r1_of_shelx(tmp_path, solution)
    # Intensities in the file have two decimals.
    assert r1 == pytest.approx(solution.model.r1, abs=1e-4)
    assert wr2 == pytest.approx(solution.model.wr2, abs=3e-4)


def test_shelx_files_of_a_twin_and_of_extinction(tmp_path: Path) -> None:
    twin = StandInTwin()
    solution = solution_of(neutral("9000905"), name="twin", twin=twin)
    write_solution(solution, tmp_path)
    untwinned = solution.model.r1
    r1, _ = r1_of_shelx(tmp_path, solution)
    assert r1 < 0.02 < untwinned
    # Of separated domains the law would explain less: it is left out.
    separated = replace(solution_of(neutral("9000905")), twin=twin)
    assert twin_in_use(solution) == (twin.law, twin.fraction)
    assert twin_in_use(separated) == (None, 0.0)
    solution = solution_of(neutral("9000905"), name="extinct", extinction=0.02)
    write_solution(solution, tmp_path)
    r1, _ = r1_of_shelx(tmp_path, solution)
    assert r1 == pytest.approx(solution.model.r1, abs=1e-4)


def test_riding_hydrogens_follow_their_carriers(tmp_path: Path) -> None:
    solution = solution_of(benzene(), name="benzene")
    write_solution(solution, tmp_path)
    text = (tmp_path / "benzene.res").read_text()
    lines = [line.split()[0] for line in text.splitlines() if line[:1] in "CHA"]
    atoms = lines[lines.index("C1") :]
    assert atoms[:6] == ["C1", "AFIX", "H1", "AFIX", "C2", "AFIX"]
    riding = [line for line in text.splitlines() if line.startswith("H") and "HKLF" not in line]
    assert len(riding) == 6
    assert all(line.endswith("-1.20000") for line in riding)
    assert text == (tmp_path / "benzene.ins").read_text()
    r1, _ = r1_of_shelx(tmp_path, solution)
    assert r1 == pytest.approx(solution.model.r1, abs=1e-4)


def test_symmetry_lines_are_those_of_the_international_tables() -> None:
    """LATT and SYMM of I 41/a, origin choice 2, as the SHELXL manual's tables have them."""
    crystal = Crystal(
        cell=(7.0, 7.0, 9.0, 90.0, 90.0, 90.0),
        spacegroup="I 41/a:2",
        types=("C",),
        frac=[[0.1, 0.2, 0.3]],
    )
    text = shelx_text(crystal)
    assert "LATT 2\n" in text
    assert text.count("SYMM") == 3
    read = open_file_of(text)
    assert set(read.symops) == set(crystal.symops)


def open_file_of(text: str) -> Crystal:
    """Read the structure in a text of SHELX instructions."""
    from argand.io.shelx import parse_instructions
    from argand.io.shelx_crystal import crystal_of_instructions

    return crystal_of_instructions(parse_instructions(text, "text"))


@pytest.mark.parametrize("name", ["P 1", "P -1", "C 1 2/c 1", "P 43 21 2", "R 3 c:H", "F d -3 m:2"])
def test_symmetry_comes_back(name: str) -> None:
    cells = {"R": (8.0, 8.0, 9.0, 90.0, 90.0, 120.0), "F": (8.0,) * 3 + (90.0,) * 3}
    cell = cells.get(name[0], (7.0, 7.0, 9.0, 90.0, 90.0, 90.0))
    crystal = Crystal(cell=cell, spacegroup=name, types=("C",), frac=[[0.11, 0.23, 0.31]])
    read = open_file_of(shelx_text(crystal))
    assert set(read.symops) == set(crystal.symops)
    np.testing.assert_allclose(read.frac, crystal.frac, atol=1e-7)


def test_labels_that_shelx_cannot_read_are_replaced() -> None:
    crystal = Crystal(
        cell=(9.0,) * 3 + (90.0,) * 3,
        types=("C", "C", "C", "Cl", "O"),
        labels=("C123A", "MOVE", "c1", "C1", "O_1"),
        frac=np.arange(15).reshape(5, 3) / 20.0,
    )
    read = open_file_of(shelx_text(crystal))
    assert read.types == crystal.types
    labels = [label.upper() for label in read.labels]
    assert len(set(labels)) == 5
    assert max(len(label) for label in labels) <= 4
    assert "MOVE" not in labels


def test_other_wavelengths_come_with_their_dispersion() -> None:
    crystal = benzene()
    dispersion = (("C", 0.01, 0.02), ("H", 0.0, 0.0))
    text = shelx_text(crystal, ShelxRefinement(wavelength=0.9, dispersion=dispersion))
    assert "DISP C 0.0100 0.0200" in text
    assert "DISP" not in shelx_text(crystal, ShelxRefinement(0.71073, dispersion=dispersion))


@pytest.mark.parametrize("name", ["9000905", "1100977", "4003024"])
def test_cif_is_read_back_by_argand_and_gemmi(name: str, tmp_path: Path) -> None:
    crystal = neutral(name)
    solution = solution_of(crystal, name=name, flack=StandInFlack())
    write_solution(solution, tmp_path)
    path = tmp_path / f"{name}.cif"
    file = open_file(path)
    read = file.crystal()
    assert set(read.symops) == set(crystal.symops)
    assert read.formula == crystal.formula
    # Rounding to the digits of the standard uncertainty changes a number by a quarter of it.
    sigma = site_sigma(solution.model.refinement)
    assert (np.abs(read.frac - crystal.frac) <= 0.26 * sigma[:, :3] + 1e-6).all()
    experiment = file.experiment()
    assert experiment.stated["R1"] == pytest.approx(solution.model.r1, abs=1e-4)
    assert experiment.wavelength == pytest.approx(0.71073)
    assert experiment.weights == (0.05, 0.2)
    assert experiment.content == pytest.approx(crystal.composition(), rel=1e-2)
    # The list of reflections in the CIF is the one beside it.
    inside = file.reflections()
    np.testing.assert_array_equal(inside.hkl, solution.merged.hkl)
    small = gemmi.read_small_structure(str(path))
    assert len(small.sites) == len(crystal.types)
    assert small.spacegroup.number == crystal.to_gemmi().spacegroup.number
    block = gemmi.cif.read(str(path)).sole_block()
    assert float(block.find_value("_refine_ls_abs_structure_Flack").split("(")[0]) == 0.02
    assert block.find_value("_diffrn_reflns_av_R_equivalents") == "?"
    details = block.find_value("_refine_ls_weighting_details")
    assert "less for 2 outliers" in details
    assert len(block.find_loop("_geom_bond_distance")) > 0


def test_mtz_holds_phases_and_maps(tmp_path: Path) -> None:
    solution = solution_of(neutral("9000905"), name="x")
    write_solution(solution, tmp_path)
    mtz = gemmi.read_mtz_file(str(tmp_path / "x.mtz"))
    labels = [column.label for column in mtz.columns]
    expected = "H K L F PHI SIGF FOM FWT PHWT DELFWT PHDELWT FC PHIC"
    assert labels == expected.split()
    types = {column.label: column.type for column in mtz.columns}
    assert (types["FOM"], types["PHWT"], types["DELFWT"]) == ("W", "P", "F")
    merit = np.array(mtz.column_with_label("FOM"))
    assert merit.min() >= 0.0
    assert merit.max() <= 1.0
    assert np.median(merit) > 0.98
    scaled = scaled_phases(solution)
    assert scaled.calculated is not None
    # On the absolute scale the amplitudes are those of the atoms, within their errors of 1 %.
    ratio = np.abs(scaled.observed).sum() / np.abs(scaled.calculated).sum()
    assert ratio == pytest.approx(1.0, abs=0.01)
    np.testing.assert_allclose(
        scaled.density_coefficients - scaled.difference_coefficients, scaled.observed
    )


def test_map_is_the_density_of_the_atoms(tmp_path: Path) -> None:
    crystal = neutral("9000905")
    solution = solution_of(crystal, name="x")
    write_solution(solution, tmp_path)
    density, cell, spacegroup = argand.read_map(tmp_path / "x.ccp4")
    assert cell == pytest.approx(crystal.cell, abs=1e-3)
    assert spacegroup == crystal.spacegroup
    hkl = solution.merged.hkl
    f = argand.structure_factors(crystal, hkl)
    expected = map_from_structure_factors(
        hkl, f, density.shape, cell=crystal.cell, spacegroup=crystal.spacegroup
    )
    assert np.corrcoef(density.ravel(), expected.ravel())[0, 1] > 0.999
    assert np.ptp(density) == pytest.approx(np.ptp(expected), rel=0.03)


def test_twinning_and_extinction_are_taken_out_of_the_amplitudes() -> None:
    crystal = neutral("9000905")
    for solution in (
        solution_of(crystal, twin=StandInTwin()),
        solution_of(crystal, extinction=0.02),
    ):
        scaled = scaled_phases(solution)
        f = np.abs(argand.structure_factors(crystal, solution.merged.hkl))
        strong = f > np.median(f)
        k = (np.abs(scaled.observed[strong]) @ f[strong]) / (f[strong] @ f[strong])
        residual = np.abs(np.abs(scaled.observed[strong]) / k - f[strong]).sum()
        assert residual / f[strong].sum() < 0.03


def test_without_atoms_the_map_and_the_data_are_written(tmp_path: Path) -> None:
    solution = solution_of(neutral("9000905"), name="x.1", with_model=False)
    files = write_solution(solution, tmp_path)
    assert {file.name for file in files} == {"x.1.hkl", "x.1.mtz", "x.1.ccp4", "x.1.json"}
    assert "none were found" in solution.summary()


def test_a_setting_without_a_name_is_written_in_p_1(tmp_path: Path) -> None:
    crystal = neutral("9000905")
    nameless = crystal.replace(spacegroup="x,y,z;-x+1/8,y,-z+1/2;-x+1/8,-y,-z;x,-y,z+1/2")
    solution = solution_of(nameless, name="x")
    write_solution(solution, tmp_path)
    _, _, spacegroup = argand.read_map(tmp_path / "x.ccp4")
    assert spacegroup == "P 1"
    mtz = argand.read_reflections(tmp_path / "x.mtz")
    assert mtz.amplitude is not None
    sum_in_p1 = np.square(mtz.amplitude).sum()
    assert sum_in_p1 > 2.0 * np.square(np.abs(scaled_phases(solution).observed)).sum()


def test_bonds_and_angles_of_benzene() -> None:
    contacts = bonds(benzene())
    assert len(contacts.site) == 24
    is_ring = (contacts.site < 6) & (contacts.neighbour < 6)
    np.testing.assert_allclose(contacts.distance[is_ring], 1.39, atol=1e-9)
    np.testing.assert_allclose(contacts.distance[~is_ring], 0.95, atol=1e-9)
    pairs, degrees = angles(contacts)
    assert len(pairs) == 18
    np.testing.assert_allclose(degrees, 120.0, atol=1e-6)


def test_bonds_reach_symmetry_images(tmp_path: Path) -> None:
    """Rock salt: every ion has six neighbours at half the cell, four of them by other cells."""
    salt = Crystal(
        cell=(5.64,) * 3 + (90.0,) * 3,
        spacegroup="F m -3 m",
        types=("Na", "Cl"),
        frac=[[0, 0, 0], [0.5, 0.5, 0.5]],
    )
    contacts = bonds(salt)
    assert np.bincount(contacts.site).tolist() == [6, 6]
    np.testing.assert_allclose(contacts.distance, 2.82)
    # The codes lead to the atoms: operation and translation make the vector of the bond.
    for bond in range(len(contacts.site)):
        operation = gemmi.Op(salt.symops[contacts.operation[bond]])
        image = operation.apply_to_xyz(salt.frac[contacts.neighbour[bond]].tolist())
        vector = image + contacts.translation[bond] - salt.frac[contacts.site[bond]]
        np.testing.assert_allclose(5.64 * vector, contacts.vector[bond], atol=1e-9)
    _, degrees = angles(contacts)
    assert np.unique(np.round(degrees)).tolist() == [90.0, 180.0]
    assert formula_units(salt) == 4
    write_crystal(tmp_path / "salt.cif", salt)


def test_bonds_agree_with_gemmi() -> None:
    crystal = neutral("9000905")
    small = crystal.to_gemmi()
    search = gemmi.NeighborSearch(small, 4.0).populate()
    contacts = bonds(crystal)
    for site in range(len(crystal.types)):
        lengths = contacts.distance[contacts.site == site]
        centre = small.cell.orthogonalize(small.sites[site].fract)
        expected = []
        for mark in search.find_site_neighbors(small.sites[site], 0.1, 4.0):
            position = small.cell.orthogonalize(mark.to_site(small).fract)
            image = small.cell.find_nearest_pbc_image(centre, position, mark.image_idx)
            expected.append(image.dist())
        for length in lengths:
            assert np.abs(np.array(expected) - length).min() < 1e-6


@pytest.mark.parametrize(
    ("value", "sigma", "text"),
    [
        (1.5234, 0.0031, "1.523(3)"),
        (1.5234, 0.0019, "1.5234(19)"),
        (-0.00012, 0.002, "-0.000(2)"),
        (1.5234, 0.0, "1.5234"),
        (1.5234, float("nan"), "1.5234"),
        (120.31, 25.0, "120(25)"),
    ],
)
def test_uncertainties_in_parentheses(value: float, sigma: float, text: str) -> None:
    assert with_uncertainty(value, sigma, 4) == text


def test_the_radiation_of_the_data_decides_the_instructions() -> None:
    solution = solution_of(benzene(), wavelength=None)
    assert solution.radiation == Radiation("x-ray", None, False)
    scaled = scaled_phases(solution)
    assert scaled.calculated is not None
    f = argand.structure_factors(benzene(), solution.merged.hkl)
    np.testing.assert_allclose(scaled.calculated, f)


def test_uncertainties_of_sites_are_those_of_their_parameters() -> None:
    """A lone atom's coordinates are independent: sigma(x) is sigma along the axis over a."""
    crystal = Crystal(
        cell=(5.0, 7.0, 9.0, 90.0, 90.0, 90.0),
        spacegroup="P -1",
        types=("C", "O"),
        frac=[[0.11, 0.23, 0.31], [0.5, 0.5, 0.5]],
        b_iso=2.0,
    )
    refinement = solution_of(crystal).model.refinement
    sigma = site_sigma(refinement)
    names = refinement.model.parameters.names
    for axis, length in zip("xyz", (5.0, 7.0, 9.0), strict=True):
        along = refinement.sigma[0, names.index(f"C.{axis}")]
        assert sigma[0, "xyz".index(axis)] == pytest.approx(along / length, rel=1e-9)
    assert not sigma[1, :3].any()
    b_sigma = refinement.sigma[0, names.index("C.B")]
    assert sigma[0, 9] == pytest.approx(b_sigma / (8.0 * np.pi**2), rel=1e-9)
