"""Transforms are chosen where they save time, and are not imported before."""

from __future__ import annotations

import numpy as np
import pytest

import argand
from argand import _memory, nufft
from argand.nufft import choice

CELL = (50.0, 60.0, 70.0, 90.0, 90.0, 90.0)


def carbon(rng: np.random.Generator, atoms: int) -> argand.Crystal:
    """Make a crystal of carbon atoms at random positions."""
    return argand.Crystal(CELL, types=("C",) * atoms, frac=rng.random((atoms, 3)), b_iso=20.0)


def test_grids_of_weak_f_are_counted_before_they_are_made(monkeypatch):
    pytest.importorskip("finufft", reason="finufft is not installed")
    # F at 90 90 90 is 1e-122 electrons, a sum of larger terms of the points that stand for the
    # tensor: transforms need all digits, and grids of 363^3 points.
    crystal = argand.Crystal(
        cell=(5.0, 6.0, 7.0, 90.0, 100.0, 90.0),
        spacegroup="P 1",
        types=["C"],
        frac=[[0.1, 0.2, 0.3]],
        u_aniso=[[0.02, 0.03, 0.04, 0.0, 0.01, 0.001]],
    )
    monkeypatch.setattr(_memory, "_limit", 2**29)
    monkeypatch.setattr(choice, "num_threads", lambda: 1)
    with pytest.raises(argand.errors.MemoryLimitError, match=r"to 90 90 90 needs 1\.4 GiB"):
        argand.structure_factors(crystal, np.full((5, 3), 90), method="nufft", eps=1e-6)


def test_auto_takes_the_transforms_where_they_pay(monkeypatch):
    """Large sums at integer orders pay; method="auto" then uses the transforms for each crystal."""
    pytest.importorskip("finufft", reason="finufft is not installed")
    rng = np.random.default_rng(13)
    hkl = argand.miller_indices(CELL, "P 1", d_min=3.0)
    large = carbon(rng, 9000)
    small = carbon(rng, 50)
    assert nufft.pays(large, hkl, 1e-6, False)
    assert not nufft.pays(small, hkl, 1e-6, False)
    assert not nufft.pays(large, hkl + 0.5, 1e-6, False)
    assert not nufft.pays(large, hkl, 1e-15, False)

    few = hkl[:100]
    monkeypatch.setattr(choice, "_SMALL", 0)
    monkeypatch.setattr(choice, "DIRECT_SECONDS", 1.0)
    one_list = argand.structure_factors([small, small], few, dtype="complex64")
    two_lists = argand.structure_factors([small, small], [few, few[:7]])
    monkeypatch.setattr(choice, "installed", lambda: False)
    expected = argand.structure_factors([small, small], few)
    tolerance = 1e-6 * np.abs(expected).max()
    assert one_list.dtype == np.complex64
    assert one_list.shape == expected.shape
    assert np.any(one_list[0] != expected[0].astype(np.complex64))
    assert np.abs(one_list - expected).max() < tolerance
    assert np.abs(two_lists[1] - expected[1][:7]).max() < tolerance
