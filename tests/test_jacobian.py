"""The kernel of the Jacobian against its definition."""

from __future__ import annotations

import numpy as np
import pytest

import oracles
from argand import _seam

OPERATIONS, REFLECTIONS, SITES, CRYSTALS = 3, 48, 4, 2
# First columns of x y z, beta, B and the occupancy of four sites: everything wanted, positions
# alone, B and occupancy, nothing.
COLUMNS = [[0, 3, -1, 9], [10, -1, -1, -1], [-1, -1, 13, 14], [-1, -1, -1, -1]]


def random_case(dtype, seed=3):
    """Draw the arguments of the kernel: two crystals of four sites."""
    rng = np.random.default_rng(seed)
    beta = np.abs(rng.normal(size=(CRYSTALS, SITES, 6))) * 1e-3
    sites = _seam.JacobianSites(
        frac=rng.random((CRYSTALS, SITES, 3)),
        beta=beta.astype(dtype),
        occ=rng.random((CRYSTALS, SITES)).astype(dtype),
        share=rng.random(SITES).astype(dtype),
        scatterer=np.array([0, 1, 1, 0], np.int32),
        columns=np.array(COLUMNS, np.int32),
    )
    orders = _seam.JacobianOrders(
        orders=rng.integers(-9, 10, (OPERATIONS, 3, REFLECTIONS)).astype(dtype),
        turns=rng.integers(0, 12, (OPERATIONS, REFLECTIONS)).astype(dtype) / 12,
        squares=rng.random(REFLECTIONS).astype(dtype),
    )
    u = rng.normal(size=(CRYSTALS, 2, 2, REFLECTIONS)).astype(dtype)
    out = np.full((CRYSTALS, 15, REFLECTIONS), np.nan, dtype)
    return sites, orders, u, out


def derivatives_by_definition(sites, orders, crystal, site):
    """Return dF/dq by x y z, by beta, by B and by the occupancy of one site, each (n, m)."""
    share, occ = float(sites.share[site]), sites.occ[crystal, site]
    by_all = oracles.site_jacobian(
        sites.frac[crystal, site],
        sites.beta[crystal, site],
        share * occ,
        orders.orders.transpose(0, 2, 1).astype(float),
        orders.turns.astype(float),
    )
    by_occ = share * by_all[9:]
    by_b = -by_occ * occ * orders.squares
    return by_all[:3], by_all[3:9], by_b, by_occ


@pytest.mark.parametrize(
    ("dtype", "bound"),
    [("float64", 1e-12), ("float32", 2e-5)],
)
def test_against_definition(dtype, bound):
    sites, orders, u, out = random_case(dtype)
    _seam.jacobian(sites, orders, u, out)
    for crystal in range(CRYSTALS):
        for site in range(SITES):
            real, imaginary = u[crystal, sites.scatterer[site]]
            derivatives = derivatives_by_definition(sites, orders, crystal, site)
            for first, derivative in zip(sites.columns[site], derivatives, strict=True):
                if first < 0:
                    continue
                computed = out[crystal, first : first + len(derivative)]
                expected = ((real + 1j * imaginary) * derivative).real
                largest = max(1.0, np.abs(expected).max())
                assert np.abs(computed - expected).max() < bound * largest
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
def test_bad_sites_are_refused_by_name(change, message):
    sites, orders, u, out = random_case("float64")
    with pytest.raises((ValueError, TypeError), match=message):
        _seam.jacobian(sites._replace(**change), orders, u, out)


def test_reflections_must_fill_whole_lanes():
    sites, orders, u, out = random_case("float64")
    cut = orders._replace(
        orders=orders.orders[..., :40].copy(),
        turns=orders.turns[:, :40].copy(),
        squares=orders.squares[:40].copy(),
    )
    with pytest.raises(ValueError, match="multiple of 16"):
        _seam.jacobian(sites, cut, u[..., :40].copy(), out[..., :40].copy())
