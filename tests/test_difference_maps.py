"""Maps of measured data with the phases of a structure: coefficients, peaks, mates, columns."""

from __future__ import annotations

import json
from pathlib import Path

import gemmi
import numpy as np
import pytest

import argand
from argand.cell import metric
from argand.describe.map_peaks import describe_peaks
from argand.describe.phased import phase_data
from argand.errors import ArgandError
from argand.io import Experiment, read_reflections, write_crystal, write_hklf4
from argand.measured import calculated_intensity
from argand.peaks import nearest_sites
from argand.radiation import Radiation
from argand.reflections import centric
from command_line import Capture, call, refused
from data_dir import DATA
from reflection_text import HEAD, loop

# Scale of the simulated intensities.
SCALE = 3.7

# A molecule without a centre, with a heavy atom, in a group with screw axes.
CRYSTAL = argand.Crystal(
    cell=(7.2, 8.1, 9.3, 90.0, 90.0, 90.0),
    spacegroup="P 21 21 21",
    types=("Fe", "S", "O", "N", "C", "C", "C", "C"),
    labels=("Fe1", "S1", "O1", "N1", "C1", "C2", "C3", "C4"),
    frac=[
        (0.12, 0.21, 0.33),
        (0.41, 0.28, 0.25),
        (0.20, 0.45, 0.42),
        (0.05, 0.02, 0.47),
        (0.60, 0.15, 0.10),
        (0.72, 0.55, 0.20),
        (0.35, 0.70, 0.05),
        (0.88, 0.40, 0.66),
    ],
    b_iso=[1.2, 1.5, 1.8, 1.7, 2.0, 2.1, 1.9, 2.2],
)
MOLYBDENUM = Radiation("x-ray", 0.71073, dispersion=True)
COPPER = Radiation("x-ray", 1.5418, dispersion=True)


def write_data(
    path: Path,
    crystal: argand.Crystal,
    radiation: Radiation,
    *,
    d_min: float = 0.9,
    noise: float = 0.0,
    mates: bool = False,
    extinction: float | None = None,
    seed: int = 1,
) -> None:
    """Write intensities as they would be measured, as HKLF 4, on a scale of their own."""
    rng = np.random.default_rng(seed)
    hkl = argand.miller_indices(crystal.cell, crystal.spacegroup, d_min)
    if mates:
        hkl = np.concatenate([hkl, -hkl])
    exact = calculated_intensity(
        crystal, hkl, radiation=radiation, extinction=extinction, merged=not mates
    )
    sigma = 0.01 * exact + 0.002 * exact.mean()
    measured = exact + noise * sigma * rng.normal(size=len(exact))
    write_hklf4(path, hkl, SCALE * measured, SCALE * sigma)


def write_known(path: Path, crystal: argand.Crystal, wavelength: float | None) -> None:
    """Write a structure as a CIF, with the wavelength of its measurement."""
    write_crystal(path, crystal)
    if wavelength is not None:
        line = f"_diffrn_radiation_wavelength {wavelength}\n_atom_type_scat_source it92\n"
        text = path.read_text()
        head, _, rest = text.partition("_cell_length_a")
        path.write_text(f"{head}{line}_cell_length_a{rest}")


def without(crystal: argand.Crystal, site: int) -> argand.Crystal:
    """Return a crystal that lacks one site."""
    rows = np.arange(len(crystal.types)) != site
    return crystal.replace(
        types=tuple(np.array(crystal.types)[rows]),
        labels=tuple(np.array(crystal.labels)[rows]),
        frac=crystal.frac[rows],
        occ=crystal.occ[rows],
        b_iso=crystal.b_iso[rows],
        u_aniso=None,
    )


def distance(crystal: argand.Crystal, first: np.ndarray, second: np.ndarray) -> float:
    """Return the shortest distance in angstrom between two points and their images, by gemmi."""
    cell = crystal.to_gemmi().cell
    here, there = gemmi.Fractional(*first), gemmi.Fractional(*second)
    return cell.find_nearest_image(cell.orthogonalize(here), cell.orthogonalize(there)).dist()


def run_difference(
    folder: Path, known: argand.Crystal, capsys: Capture, *words: str, wavelength: float = 0.71073
) -> dict:
    """Run the verb on data.hkl of a folder, and return what it prints as JSON."""
    write_known(folder / "known.cif", known, wavelength)
    options = ["--difference", str(folder / "known.cif"), "--json", *words]
    assert call("map", folder / "data.hkl", *options) == 0
    return json.loads(capsys.readouterr().out)


