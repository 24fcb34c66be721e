"""Normal equations are those of dense products, and their solutions those of a general solver."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from argand.refine._levenberg_marquardt import _solutions
from argand.refine._target import _by_parameters

SEED = 6


def symmetric(rng: np.random.Generator, b: int, k: int) -> np.ndarray:
    """Return symmetric matrices (b, k, k) of both signs."""
    matrices = rng.normal(size=(b, k, k))
    return matrices + matrices.transpose(0, 2, 1)


@pytest.mark.parametrize("most", [0, 1, 2, 3, 4, 9])
def test_products_by_parameters_are_those_of_dense_matrices(most: int) -> None:
    rng = np.random.default_rng(SEED)
    print(f"seed {SEED}")
    dense = np.zeros((12, 9))
    for number, row in enumerate(dense):
        # Rows with fewer entries, and one without any.
        entries = min(most, number)
        row[rng.permutation(9)[:entries]] = rng.normal(size=entries)
    matrices = symmetric(rng, 2, 9)
    normal = _by_parameters(csr_array(dense), matrices)
    np.testing.assert_allclose(normal, dense @ matrices @ dense.T, rtol=1e-13, atol=1e-13)


def test_products_by_parameters_that_move_one_coordinate_each() -> None:
    rng = np.random.default_rng(SEED)
    print(f"seed {SEED}")
    matrices = symmetric(rng, 2, 9)
    for places in (np.arange(9), rng.permutation(9), np.array([4, 0, 4])):
        dense = np.zeros((len(places), 9))
        dense[np.arange(len(places)), places] = rng.normal(size=len(places))
        normal = _by_parameters(csr_array(dense), matrices.astype(np.float32))
        expected = dense @ matrices.astype(np.float32).astype(float) @ dense.T
        assert normal.dtype == np.float64
        np.testing.assert_allclose(normal, expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("k", [3, 31, 32, 90])
@pytest.mark.parametrize("definite", [True, False])
def test_solutions_are_those_of_a_general_solver(k: int, definite: bool) -> None:
    rng = np.random.default_rng(SEED + k)
    print(f"seed {SEED + k}")
    matrices = symmetric(rng, 3, k)
    if definite:
        matrices = matrices @ matrices + np.eye(k)
    right = rng.normal(size=(3, k))
    right_before = right.copy()
    solutions = _solutions(matrices.copy(), right)
    np.testing.assert_array_equal(right, right_before)
    remainder = np.einsum("bij,bj->bi", matrices, solutions) - right
    size = np.abs(matrices).sum(axis=2).max() * np.abs(solutions).max()
    assert np.abs(remainder).max() < 1e-13 * size
