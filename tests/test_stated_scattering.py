"""Scattering lengths and form factors in a CIF that are not used are named in one warning each."""

from __future__ import annotations

import warnings
from pathlib import Path

import gemmi
import pytest

import argand

SITES = """data_x
_cell_length_a 5
_cell_length_b 6
_cell_length_c 7
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_space_group_name_H-M_alt 'P 1'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_U_iso_or_equiv
{attached}C1 C .1 .2 .3 .02 {hydrogens}
Fe1 Fe3+ .4 .2 .3 .02 {hydrogens}
"""


def notes(tmp_path: Path, extra: str, attached: str = "", hydrogens: str = "") -> list[str]:
    """Return the notes of reading two sites, without the name of the file."""
    path = tmp_path / "x.cif"
    path.write_text(SITES.format(attached=attached, hydrogens=hydrogens) + extra)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        argand.read_crystal(path)
    return [str(warning.message).removeprefix(f"{path}: ") for warning in caught]


LENGTHS = "loop_\n_atom_type_symbol\n_atom_type_scat_length_neutron\n"


@pytest.mark.parametrize("rows", ["C 6.646\nFe 9.45(2)\n", "C .6646\nFe3+ .945\n", "C ?\nXx 1\n"])
def test_lengths_of_the_tables(tmp_path: Path, rows: str) -> None:
    """In fm or in 10^-12 cm: Neutron News 3(3), 1992, has 6.646 fm and 9.45 fm."""
    assert notes(tmp_path, LENGTHS + rows) == []


def test_lengths_of_an_isotope(tmp_path: Path) -> None:
    """57Fe scatters neutrons with 2.3 fm."""
    assert notes(tmp_path, LENGTHS + "C 6.646\nFe 2.3\n") == [
        "a scattering length of 2.3 is stated for Fe, that of the tables is used for neutrons"
    ]


def factor_rows(a1_added: float, in_pairs: bool) -> str:
    """Write the form factor of carbon as gemmi has it, with more in its first Gaussian.

    In pairs the columns a1 a2 a3 a4 b1 ... hold a1 b1 a2 b2 ..., as some programs write them.
    """
    coefficients = gemmi.Element("C").it92
    numbers = [*coefficients.a, *coefficients.b, coefficients.c]
    numbers[0] += a1_added
    if in_pairs:
        numbers[:8] = [numbers[i // 2 + i % 2 * 4] for i in range(8)]
    tags = [f"_atom_type_scat_Cromer_Mann_{letter}{i}" for letter in "ab" for i in range(1, 5)]
    tags.append("_atom_type_scat_Cromer_Mann_c")
    values = " ".join(f"{number:.4f}" for number in numbers)
    return "\n".join(["loop_", "_atom_type_symbol", *tags, f"C {values}", ""])


@pytest.mark.parametrize("in_pairs", [False, True])
@pytest.mark.parametrize("added", [0.0, 8.0])
def test_form_factors(tmp_path: Path, added: float, in_pairs: bool) -> None:
    expected = ["a form factor is stated for C, that of the tables is used"] if added else []
    assert notes(tmp_path, factor_rows(added, in_pairs)) == expected


@pytest.mark.parametrize("hydrogens", ["0", "2", "."])
def test_attached_hydrogens(tmp_path: Path, hydrogens: str) -> None:
    expected = []
    if hydrogens == "2":
        expected = ["4 attached hydrogens have no sites: they are not part of F"]
    assert notes(tmp_path, "", "_atom_site_attached_hydrogens\n", hydrogens) == expected


def test_displacements_of_mmcif(tmp_path: Path) -> None:
    tensor = "loop_\n_atom_site_anisotrop.id\n_atom_site_anisotrop.U[1][1]\nC1 0.02\n"
    expected = ["displacements of mmCIF (_atom_site_anisotrop) are ignored"]
    assert notes(tmp_path, tensor) == expected
