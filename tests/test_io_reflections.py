"""Every format of reflections, written and read back; damaged files never give a traceback."""

from __future__ import annotations

from pathlib import Path

import gemmi
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import argand
from argand.errors import ArgandError
from argand.io import Reflections
from reflection_text import HEAD, LIST, loop, read

INDEX = st.integers(-999, 9999)
VALUE = st.integers(-999_999, 9_999_999).map(lambda n: n / 100)
ROW = st.tuples(
    INDEX, INDEX, INDEX, VALUE, st.integers(1, 99_999).map(lambda n: n / 100), st.integers(1, 999)
)
ROWS = st.lists(ROW.filter(lambda row: any(row[:3])), min_size=1, max_size=20)
FEW = settings(max_examples=40, deadline=None)


def columns(reflections: Reflections, *names: str) -> np.ndarray:
    return np.column_stack([reflections.hkl, *(getattr(reflections, name) for name in names)])


class TestShelx:
    @given(ROWS)
    @FEW
    def test_fixed_columns(self, rows: list[tuple[float, ...]]) -> None:
        """3I4, 2F8.2, I4: the widest numbers leave no room between them."""
        text = "".join(f"{h:4d}{k:4d}{l:4d}{i:8.2f}{s:8.2f}{b:4d}\n" for h, k, l, i, s, b in rows)
        reflections = read(text + "   0   0   0    0.00    0.00   0\nTITL rest\n")
        np.testing.assert_array_equal(columns(reflections, "intensity", "sigma", "batch"), rows)

    @given(ROWS, st.sampled_from([" ", "  ", "\t", ",", " ; "]))
    @FEW
    def test_free_columns(self, rows: list[tuple[float, ...]], gap: str) -> None:
        text = "".join(
            gap.join([f"{h:d}", f"{k:d}", f"{l:d}", f"{i:.2f}", f"{s:.2f}", f"{b:d}"]) + "\n"
            for h, k, l, i, s, b in rows
        )
        reflections = read(text)
        np.testing.assert_array_equal(columns(reflections, "intensity", "sigma", "batch"), rows)

    def test_glued_numbers(self) -> None:
        reflections = read(" -12 -10   3 9999.9912345.67\n   1-100-100-9999.99  100.00\n")
        assert reflections.hkl.tolist() == [[-12, -10, 3], [1, -100, -100]]
        assert reflections.intensity.tolist() == [9999.99, -9999.99]
        assert reflections.sigma.tolist() == [12345.67, 100.0]
        free = read("-12-10  3 99.5 1.5E-01\n1 -2-3-4.25 2.\n")
        assert columns(free, "intensity", "sigma").tolist() == [
            [-12, -10, 3, 99.5, 0.15],
            [1, -2, -3, -4.25, 2],
        ]

    def test_amplitudes(self) -> None:
        reflections = read("   1   0   0   34.12    0.50\n", hklf=3)
        assert reflections.intensity is None
        assert reflections.amplitude.tolist() == [34.12]
        with pytest.raises(ArgandError, match=": hklf is 7, needs"):
            read("   1   0   0   34.12    0.50\n", hklf=7)

    def test_twins(self) -> None:
        """Lines that overlap repeat their intensity; other negative numbers flag a free set."""
        twins = "   1   0   0   34.12    0.50  -2\n   0   1   0   34.12    0.50   1\n"
        assert read(twins).batch.tolist() == [-2, 1]
        assert read(twins).format == "SHELX HKLF 5"
        assert read(twins, hklf=4).batch.tolist() == [2, 1]
        flags = "   1   0   0   34.12    0.50  -1\n   0   1   0   17.00    0.50   1\n"
        assert read(flags).batch.tolist() == [1, 1]
        assert read(flags, hklf=5).batch.tolist() == [-1, 1]

    @pytest.mark.parametrize(
        "end",
        [
            "   0   0   0    0.00    0.00\nanything\n",
            "\n   anything\n",
            "",
            "TITL x\nHKLF 4\n",
            "_a 'b'\n",
        ],
        ids=["zeros", "blank", "nothing", "instructions", "cif"],
    )
    def test_ends(self, end: str) -> None:
        assert (
            len(read("   1   0   0   34.12    0.50\n   0   2   0    4.12    0.50\n" + end).hkl) == 2
        )

    def test_a_line_of_words_inside_is_no_end(self) -> None:
        line = "   1   0   0   34.12    0.50\n"
        with pytest.raises(ArgandError, match="line 2 is 'broken here'"):
            read(line + "broken here\n" + line)

    def test_instructions_after_the_end(self) -> None:
        rest = "TITL x\nCELL 0.71073 5 6 7 90 95 90\nLATT -1\nSYMM -X, Y+1/2, -Z\n"
        rest += "SFAC C\nUNIT 2\nHKLF 4\nEND\n"
        reflections = read("   1   0   0   34.12    0.50\n   0   0   0    0.00    0.00\n" + rest)
        assert (reflections.cell, reflections.spacegroup, reflections.wavelength) == (
            (5, 6, 7, 90, 95, 90),
            "P 1 21 1",
            0.71073,
        )

    @pytest.mark.parametrize(
        "line",
        [
            "   1   0   0********    0.50",
            "   1   0   0     nan    0.50",
            "   1   0   0   1e999    0.50",
            "   1   0",
            "   1   0   0",
            "1.5 0 0 3 1",
            "   1 0_1   0   34.12    0.50",
        ],
    )
    def test_bad_lines(self, line: str) -> None:
        with pytest.raises(ArgandError, match="line 2 is") as error:
            read(f"   0   1   0   34.12    0.50\n{line}\n   0   1   1   34.12    0.50\n")
        assert "\n" not in str(error.value)

    def test_indices_beyond_reason(self) -> None:
        with pytest.raises(ArgandError, match="an index of 123456789, needs indices up to 9999"):
            read("123456789 0 0 3.0 1.0\n")


