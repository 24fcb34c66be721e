"""The time limit of a search: what was reached is kept and flagged, and only then."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from argand.errors import ArgandError
from argand.estimate.estimate import EstimateOptions
from argand.estimate.least_squares import THOROUGH, LeastSquares
from argand.estimate.models import MovableCrystal
from argand.estimate.observed import on_one_list
from argand.estimate.riding import leaders, riding_modes
from argand.estimate.search import search_displacements
from argand.estimate.settings import SearchSettings
from argand.measured import Merged, merge
from argand.radiation import Radiation
from intensities import measured, random_crystal

KNOWN = random_crystal("P 1 21/c 1", 6)

# No time at all: the first starts are refined, and no others.
AT_ONCE = 1e-9


def data_sets() -> list[Merged]:
    """Return data of the known crystal, which one start explains, and of an unrelated one."""
    unrelated = random_crystal("P 1 21/c 1", 6, seed=7).replace(cell=KNOWN.cell)
    data = [merge(measured(crystal)) for crystal in (KNOWN, unrelated)]
    known_cell = data[0].cell
    return [replace(merged, cell=known_cell) for merged in data]


def test_the_search_ends_with_the_first_starts() -> None:
    """The answer is that of the first proposal alone, bit for bit."""
    movable = MovableCrystal(
        KNOWN, riding_modes(KNOWN), leaders=leaders(KNOWN), radiation=Radiation()
    )
    observed = on_one_list(data_sets(), KNOWN.symops)
    models = movable.models(observed.hkl, KNOWN.cell)
    limited = replace(THOROUGH, time_limit=AT_ONCE)
    first = SearchSettings(schedule=(("known structure",),), cycles=THOROUGH.cycles)
    starts: list[int] = []
    actual = search_displacements(models, observed, limited, on_starts=starts.append)
    expected = search_displacements(models, observed, first)
    np.testing.assert_array_equal(actual.displacement, expected.displacement)
    np.testing.assert_array_equal(actual.r, expected.r)
    assert starts == [2]
    # The first data set is explained: it has lost nothing.
    assert actual.stopped.tolist() == [False, True]
    assert expected.stopped.tolist() == [False, False]


def test_a_stopped_answer_is_flagged() -> None:
    options = EstimateOptions(time_limit=AT_ONCE)
    explained, hopeless = LeastSquares(KNOWN)(data_sets(), refine=True, options=options)
    assert not isinstance(explained, ArgandError)
    assert not isinstance(hopeless, ArgandError)
    assert not any("time limit" in flag for flag in explained.flags)
    assert "stopped at the time limit: the best answer so far" in hopeless.flags
    assert hopeless.r <= hopeless.r_known


def test_a_long_limit_changes_nothing() -> None:
    data = data_sets()[:1]
    options = EstimateOptions(time_limit=1e6)
    (limited,) = LeastSquares(KNOWN)(data, refine=True, options=options)
    (free,) = LeastSquares(KNOWN)(data, refine=True)
    assert not isinstance(limited, ArgandError)
    assert not isinstance(free, ArgandError)
    np.testing.assert_array_equal(limited.displacement, free.displacement)
    assert limited.flags == free.flags


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_limits_that_cannot_be(seconds: float) -> None:
    with pytest.raises(ArgandError, match="time_limit is"):
        EstimateOptions(time_limit=seconds)
    with pytest.raises(ArgandError, match="time_limit is"):
        replace(THOROUGH, time_limit=seconds)
