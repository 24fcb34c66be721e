"""Friedel mates: calculated, written to MTZ files, read back, merged, and made into a map."""

from __future__ import annotations

from pathlib import Path

import gemmi
import numpy as np
import pytest
from numpy.typing import NDArray

import argand
from argand.cli import main
from argand.errors import ArgandError
from argand.io import Reflections, write_crystal
from argand.measured import merge
from argand.reflections import centric, friedel_sides

CELL = (5.0, 6.0, 7.0, 90.0, 90.0, 90.0)
COLUMNS = ("F(+)", "PHI(+)", "F(-)", "PHI(-)")


@pytest.fixture
def crystal() -> argand.Crystal:
    """Make a crystal in P 21 21 21, whose dispersion of Fe is large at 8 keV."""
    frac = [[0.11, 0.23, 0.31], [0.34, 0.07, 0.62], [0.45, 0.4, 0.05]]
    return argand.Crystal(CELL, "P 21 21 21", types=("Fe", "O", "C"), frac=frac, b_iso=[1, 2, 3])


def run(capsys: pytest.CaptureFixture[str], *command: object) -> tuple[int, str]:
    """Run a command line; return its exit code and all that it prints."""
    code = main([str(word) for word in command])
    printed = capsys.readouterr()
    return code, printed.out + printed.err


