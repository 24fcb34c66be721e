"""Lists of reflections as other programs write them: read rightly, or refused by their cause."""

from __future__ import annotations

import re
from pathlib import Path

import gemmi
import numpy as np
import pytest

import argand
from argand.cli.map import map as map_of_file
from argand.cli.sf import sf
from argand.errors import ArgandError, ArgandWarning
from argand.io import Reflections, write_crystal
from argand.measured.check_crystal import check_cell, check_space_group
from argand.measured.merging import usable

FIELD = Path(__file__).parent / "data" / "field"
ROW = "   1   0   0  123.45    2.50\n"
HEAD = "data_x\nloop_\n_refln_index_h\n_refln_index_k\n_refln_index_l\n"


def read(folder: Path, text: str, name: str = "x.hkl", **options: object) -> Reflections:
    (folder / name).write_text(text)
    return argand.read_reflections(folder / name, **options)


def message(folder: Path, text: str, name: str = "x.hkl") -> str:
    with pytest.raises(ArgandError) as error:
        read(folder, text, name)
    assert str(error.value).startswith(str(folder / name))
    return str(error.value)


class TestSatellites:
    def test_four_indices(self) -> None:
        """The row of h k l 0 is the main reflection; 1 and -1 are satellites."""
        with pytest.warns(ArgandWarning, match="2 satellites of a modulated structure"):
            reflections = argand.read_reflections(FIELD / "f12_hklm.hkl")
        assert reflections.hkl.tolist() == [[1, 0, 0]]
        assert (reflections.intensity[0], reflections.sigma[0]) == (123.45, 2.5)

    def test_fixed_columns_that_touch(self, tmp_path: Path) -> None:
        text = "   1   0   0   012345.67 1234.56\n   1   0   0  -112345.67 1234.56\n"
        with pytest.warns(ArgandWarning, match="1 satellites"):
            reflections = read(tmp_path, text)
        assert (reflections.intensity.tolist(), reflections.sigma.tolist()) == (
            [12345.67],
            [1234.56],
        )

    def test_free_numbers_in_these_columns(self, tmp_path: Path) -> None:
        reflections = read(tmp_path, "-100  -100  -10  -0.01  100.00  1\n")
        assert reflections.hkl.tolist() == [[-100, -100, -10]]
        assert reflections.intensity.tolist() == [-0.01]

    def test_satellites_alone(self, tmp_path: Path) -> None:
        assert "satellites" in message(tmp_path, "   1   0   0   1   12.30    1.20\n")

    def test_fcf(self) -> None:
        with pytest.warns(ArgandWarning, match="274 satellites of a modulated structure"):
            reflections = argand.read_reflections(FIELD / "g02_satellites.fcf")
        assert len(reflections.hkl) == 274
        assert reflections.intensity[:2].tolist() == [2215.86, 626.16]

    def test_a_small_whole_intensity_is_no_satellite(self, tmp_path: Path) -> None:
        reflections = read(tmp_path, "1 0 0 5 1.5 2\n0 1 0 7 1.5 2\n")
        assert reflections.intensity.tolist() == [5, 7]
        assert reflections.batch.tolist() == [2, 2]


class TestLaue:
    def test_a_wavelength_for_each_reflection(self) -> None:
        with pytest.raises(ArgandError, match=r"g09_hklf2.hkl: a wavelength.*0.8 to 1.2 Å.*HKLF 2"):
            argand.read_reflections(FIELD / "g09_hklf2.hkl")

    def test_free(self, tmp_path: Path) -> None:
        assert "HKLF 2" in message(tmp_path, "1 0 0 9.5 1.5 1 0.8\n2 0 0 9.5 1.5 1 1.1\n")

    def test_direction_cosines_are_none(self, tmp_path: Path) -> None:
        cosines = "  -.51234 0.41235 0.61234  .12345 0.23456 0.34567\n"
        rows = f"{ROW[:-1]}   1{cosines}   0   1   0   45.10    1.20   1{cosines}"
        assert read(tmp_path, rows).intensity.tolist() == [123.45, 45.1]

    def test_mmcif(self, tmp_path: Path) -> None:
        text = f"{HEAD}_refln_F_meas\n_refln.wavelength\n1 0 0 5.0 0.9\n0 1 0 5.0 1.1\n"
        assert "_refln_wavelength is 0.9, 1.1" in message(tmp_path, text, "x.cif")


