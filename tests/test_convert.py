"""Doors to gemmi, ASE, pymatgen, reciprocalspaceship and pandas: round trips keep F."""

from __future__ import annotations

import warnings
from pathlib import Path

import gemmi
import numpy as np
import pytest

import argand
from argand.errors import ArgandError, ArgandWarning
from argand.io import Reflections, read_crystal
from argand.io.convert import (
    from_dataset,
    from_mtz,
    from_pandas,
    to_dataset,
    to_mtz,
    to_pandas,
)
from command_line import run_code
from data_dir import DATA

# Ions on special positions; mixed and anisotropic sites; many anisotropic sites; deuterium;
# rhombohedral axes; a molecule.
NAMES = ("2002248", "4003024", "2020199", "9002547", "9008098", "9000905")


def crystal_of(name: str) -> argand.Crystal:
    """Read a crystal whose file may have faults, which other tests look at."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ArgandWarning)
        return read_crystal(DATA / f"{name}.cif")


def check_same_f(before: argand.Crystal, after: argand.Crystal, tolerance: float = 1e-6) -> None:
    """Compare F of two crystals, with dispersion, so that a mirror image differs."""
    hkl = argand.miller_indices(before.cell, before.spacegroup, 1.0, unique=False)[:400]
    for table, energy_kev in (("it92", None), ("it92", 17.0), ("neutron", None)):
        options = {"table": table, "energy_kev": energy_kev}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ArgandWarning)
            expected = argand.structure_factors(before, hkl, **options)
            f = argand.structure_factors(after, hkl, **options)
        np.testing.assert_allclose(f, expected, atol=tolerance * np.abs(expected).max())


def chiral() -> argand.Crystal:
    """Return a crystal in an oblique cell without a centre."""
    return argand.Crystal(
        cell=(5.0, 6.5, 7.5, 80.0, 95.0, 105.0),
        types=("Fe", "S", "O2-", "D"),
        labels=("Fe1", "S1", "O1", "D1"),
        frac=[(0.1, 0.2, 0.3), (0.5, 0.45, 0.8), (0.9, 0.1, 0.6), (0.3, 0.8, 0.2)],
        occ=[1.0, 0.7, 1.0, 1.0],
        b_iso=[1.0, 0.0, 2.0, 3.0],
        u_aniso=[[np.nan] * 6, [0.01, 0.02, 0.03, 0.004, -0.002, 0.001], *[[np.nan] * 6] * 2],
    )


class TestGemmi:
    """Small structures and models."""

    @pytest.mark.parametrize("name", NAMES)
    def test_small_structures(self, name: str) -> None:
        crystal = crystal_of(name)
        check_same_f(crystal, argand.Crystal.from_gemmi(crystal.to_gemmi()))

    @pytest.mark.parametrize("name", NAMES)
    def test_models(self, name: str) -> None:
        """Positions and U of a model are Cartesian; single precision limits U."""
        crystal = crystal_of(name)
        check_same_f(crystal, argand.Crystal.from_gemmi(crystal.to_gemmi_structure()), 3e-6)

    def test_f_of_a_model_is_that_of_gemmi(self) -> None:
        """The calculator of gemmi takes the occupancies of a model as they are."""
        crystal = crystal_of("9000905")
        types = tuple(gemmi.Element(symbol.rstrip("+-0123456789")).name for symbol in crystal.types)
        crystal = crystal.replace(types=types)
        structure = crystal.to_gemmi_structure()
        calculator = gemmi.StructureFactorCalculatorX(structure.cell)
        hkl = argand.miller_indices(crystal.cell, crystal.spacegroup, 1.2)
        f = [calculator.calculate_sf_from_model(structure[0], h) for h in hkl.tolist()]
        expected = argand.structure_factors(argand.Crystal.from_gemmi(structure), hkl)
        np.testing.assert_allclose(f, expected, atol=2e-5 * np.abs(expected).max())

    def test_an_oblique_cell(self) -> None:
        crystal = chiral().replace(types=("Fe", "S", "O2-", "H"))
        check_same_f(crystal, argand.Crystal.from_gemmi(crystal.to_gemmi_structure()))

    def test_what_is_no_crystal(self) -> None:
        with pytest.raises(ArgandError, match="has 0 models, needs one"):
            argand.Crystal.from_gemmi(gemmi.Structure())
        structure = chiral().to_gemmi_structure()
        structure.cell = gemmi.UnitCell()
        with pytest.raises(ArgandError, match="no unit cell"):
            argand.Crystal.from_gemmi(structure)


class TestAse:
    """ase.Atoms."""

    @pytest.fixture(autouse=True)
    def ase(self):
        """Skip without ASE."""
        return pytest.importorskip("ase", reason="needs ase")

    @pytest.mark.parametrize("name", NAMES)
    def test_round_trip(self, name: str) -> None:
        crystal = crystal_of(name)
        atoms = crystal.to_ase()
        assert len(atoms) == len(crystal.to_p1().types)
        check_same_f(crystal, argand.Crystal.from_ase(atoms))

    def test_left_handed_axes(self) -> None:
        """Atoms on axes b, a, c are the same crystal, not its mirror image."""
        crystal = chiral()
        atoms = crystal.to_ase()
        swapped = atoms.copy()
        swapped.set_cell(np.asarray(atoms.cell)[[1, 0, 2]], scale_atoms=False)
        order = [1, 0, 2, 3, 5, 4]
        swapped.arrays["u_aniso"] = atoms.arrays["u_aniso"][:, order]
        after = argand.Crystal.from_ase(swapped)
        hkl = argand.hkl_cube(3)
        expected = argand.structure_factors(crystal, hkl, energy_kev=8.0)
        # -b, -a, -c are the right-handed axes.
        f = argand.structure_factors(after, -hkl[:, [1, 0, 2]], energy_kev=8.0)
        np.testing.assert_allclose(f, expected, atol=1e-6 * np.abs(expected).max())

    def test_mixed_sites_of_a_cif(self, tmp_path: Path) -> None:
        """ASE reads occupancies of 4003024, tin and indium on one site, into its info."""
        from ase.io import read

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            atoms = read(DATA / "4003024.cif", format="cif", fractional_occupancies=True)
        crystal = argand.Crystal.from_ase(atoms)
        expected = crystal_of("4003024").composition()
        composition = crystal.composition()
        assert composition.keys() == expected.keys()
        for element, number in expected.items():
            assert composition[element] == pytest.approx(number, abs=1e-6)

    def test_plain_atoms(self) -> None:
        from ase import Atoms
        from ase.build import bulk

        copper = argand.Crystal.from_ase(bulk("Cu", "fcc", a=3.6, cubic=True))
        assert copper.types == ("Cu",) * 4
        assert copper.cell == pytest.approx((3.6, 3.6, 3.6, 90, 90, 90))
        heavy = Atoms("H", cell=[3, 3, 3], pbc=True, masses=[2.014])
        assert argand.Crystal.from_ase(heavy).types == ("D",)
        with pytest.raises(ArgandError, match="atoms is periodic along"):
            argand.Crystal.from_ase(Atoms("H", cell=[3, 3, 3], pbc=(True, True, False)))
        with pytest.raises(ArgandError, match="cell without volume"):
            argand.Crystal.from_ase(Atoms("H", pbc=True, cell=[[1, 0, 0], [1, 0, 0], [0, 0, 1]]))
        with pytest.raises(ArgandError, match="atom 0 of atoms is 'X'"):
            argand.Crystal.from_ase(Atoms("X", cell=[3, 3, 3], pbc=True))

    def test_a_changed_element_replaces_a_stated_type(self) -> None:
        atoms = chiral().to_ase()
        atoms.symbols[2] = "N"
        assert argand.Crystal.from_ase(atoms).types == ("Fe", "S", "N", "D")


class TestPymatgen:
    """pymatgen.core.Structure."""

    @pytest.fixture(autouse=True)
    def pymatgen(self):
        """Skip without pymatgen."""
        return pytest.importorskip("pymatgen.core", reason="needs pymatgen")

    @pytest.mark.parametrize("name", NAMES)
    def test_round_trip(self, name: str) -> None:
        crystal = crystal_of(name)
        structure = crystal.to_pymatgen()
        check_same_f(crystal, argand.Crystal.from_pymatgen(structure))

    def test_composition_is_that_of_pymatgen(self) -> None:
        crystal = crystal_of("4003024")
        amounts = crystal.to_pymatgen().composition.as_dict()
        elements: dict[str, float] = {}
        for symbol, number in amounts.items():
            element = symbol.rstrip("+-0123456789")
            elements[element] = elements.get(element, 0.0) + number
        assert elements == pytest.approx(crystal.composition())

    def test_left_handed_axes(self) -> None:
        from pymatgen.core import Lattice, Structure

        crystal = chiral().replace(u_aniso=None, types=("Fe", "S", "O2-", "C"))
        structure = crystal.to_pymatgen()
        order = [1, 0, 2]
        swapped = Structure(
            Lattice(structure.lattice.matrix[order]),
            [site.species for site in structure],
            structure.frac_coords[:, order],
            site_properties={"b_iso": crystal.b_iso.tolist()},
        )
        hkl = argand.hkl_cube(3)
        expected = argand.structure_factors(crystal, hkl, energy_kev=8.0)
        after = argand.Crystal.from_pymatgen(swapped)
        f = argand.structure_factors(after, -hkl[:, order], energy_kev=8.0)
        np.testing.assert_allclose(f, expected, atol=1e-6 * np.abs(expected).max())

    def test_species(self) -> None:
        from pymatgen.core import DummySpecies, Lattice, Species, Structure

        lattice = Lattice.cubic(4.0)
        structure = Structure(lattice, [{Species("Fe", 3): 0.5, "Mg": 0.25}], [[0, 0, 0]])
        crystal = argand.Crystal.from_pymatgen(structure)
        occ = dict(zip(crystal.types, crystal.occ.tolist(), strict=True))
        assert occ == {"Fe3+": 0.5, "Mg": 0.25}
        structure = Structure(lattice, [Species("Fe", 2.5)], [[0, 0, 0]])
        with pytest.warns(ArgandWarning, match="no ion has this charge, neutral Fe is used"):
            assert argand.Crystal.from_pymatgen(structure).types == ("Fe",)
        with pytest.raises(ArgandError, match="site 0 of structure is X"):
            argand.Crystal.from_pymatgen(Structure(lattice, [DummySpecies("X")], [[0, 0, 0]]))
        with pytest.raises(ArgandError, match="'7Li' is an isotope"):
            argand.Crystal((4, 4, 4, 90, 90, 90), types=("7Li",), frac=[(0, 0, 0)]).to_pymatgen()


def reflections() -> Reflections:
    """Return a list with intensities, phases and coefficients of a map."""
    rng = np.random.default_rng(4)
    hkl = argand.miller_indices((5, 6, 7, 90, 90, 90), "P 21 21 21", 1.2)
    m = len(hkl)
    return Reflections(
        hkl,
        intensity=rng.exponential(50.0, m),
        sigma=rng.random(m) + 0.5,
        amplitude_calc=rng.random(m) + 3.0,
        phase=rng.uniform(-3.0, 3.0, m),
        map_coefficients=rng.normal(size=m) + 1j * rng.normal(size=m),
        cell=(5.0, 6.0, 7.0, 90.0, 90.0, 90.0),
        spacegroup="P 21 21 21",
        wavelength=0.71073,
    )


def check_same(after: Reflections, before: Reflections) -> None:
    """Compare two lists within single precision, in any order."""
    assert after.cell == pytest.approx(before.cell)
    assert after.spacegroup == before.spacegroup
    assert after.wavelength == pytest.approx(before.wavelength)
    assert after.columns().keys() == before.columns().keys()
    order, expected_order = np.lexsort(after.hkl.T), np.lexsort(before.hkl.T)
    np.testing.assert_array_equal(after.hkl[order], before.hkl[expected_order])
    for name, column in before.columns().items():
        values = after.columns()[name][order]
        np.testing.assert_allclose(values, column[expected_order], rtol=2e-6, atol=1e-6)


class TestReflections:
    """Lists of reflections."""

    def test_mtz_of_gemmi(self) -> None:
        mtz = to_mtz(reflections())
        assert [column.label for column in mtz.columns][3:] == [
            *("I", "SIGI", "FC", "PHIC", "FWT", "PHWT")
        ]
        check_same(from_mtz(mtz), reflections())

    def test_amplitudes(self) -> None:
        full = reflections()
        plain = Reflections(
            full.hkl, amplitude=full.amplitude_calc, phase=full.phase, cell=full.cell
        )
        after = from_mtz(to_mtz(plain))
        np.testing.assert_allclose(after.f, plain.f, rtol=2e-6)
        with_sigma = Reflections(
            full.hkl, amplitude=full.amplitude_calc, sigma=full.sigma, cell=full.cell
        )
        labels = [column.label for column in to_mtz(with_sigma).columns][3:]
        assert labels == ["F", "SIGF"]

    def test_dataset(self) -> None:
        rs = pytest.importorskip("reciprocalspaceship", reason="needs reciprocalspaceship")
        dataset = to_dataset(reflections())
        assert isinstance(dataset, rs.DataSet)
        assert dataset.dtypes["FWT"].name == "SFAmplitude"
        check_same(from_dataset(dataset), reflections())
        # An intensity that reciprocalspaceship has changed is the one that comes back.
        dataset["I"] = 2.0 * dataset["I"]
        doubled = from_dataset(dataset)
        assert doubled.intensity is not None
        assert doubled.intensity.sum() == pytest.approx(2.0 * reflections().intensity.sum(), 1e-5)

    def test_pandas(self) -> None:
        pandas = pytest.importorskip("pandas", reason="needs pandas")
        before = reflections()
        frame = to_pandas(before)
        assert frame.index.names == ["H", "K", "L"]
        after = from_pandas(frame)
        check_same(after, before)
        np.testing.assert_array_equal(after.phase, before.phase)
        strong = from_pandas(frame[frame["intensity"] > 50.0])
        assert len(strong.hkl) == int((before.intensity > 50.0).sum())
        plain = pandas.DataFrame({"H": [1], "K": [0], "L": [2], "amplitude": [3.0], "x": ["y"]})
        given = from_pandas(plain, cell=(5, 6, 7, 90, 90, 90), spacegroup="P 2", wavelength=1.0)
        assert given.spacegroup == "P 1 2 1"
        assert given.amplitude == pytest.approx([3.0])
        with pytest.raises(ArgandError, match="no column or index level L"):
            from_pandas(plain.drop(columns="L"))
        with pytest.raises(ArgandError, match="needs one of intensity, amplitude"):
            from_pandas(plain.drop(columns="amplitude"))
        with pytest.raises(ArgandError, match=r"frame: an index of 0\.5"):
            from_pandas(plain.assign(H=0.5))

    def test_what_an_mtz_cannot_hold(self) -> None:
        full = reflections()
        with pytest.raises(ArgandError, match="have no cell"):
            to_mtz(Reflections(full.hkl, intensity=full.intensity))
        twin = Reflections(
            full.hkl, intensity=full.intensity, cell=full.cell, batch=-np.ones(len(full.hkl), int)
        )
        with pytest.raises(ArgandError, match="overlapping twin domains"):
            to_mtz(twin)
        flagged = Reflections(
            full.hkl,
            intensity=full.intensity,
            cell=full.cell,
            left_out=np.arange(len(full.hkl)) < 3,
        )
        assert to_mtz(flagged).nreflections == len(full.hkl) - 3


def test_libraries_are_imported_when_used() -> None:
    names = ("ase", "pymatgen", "pandas", "reciprocalspaceship")
    code = "import sys, argand, argand.io, argand.io.convert\n"
    code += f"print([name for name in {names} if name in sys.modules])"
    assert run_code(code).stdout == "[]\n"


def test_unmerged_mtz_stays_what_it_is() -> None:
    """Reading takes the measured indices, and the caller's object keeps its own."""
    path = str(DATA / "field" / "e16_unmerged_no_batches.mtz")
    mtz = gemmi.read_mtz_file(path)
    before = np.array(mtz.array)
    expected = argand.read_reflections(path)
    np.testing.assert_array_equal(from_mtz(mtz).hkl, expected.hkl)
    np.testing.assert_array_equal(np.array(mtz.array), before)


def test_remarks_about_an_mtz_are_warnings() -> None:
    """A gemmi.Mtz is read as a file is: missing numbers are NaN, other measured columns named."""
    mtz = gemmi.Mtz(with_base=True)
    mtz.set_cell_for_all(gemmi.UnitCell(10.0, 11.0, 12.0, 90.0, 90.0, 90.0))
    mtz.spacegroup = gemmi.SpaceGroup("P 1")
    mtz.add_dataset("data")
    for label, kind in (("F_a", "F"), ("SIGF_a", "Q"), ("F_b", "F"), ("SIGF_b", "Q")):
        mtz.add_column(label, kind)
    mtz.valm = -99.0
    rows = [[1, 0, 0, 10, 1, 20, 2], [0, 1, 0, -99, -99, 20, 2]]
    mtz.set_data(np.array(rows, np.float32))
    with pytest.warns(ArgandWarning, match="F_a is read, not F_b"):
        read = from_mtz(mtz)
    np.testing.assert_array_equal(read.amplitude, [10.0, np.nan])
