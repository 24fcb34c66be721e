"""Maps and reflections in and out."""

from __future__ import annotations

from pathlib import Path

import gemmi
import numpy as np
import pytest

import argand
from argand.errors import ArgandError
from data_dir import SHARED, needs_shared

CELL = (5.0, 6.0, 7.0, 80.0, 95.0, 105.0)


def test_a_map_comes_back(tmp_path: Path) -> None:
    rho = np.random.default_rng(3).normal(size=(8, 10, 12)).astype(np.float32)
    argand.write_map(tmp_path / "rho.ccp4", rho, CELL)
    again, cell, spacegroup = argand.read_map(tmp_path / "rho.ccp4")
    np.testing.assert_array_equal(again, rho)
    assert cell == pytest.approx(CELL)
    assert spacegroup == "P 1"
    # Nothing temporary is left.
    assert [path.name for path in tmp_path.iterdir()] == ["rho.ccp4"]


def test_a_map_lies_as_gemmi_understands_it(tmp_path: Path) -> None:
    """Density of one atom: gemmi finds the peak at its fractional coordinates."""
    crystal = argand.Crystal(CELL, types=("Fe",), frac=np.array([[0.25, 0.5, 1 / 3]]), b_iso=2.0)
    hkl = argand.miller_indices(CELL, d_min=1.0, unique=False)
    rho = argand.map_from_structure_factors(
        hkl, argand.structure_factors(crystal, hkl), (16, 20, 24), cell=CELL
    )
    argand.write_map(tmp_path / "fe.map", rho, CELL)
    grid = gemmi.read_ccp4_map(str(tmp_path / "fe.map"), setup=True).grid
    assert grid.interpolate_value(gemmi.Fractional(0.25, 0.5, 1 / 3)) == pytest.approx(
        rho.max(), rel=1e-6
    )
    assert np.unravel_index(rho.argmax(), rho.shape) == (4, 10, 8)


def test_a_symmetric_map_names_its_group(tmp_path: Path) -> None:
    cell = (6.0, 6.0, 8.0, 90.0, 90.0, 90.0)
    argand.write_map(tmp_path / "x.ccp4", np.ones((6, 6, 8)), cell, "P 42/m n m")
    assert argand.read_map(tmp_path / "x.ccp4")[2] == "P 42/m n m"


def test_reflections_come_back(tmp_path: Path) -> None:
    cell = (5.0, 6.0, 7.0, 90.0, 103.0, 90.0)
    rng = np.random.default_rng(4)
    hkl = argand.miller_indices(cell, "P 1 21/c 1", d_min=1.0)
    f = rng.normal(size=len(hkl)) + 1j * rng.normal(size=len(hkl))
    sigma = rng.uniform(size=len(hkl))
    path = tmp_path / "f.mtz"
    argand.write_reflections(
        path, hkl, f, cell=cell, spacegroup="P 21/c", SIGF=sigma, FC=2 * f, FOM=sigma
    )
    assert [p.name for p in tmp_path.iterdir()] == ["f.mtz"]
    mtz = gemmi.read_mtz_file(str(path))
    columns = [(column.label, column.type) for column in mtz.columns]
    assert columns == [
        ("H", "H"),
        ("K", "H"),
        ("L", "H"),
        ("F", "F"),
        ("PHI", "P"),
        ("SIGF", "Q"),
        ("FC", "F"),
        ("PHIC", "P"),
        ("FOM", "W"),
    ]
    np.testing.assert_allclose(mtz.array[:, 4], np.degrees(np.angle(f)), rtol=1e-5)
    again = argand.read_reflections(path)
    np.testing.assert_array_equal(again.hkl, hkl)
    np.testing.assert_allclose(again.f, f, rtol=2e-6)
    np.testing.assert_allclose(again.sigma, sigma, rtol=1e-6)
    assert again.cell == pytest.approx(cell)
    assert again.spacegroup == "P 1 21/c 1"
    assert again.intensity is None


def test_gemmi_makes_our_map_of_our_reflections(tmp_path: Path) -> None:
    """Phases have the right sign: gemmi's Fourier transform of the file is the density."""
    crystal = argand.Crystal(
        CELL, types=("Fe", "O"), frac=np.array([[0.1, 0.2, 0.3], [0.7, 0.4, 0.9]]), b_iso=1.5
    )
    hkl = argand.miller_indices(CELL, d_min=1.2)
    f = argand.structure_factors(crystal, hkl)
    argand.write_reflections(tmp_path / "f.mtz", hkl, f, cell=CELL)
    grid = gemmi.read_mtz_file(str(tmp_path / "f.mtz")).transform_f_phi_to_map(
        "F", "PHI", exact_size=(12, 12, 16)
    )
    rho = argand.map_from_structure_factors(hkl, f, (12, 12, 16), cell=CELL)
    np.testing.assert_allclose(np.array(grid), rho, atol=1e-5 * np.abs(rho).max())