class TestNumbers:
    def test_decimal_commas(self, tmp_path: Path) -> None:
        with pytest.raises(
            ArgandError, match=r"line 1 is .*123,45.*: decimal commas, needs points"
        ):
            argand.read_reflections(FIELD / "f11_decimal_comma.hkl")
        for row in ("1;0;0;123,45;2,50", "1\t0\t0\t123,45\t2,5", "   1   0   0  123,45    2,50"):
            assert "decimal commas" in message(tmp_path, row + "\n")

    def test_commas_between_numbers(self, tmp_path: Path) -> None:
        reflections = read(tmp_path, "1,0,-2,123,45\n0, 1, 0, 3.5, 0.5\n")
        assert reflections.intensity.tolist() == [123.0, 3.5]
        assert reflections.sigma.tolist() == [45.0, 0.5]

    def test_numbers_that_f8_2_wrote_without_a_point(self) -> None:
        """Fortran reads `221586` in F8.2 as 2215.86."""
        with pytest.warns(ArgandWarning, match="28 values have no decimal point"):
            reflections = argand.read_reflections(FIELD / "g07_implied_decimal.hkl")
        assert reflections.intensity[:3].tolist() == [2215.86, 626.16, 1393.0]
        with pytest.warns(ArgandWarning, match="satellites"):
            main = argand.read_reflections(FIELD / "g02_satellites.fcf")
        np.testing.assert_allclose(reflections.intensity, main.intensity)

    @pytest.mark.parametrize(
        ("rows", "intensities"),
        [
            ("   1   0   0     123       2\n   0   1   0      45       1\n", [123, 45]),
            ("   1   0   0     123     2.5\n   0   1   0   45.12     1.2\n", [123, 45.12]),
        ],
        ids=["no points", "other decimals"],
    )
    def test_other_numbers_without_a_point(
        self, tmp_path: Path, rows: str, intensities: list[float]
    ) -> None:
        assert read(tmp_path, rows).intensity.tolist() == intensities

    def test_uncertainties_in_brackets(self) -> None:
        reflections = argand.read_reflections(FIELD / "g06_su_in_parentheses.fcf")
        np.testing.assert_allclose(reflections.sigma[:3], [128.46, 36.97, 76.51])
        assert np.isfinite(reflections.sigma).all()

    @pytest.mark.parametrize(
        ("value", "sigma"), [("58.8(21)", 2.1), ("588(21)", 21.0), ("5.88E+01(21)", 2.1)]
    )
    def test_brackets(self, tmp_path: Path, value: str, sigma: float) -> None:
        reflections = read(tmp_path, f"{HEAD}_refln_F_meas\n1 0 0 {value}\n", "x.cif")
        np.testing.assert_allclose(reflections.sigma, [sigma])

    @pytest.mark.parametrize("index", ["0.5", "1e9", "-2147483648", "99999"])
    def test_impossible_indices(self, tmp_path: Path, index: str) -> None:
        text = f"{HEAD}_refln_F_meas\n{index} 0 0 5.0\n"
        assert "an index of" in message(tmp_path, text, "x.cif")

    @pytest.mark.parametrize("number", ["9" * 400, "1" + "0" * 5000])
    def test_numbers_beyond_floats(self, tmp_path: Path, number: str) -> None:
        assert "line 1 is" in message(tmp_path, f"1 0 0 {number} 1.0\n")
        assert "line 1 is" in message(tmp_path, f"1 0 {number} 1.0 1.0\n")
        assert "line 2 is" in message(tmp_path, f"h k l F\n1 0 0 {number}\n")
        text = f"{HEAD}_refln_F_meas\n1 0 0 {number}\n"
        assert "_refln_f_meas is" in message(tmp_path, text, "x.cif")

    @pytest.mark.parametrize("tag", ["_refln_F_meas", "_refln_phase_calc"])
    def test_infinity(self, tmp_path: Path, tag: str) -> None:
        text = f"{HEAD}_refln_F_calc\n{tag}\n1 0 0 1.0 1e400\n"
        assert re.search("infinity|needs a number", message(tmp_path, text, "x.cif"))