class TestOneAtomLeftOut:
    """The atom that a structure lacks is the highest peak of the difference map."""

    @pytest.mark.parametrize("site", range(1, 8))
    def test_the_peak_is_where_the_atom_was(
        self, site: int, tmp_path: Path, capsys: Capture
    ) -> None:
        write_data(tmp_path / "data.hkl", CRYSTAL, MOLYBDENUM, noise=1.0, seed=site)
        known = without(CRYSTAL, site)
        found = run_difference(tmp_path, known, capsys, "-o", str(tmp_path / "d.mtz"))
        peak = found["peaks"][0]
        assert distance(CRYSTAL, peak["frac"], CRYSTAL.frac[site]) < 0.1
        assert peak["sigmas"] > 5.0
        assert peak["multiplicity"] == 4
        # The table names the nearest atom that the structure has, and the image beside it.
        others = [distance(CRYSTAL, CRYSTAL.frac[site], position) for position in known.frac]
        nearest = int(np.argmin(others))
        assert peak["atom"] == known.labels[nearest]
        assert peak["distance"] == pytest.approx(others[nearest], abs=0.1)
        step = np.array(peak["frac"]) - known.frac[nearest]
        beside = np.sqrt(step @ metric(known.cell) @ step)
        assert beside == pytest.approx(peak["distance"], abs=1e-6)

    def test_an_atom_too_many_is_a_hole(self, tmp_path: Path, capsys: Capture) -> None:
        write_data(tmp_path / "data.hkl", without(CRYSTAL, 4), MOLYBDENUM)
        found = run_difference(tmp_path, CRYSTAL, capsys, "-o", str(tmp_path / "d.ccp4"))
        hole = found["holes"][0]
        assert hole["height"] < 0
        assert hole["atom"] == "C1"
        assert hole["distance"] < 0.1


class TestCoefficients:
    """Coefficients and columns that `argand map --difference` writes to an MTZ file."""

    @pytest.fixture
    def mtz(self, tmp_path: Path, capsys: Capture) -> gemmi.Mtz:
        """Write maps of data with Friedel mates and noise."""
        write_data(tmp_path / "data.hkl", CRYSTAL, COPPER, noise=0.5, mates=True)
        output = tmp_path / "maps.mtz"
        run_difference(tmp_path, CRYSTAL, capsys, "-o", str(output), wavelength=1.5418)
        return gemmi.read_mtz_file(str(output))

    def test_names_and_types(self, mtz: gemmi.Mtz) -> None:
        """Coot, PyMOL and CCP4 recognise columns by these."""
        types = {column.label: column.type for column in mtz.columns}
        expected = dict.fromkeys(("H", "K", "L"), "H")
        expected |= {"F": "F", "PHI": "P", "SIGF": "Q", "FOM": "W", "FC": "F", "PHIC": "P"}
        expected |= {"FWT": "F", "PHWT": "P", "DELFWT": "F", "PHDELWT": "P"}
        expected |= {"F(+)": "G", "SIGF(+)": "L", "F(-)": "G", "SIGF(-)": "L"}
        expected |= {"DANO": "D", "SIGDANO": "Q", "FAN": "F", "PHAN": "P"}
        assert types == expected
        assert mtz.dataset(1).wavelength == pytest.approx(1.5418)
        merit = mtz.column_with_label("FOM").array
        assert merit.min() >= 0.0
        assert merit.max() <= 1.0

    def test_values(self, mtz: gemmi.Mtz) -> None:
        """The structure factors are those of gemmi; the maps are 2Fo - Fc and Fo - Fc of them."""
        hkl = mtz.make_miller_array()
        small = CRYSTAL.to_gemmi()
        small.change_occupancies_to_crystallographic()
        calculator = gemmi.StructureFactorCalculatorX(small.cell)
        for element in {site.element for site in small.sites}:
            f_prime = gemmi.cromer_liberman(element.atomic_number, 1e3 * COPPER.energy_kev)[0]
            calculator.addends.set(element, f_prime)
        f = np.array([calculator.calculate_sf_from_small_structure(small, h) for h in hkl.tolist()])

        def column(amplitude: str, phase: str) -> np.ndarray:
            degrees = mtz.column_with_label(phase).array
            return mtz.column_with_label(amplitude).array * np.exp(1j * np.radians(degrees))

        strong = np.abs(f) > 0.02 * np.abs(f).max()
        np.testing.assert_allclose(column("FC", "PHIC")[strong], f[strong], rtol=2e-4)
        observed = mtz.column_with_label("F").array * np.exp(1j * np.angle(f))
        limit = 1e-4 * np.abs(f).max()
        np.testing.assert_allclose(column("FWT", "PHWT"), 2 * observed - f, atol=limit)
        np.testing.assert_allclose(column("DELFWT", "PHDELWT"), observed - f, atol=limit)

    def test_gemmi_makes_the_same_map(self, mtz: gemmi.Mtz, tmp_path: Path) -> None:
        """gemmi's transform of the columns gives the map that argand writes."""
        known, data = str(tmp_path / "known.cif"), str(tmp_path / "data.hkl")
        for synthesis, columns in (("2Fo-Fc", ("FWT", "PHWT")), ("Fo-Fc", ("DELFWT", "PHDELWT"))):
            path = tmp_path / "m.ccp4"
            options = ["--synthesis", synthesis, "-o", path, "--shape", "24", "28", "32"]
            assert call("map", "--difference", known, data, *options) == 0
            written, _, _ = argand.read_map(path)
            expected = np.array(mtz.transform_f_phi_to_map(*columns, exact_size=(24, 28, 32)))
            np.testing.assert_allclose(written, expected, atol=2e-5 * np.abs(expected).max())

    def test_reciprocalspaceship_reads_the_columns(self, mtz: gemmi.Mtz, tmp_path: Path) -> None:
        rs = pytest.importorskip("reciprocalspaceship", reason="needs reciprocalspaceship")
        data = rs.read_mtz(str(tmp_path / "maps.mtz"))
        assert data.spacegroup.xhm() == "P 21 21 21"
        assert data.dtypes["FWT"].name == "SFAmplitude"
        assert data.dtypes["PHDELWT"].name == "Phase"
        assert data.dtypes["FOM"].name == "Weight"
        assert data.dtypes["F(+)"].name == "FriedelSFAmplitude"
        np.testing.assert_array_equal(
            data["DELFWT"].to_numpy(np.float32), mtz.column_with_label("DELFWT").array
        )


