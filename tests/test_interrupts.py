"""A signal is heard while the core works, and ends the call."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator

import numpy as np
import pytest

import argand
from argand import _seam
from argand._pack import pack

# Time until the signal, when every call is at work in the core, in seconds.
_DELAY = 0.3


class Signalled(Exception):
    """Raised by the handler of the signal."""


@pytest.fixture(params=[1, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = argand.num_threads()
    argand.set_num_threads(request.param)
    yield request.param
    argand.set_num_threads(before)


def interrupted(call: Callable[[], object]) -> None:
    """Require that a call is ended by a signal that comes soon after its begin."""

    def handle(number: int, frame: object) -> None:
        raise Signalled

    before = signal.signal(signal.SIGALRM, handle)
    try:
        signal.setitimer(signal.ITIMER_REAL, _DELAY)
        with pytest.raises(Signalled):
            call()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def large_crystal(atoms: int) -> argand.Crystal:
    frac = np.random.default_rng(1).random((atoms, 3))
    return argand.Crystal((100.0, 100.0, 100.0, 90.0, 90.0, 90.0), types=("C",) * atoms, frac=frac)


def test_the_sum_ends_and_leaves_the_core_usable(threads: int) -> None:
    crystal = large_crystal(100_000)
    hkl = argand.miller_indices(crystal.cell, "P 1", d_min=2.0)
    out = np.zeros(len(hkl), complex)
    interrupted(lambda: argand.structure_factors(crystal, hkl, method="direct", out=out))
    # Sums that miss atoms show that the call, of many seconds, did not end by itself.
    some = slice(None, None, 20_000)
    f = argand.structure_factors(crystal, hkl[some], method="direct")
    assert np.abs(out[some] - f).max() > 1.0
    few = argand.Crystal(crystal.cell, types=("C",), frac=[[0.0, 0.0, 0.0]])
    f = argand.structure_factors(few, hkl, method="direct")
    expected = argand.form_factors(("C",), argand.stol(hkl, crystal.cell))[0]
    np.testing.assert_allclose(f, expected, rtol=0, atol=1e-12)


def test_the_derivatives_end(threads: int) -> None:
    crystal = large_crystal(100_000)
    hkl = argand.miller_indices(crystal.cell, "P 1", d_min=2.0)
    batch = pack([crystal], [hkl])
    by_frac = np.full((len(crystal.types), 3), np.nan)
    g = np.ones((1, len(hkl)), complex)
    interrupted(lambda: _seam.structure_factors_vjp(batch, g, by_frac, None, None))
    assert np.isnan(by_frac).any()