class TestEnds:
    def test_reflections_after_a_blank_line(self, tmp_path: Path) -> None:
        with pytest.warns(ArgandWarning, match="before line 3: reflections that follow"):
            reflections = argand.read_reflections(FIELD / "f14_list_goes_on_after_blank.hkl")
        assert len(reflections.hkl) == 1
        with pytest.warns(ArgandWarning, match="before line 3: reflections that follow"):
            read(tmp_path, f"{ROW}   0   0   0    0.00    0.00\n{ROW}")

    def test_f000_first(self) -> None:
        with pytest.raises(ArgandError, match=r"line 1 is .*: 0 0 0 ends a list.*F\(000\)"):
            argand.read_reflections(FIELD / "f13_F000_line_first.hkl")

    @pytest.mark.parametrize("end", ["\x1a", "\n\x1a\n", "   0   0   0\ndata_x\n_a 1\n"])
    def test_other_ends(self, tmp_path: Path, end: str) -> None:
        assert len(read(tmp_path, ROW + end).hkl) == 1

    def test_faces_of_a_crystal_are_no_reflections(self, tmp_path: Path) -> None:
        assert len(read(tmp_path, f"{ROW}   0   0   0    0.00    0.00\n1 0 0 0.12\n").hkl) == 1

    def test_instructions_without_symmetry(self) -> None:
        """CELL after a list is no statement of P -1."""
        reflections = argand.read_reflections(FIELD / "h07_tail_data.hkl")
        assert reflections.cell == (11.418, 13.9536, 3.8525, 90, 90, 90)
        assert reflections.spacegroup is None
        assert (
            check_space_group(reflections, argand.read_crystal(FIELD / "h07_tail_known.cif")) == []
        )


class TestHeaders:
    def test_xds(self) -> None:
        reflections = argand.read_reflections(FIELD / "g01_xds_other_cell.hkl")
        assert reflections.cell == (20.1, 15.3, 18.0, 90, 90, 90)
        assert (reflections.spacegroup, reflections.wavelength) == ("C 1 2/c 1", 0.71073)
        assert (reflections.format, reflections.batch) == ("XDS", None)
        assert (reflections.intensity[0], reflections.sigma[0]) == (2216.0, 128.5)
        crystal = argand.read_crystal(FIELD.parent / "9000905.cif")
        with pytest.raises(ArgandError, match="another cell"):
            check_cell(reflections, crystal)

    def test_xds_scales_without_screw_axes(self, tmp_path: Path) -> None:
        header = "!FORMAT=XDS_ASCII\n!SPACE_GROUP_NUMBER=16\n!UNIT_CELL_CONSTANTS= 5 6 7 90 90 90\n"
        reflections = read(tmp_path, f"{header}!END_OF_HEADER\n1 0 0 5.0 0.5 9 9 9\n!END_OF_DATA\n")
        crystal = argand.Crystal(
            (5, 6, 7, 90, 90, 90), "P 21 21 21", types=("C",), frac=[[0.1, 0.2, 0.3]]
        )
        assert "without screw axes" in check_space_group(reflections, crystal)[0]

    @pytest.mark.parametrize("line", ["!UNIT_CELL_CONSTANTS= 5 6", "!ITEM_IOBS=6"])
    def test_damaged_xds(self, tmp_path: Path, line: str) -> None:
        text = f"!FORMAT=XDS_ASCII\n{line}\n1 0 0 5.0 0.5\n"
        assert "the header of XDS" in message(tmp_path, text)

    def test_names_after_a_comment_mark(self, tmp_path: Path) -> None:
        reflections = read(tmp_path, "# h k l F sigF\n1 0 0 7.5 0.5\n")
        assert (reflections.amplitude.tolist(), reflections.intensity) == ([7.5], None)


class TestTags:
    def test_include_status(self) -> None:
        reflections = argand.read_reflections(FIELD / "g05_include_status.fcf")
        assert reflections.left_out.sum() == 11
        assert not usable(reflections)[reflections.intensity == 30000.0].any()

    def test_two_phases_of_a_powder(self) -> None:
        with pytest.raises(ArgandError, match="_pd_refln_phase_id is 1, 2, needs a list of one"):
            argand.read_reflections(FIELD / "d15_pow_two_phases_one_loop.cif")

    def test_four_intensities_beside_224_amplitudes(self) -> None:
        with pytest.warns(ArgandWarning, match="224 amplitudes are read, not 4 intensities"):
            reflections = argand.read_reflections(FIELD / "d14_intensity_partly.cif")
        assert np.isfinite(reflections.amplitude).all()
        assert reflections.intensity is None

    def test_several_crystals_are_named(self, tmp_path: Path) -> None:
        text = f"{HEAD}_refln_F_meas\n_refln_crystal_id\n1 0 0 5.0 a\n0 1 0 5.0 b\n"
        with pytest.warns(ArgandWarning, match="_refln_crystal_id is a, b: all are read"):
            assert len(read(tmp_path, text, "x.cif").hkl) == 2

    def test_fractional_index(self) -> None:
        with pytest.raises(ArgandError, match=r"d08_fractional_index.cif: an index of 0.5"):
            argand.read_reflections(FIELD / "d08_fractional_index.cif")