def test_extinction_is_taken_out_where_the_data_have_it() -> None:
    """Corrected lists are not corrected again, whatever the file of the structure states."""
    hkl = argand.miller_indices(CRYSTAL.cell, CRYSTAL.spacegroup, 0.9)
    experiment = Experiment(wavelength=MOLYBDENUM.wavelength, extinction=0.3)
    f = np.abs(argand.structure_factors(CRYSTAL, hkl))
    for extinction in (None, 0.3):
        intensity = calculated_intensity(CRYSTAL, hkl, radiation=MOLYBDENUM, extinction=extinction)
        reflections = argand.io.Reflections(
            hkl,
            intensity=intensity,
            sigma=0.02 * intensity + 0.01,
            cell=CRYSTAL.cell,
            spacegroup=CRYSTAL.spacegroup,
        )
        description = phase_data(reflections, CRYSTAL, experiment)
        assert description.extinction == extinction
        calculated = description.phased.calculated
        assert calculated is not None
        np.testing.assert_allclose(np.abs(description.phased.observed), np.abs(calculated), 1e-5)
        # Without f'' and with f', |F| is near that without dispersion, and not that of the data.
        assert np.corrcoef(np.abs(calculated), f)[0, 1] > 0.999


def test_twinning_is_taken_out_where_the_data_have_it() -> None:
    """A twin of P 2 by a twofold axis along a: F of the first domain remains."""
    crystal = CRYSTAL.replace(spacegroup="P 1 2 1", cell=(7.2, 8.1, 9.3, 90.0, 90.0, 90.0))
    law = (1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, -1.0)
    hkl = argand.miller_indices(crystal.cell, crystal.spacegroup, 0.9)
    experiment = Experiment(twin=law, fractions=(0.3,))
    for fraction in (0.3, 0.0):
        intensity = calculated_intensity(crystal, hkl, twin=law, fraction=fraction)
        reflections = argand.io.Reflections(
            hkl,
            intensity=intensity,
            sigma=0.02 * intensity + 0.01,
            cell=crystal.cell,
            spacegroup=crystal.spacegroup,
        )
        description = phase_data(reflections, crystal, experiment)
        assert description.twin_fraction == fraction
        phased = description.phased
        expected = np.abs(argand.structure_factors(crystal, phased.hkl))
        np.testing.assert_allclose(np.abs(phased.observed), expected, atol=1e-4 * expected.max())
        assert np.abs(phased.difference_coefficients).max() < 1e-4 * expected.max()
        if fraction:
            assert "the mates of a twin overlap" in description.without_anomalous


