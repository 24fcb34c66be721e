"""Tables of form factors of each atom (.tsc): format, symmetry, values, derivatives."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import argand
from argand.atom_types import atom_type
from argand.errors import ArgandError, ArgandWarning
from argand.form_factors import form_factors
from argand.io import read_crystal, read_tsc, write_tsc
from argand.symmetry import operation_arrays
from argand.tabulated import FormFactorTable, tabulated_structure_factors
from data_dir import DATA

# Special positions, centring and ions; inclined axes; rhombohedral axes.
NAMES = ("2002248", "9000905", "9012705")


def crystal_of(name: str) -> argand.Crystal:
    """Read a crystal, with labels of their own, whose file may have faults."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ArgandWarning)
        crystal = read_crystal(DATA / f"{name}.cif")
    labels = tuple(f"{label}_{number}" for number, label in enumerate(crystal.labels))
    return crystal.replace(labels=labels)


def helical(seed: int = 3) -> argand.Crystal:
    """Return a crystal in P 41 with anisotropic sites, without a centre."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(3, 3, 3)) * 0.1
    tensors = root @ np.swapaxes(root, 1, 2) + 0.01 * np.eye(3)
    u_aniso = tensors[:, [0, 1, 2, 0, 0, 1], [0, 1, 2, 1, 2, 2]]
    return argand.Crystal(
        cell=(6.0, 6.0, 9.0, 90.0, 90.0, 90.0),
        spacegroup="P 41",
        types=("S", "O", "C"),
        labels=("S1", "O1", "C1"),
        frac=rng.random((3, 3)),
        occ=[1.0, 0.6, 1.0],
        u_aniso=u_aniso,
    )


def all_equivalents(crystal: argand.Crystal, hkl: np.ndarray) -> np.ndarray:
    """Return all h R of reflections (m, 3)."""
    rotations, _ = operation_arrays(crystal.symops)
    return np.unique(np.einsum("mi,oij->omj", hkl, rotations).reshape(-1, 3), axis=0)


def spherical_table(crystal: argand.Crystal, hkl: np.ndarray) -> FormFactorTable:
    """Make the table of spherical atoms at all equivalents, as programs write it."""
    listed = all_equivalents(crystal, hkl)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ArgandWarning)
        f = form_factors(crystal.types, argand.stol(listed, crystal.cell))
    return FormFactorTable(crystal.labels, listed, f.T)


def dumb_bells(crystal: argand.Crystal, hkl: np.ndarray, offset: np.ndarray) -> FormFactorTable:
    """Make the table of pairs of half atoms, x + d and x + 2 d, whose sum is not spherical.

    With f = (f0 / 2) (exp(2 pi i h.d) + exp(4 pi i h.d)) it is complex.
    """
    listed = all_equivalents(crystal, hkl)
    f0 = form_factors(crystal.types, argand.stol(listed, crystal.cell)).T
    turn = np.exp(2j * np.pi * (listed @ offset))
    return FormFactorTable(crystal.labels, listed, 0.5 * f0 * (turn + turn**2)[:, None])


def split_crystal(crystal: argand.Crystal, offset: np.ndarray) -> argand.Crystal:
    """Return the crystal of half atoms at x + d and x + 2 d: the truth of `dumb_bells`."""
    assert crystal.u_aniso is not None
    return crystal.replace(
        types=crystal.types * 2,
        labels=(),
        frac=np.concatenate([crystal.frac + offset, crystal.frac + 2.0 * offset]),
        occ=np.tile(crystal.occ / 2.0, 2),
        b_iso=np.tile(crystal.b_iso, 2),
        u_aniso=np.tile(crystal.u_aniso, (2, 1)),
    )


OFFSET = np.array([0.03, -0.02, 0.05])


class TestValues:
    """F of a table."""

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("energy_kev", [None, 12.0])
    def test_spherical_atoms(self, name: str, energy_kev: float | None, tmp_path: Path) -> None:
        """A file of spherical form factors gives F of the table that argand has, to 1e-6."""
        crystal = crystal_of(name)
        hkl = argand.miller_indices(crystal.cell, crystal.spacegroup, 1.0)
        path = tmp_path / "x.tsc"
        write_tsc(path, spherical_table(crystal, hkl))
        f = argand.structure_factors(crystal, hkl, table=read_tsc(path), energy_kev=energy_kev)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ArgandWarning)
            expected = argand.structure_factors(crystal, hkl, energy_kev=energy_kev)
        np.testing.assert_allclose(f, expected, atol=1e-6 * np.abs(expected).max())

    def test_stated_dispersion(self, tmp_path: Path) -> None:
        """Stated f' and f'' replace the tabulated ones, with form factors of either source."""
        crystal = crystal_of("2002248")
        hkl = argand.miller_indices(crystal.cell, crystal.spacegroup, 1.0)
        element = atom_type(crystal.types[0]).element
        options: dict[str, Any] = {"energy_kev": 12.0, "corrections": ((element, -1.5, 3.25),)}
        table = spherical_table(crystal, hkl)
        f = argand.structure_factors(crystal, hkl, table=table, **options)
        expected = argand.structure_factors(crystal, hkl, **options)
        np.testing.assert_allclose(f, expected, atol=1e-9 * np.abs(expected).max())
        del options["energy_kev"]
        with pytest.raises(ArgandError, match="give energy_kev"):
            argand.structure_factors(crystal, hkl, table=table, **options)

    def test_aspherical_atoms(self) -> None:
        """The rotation of a form factor is that of the atom: pairs of half atoms are turned."""
        crystal = helical()
        hkl = argand.miller_indices(crystal.cell, "P 1", 1.2, unique=False)
        table = dumb_bells(crystal, hkl, OFFSET)
        f = argand.structure_factors(crystal, hkl, table=table)
        expected = argand.structure_factors(split_crystal(crystal, OFFSET), hkl)
        np.testing.assert_allclose(f, expected, atol=1e-10 * np.abs(expected).max())
        # A wrong rotation, h R^T, would differ.
        wrong = FormFactorTable(table.labels, table.hkl, np.roll(table.f, 1, axis=0))
        other = argand.structure_factors(crystal, hkl, table=wrong)
        assert np.abs(other - expected).max() > 0.1 * np.abs(expected).max()

    def test_half_of_the_friedel_mates_is_enough(self) -> None:
        crystal = helical()
        hkl = argand.miller_indices(crystal.cell, crystal.spacegroup, 1.2)
        whole = dumb_bells(crystal, np.concatenate([hkl, -hkl]), OFFSET)
        half = dumb_bells(crystal, hkl, OFFSET)
        # P 41 has no rotation that leads to -h: mates follow as complex conjugates.
        for mates in (hkl, -hkl):
            f = argand.structure_factors(crystal, mates, table=half)
            expected = argand.structure_factors(crystal, mates, table=whole)
            np.testing.assert_allclose(f, expected, rtol=1e-12)
        with_dispersion = FormFactorTable(half.labels, half.hkl, half.f, has_dispersion=True)
        with pytest.raises(ArgandError, match="lacks"):
            argand.structure_factors(crystal, -hkl, table=with_dispersion)

    def test_single_precision(self) -> None:
        crystal = helical()
        hkl = argand.miller_indices(crystal.cell, crystal.spacegroup, 1.2)
        table = dumb_bells(crystal, hkl, OFFSET)
        f = tabulated_structure_factors(crystal, hkl, table, dtype="complex64")
        assert f.dtype == np.complex64
        expected = tabulated_structure_factors(crystal, hkl, table)
        np.testing.assert_allclose(f, expected, atol=1e-5 * np.abs(expected).max())

    def test_a_table_of_unique_reflections_of_spherical_atoms(self) -> None:
        crystal = crystal_of("2002248")
        hkl = argand.miller_indices(crystal.cell, crystal.spacegroup, 1.0)
        full = spherical_table(crystal, hkl)
        short = FormFactorTable(full.labels, hkl, full.at(hkl), is_spherical=True)
        f = argand.structure_factors(crystal, hkl, table=short)
        expected = argand.structure_factors(crystal, hkl, table=full)
        np.testing.assert_allclose(f, expected, atol=1e-9 * np.abs(expected).max())