class TestMtz:
    CELL = (5.0, 6.0, 7.0, 90.0, 90.0, 90.0)

    @pytest.mark.parametrize(
        ("name", "columns"),
        [("e01_refmac.mtz", "FWT, PHWT"), ("e02_phenix_maps.mtz", "2FOFCWT, PH2FOFCWT")],
    )
    def test_map_coefficients_come_first(self, name: str, columns: str) -> None:
        reflections = argand.read_reflections(FIELD / name)
        mtz = gemmi.read_mtz_file(str(FIELD / name))
        amplitude, phase = (mtz.column_with_label(label).array for label in columns.split(", "))
        np.testing.assert_allclose(
            reflections.f, amplitude * np.exp(1j * np.radians(phase)), rtol=1e-5
        )
        assert reflections.f_columns == columns

    def test_calculated_amplitudes_are_those_of_fc(self) -> None:
        reflections = argand.read_reflections(FIELD / "e01_refmac.mtz")
        mtz = gemmi.read_mtz_file(str(FIELD / "e01_refmac.mtz"))
        np.testing.assert_allclose(
            reflections.amplitude_calc, mtz.column_with_label("FC").array, rtol=1e-6
        )
        assert argand.read_reflections(FIELD / "e02_phenix_maps.mtz").amplitude_calc is None

    def test_map_says_its_columns(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        map_of_file(FIELD / "e01_refmac.mtz", output=tmp_path / "x.ccp4")
        assert "F is read from FWT, PHWT" in capsys.readouterr().out

    def test_mmcif_map_coefficients(self, tmp_path: Path) -> None:
        text = f"{HEAD}_refln.pdbx_FWT\n_refln.pdbx_PHWT\n1 0 0 5.0 90\n"
        np.testing.assert_allclose(read(tmp_path, text, "x.cif").f, [5j], atol=1e-12)

    def test_unmerged_without_batches(self) -> None:
        """M/ISYM of 1 to 6 on two reflections of the asymmetric unit of P 21 21 21."""
        reflections = argand.read_reflections(FIELD / "e16_unmerged_no_batches.mtz")
        assert reflections.format == "unmerged MTZ"
        mtz = gemmi.read_mtz_file(str(FIELD / "e16_unmerged_no_batches.mtz"))
        isym = mtz.column_with_label("M/ISYM").array.astype(int) % 256
        operations = list(mtz.spacegroup.operations().sym_ops)
        for asu, number, measured in zip(
            mtz.make_miller_array().tolist(), isym, reflections.hkl.tolist(), strict=True
        ):
            sign = 1 if number % 2 else -1
            image = operations[(number - 1) // 2].apply_to_hkl([sign * i for i in measured])
            assert image == asu

    def test_types_and_names(self, tmp_path: Path) -> None:
        path = tmp_path / "x.mtz"
        columns = {"FWT": [1j], "DELFWT": [2j], "FC": [3j], "2FOFCWT": [4j]}
        columns |= {"F(+)": [1.0], "SIGF(+)": [0.1], "I(-)": [2.0], "SIGI(-)": [0.2]}
        argand.write_reflections(path, [[1, 0, 0]], cell=self.CELL, wavelength=0.9, **columns)
        mtz = gemmi.read_mtz_file(str(path))
        assert {column.label: column.type for column in mtz.columns[3:]} == {
            "FWT": "F",
            "PHWT": "P",
            "DELFWT": "F",
            "PHDELWT": "P",
            "FC": "F",
            "PHIC": "P",
            "2FOFCWT": "F",
            "PH2FOFCWT": "P",
            "F(+)": "G",
            "SIGF(+)": "L",
            "I(-)": "K",
            "SIGI(-)": "M",
        }
        reflections = argand.read_reflections(path)
        assert reflections.wavelength == pytest.approx(0.9)
        np.testing.assert_allclose(reflections.f, [1j], atol=1e-6)

    @pytest.mark.parametrize("wavelength", [0.0, -1.0, np.inf])
    def test_wavelengths_that_are_none(self, tmp_path: Path, wavelength: float) -> None:
        with pytest.raises(ArgandError, match="wavelength is"):
            argand.write_reflections(
                tmp_path / "x.mtz", [[1, 0, 0]], [1j], cell=self.CELL, wavelength=wavelength
            )

    def damaged(self, folder: Path, rows: list[list[float]], cell: tuple[float, ...]) -> str:
        mtz = gemmi.Mtz(with_base=True)
        mtz.spacegroup = gemmi.SpaceGroup("P 1")
        mtz.set_cell_for_all(gemmi.UnitCell(*cell))
        mtz.add_dataset("d")
        mtz.add_column("F", "F")
        mtz.set_data(np.array(rows, np.float32).reshape(-1, 4))
        mtz.write_to_file(str(folder / "x.mtz"))
        with pytest.raises(ArgandError) as error:
            argand.read_reflections(folder / "x.mtz")
        assert str(error.value).startswith(str(folder / "x.mtz"))
        return str(error.value)

    @pytest.mark.parametrize("index", [-(2.0**31), 2.0**31, 1e30, np.nan, np.inf, 0.5, 10_000])
    def test_impossible_indices(self, tmp_path: Path, index: float) -> None:
        assert "an index of" in self.damaged(tmp_path, [[index, 0, 0, 1]], self.CELL)

    def test_no_reflections(self, tmp_path: Path) -> None:
        assert "no reflections" in self.damaged(tmp_path, [], self.CELL)

    def test_infinite_amplitude(self, tmp_path: Path) -> None:
        assert "amplitude holds inf" in self.damaged(tmp_path, [[1, 0, 0, np.inf]], self.CELL)

    def test_impossible_cell(self, tmp_path: Path) -> None:
        cell = (-5.0, *self.CELL[1:])
        assert "needs positive lengths" in self.damaged(tmp_path, [[1, 0, 0, 1]], cell)

    def test_a_stamp_of_another_byte_order(self, tmp_path: Path) -> None:
        """gemmi would look for the header at 16 million times its place, and take memory for it."""
        path = tmp_path / "x.mtz"
        argand.write_reflections(path, [[1, 0, 0]], [1j], cell=self.CELL)
        data = bytearray(path.read_bytes())
        data[9] = 0x16
        path.write_bytes(data)
        with pytest.raises(ArgandError, match="its header is not where its first bytes say"):
            argand.read_reflections(path)


def test_a_map_with_an_impossible_cell(tmp_path: Path) -> None:
    path = tmp_path / "x.ccp4"
    argand.write_map(path, np.ones((4, 4, 4)), (5, 5, 5, 90, 90, 90))
    data = bytearray(path.read_bytes())
    data[40:44] = np.array([-5.0], np.float32).tobytes()
    path.write_bytes(data)
    with pytest.raises(ArgandError, match=r"x.ccp4: no valid CCP4 map: cell"):
        argand.read_map(path)


@pytest.mark.parametrize(("spacegroup", "differ"), [("P 1", True), ("P -1", False)])
def test_sf_says_that_friedel_mates_differ(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], spacegroup: str, differ: bool
) -> None:
    crystal = argand.Crystal(
        (5, 6, 7, 90, 90, 90), spacegroup, types=("S", "O"), frac=[[0.1, 0.2, 0.3], [0.3, 0.1, 0]]
    )
    write_crystal(tmp_path / "x.cif", crystal)
    sf(tmp_path / "x.cif", d_min=2.0, output=tmp_path / "x.mtz", energy_kev=8.0)
    assert ("Friedel mates" in capsys.readouterr().out) == differ
    # h c = 12.39842 keV A; the header of an MTZ file has five decimals.
    stated = argand.read_reflections(tmp_path / "x.mtz").wavelength
    assert stated == pytest.approx(12.39842 / 8, abs=5e-6)
    f = argand.structure_factors(crystal, [[1, 2, 1], [-1, -2, -1]], energy_kev=8.0)
    assert bool(abs(abs(f[0]) - abs(f[1])) > 1e-3) == differ
    sf(tmp_path / "x.cif", d_min=2.0, output=tmp_path / "y.mtz", energy_kev=8.0, sphere=True)
    assert "Friedel mates" not in capsys.readouterr().out
