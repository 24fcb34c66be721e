"""Formulas and formula units against the unit cell."""

from __future__ import annotations

import pytest

from argand.errors import ArgandError
from argand.solve.composition import cell_content


def test_a_formula_is_of_the_cell_or_of_a_formula_unit() -> None:
    unit = {"C": 6.0, "H": 6.0}
    volume = 4 * (6 * 13.0 + 6 * 5.1)
    assert cell_content(unit, volume, 4) == {"C": 24.0, "H": 24.0}
    whole = {"C": 24.0, "H": 24.0}
    assert cell_content(whole, 1.2 * volume, 4) == whole
    assert cell_content(unit, 0.5 * volume, 4) == {"C": 12.0, "H": 12.0}
    with pytest.raises(ArgandError, match="contents is 'C60'"):
        cell_content({"C": 60.0}, 100.0, 4)


def test_units_in_the_cell_fill_the_lattice() -> None:
    """Cells of rock salt and of a pyrochlore have as many units as their lattices ask for."""
    assert cell_content({"Na": 1.0, "Cl": 1.0}, 179.4, 192, 4) == {"Na": 4.0, "Cl": 4.0}
    pyrochlore = cell_content({"La": 2.0, "Zr": 2.0, "O": 7.0}, 1255.0, 192, 4)
    assert pyrochlore == {"La": 16.0, "Zr": 16.0, "O": 56.0}
    aluminate = cell_content({"Ca": 9.0, "Al": 6.0, "O": 18.0}, 3556.0, 24)
    assert aluminate["Ca"] == 72.0