class TestDerivatives:
    """Derivatives by position and displacement are exact, as with every other table."""

    def test_gradients(self) -> None:
        torch = pytest.importorskip("torch")
        from argand.torch import structure_factors, tensors

        crystal = helical()
        hkl = argand.miller_indices(crystal.cell, crystal.spacegroup, 2.0)
        batch = tensors(crystal, hkl, table=dumb_bells(crystal, hkl, OFFSET))
        np.testing.assert_allclose(
            structure_factors(**batch).numpy(),
            argand.structure_factors(split_crystal(crystal, OFFSET), hkl),
            atol=1e-9,
        )
        frac = batch.pop("frac").requires_grad_()
        beta = batch.pop("beta").requires_grad_()
        occ = batch.pop("occ").requires_grad_()

        def f(frac, beta, occ):
            return structure_factors(frac, beta=beta, occ=occ, **batch)

        assert torch.autograd.gradcheck(f, (frac, beta, occ), fast_mode=True)


class TestFormat:
    """The published format."""

    HEAD = "TITLE: epoxide\nSYMM: expanded\nSCATTERERS: O1 C1\nDATA:\n"

    def read(self, tmp_path: Path, text: str) -> FormFactorTable:
        """Read a text as a file."""
        path = tmp_path / "x.tsc"
        path.write_text(text)
        return read_tsc(path)

    def test_complex_and_real_values(self, tmp_path: Path) -> None:
        table = self.read(tmp_path, self.HEAD + "1 0 -2 5.5,-0.25 3.0\n0 0 1 6e0,1e-1 4,0\n\n")
        assert table.labels == ("O1", "C1")
        np.testing.assert_array_equal(table.at(np.array([[1, 0, -2]])), [[5.5 - 0.25j, 3.0]])
        np.testing.assert_array_equal(table.at(np.array([[0, 0, -1]])), [[6.0 - 0.1j, 4.0]])
        assert not table.has_dispersion
        assert not table.is_spherical

    def test_blocks_of_rotations(self, tmp_path: Path) -> None:
        """Each block has h R of the first one: indices stand in the file, in any order."""
        head = self.HEAD.replace("expanded", "1 0 0 0 1 0 0 0 1; -1 0 0 0 1 0 0 0 -1;")
        table = self.read(tmp_path, head + "1 2 3 5.0,1.0 3.0,0\n-1 2 -3 4.0,1.0 3.0,0\n")
        np.testing.assert_array_equal(table.at(np.array([[-1, 2, -3]]))[:, 0], [4.0 + 1.0j])

    def test_lines_of_programs(self, tmp_path: Path) -> None:
        """NoSpherA2 adds lines about the calculation; keywords may have any case."""
        head = "Title: x\nsymm: Expanded\nAD: TRUE\nFF GENERATED BY: y\nsome words\n"
        table = self.read(tmp_path, head + "Scatterers: o1\ndata:\n1 0 0 5.0,0.0\n")
        assert table.has_dispersion

    def test_round_trip(self, tmp_path: Path) -> None:
        crystal = helical()
        hkl = argand.miller_indices(crystal.cell, crystal.spacegroup, 1.5)
        table = dumb_bells(crystal, hkl, OFFSET)
        write_tsc(tmp_path / "x.tsc", table)
        after = read_tsc(tmp_path / "x.tsc")
        assert after.labels == table.labels
        np.testing.assert_array_equal(after.hkl, table.hkl)
        np.testing.assert_allclose(after.f, table.f, rtol=1e-8, atol=1e-8)

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("TITLE: x\n", "has no DATA"),
            ("DATA:\n1 0 0 5.0\n", "names no scatterers"),
            (HEAD, "has no reflections"),
            (HEAD + "1 0 0 5.0\n", "line 5 is '1 0 0 5.0', needs h k l and 2 form factors"),
            (HEAD + "1 0 0 5.0,x 3.0\n", "line 5 is"),
            (HEAD + "1.5 0 0 5.0 3.0\n", r"an index of 1\.5"),
            (HEAD + "1 0 0 nan 3.0\n", "NaN or infinity"),
            (HEAD + "1 0 0 5.0 3.0\n1 0 0 6.0 3.0\n", "1 0 0 has two different form factors"),
            (HEAD.replace("O1 C1", "C1 c1") + "1 0 0 5.0 3.0\n", "'C1' twice"),
            (HEAD.replace("expanded", "1 0 0") + "1 0 0 5.0 3.0\n", "SYMM has '1 0 0'"),
        ],
    )
    def test_what_is_refused(self, text: str, complaint: str, tmp_path: Path) -> None:
        with pytest.raises(ArgandError, match=rf"x\.tsc: .*{complaint}"):
            self.read(tmp_path, text)

    def test_a_binary_table(self, tmp_path: Path) -> None:
        with pytest.raises(ArgandError, match=r"x\.tscb: is a binary table"):
            read_tsc(tmp_path / "x.tscb")

    def test_tables_of_other_crystals(self) -> None:
        crystal = helical()
        hkl = np.array([[1, 2, 3]])
        table = dumb_bells(crystal, hkl, OFFSET)
        renamed = crystal.replace(labels=("S1", "O1", "C2"))
        with pytest.raises(ArgandError, match="lacks the site C2"):
            argand.structure_factors(renamed, hkl, table=table)
        wider = FormFactorTable((*table.labels, "N9"), table.hkl, np.ones((len(table.hkl), 4)))
        with pytest.raises(ArgandError, match="has N9, which the crystal lacks"):
            argand.structure_factors(crystal, hkl, table=wider)
        with pytest.raises(ArgandError, match=r"lacks -?2 -?2 3"):
            argand.structure_factors(crystal, [[2, 2, 3]], table=table)
        with_dispersion = FormFactorTable(table.labels, table.hkl, table.f, has_dispersion=True)
        with pytest.raises(ArgandError, match="has dispersion"):
            argand.structure_factors(crystal, hkl, table=with_dispersion, energy_kev=8.0)
        with pytest.raises(ArgandError, match="of one crystal"):
            argand.structure_factors([crystal], hkl, table=table)
