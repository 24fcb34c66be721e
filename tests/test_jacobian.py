"""The kernel of the Jacobian against its definition."""

from __future__ import annotations

import numpy as np
import pytest

import oracles
from argand import _seam

OPERATIONS, REFLECTIONS, SITES, CRYSTALS = 3, 48, 4, 2


def case(dtype, seed=3):
    """Two crystals of four sites: with everything wanted, positions alone, B and occupancy, nothing."""
    rng = np.random.default_rng(seed)
    columns = np.array(
        [[0, 3, -1, 9], [10, -1, -1, -1], [-1, -1, 13, 14], [-1, -1, -1, -1]], np.int32
    )
    beta = np.abs(rng.normal(size=(CRYSTALS, SITES, 6))) * 1e-3
    sites = _seam.JacobianSites(
        frac=rng.random((CRYSTALS, SITES, 3)),
        beta=beta.astype(dtype),
        occ=rng.random((CRYSTALS, SITES)).astype(dtype),
        share=rng.random(SITES).astype(dtype),
        scatterer=np.array([0, 1, 1, 0], np.int32),
        columns=columns,
    )
    orders = _seam.JacobianOrders(
        orders=rng.integers(-9, 10, (OPERATIONS, 3, REFLECTIONS)).astype(dtype),
        turns=rng.integers(0, 12, (OPERATIONS, REFLECTIONS)).astype(dtype) / 12,
        squares=rng.random(REFLECTIONS).astype(dtype),
    )
    u = rng.normal(size=(CRYSTALS, 2, 2, REFLECTIONS)).astype(dtype)
    return sites, orders, u, np.full((CRYSTALS, 15, REFLECTIONS), np.nan, dtype)


@pytest.mark.parametrize(("dtype", "bound"), [("float64", 1e-12), ("float32", 2e-5)])
def test_against_definition(dtype, bound):
    sites, orders, u, out = case(dtype)
    _seam.jacobian(sites, orders, u, out)
    for c in range(CRYSTALS):
        for s in range(SITES):
            share = float(sites.share[s])
            hkl = orders.orders.transpose(0, 2, 1).astype(float)
            d = oracles.site_jacobian(
                sites.frac[c, s],
                sites.beta[c, s],
                share * sites.occ[c, s],
                hkl,
                orders.turns.astype(float),
            )
            d[9] *= share
            by_b = -d[9] * sites.occ[c, s] * orders.squares
            factor = u[c, sites.scatterer[s], 0] + 1j * u[c, sites.scatterer[s], 1]
            for first, wanted in zip(
                sites.columns[s], (d[:3], d[3:9], by_b[None], d[9:]), strict=True
            ):
                if first >= 0:
                    got = out[c, first : first + len(wanted)]
                    wanted = (factor * wanted).real
                    assert np.abs(got - wanted).max() < bound * max(1.0, np.abs(wanted).max())
    assert np.isfinite(out).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"columns": np.zeros((SITES, 3), np.int32)}, "columns has shape"),
        ({"columns": np.full((SITES, 4), 13, np.int32)}, "out has 15 columns, needs 19"),
        ({"scatterer": np.full(SITES, 2, np.int32)}, "scatterer runs from 2 to 2, needs 0 to 1"),
        ({"occ": np.zeros((CRYSTALS, SITES), np.float32)}, "occ has dtype float32"),
    ],
)
def test_what_does_not_fit_is_named(change, message):
    sites, orders, u, out = case("float64")
    with pytest.raises((ValueError, TypeError), match=message):
        _seam.jacobian(sites._replace(**change), orders, u, out)


def test_needs_whole_lanes():
    sites, orders, u, out = case("float64")
    cut = orders._replace(
        orders=orders.orders[..., :40].copy(),
        turns=orders.turns[:, :40].copy(),
        squares=orders.squares[:40].copy(),
    )
    with pytest.raises(ValueError, match="multiple of 16"):
        _seam.jacobian(sites, cut, u[..., :40].copy(), out[..., :40].copy())
