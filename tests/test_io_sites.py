"""The sites of a CIF: displacement in every combination of columns, labels, formulas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from argand.errors import ArgandWarning
from argand.io import parse_formula
from argand.io.labels import read_type
from cif_text import B_PER_U, GROUP, HEAD, Read, aniso, reader, sites


@pytest.fixture
def read(tmp_path: Path) -> Read:
    return reader(tmp_path)


TENSOR = (0.01, 0.02, 0.03, 0.001, 0.002, 0.003)
U_ROW = " ".join(["C1", *(str(u) for u in TENSOR)])
B_ROW = " ".join(["C1", *(f"{u * B_PER_U:.9f}" for u in TENSOR)])


def test_numbers_and_defaults(read: Read) -> None:
    rows = ("C1 C 0.1234(5) -.25 1. ?", "O2 O-2 .5 0 +0.5 0.75(2)")
    crystal = read(HEAD + GROUP + sites(*rows, extra="occupancy"))
    assert crystal.cell == (5.0, 6.0, 7.0, 90.0, 100.5, 90.0)
    assert crystal.frac.tolist() == [[0.1234, -0.25, 1.0], [0.5, 0.0, 0.5]]
    assert crystal.occ.tolist() == [1.0, 0.75]
    assert crystal.types == ("C", "O2-")
    assert crystal.labels == ("C1", "O2")
    assert crystal.b_iso.tolist() == [0, 0]
    assert crystal.u_aniso is None
    assert "2 sites have none: B = 0" in crystal.summary()


@pytest.mark.parametrize(
    ("extra", "values", "b_iso"),
    [
        ("U_iso_or_equiv", "0.02", 0.02 * B_PER_U),
        ("B_iso_or_equiv", "1.5", 1.5),
        ("U_iso_or_equiv adp_type", "0.02(1) Uiso", 0.02 * B_PER_U),
        ("B_iso_or_equiv adp_type", "1.5 Biso", 1.5),
        # The name of the column decides what the number is.
        ("B_iso_or_equiv thermal_displace_type", "1.5 Uiso", 1.5),
        ("U_iso_or_equiv thermal_displace_type", "0.02 Biso", 0.02 * B_PER_U),
        ("B_iso_or_equiv U_iso_or_equiv", "? 0.02", 0.02 * B_PER_U),
        ("B_iso_or_equiv U_iso_or_equiv", "1.5 .", 1.5),
        ("B_iso_or_equiv U_iso_or_equiv", "1.579 0.02", 0.02 * B_PER_U),
        ("U_iso_or_equiv", "?", 0.0),
        ("adp_type", "Uiso", 0.0),
    ],
)
def test_isotropic_displacement(read: Read, extra: str, values: str, b_iso: float) -> None:
    crystal = read(HEAD + GROUP + sites(f"C1 C 0.1 0.2 0.3 {values}", extra=extra))
    np.testing.assert_allclose(crystal.b_iso, [b_iso])
    assert crystal.u_aniso is None


@pytest.mark.parametrize(
    "kind",
    ["adp_type Uani", "adp_type Bani", "thermal_displace_type Uani", "adp_type ?", "occupancy 1"],
)
@pytest.mark.parametrize(("letter", "row"), [("U", U_ROW), ("B", B_ROW)])
def test_anisotropic_displacement(read: Read, letter: str, row: str, kind: str) -> None:
    column, value = kind.split()
    text = sites(
        f"C1 C 0.1 0.2 0.3 {value} 0.05",
        "H1 H 0.3 0.2 0.1 . 0.06",
        extra=f"{column} U_iso_or_equiv",
    )
    crystal = read(HEAD + GROUP + text + aniso(row, letter=letter))
    assert crystal.u_aniso is not None
    np.testing.assert_allclose(crystal.u_aniso[0], TENSOR, rtol=1e-7)
    assert np.isnan(crystal.u_aniso[1]).all()
    assert crystal.b_iso[1] == pytest.approx(0.06 * B_PER_U)
    # The equivalent of the tensor, not the 0.05 of the column.
    assert crystal.b_iso[0] == pytest.approx(0.02 * B_PER_U, rel=0.05)


def test_a_site_called_isotropic_is(read: Read) -> None:
    text = sites("C1 C 0.1 0.2 0.3 Uiso 0.05", extra="adp_type U_iso_or_equiv") + aniso(U_ROW)
    with pytest.warns(
        ArgandWarning, match="called isotropic, so their anisotropic U is not used: C1"
    ):
        crystal = read(HEAD + GROUP + text)
    assert crystal.u_aniso is None
    assert crystal.b_iso[0] == pytest.approx(0.05 * B_PER_U)


def test_a_site_called_anisotropic_without_a_tensor(read: Read) -> None:
    text = sites("C1 C 0.1 0.2 0.3 Uani 0.05", extra="adp_type U_iso_or_equiv")
    with pytest.warns(ArgandWarning, match="called anisotropic without anisotropic U: C1"):
        crystal = read(HEAD + GROUP + text)
    assert crystal.b_iso[0] == pytest.approx(0.05 * B_PER_U)


def test_b_and_u_that_disagree(read: Read) -> None:
    with pytest.warns(ArgandWarning, match="B and U disagree, U is used: C1"):
        crystal = read(
            HEAD + GROUP + sites("C1 C 0.1 0.2 0.3 2.5 0.02", extra="B_iso_or_equiv U_iso_or_equiv")
        )
    assert crystal.b_iso[0] == pytest.approx(0.02 * B_PER_U)


def test_equal_labels_take_their_tensors_in_order(read: Read) -> None:
    rows = [f"{name} {u} {u} {u} 0 0 0" for name, u in (("Al2", 0.01), ("O1", 0.02), ("Al2", 0.03))]
    crystal = read(
        HEAD + GROUP + sites("Al2 Al 0 0 0", "Al2 Al .1 .2 .3", "O1 O .4 .4 .4") + aniso(*rows)
    )
    assert crystal.u_aniso[:, 0].tolist() == [0.01, 0.03, 0.02]
    with pytest.warns(
        ArgandWarning, match="2 sites and 1 rows of anisotropic displacement are called Al2"
    ):
        crystal = read(HEAD + GROUP + sites("Al2 Al 0 0 0", "Al2 Al .1 .2 .3") + aniso(rows[0]))
    assert crystal.u_aniso[:, 0].tolist() == [0.01, 0.01]


@pytest.mark.parametrize(
    ("text", "formula", "symbol"),
    [
        ("Fe3+", "Fe O", "Fe3+"),
        ("O-2", "Fe O", "O2-"),
        ("CL1", "C Cl H", "Cl"),
        ("CaM1", "Ca Mg Si O", "Ca"),
        ("Ala", "Al Si O", "Al"),
        ("Dw", "Ca D O", "D"),
        ("Dda", "Ca D O", "D"),
        ("Hw1", "Ca H O", "H"),
        ("Wat", "Ca H O", "O"),
        ("WAT1", None, "O"),
        ("W", "Ca H O", "O"),  # mineralogists' water again
        ("W1", "C W", "W"),
        ("OW3", "H O", "O"),
        ("O-H", "H O", "O"),
        ("Oh", "H O", "O"),
        ("Ho1", "C H O", "H"),  # a hydrogen on O1
        ("Ho1", "Ho O", "Ho"),
        ("HO1", "C H O", "H"),
        ("Os1", "O S", "O"),
        ("Na1", "Na Cl", "Na"),
        ("Na1", "N H", "N"),
        ("Fe3+17", "Fe O", "Fe3+"),  # a label may begin with a type
        ("D1", "C H", "D"),  # formulas call deuterium as they like
        ("*C12", "C H", "C"),
        ("P(1)", "P", "P"),
        ("T1", "Si O", None),
        ("M2", None, None),
        ("", None, None),
    ],
)
def test_types_and_labels_are_read_by_the_formula(
    text: str, formula: str | None, symbol: str | None
) -> None:
    atom_type = read_type(text, formula.split() if formula else None)
    assert (atom_type.symbol if atom_type else None) == symbol


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("C12 H30 Al F5 N2", {"C": 12, "H": 30, "Al": 1, "F": 5, "N": 2}),
        (
            "Ca (Al1.94 Fe.06) Si2 O10 D4",
            {"Ca": 1, "Al": 1.94, "Fe": 0.06, "Si": 2, "O": 10, "D": 4},
        ),
        ("Mo4O23.16Sr11", {"Mo": 4, "O": 23.16, "Sr": 11}),
        ("Na (H2 O)2 (P (O H)3)2", {"Na": 1, "H": 10, "O": 8, "P": 2}),
        ("Ca3 Co2 -x Mn x O6", None),
        ("Xy2", None),
        ("C" + "9" * 400, None),
        ("C2)", None),
        ("(C2", None),
        ("?", None),
    ],
)
def test_formulas(text: str, expected: dict[str, float] | None) -> None:
    assert parse_formula(text) == (None if expected is None else pytest.approx(expected))