def test_a_setting_without_a_name_is_written_in_p_1(tmp_path: Path, capsys: Capture) -> None:
    """MTZ files and maps name a group: the same density is written with all equivalents."""
    shifted = "x,y,z;-x+1/2,-y+1/4,z+1/2;x+1/2,-y+3/4,-z;-x,y+1/2,-z+1/2"
    crystal = CRYSTAL.replace(spacegroup=shifted, frac=CRYSTAL.frac + np.array([0.0, 0.125, 0.0]))
    write_data(tmp_path / "data.hkl", CRYSTAL, MOLYBDENUM, mates=True)
    assert crystal.spacegroup.startswith("x,y,z;")
    found = run_difference(tmp_path, crystal, capsys, "-o", str(tmp_path / "d.mtz"))
    assert found["r1"] < 0.01
    mtz = gemmi.read_mtz_file(str(tmp_path / "d.mtz"))
    assert mtz.spacegroup.xhm() == "P 1"
    rho = np.array(mtz.transform_f_phi_to_map("FWT", "PHWT", exact_size=(48, 54, 60)))
    iron = rho[np.unravel_index(rho.argmax(), rho.shape)]
    place = np.rint(crystal.frac[0] * rho.shape).astype(int)
    assert rho[tuple(place)] > 0.9 * iron


class TestAnomalous:
    """Maps of the differences of Friedel mates."""

    def test_the_heavy_atom_is_the_peak(self, tmp_path: Path, capsys: Capture) -> None:
        """The sign is right: in a map with phases + 90 degrees iron would be the deepest hole."""
        seed = 11
        crystal = argand.Crystal(
            cell=(9.0, 10.0, 11.0, 90.0, 90.0, 90.0),
            spacegroup="P 21 21 21",
            types=("Fe",) + ("C", "N", "O") * 8,
            labels=("Fe1", *(f"A{number}" for number in range(24))),
            frac=np.random.default_rng(seed).random((25, 3)),
            b_iso=2.0,
        )
        write_data(tmp_path / "data.hkl", crystal, COPPER, mates=True, noise=0.02)
        words = ["-o", str(tmp_path / "a.ccp4"), "--synthesis", "anomalous"]
        found = run_difference(tmp_path, crystal, capsys, *words, wavelength=1.5418)
        iron, second = found["peaks"][:2]
        assert iron["atom"] == "Fe1", f"seed {seed}"
        assert iron["distance"] < 0.1
        assert iron["height"] > 2.0 * second["height"] > 0.0
        assert iron["height"] > 2.0 * abs(found["holes"][0]["height"])
        assert found["synthesis"] == "anomalous"

    def test_mates_are_kept(self, tmp_path: Path, capsys: Capture) -> None:
        """F(+) is the amplitude of h in the asymmetric unit, as gemmi and CCP4 have it."""
        write_data(tmp_path / "data.hkl", CRYSTAL, COPPER, mates=True)
        output = tmp_path / "a.mtz"
        run_difference(tmp_path, CRYSTAL, capsys, "-o", str(output), wavelength=1.5418)
        mtz = gemmi.read_mtz_file(str(output))
        hkl = mtz.make_miller_array()
        kept, exact = {}, {}
        for sign, label in ((1, "F(+)"), (-1, "F(-)")):
            f = argand.structure_factors(CRYSTAL, sign * hkl, energy_kev=COPPER.energy_kev)
            exact[label] = np.abs(f)
            kept[label] = mtz.column_with_label(label).array
            measured = np.isfinite(kept[label])
            np.testing.assert_array_equal(measured, ~centric(hkl, CRYSTAL.spacegroup))
            strong = measured & (np.abs(f) > 0.1 * np.abs(f).max())
            np.testing.assert_allclose(kept[label][strong], np.abs(f)[strong], rtol=5e-3)
        difference = mtz.column_with_label("DANO").array
        np.testing.assert_allclose(difference, kept["F(+)"] - kept["F(-)"], atol=1e-3)
        expected = (exact["F(+)"] - exact["F(-)"])[measured]
        slope = (difference[measured] @ expected) / (expected @ expected)
        assert slope == pytest.approx(1.0, abs=0.005)
        residual = difference[measured] - slope * expected
        assert np.abs(residual).max() < 0.02 * np.abs(expected).max()

    def test_centrosymmetric_crystals_have_none(self, tmp_path: Path, capsys: Capture) -> None:
        known = DATA / "4003024.cif"
        words = ["--difference", known, known, "-o", tmp_path / "a.map", "--synthesis", "anomalous"]
        complaint = refused(capsys, "map", *words)
        assert "4003024.cif: has no anomalous differences: the space group is centr" in complaint
        assert not (tmp_path / "a.map").exists()

    def test_merged_data_have_none(self, tmp_path: Path, capsys: Capture) -> None:
        write_data(tmp_path / "data.hkl", CRYSTAL, COPPER)
        write_known(tmp_path / "known.cif", CRYSTAL, 1.5418)
        words = ["--difference", tmp_path / "known.cif", tmp_path / "data.hkl"]
        words += ["-o", tmp_path / "a.map", "--synthesis", "anomalous"]
        assert "no reflection has both Friedel mates" in refused(capsys, "map", *words)


