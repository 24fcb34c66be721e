"""Transforms go to a device where there is one."""

from __future__ import annotations

import importlib.machinery
import sys
from types import ModuleType

import numpy as np
import pytest

import argand
import argand.cuda
from argand import nufft
from large_crystals import random_crystal

finufft = pytest.importorskip("finufft", reason="finufft is not installed")


def stand_in(name: str, **members: object) -> ModuleType:
    """Make a module that importlib believes to be installed."""
    module = ModuleType(name)
    module.__spec__ = importlib.machinery.ModuleSpec(name, None)
    vars(module).update(members)
    return module


def test_transforms_go_to_a_device_where_there_is_one(monkeypatch):
    """Stand-ins for cufinufft and CuPy that compute on the CPU give the same F and gradients."""
    plans = []

    class Plan(finufft.Plan):
        def __init__(self, *arguments, dtype):
            plans.append(arguments)
            super().__init__(*arguments, dtype=dtype, nthreads=1)

    monkeypatch.setitem(sys.modules, "cufinufft", stand_in("cufinufft", Plan=Plan))
    cupy = stand_in("cupy", asarray=np.asarray, asnumpy=np.asarray)
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    crystal = random_crystal(np.random.default_rng(31), atoms=300)
    hkl = argand.miller_indices(crystal.cell, "P 1", d_min=2.5)
    g = np.random.default_rng(32).normal(size=len(hkl)) + 0j
    expected = argand.structure_factors(crystal, hkl, method="nufft")
    expected_by_frac = nufft.vjp(crystal, hkl, g).frac
    assert not plans

    monkeypatch.setattr(argand.cuda, "is_available", lambda: True)
    f = argand.structure_factors(crystal, hkl, method="nufft")
    assert plans
    by_frac = nufft.vjp(crystal, hkl, g).frac
    assert np.abs(by_frac - expected_by_frac).max() < 1e-5 * np.abs(expected_by_frac).max()
    assert np.abs(f - expected).max() < 1e-5 * np.abs(expected).max()