class TestNamedColumns:
    def test_amplitudes_and_phases(self) -> None:
        rows = "1 0 0 3.0 0.1 90 7\n\n0 1 0 4.0 0.2 -180 7\n"
        reflections = read(f"# from somewhere\nh k l F sigF phase note\n{rows}")
        np.testing.assert_allclose(
            columns(reflections, "amplitude", "sigma", "phase"),
            [[1, 0, 0, 3, 0.1, np.pi / 2], [0, 1, 0, 4, 0.2, -np.pi]],
        )

    def test_intensities_with_commas(self) -> None:
        reflections = read("H,K,L,I,sigma(I)\n1,0,-2,3.0,0.1\n", name="x.csv")
        assert columns(reflections, "intensity", "sigma").tolist() == [[1, 0, -2, 3.0, 0.1]]

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("h k l weight\n1 0 0 3\n", "its columns are h k l weight, needs one of"),
            ("h k l F\n1 0 0\n", "line 2 is '1 0 0', needs 4 numbers: h k l f"),
            ("h k l F\n1 0 0.5 3\n", "line 2 is '1 0 0.5 3'"),
            ("h k l F\n", "no reflections"),
        ],
    )
    def test_bad_tables(self, text: str, words: str) -> None:
        with pytest.raises(ArgandError, match=words):
            read(text)