def test_residual_density_is_near_the_published_one(tmp_path: Path, capsys: Capture) -> None:
    """The CIF of 4003024 states .287, -.343 and rms .062; SHELXL weighs weak data down."""
    known = DATA / "4003024.cif"
    words = ["--difference", known, known, "-o", tmp_path / "d.ccp4", "--json"]
    assert call("map", *words) == 0
    found = json.loads(capsys.readouterr().out)
    density, _, _ = argand.read_map(tmp_path / "d.ccp4")
    assert density.max() == pytest.approx(0.287, abs=0.06)
    assert density.min() == pytest.approx(-0.343, abs=0.06)
    assert found["rms"] == pytest.approx(0.062, abs=0.007)
    assert found["extinction"] == pytest.approx(0.082247)
    assert found["r1"] == pytest.approx(0.0170, abs=5e-5)


class TestColumns:
    """Columns that are named."""

    def test_named_columns_are_read(self, tmp_path: Path, capsys: Capture) -> None:
        cell = (5.0, 6.0, 7.0, 90.0, 90.0, 90.0)
        path = tmp_path / "x.mtz"
        first, second = np.array([5.0 + 1j, 2.0]), np.array([0.5j, -1.0])
        hkl = [[1, 2, 3], [1, 0, 2]]
        argand.write_reflections(path, hkl, cell=cell, FWT=first, DELFWT=second, FAN=first + 1.0)
        assert read_reflections(path).f == pytest.approx(first, rel=1e-6)
        named = read_reflections(path, columns=("DELFWT", "PHDELWT"))
        assert named.f == pytest.approx(second, abs=1e-6)
        assert named.f_columns == "DELFWT, PHDELWT"
        assert read_reflections(path, columns=("FAN", "PHAN")).f == pytest.approx(first + 1.0)
        words = ["map", path, "-o", tmp_path / "m.ccp4", "--columns"]
        assert call(*words, "DELFWT", "PHDELWT") == 0
        assert "F is read from DELFWT, PHDELWT" in capsys.readouterr().out
        assert "has no column X, there are H, K" in refused(capsys, *words, "X", "PHWT")
        assert "PHWT has type P, needs an amplitude" in refused(capsys, *words, "PHWT", "FWT")

    def test_anomalous_coefficients_are_no_density(self, tmp_path: Path) -> None:
        """FAN is read on request alone: F and PHI are the structure factors of this file."""
        path = tmp_path / "x.mtz"
        f = np.array([5.0 + 1j, 2.0])
        argand.write_reflections(
            path, [[1, 2, 3], [1, 0, 2]], f, cell=(5, 6, 7, 90, 90, 90), FAN=0.1 * f
        )
        assert read_reflections(path).f == pytest.approx(f, rel=1e-6)

    def test_columns_of_mmcif(self, tmp_path: Path) -> None:
        names = "index_h index_k index_l F_meas_au pdbx_DELFWT pdbx_DELPHWT"
        path = tmp_path / "x.cif"
        path.write_text(HEAD + loop("_refln.", names, "1 2 3 5.0 2.0 90.0"))
        named = read_reflections(path, columns=("pdbx_DELFWT", "pdbx_DELPHWT"))
        assert named.f == pytest.approx([2.0j], abs=1e-9)
        with pytest.raises(ArgandError, match=r"x\.cif: .* has no column pdbx_FWT"):
            read_reflections(path, columns=("pdbx_FWT", "pdbx_PHWT"))


