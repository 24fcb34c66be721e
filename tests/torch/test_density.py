"""The maps as torch operators."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import argand  # noqa: E402
from argand.torch import map_from_structure_factors, structure_factors_from_map  # noqa: E402

CELL = (7.0, 8.0, 9.5, 81.0, 95.0, 103.0)


def random_box(*shape: int, dtype=torch.complex128):
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(1))


def test_map_is_that_of_numpy():
    f = random_box(2, 5, 5, 5)
    volume = argand.cell.cell_volume(CELL)
    rho = map_from_structure_factors(f, (8, 9, 10), volume)
    for i in range(2):
        hermitian = (f[i] + f[i].flip(0, 1, 2).conj()) / 2
        expected = argand.map_from_structure_factors(
            argand.hkl_cube(2), hermitian.reshape(-1).numpy(), (8, 9, 10), cell=CELL
        )
        np.testing.assert_allclose(rho[i].numpy(), expected, rtol=0, atol=1e-14)


def test_volume_per_map_and_leading_axes():
    f = random_box(2, 3, 5, 5, 5)
    volumes = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], dtype=torch.float64)
    rho = map_from_structure_factors(f, (4, 4, 6), volumes)
    assert rho.shape == (2, 3, 4, 4, 6)
    torch.testing.assert_close(rho[1, 2], map_from_structure_factors(f[1, 2], (4, 4, 6), 6.0))
    back = structure_factors_from_map(map_from_structure_factors(f, (5, 6, 7), volumes), 2, volumes)
    torch.testing.assert_close(back, (f + f.flip(2, 3, 4).conj()) / 2)


@pytest.mark.parametrize("grid", [(6, 5, 7), (3, 2, 2)])
def test_gradcheck_to_second_order(grid):
    f = random_box(2, 3, 3, 5).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: map_from_structure_factors(x, grid, 3.0), f)
    assert torch.autograd.gradgradcheck(lambda x: map_from_structure_factors(x, grid, 3.0) ** 2, f)
    rho = torch.randn(2, *grid, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: structure_factors_from_map(x, (1, 1, 2), 3.0), rho)


def test_opcheck():
    f = random_box(2, 3, 3, 5).requires_grad_()
    torch.library.opcheck(torch.ops.argand.map_from_structure_factors, (f, [4, 5, 6], 0.5))
    rho = torch.randn(2, 4, 5, 6, dtype=torch.float64).requires_grad_()
    torch.library.opcheck(torch.ops.argand.structure_factors_from_map, (rho, [1, 1, 2], 0.5))


def test_compiles_as_one_graph():
    f = random_box(2, 5, 5, 5, dtype=torch.complex64)

    def peak(f):
        return map_from_structure_factors(f, (8, 8, 8), 10.0).amax()

    torch.testing.assert_close(torch.compile(peak, fullgraph=True, backend="aot_eager")(f), peak(f))


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"f is torch\.float32"):
        map_from_structure_factors(torch.zeros(3, 3, 3), (4, 4, 4))
    with pytest.raises(ValueError, match="needs three numbers"):
        map_from_structure_factors(random_box(3, 3, 3), (4, 4))
    with pytest.raises(ValueError, match="f has shape"):
        map_from_structure_factors(random_box(4, 3, 3), (4, 4, 4))
    with pytest.raises(ValueError, match=r"rho is torch\.int64"):
        structure_factors_from_map(torch.zeros(3, 3, 3, dtype=torch.int64), 1)