HKLF4 = """   1   0   0   34.12    0.50   1
  -2 -10   3 9999.9912345.67   1
   0   0   4   -0.12    0.05   1
   0   0   0    0.00    0.00   0
anything after the last reflection
"""


def test_hklf4_is_in_columns(tmp_path: Path) -> None:
    (tmp_path / "x.hkl").write_text(HKLF4)
    reflections = argand.read_reflections(tmp_path / "x.hkl")
    assert reflections.hkl.tolist() == [[1, 0, 0], [-2, -10, 3], [0, 0, 4]]
    assert reflections.intensity is not None
    assert reflections.sigma is not None
    assert reflections.intensity.tolist() == [34.12, 9999.99, -0.12]
    assert reflections.sigma.tolist() == [0.5, 12345.67, 0.05]
    assert (reflections.cell, reflections.spacegroup, reflections.phase) == (None, None, None)
    with pytest.raises(ArgandError, match="no amplitude with a phase"):
        _ = reflections.f


LOOP = """data_x
_cell_length_a 5
_cell_length_b 6
_cell_length_c 7
_symmetry_space_group_name_H-M 'P 21 21 21'
loop_
_refln_index_h
_refln_index_k
_refln_index_l
"""


@pytest.mark.parametrize(
    ("columns", "row", "expected"),
    [
        ("F_squared_meas F_squared_sigma", "4.0(1) 0.5", {"intensity": 4.0, "sigma": 0.5}),
        ("F_meas F_sigma", "2.0 0.5", {"amplitude": 2.0, "sigma": 0.5}),
        ("F_calc phase_calc", "3.0 180", {"amplitude_calc": 3.0, "phase": np.pi}),
        ("F_squared_calc phase_calc", "9.0 -90", {"amplitude_calc": 3.0, "phase": -np.pi / 2}),
        ("A_calc B_calc", "0 -3.0", {"amplitude_calc": 3.0, "phase": -np.pi / 2}),
        ("F_squared_meas F_squared_calc", "? 9", {"intensity": np.nan, "amplitude_calc": 3.0}),
        ("intensity_meas intensity_sigma", "4 0.5", {"intensity": 4.0, "sigma": 0.5}),
    ],
)
def test_reflections_of_a_cif(
    tmp_path: Path, columns: str, row: str, expected: dict[str, float]
) -> None:
    tags = "\n".join(f"_refln_{column}" for column in columns.split())
    # A second row, because a column of nothing but '?' counts as absent.
    (tmp_path / "x.fcf").write_text(
        f"{LOOP}{tags}\n1 2 3 {row}\n0 0 2 {' '.join(['1'] * len(columns.split()))}\n"
    )
    reflections = argand.read_reflections(tmp_path / "x.fcf")
    assert reflections.hkl.tolist() == [[1, 2, 3], [0, 0, 2]]
    assert reflections.cell == (5, 6, 7, 90, 90, 90)
    assert reflections.spacegroup == "P 21 21 21"
    for name in ("intensity", "amplitude", "sigma", "amplitude_calc", "phase"):
        values = getattr(reflections, name)
        if name in expected:
            np.testing.assert_allclose(values[0], expected[name])
        else:
            assert values is None


@needs_shared
@pytest.mark.parametrize(
    ("name", "count", "spacegroup"),
    [
        ("nacl_hikari.fcf", 111, "F m -3 m"),
        ("structurefinder_106c.fcf", 3174, "P -1"),
        ("cod_2019572.cif", 733, "R -3:H"),
        ("cod_1516218.cif", 174, "P 4/n m m:2"),
        ("cod_2240655.cif", 330, "F d -3 m:2"),
        ("nacl_hikari_hkl.hkl", 8578, None),
        ("structurefinder_106c_hkl.hkl", 15742, None),
        ("structurefinder_051a.hkl", 4470, None),
        ("shelxfile_2240189.hkl", 782, None),
        ("cod_2238212.hkl", 11410, None),
        # Instructions follow the list.
        ("cod_2242045.hkl", 2936, "P -1"),
        ("gemmi_4003024.hkl", 759, None),
    ],
)
def test_measured_files(name: str, count: int, spacegroup: str | None) -> None:
    reflections = argand.read_reflections(SHARED / "measured" / name)
    assert len(reflections.hkl) == count
    assert reflections.spacegroup == spacegroup
    assert reflections.intensity is not None
    assert np.isfinite(reflections.intensity).all()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\x00\x01\x02\x03\x04", "a binary file"),
        (b"MTZ \x00\x00", "no valid MTZ file"),
        (b"MTZ " + b"\xff" * 100, "no valid MTZ file"),
        (b"data_x\n_a 1\n", "no list of reflections"),
        (b"data_x\nloop_\n_refln_index_h\n_refln_F_calc\n1 2\n", "lacks indices"),
        (
            b"data_x\nloop_\n_refln_index_h\n_refln_index_k\n_refln_index_l\n1 x 2\n",
            "_refln_index_k is 'x'",
        ),
        (b"data_x\nloop_\n_refln_index_h\n1 2 '\n", "no valid CIF"),
        (b"   1   0   0   34.12    0.50\n   1   a   0   34.12    0.50\n", "line 2 is ' 1 a 0 34"),
        (b"1,0,0,three,4\n", "line 1 is '1,0,0,three,4', needs h k l"),
        (b"   0   0   0    0.00    0.00\n", "no reflections"),
    ],
)
def test_reflections_that_are_none(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(ArgandError, match=message) as error:
        argand.read_reflections(path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"MAP ", b"\x00" * 1024, b"hello" * 500])