class TestRefusals:
    """Wrong data and options are refused before the work, in one line."""

    def test_wrong_pairs_of_options(self, tmp_path: Path, capsys: Capture) -> None:
        known = DATA / "4003024.cif"
        pair = ["map", "--difference", known, known, "-o"]
        complaint = refused(capsys, *pair, tmp_path / "a.mtz", "--synthesis", "Fo")
        assert "an MTZ file has all coefficients" in complaint
        complaint = refused(capsys, *pair, tmp_path / "a.ccp4", "--columns", "A", "B")
        assert "columns exclude difference" in complaint
        complaint = refused(capsys, *pair, tmp_path / "a.ccp4", "--peaks", "-1")
        assert "peaks is -1, needs to be 0 or more" in complaint
        complaint = refused(capsys, "map", known, "-o", tmp_path / "a.ccp4")
        assert "--difference KNOWN takes phases from a structure" in complaint

    def test_a_list_is_no_structure(self, tmp_path: Path, capsys: Capture) -> None:
        path = tmp_path / "x.fcf"
        names = "index_h index_k index_l F_squared_meas F_calc phase_calc"
        path.write_text(HEAD + loop("_refln_", names, "1 2 3 5.0 2.0 90.0"))
        words = ["map", "--difference", path, path, "-o", tmp_path / "a.mtz"]
        assert "x.fcf: has no atoms, needs a structure" in refused(capsys, *words)

    def test_data_of_another_crystal(self, tmp_path: Path, capsys: Capture) -> None:
        """Screw axes of the structure extinguish strong reflections; --force maps with a doubt."""
        rng = np.random.default_rng(7)
        hkl = argand.miller_indices(CRYSTAL.cell, "P 2 2 2", 0.9)
        intensity = rng.exponential(100.0, len(hkl))
        write_hklf4(tmp_path / "data.hkl", hkl, intensity, np.full(len(hkl), 1.0))
        write_known(tmp_path / "known.cif", CRYSTAL, 0.71073)
        words = ["map", tmp_path / "data.hkl", "--difference", tmp_path / "known.cif"]
        words += ["-o", tmp_path / "a.mtz"]
        complaint = refused(capsys, *words)
        assert "data.hkl: " in complaint
        assert call(*words, "--force", "--json") == 0
        assert json.loads(capsys.readouterr().out)["doubts"]


@pytest.mark.parametrize("spacegroup", ["P 21 21 21", "F d -3 m:1", "R -3 c:H"])
def test_nearest_sites_agree_with_gemmi(spacegroup: str) -> None:
    cell = {"R": (8, 8, 12, 90, 90, 120), "F": (8, 8, 8, 90, 90, 90)}.get(spacegroup[0])
    seed = 5
    rng = np.random.default_rng(seed)
    sites = rng.random((4, 3))
    crystal = argand.Crystal(
        cell=cell or (6, 7, 8, 90, 90, 90), spacegroup=spacegroup, types=("C",) * 4, frac=sites
    )
    points = rng.uniform(-2.0, 2.0, (20, 3))
    site, nearest, moved = nearest_sites(points, crystal)
    for row, point in enumerate(points):
        distances = [distance(crystal, position, point) for position in sites]
        assert nearest[row] == pytest.approx(min(distances), abs=1e-6), f"seed {seed}"
        assert site[row] == int(np.argmin(distances))
        step = moved[row] - sites[site[row]]
        assert np.sqrt(step @ metric(crystal.cell) @ step) == pytest.approx(nearest[row], abs=1e-6)
        assert distance(crystal, moved[row], point) < 1e-6


def test_peaks_without_a_structure_name_no_atom() -> None:
    rho = np.zeros((12, 12, 12))
    rho[3, 4, 5] = 2.0
    rho[9, 8, 1] = -1.0
    peaks, holes = describe_peaks(rho, (6, 6, 6, 90, 90, 90), "P 1", most=1)
    assert peaks[0].atom is None
    assert peaks[0].frac == pytest.approx((3 / 12, 4 / 12, 5 / 12))
    assert peaks[0].height == pytest.approx(2.0)
    assert holes[0].frac == pytest.approx((9 / 12, 8 / 12, 1 / 12))
    assert holes[0].height == pytest.approx(-1.0)
    assert describe_peaks(rho, (6, 6, 6, 90, 90, 90), "P 1", most=0) == ((), ())