def exact_density(hkl: NDArray[np.int32], f: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Sum the real part of a density over a sphere of reflections on a grid of 6 x 8 x 10."""
    grid = np.meshgrid(np.arange(6) / 6, np.arange(8) / 8, np.arange(10) / 10, indexing="ij")
    turns = np.einsum("mi,ixyz->mxyz", hkl, np.array(grid))
    density = np.tensordot(f, np.exp(-2j * np.pi * turns), axes=1)
    return density.real / np.prod(CELL[:3])


@pytest.mark.parametrize("method", ["matrix", "fft"])
def test_sf_writes_both_mates_and_the_map_is_of_both(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], crystal: argand.Crystal, method: str
) -> None:
    """F of each mate comes back, and the density is that of the whole sphere."""
    write_crystal(tmp_path / "x.cif", crystal)
    command = ["sf", tmp_path / "x.cif", "--d-min", 1.5, "-o", tmp_path / "x.mtz"]
    code, text = run(capsys, *command, "--energy-kev", 8, "--anomalous", "--f000")
    assert code == 0, text
    assert "both Friedel mates" in text
    mtz = gemmi.read_mtz_file(str(tmp_path / "x.mtz"))
    types = {column.label: column.type for column in mtz.columns[3:]}
    assert types == dict(zip(COLUMNS, "GPGP", strict=True))
    assert mtz.datasets[1].wavelength == pytest.approx(1.54980, abs=1e-5)

    reflections = argand.read_reflections(tmp_path / "x.mtz")
    f = argand.structure_factors(crystal, reflections.hkl, energy_kev=8.0)
    np.testing.assert_allclose(reflections.f, f, atol=2e-5 * np.abs(f).max())
    assert len(np.unique(reflections.hkl, axis=0)) == len(reflections.hkl)
    unit_hkl = argand.miller_indices(CELL, "P 21 21 21", d_min=1.5)
    acentric = ~centric(unit_hkl, "P 21 21 21")
    assert acentric.sum() > 10
    assert len(reflections.hkl) == 1 + len(unit_hkl) + acentric.sum()
    assert not reflections.hkl[0].any()

    sphere = np.vstack([[0, 0, 0], argand.miller_indices(CELL, d_min=1.5)])
    sphere = np.unique(np.vstack([sphere, -sphere]), axis=0).astype(np.int32)
    all_f = argand.structure_factors(crystal, sphere, energy_kev=8.0)
    density = argand.map_from_structure_factors(
        reflections.hkl,
        reflections.f,
        (6, 8, 10),
        cell=CELL,
        spacegroup="P 21 21 21",
        method=method,
    )
    expected = exact_density(sphere, np.asarray(all_f))
    np.testing.assert_allclose(density, expected, atol=1e-5 * expected.max())
    electrons = argand.structure_factors(crystal, [[0, 0, 0]], energy_kev=8.0)[0].real
    assert density.mean() * crystal.volume == pytest.approx(electrons, rel=1e-6)

    code, text = run(capsys, "map", tmp_path / "x.mtz", "-o", tmp_path / "x.ccp4")
    assert code == 0, text
    assert "F is read from F(+), F(-), PHI(+), PHI(-)" in text
    code, text = run(capsys, "info", tmp_path / "x.mtz")
    assert code == 0, text
    assert "MTZ with Friedel mates" in text


# Settings of every lattice system without a centre of symmetry, one with, and cells that fit them.
GROUPS = {
    "P 1": (5, 6, 7, 81, 97, 104),
    "P 1 1 21": (5, 6, 7, 90, 90, 104),
    "I 1 2 1": (9, 6, 7, 90, 103, 90),
    "F d d 2": (9, 11, 6, 90, 90, 90),
    "R 3:R": (5, 5, 5, 66, 66, 66),
    "R 3:H": (7, 7, 11, 90, 90, 120),
    "I -4": (7, 7, 9, 90, 90, 90),
    "P 3 1 2": (6, 6, 7, 90, 90, 120),
    "P 65": (6, 6, 9, 90, 90, 120),
    "P 21 3": (7, 7, 7, 90, 90, 90),
    "P -1": (5, 6, 7, 81, 97, 104),
}


@pytest.mark.parametrize("spacegroup", GROUPS)
def test_mates_of_any_group_survive_an_mtz_file(tmp_path: Path, spacegroup: str) -> None:
    """F of each row, and the density of the rows, are those of the whole sphere."""
    cell = GROUPS[spacegroup]
    frac = np.random.default_rng(0).random((2, 3))
    crystal = argand.Crystal(cell, spacegroup, types=("Fe", "S"), frac=frac, b_iso=1.0)
    hkl = argand.miller_indices(cell, spacegroup, d_min=1.2)
    hkl = np.concatenate([hkl, -hkl])
    f = argand.structure_factors(crystal, hkl, energy_kev=8.0)
    path = tmp_path / "x.mtz"
    argand.write_reflections(path, hkl, f, cell=cell, spacegroup=spacegroup, mates=True)
    reflections = argand.read_reflections(path)
    expected = argand.structure_factors(crystal, reflections.hkl, energy_kev=8.0)
    np.testing.assert_allclose(reflections.f, expected, atol=1e-6 * np.abs(expected).max())

    half = argand.miller_indices(cell, spacegroup, d_min=1.2, unique=False)
    sphere = np.unique(np.concatenate([half, -half]), axis=0).astype(np.int32)
    all_f = argand.structure_factors(crystal, sphere, energy_kev=8.0)
    shape = argand.grid_shape(cell, spacegroup, 1.2)
    whole = argand.map_from_structure_factors(sphere, all_f, shape, cell=cell)
    density = argand.map_from_structure_factors(
        reflections.hkl, reflections.f, shape, cell=cell, spacegroup=spacegroup
    )
    np.testing.assert_allclose(density, whole, atol=1e-6 * whole.max())


@pytest.mark.parametrize("other", [["--sphere", "--energy-kev", "8"], []])
def test_sf_refuses_mates_that_are_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], crystal: argand.Crystal, other: list[str]
) -> None:
    write_crystal(tmp_path / "x.cif", crystal)
    command = ["sf", tmp_path / "x.cif", "--d-min", 1.5, "-o", tmp_path / "x.mtz", "--anomalous"]
    code, text = run(capsys, *command, *other)
    assert code == 2
    assert "anomalous" in text
    assert len(text.splitlines()) == 1
    assert not (tmp_path / "x.mtz").exists()


def measurements(crystal: argand.Crystal, seed: int = 3) -> Reflections:
    """Simulate each reflection of the sphere twice, with dispersion and noise of 1 %."""
    sphere = argand.miller_indices(CELL, "P 21 21 21", d_min=1.5, unique=False)
    hkl = np.unique(np.vstack([sphere, -sphere]), axis=0).astype(np.int32).repeat(2, axis=0)
    intensity = np.abs(argand.structure_factors(crystal, hkl, energy_kev=8.0)) ** 2
    sigma = 0.01 * intensity + 0.1
    noise = np.random.default_rng(seed).standard_normal(len(hkl))
    return Reflections(
        hkl, intensity=intensity + noise * sigma, sigma=sigma, cell=CELL, spacegroup="P 21 21 21"
    )


def test_merged_mates_survive_an_mtz_file(tmp_path: Path, crystal: argand.Crystal) -> None:
    """I(+), SIGI(+), I(-), SIGI(-) come back as they were merged, centric ones once."""
    merged = merge(measurements(crystal), keep_mates=True)
    argand.write_reflections(
        tmp_path / "x.mtz",
        merged.hkl,
        cell=CELL,
        spacegroup="P 21 21 21",
        mates=True,
        I=merged.intensity,
        SIGI=merged.sigma,
    )
    mtz = gemmi.read_mtz_file(str(tmp_path / "x.mtz"))
    types = {column.label: column.type for column in mtz.columns[3:]}
    assert types == {"I(+)": "K", "SIGI(+)": "M", "I(-)": "K", "SIGI(-)": "M"}
    again = merge(argand.read_reflections(tmp_path / "x.mtz"), keep_mates=True)
    assert again.hkl.tolist() == merged.hkl.tolist()
    np.testing.assert_allclose(again.intensity, merged.intensity, rtol=1e-6)
    np.testing.assert_allclose(again.sigma, merged.sigma, rtol=1e-6)
    assert again.count.max() == 1

    calculated = np.abs(argand.structure_factors(crystal, merged.hkl, energy_kev=8.0)) ** 2
    z = (again.intensity - calculated) / again.sigma
    assert np.sqrt(np.mean(z**2)) < 2, "the mates are on the wrong side"


def test_columns_in_another_order_and_the_mean(tmp_path: Path) -> None:
    """Labels tell the mates apart, whichever comes first; they are read instead of a mean."""
    columns = {"I(-)": [6.0], "SIGI(-)": [0.6], "I(+)": [5.0], "SIGI(+)": [0.5]}
    columns |= {"IMEAN": [5.4], "SIGIMEAN": [0.4]}
    argand.write_reflections(tmp_path / "x.mtz", [[1, 2, 3]], cell=CELL, **columns)
    mean = argand.read_reflections(tmp_path / "x.mtz")
    np.testing.assert_allclose([mean.intensity, mean.sigma], [[5.4], [0.4]], rtol=1e-6)
    assert mean.format == "MTZ, mean of Friedel mates"
    mates = argand.read_reflections(tmp_path / "x.mtz", mates=True)
    assert mates.hkl.tolist() == [[1, 2, 3], [-1, -2, -3]]
    np.testing.assert_allclose(mates.intensity, [5, 6], rtol=1e-6)
    np.testing.assert_allclose(mates.sigma, [0.5, 0.6], rtol=1e-6)


def test_mates_beside_the_mean_in_an_mmcif(tmp_path: Path) -> None:
    path = tmp_path / "x.cif"
    tags = ["index_h", "index_k", "index_l", "intensity_meas", "intensity_sigma"]
    tags += [f"pdbx_I_{side}{end}" for side in ("plus", "minus") for end in ("", "_sigma")]
    loop = "\n".join(f"_refln.{tag}" for tag in tags)
    path.write_text(f"data_x\nloop_\n{loop}\n1 2 3 5.4 0.4 5 0.5 6 0.6\n")
    assert argand.read_reflections(path).intensity.tolist() == [5.4]
    mates = argand.read_reflections(path, mates=True)
    assert mates.hkl.tolist() == [[1, 2, 3], [-1, -2, -3]]
    assert mates.intensity.tolist() == [5, 6]
    assert mates.sigma.tolist() == [0.5, 0.6]


def test_a_reflection_that_is_its_own_mate_is_written_for_both(tmp_path: Path) -> None:
    argand.write_reflections(
        tmp_path / "x.mtz",
        [[0, 1, 2], [1, 2, 3]],
        cell=CELL,
        spacegroup="P 21 21 21",
        mates=True,
        F=[3.0, 4.0],
        SIGF=[0.5, 0.25],
    )
    table = gemmi.read_mtz_file(str(tmp_path / "x.mtz")).array
    np.testing.assert_allclose(table[0], [0, 1, 2, 3, 3, 0.5, 0.5])
    np.testing.assert_allclose(table[1], [1, 2, 3, 4, np.nan, 0.25, np.nan])
    reflections = argand.read_reflections(tmp_path / "x.mtz")
    assert reflections.hkl.tolist() == [[0, 1, 2], [1, 2, 3]]
    assert reflections.sigma.tolist() == [0.5, 0.25]


def test_what_cannot_be_written_as_mates_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.mtz"
    group = {"cell": CELL, "spacegroup": "P 21 21 21", "mates": True}
    with pytest.raises(ArgandError, match="holds equivalent reflections"):
        argand.write_reflections(path, [[1, 2, 3], [-1, -2, 3]], **group, I=[1.0, 2.0])
    with pytest.raises(ArgandError, match="hkl holds -1 -2 3, needs reflections of the asymm"):
        argand.write_reflections(path, [[-1, -2, 3]], [1j], **group)
    assert not path.exists()


def test_sides_of_reflections() -> None:
    """In P 21 only -h, and what rotations make of it, is the mate of h."""
    hkl = [[1, 2, 3], [-1, 2, -3], [-1, -2, -3], [1, -2, 3], [1, 0, 3], [-1, 0, -3]]
    unit_hkl, is_mate = friedel_sides(hkl, "P 1 21 1")
    assert unit_hkl.tolist() == [[1, 2, 3]] * 4 + [[1, 0, 3]] * 2
    assert is_mate.tolist() == [False, False, True, True, False, False]


def test_the_flag_of_cross_validation_is_no_amplitude(tmp_path: Path) -> None:
    argand.write_reflections(tmp_path / "x.mtz", [[1, 2, 3]], cell=CELL, FreeR_flag=[1.0], F=[5.0])
    mtz = gemmi.read_mtz_file(str(tmp_path / "x.mtz"))
    assert mtz.column_with_label("FreeR_flag").type == "I"
    assert argand.read_reflections(tmp_path / "x.mtz").amplitude.tolist() == [5]
