"""Test which elements of a salt can be neutral, and that those are preferred."""

from __future__ import annotations

import numpy as np
import pytest

from argand.solve.charges import balanced, can_be_neutral


@pytest.mark.parametrize(
    ("counts", "neutral"),
    [
        ({"Na": 4, "Cl": 4}, True),
        ({"Na": 4, "S": 4}, False),
        ({"Al": 16, "Ni": 8, "O": 32}, True),
        ({"K": 3, "Ho": 3, "S": 6}, True),
        ({"Fe": 4, "O": 6}, True),
        # Hydrogens, which are not seen, may balance too much oxygen, but nothing else.
        ({"Al": 2, "O": 6}, True),
        ({"Al": 4, "O": 3}, False),
        # Nothing is known of the charges of gold.
        ({"Au": 1, "Cl": 7}, True),
    ],
)
def test_charges_of_salts_add_up(counts, neutral):
    """Common charges decide; elements without one may have any."""
    assert can_be_neutral(counts) is neutral


def test_a_neutral_salt_wins_where_electrons_do_not_decide():
    """Sulfur is a little cheaper than chlorine, but not by a net charge."""
    symbols = ["Na", "S", "Cl"]
    table = np.array([[0.0, 9.0, 12.0], [12.0, 1.0, 1.5]])
    chosen = balanced(table, np.array([0, 1]), np.array([4, 4]), symbols)
    assert [symbols[i] for i in chosen] == ["Na", "Cl"]


def test_clear_electrons_win_over_charges():
    """Chlorine would cost far more than a net charge: sulfur stays."""
    symbols = ["Na", "S", "Cl"]
    table = np.array([[0.0, 90.0, 120.0], [120.0, 1.0, 15.0]])
    chosen = balanced(table, np.array([0, 1]), np.array([4, 4]), symbols)
    assert [symbols[i] for i in chosen] == ["Na", "S"]