class TestCif:
    @pytest.mark.parametrize("tag", ["_shelx_hkl_file", "_iucr_refine_reflections_details"])
    def test_an_embedded_list(self, tag: str) -> None:
        reflections = read(f"{HEAD}{tag}\n;\n{LIST};\n", name="x.cif")
        assert reflections.hkl.tolist() == [[1, 0, 0], [-2, -10, 3]]
        assert reflections.intensity.tolist() == [34.12, 4.12]
        assert (reflections.spacegroup, reflections.wavelength) == ("P 21 21 21", 0.71073)

    def test_its_instructions_say_which_and_in_which_setting(self) -> None:
        res = "_shelx_res_file\n;\nTITL x\nCELL 0.71073 5 6 7 90 90 90\n"
        res += "HKLF 3 2.0 0 1 0 1 0 0 0 0 -1\nEND\n;\n"
        reflections = read(f"{HEAD}{res}_shelx_hkl_file\n;\n{LIST};\n", name="x.cif")
        assert reflections.intensity is None
        assert reflections.amplitude.tolist() == [68.24, 8.24]
        assert reflections.sigma.tolist() == [1.0, 1.0]
        assert reflections.hkl.tolist() == [[0, 1, 0], [-10, -2, -3]]

    def test_an_embedded_fcf(self) -> None:
        inside = "data_y\n" + loop(
            "_refln_", "index_h index_k index_l F_calc phase_calc", "1 2 3 4.0 90"
        )
        reflections = read(f"{HEAD}_iucr_refine_fcf_details\n;\n{inside};\n", name="x.cif")
        np.testing.assert_allclose(reflections.f, [4j], atol=1e-12)
        assert reflections.cell == (5, 6, 7, 90, 90, 90)

    def test_an_unmerged_loop(self) -> None:
        text = loop(
            "_diffrn_refln_",
            "index_h index_k index_l intensity_net intensity_u",
            "1 0 0 5.0 0.5",
            "-1 0 0 5.1 0.5",
        )
        assert columns(read(HEAD + text, name="x.cif"), "intensity", "sigma").tolist() == [
            [1, 0, 0, 5.0, 0.5],
            [-1, 0, 0, 5.1, 0.5],
        ]

    def test_a_space_group_without_a_cell(self) -> None:
        text = "data_x\n_symmetry.space_group_name_H-M 'P 2 3'\n"
        text += loop(
            "_diffrn_refln.",
            "id index_h index_k index_l intensity_net intensity_sigma",
            "1 2 0 0 915.6 3.6",
        )
        reflections = read(text, name="x.cif")
        assert (reflections.spacegroup, reflections.cell, reflections.sigma.tolist()) == (
            "P 2 3",
            None,
            [3.6],
        )

    def test_mmcif(self) -> None:
        head = HEAD.replace("_cell_length_", "_cell.length_").replace(
            "_symmetry_space", "_symmetry.space"
        )
        text = loop(
            "_refln.",
            "index_h index_k index_l status F_meas_au F_meas_sigma_au",
            "1 0 0 o 5.0 0.5",
            "0 1 0 f 6.0 0.5",
            "0 0 1 x 7.0 0.5",
        )
        reflections = read(head + text, name="x.cif")
        assert columns(reflections, "amplitude", "sigma", "left_out").tolist() == [
            [1, 0, 0, 5, 0.5, 0],
            [0, 1, 0, 6, 0.5, 0],
            [0, 0, 1, 7, 0.5, 1],
        ]

    @pytest.mark.parametrize(("letter", "name"), [("I", "intensity"), ("F", "amplitude")])
    def test_mmcif_with_friedel_mates(self, letter: str, name: str) -> None:
        tags = " ".join(
            f"pdbx_{letter}_{sign}{kind}" for sign in ("plus", "minus") for kind in ("", "_sigma")
        )
        text = loop(
            "_refln.",
            f"index_h index_k index_l {tags}",
            "1 2 3 5.0 0.5 6.0 0.6",
            "0 1 0 7.0 0.7 ? ?",
        )
        assert columns(read(HEAD + text, name="x.cif"), name, "sigma").tolist() == [
            [1, 2, 3, 5, 0.5],
            [0, 1, 0, 7, 0.7],
            [-1, -2, -3, 6, 0.6],
        ]

    def test_one_of_several_blocks(self) -> None:
        text = loop("_refln_", "index_h index_k index_l F_meas", "1 0 0 5.0")
        both = HEAD + text + (HEAD + text).replace("data_x", "data_y").replace("5.0", "6.0")
        assert read(both, name="x.cif", block="y").amplitude.tolist() == [6.0]
        with pytest.warns(
            argand.errors.ArgandWarning, match="several lists of reflections: that of x is read"
        ):
            assert read(both, name="x.cif").amplitude.tolist() == [5.0]
        with pytest.raises(ArgandError, match="no data block is called 'z', there are: x, y"):
            read(both, name="x.cif", block="z")

    def test_columns_of_two_loops_do_not_mix(self) -> None:
        text = loop("_refln_", "index_h index_k index_l", "1 0 0", "0 1 0") + loop(
            "_refln_", "F_meas", "1.0"
        )
        with pytest.raises(ArgandError, match=r"amplitude has shape \(1,\), needs \(2,\)"):
            read(HEAD + text, name="x.cif")

    def test_a_setting_without_a_name_keeps_its_operations(self) -> None:
        ops = loop(
            "_symmetry_equiv_pos_as_xyz",
            "",
            "x,y,z",
            "x+1/2,y+1/2,z+1/2",
            "-x,y,-z+1/2",
            "x+1/2,-y,z",
        ).replace("\n\n", "\n")
        ops = "loop_\n_symmetry_equiv_pos_as_xyz\nx,y,z\n'-x+1/4,-y,z+1/2'\n"
        text = HEAD.replace("_symmetry_space_group_name_H-M 'P 21 21 21'\n", "") + ops
        reflections = read(
            text + loop("_refln_", "index_h index_k index_l F_meas", "1 0 0 5.0"), name="x.cif"
        )
        assert reflections.spacegroup == "x,y,z;-x+1/4,-y,z+1/2"
        assert argand.reflections.systematic_absences(
            [[0, 0, 1], [0, 0, 2]], reflections.spacegroup
        ).tolist() == [
            True,
            False,
        ]