def test_maps_that_are_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.ccp4"
    path.write_bytes(content)
    with pytest.raises(ArgandError, match="no valid CCP4 map"):
        argand.read_map(path)
    with pytest.raises(ArgandError, match="cannot be read: No such file"):
        argand.read_map(tmp_path / "missing.ccp4")


def test_a_damaged_header_is_refused_before_it_is_believed(tmp_path: Path) -> None:
    """A grid of 20 GB, a billion reflections: the file is too small for either."""
    argand.write_map(tmp_path / "x.ccp4", np.ones((4, 5, 6)), CELL)
    damaged = bytearray((tmp_path / "x.ccp4").read_bytes())
    # The last byte of word 9, the number of points along b.
    damaged[28 + 7] = 13
    (tmp_path / "x.ccp4").write_bytes(damaged)
    with pytest.raises(ArgandError, match="its header speaks of 4 x 5 x 6 values in a cell of"):
        argand.read_map(tmp_path / "x.ccp4")
    argand.write_reflections(tmp_path / "x.mtz", [[1, 0, 0]], [1j], cell=CELL)
    text = (tmp_path / "x.mtz").read_bytes()
    assert b"NCOL        5            1" in text
    (tmp_path / "x.mtz").write_bytes(
        text.replace(b"NCOL        5            1", b"NCOL        5   1000000000")
    )
    with pytest.raises(ArgandError, match="its header states no size, or one beyond"):
        argand.read_reflections(tmp_path / "x.mtz")


def test_counts_of_a_map_are_positive_one_by_one(tmp_path: Path) -> None:
    """The product of two negative counts is a size that the file may have."""
    path = tmp_path / "x.ccp4"
    argand.write_map(path, np.ones((2, 2, 6)), CELL)
    damaged = bytearray(path.read_bytes())
    damaged[28:36] = np.array([-2, -2], "<i4").tobytes()
    path.write_bytes(damaged)
    with pytest.raises(ArgandError, match="2 x 2 x 6 values in a cell of -2 x -2 x 6"):
        argand.read_map(path)


def test_what_cannot_be_written(tmp_path: Path) -> None:
    hkl = [[1, 0, 0]]
    with pytest.raises(ArgandError, match="cannot be written: No such file or directory"):
        argand.write_reflections(tmp_path / "no" / "f.mtz", hkl, [1j], cell=CELL)
    with pytest.raises(ArgandError, match="cannot be written"):
        argand.write_map(tmp_path, np.ones((2, 2, 2)), CELL)
    with pytest.raises(ArgandError, match=r"F has shape \(2,\), needs \(1,\) like hkl"):
        argand.write_reflections(tmp_path / "f.mtz", hkl, [1j, 2], cell=CELL)
    with pytest.raises(ArgandError, match="unknown space group 'P 7'"):
        argand.write_reflections(tmp_path / "f.mtz", hkl, [1j], cell=CELL, spacegroup="P 7")
    with pytest.raises(ArgandError, match="unknown space group 'P 7'"):
        argand.write_map(tmp_path / "x.map", np.ones((2, 2, 2)), CELL, "P 7")
    with pytest.raises(ArgandError, match=r"rho has shape \(2, 2\), needs \(na, nb, nc\)"):
        argand.write_map(tmp_path / "x.map", np.ones((2, 2)), CELL)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_finished_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f.mtz"
    path.write_text("the old one")

    def full(*_: object) -> None:
        raise RuntimeError("No space left on device")

    monkeypatch.setattr(gemmi.Mtz, "write_to_file", full)
    with pytest.raises(ArgandError, match=r"f\.mtz: cannot be written: No space left on device"):
        argand.write_reflections(path, [[1, 0, 0]], [1j], cell=CELL)
    assert path.read_text() == "the old one"
    assert len(list(tmp_path.iterdir())) == 1