class TestMtz:
    CELL = (5.0, 6.0, 7.0, 90.0, 90.0, 90.0)
    HKL = np.array([[1, 2, 3], [0, 1, 0]])

    def written(self, path: Path, rows: np.ndarray, *names: tuple[str, str]) -> Path:
        mtz = gemmi.Mtz(with_base=True)
        mtz.spacegroup, mtz.cell = gemmi.SpaceGroup("P 21 21 21"), gemmi.UnitCell(*self.CELL)
        mtz.add_dataset("d").wavelength = 0.9
        for label, kind in names:
            mtz.add_column(label, kind)
        mtz.set_data(np.column_stack([self.HKL, rows]).astype(np.float32))
        mtz.write_to_file(str(path))
        return path

    def test_what_argand_writes(self, tmp_path: Path) -> None:
        argand.write_reflections(
            tmp_path / "x.mtz",
            self.HKL,
            cell=self.CELL,
            I=[4.0, 9.0],
            SIGI=[1.0, 2.0],
            F=[2.0, 3.0],
            SIGF=[0.25, 0.5],
        )
        reflections = argand.read_reflections(tmp_path / "x.mtz")
        assert columns(reflections, "intensity", "sigma", "amplitude").tolist() == [
            [1, 2, 3, 4, 1, 2],
            [0, 1, 0, 9, 2, 3],
        ]

    def test_measured_and_calculated(self, tmp_path: Path) -> None:
        names = (("FC", "F"), ("PHIC", "P"), ("FP", "F"), ("SIGFP", "Q"))
        reflections = argand.read_reflections(
            self.written(tmp_path / "x.mtz", np.array([[5, 90, 4, 1], [6, 180, 7, 2]]), *names)
        )
        np.testing.assert_allclose(
            columns(reflections, "amplitude", "sigma", "amplitude_calc")[:, 3:],
            [[4, 1, 5], [7, 2, 6]],
        )
        np.testing.assert_allclose(reflections.f, [5j, -6], atol=1e-6)
        assert reflections.wavelength == pytest.approx(0.9)

    @pytest.mark.parametrize(
        ("kinds", "name"), [(("K", "M"), "intensity"), (("G", "L"), "amplitude")]
    )
    def test_friedel_mates(self, tmp_path: Path, kinds: tuple[str, str], name: str) -> None:
        names = (
            ("V(+)", kinds[0]),
            ("SIGV(+)", kinds[1]),
            ("V(-)", kinds[0]),
            ("SIGV(-)", kinds[1]),
        )
        rows = np.array([[5, 0.5, 6, 0.25], [7, 1, np.nan, np.nan]])
        reflections = argand.read_reflections(self.written(tmp_path / "x.mtz", rows, *names))
        assert columns(reflections, name, "sigma").tolist() == [
            [1, 2, 3, 5, 0.5],
            [0, 1, 0, 7, 1],
            [-1, -2, -3, 6, 0.25],
        ]

    def test_unmerged(self, tmp_path: Path) -> None:
        """The file holds equivalents in the asymmetric unit; the measured indices come back."""
        hkl = np.array([[1, 2, 3], [-1, -2, 3], [1, -2, -3], [-1, 2, -3]])
        mtz = gemmi.Mtz(with_base=True)
        mtz.spacegroup, mtz.cell = gemmi.SpaceGroup("P 21 21 21"), gemmi.UnitCell(*self.CELL)
        mtz.add_dataset("d")
        for label, kind in (("M/ISYM", "Y"), ("BATCH", "B"), ("I", "J"), ("SIGI", "Q")):
            mtz.add_column(label, kind)
        batch = gemmi.Mtz.Batch()
        batch.number = 1
        mtz.batches.append(batch)
        asu, ops = gemmi.ReciprocalAsu(mtz.spacegroup), mtz.spacegroup.operations()
        inside = [asu.to_asu(row, ops) for row in hkl.tolist()]
        rows = [[*row, isym, 1, i, 1] for (row, isym), i in zip(inside, (5, 6, 7, 8), strict=True)]
        assert len({tuple(row[:3]) for row in rows}) == 1
        mtz.set_data(np.array(rows, dtype=np.float32))
        mtz.write_to_file(str(tmp_path / "x.mtz"))
        reflections = argand.read_reflections(tmp_path / "x.mtz")
        assert reflections.format == "unmerged MTZ"
        assert columns(reflections, "intensity").tolist() == [
            [*h, i] for h, i in zip(hkl.tolist(), (5, 6, 7, 8), strict=True)
        ]

    def test_a_header_that_is_not_where_it_should_be(self, tmp_path: Path) -> None:
        """gemmi would search the data for many seconds and not find the header."""
        argand.write_reflections(tmp_path / "x.mtz", self.HKL, [1j, 2j], cell=self.CELL)
        content = (tmp_path / "x.mtz").read_bytes()
        (tmp_path / "x.mtz").write_bytes(content[:60] + b"ab" + content[60:])
        with pytest.raises(ArgandError, match="its header is not where its first bytes say"):
            argand.read_reflections(tmp_path / "x.mtz")
