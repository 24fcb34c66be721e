"""The maps as torch operators."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

import argand  # noqa: E402
from argand.cell import cell_volume  # noqa: E402
from argand.torch import map_from_structure_factors, structure_factors_from_map  # noqa: E402
from batches import assert_close  # noqa: E402

CELL = (7.0, 8.0, 9.5, 81.0, 95.0, 103.0)


def random_boxes(*shape: int, dtype=torch.complex128):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(shape, dtype=dtype, generator=generator)


def hermitian_part(f):
    """Return the boxes (..., 2h+1, 2k+1, 2l+1) whose map is the real part of that of f."""
    mates = f.flip(-3, -2, -1).conj()
    return (f + mates) / 2


def test_map_is_that_of_numpy():
    f = random_boxes(2, 5, 5, 5)
    rho = map_from_structure_factors(f, (8, 9, 10), cell_volume(CELL))
    hkl = argand.hkl_cube(2)
    for number, box in enumerate(hermitian_part(f)):
        values = box.reshape(-1).numpy()
        expected = argand.map_from_structure_factors(hkl, values, (8, 9, 10), cell=CELL)
        assert_close(rho[number].numpy(), expected, 1e-14)


def test_volume_per_map_and_leading_axes():
    f = random_boxes(2, 3, 5, 5, 5)
    volumes = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], dtype=torch.float64)
    rho = map_from_structure_factors(f, (4, 4, 6), volumes)
    assert rho.shape == (2, 3, 4, 4, 6)
    of_one = map_from_structure_factors(f[1, 2], (4, 4, 6), 6.0)
    torch.testing.assert_close(rho[1, 2], of_one)
    fine = map_from_structure_factors(f, (5, 6, 7), volumes)
    back = structure_factors_from_map(fine, 2, volumes)
    torch.testing.assert_close(back, hermitian_part(f))


@pytest.mark.parametrize(
    "grid",
    [(6, 5, 7), (3, 2, 2)],
)
def test_gradcheck_to_second_order(grid):
    def to_map(f):
        return map_from_structure_factors(f, grid, 3.0)

    def squared_map(f):
        return map_from_structure_factors(f, grid, 3.0) ** 2

    def from_map(rho):
        return structure_factors_from_map(rho, (1, 1, 2), 3.0)

    f = random_boxes(2, 3, 3, 5).requires_grad_()
    assert torch.autograd.gradcheck(to_map, f)
    assert torch.autograd.gradgradcheck(squared_map, f)
    rho = torch.randn(2, *grid, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(from_map, rho)


def test_opcheck():
    f = random_boxes(2, 3, 3, 5).requires_grad_()
    torch.library.opcheck(torch.ops.argand.map_from_structure_factors, (f, [4, 5, 6], 0.5))
    rho = torch.randn(2, 4, 5, 6, dtype=torch.float64).requires_grad_()
    torch.library.opcheck(torch.ops.argand.structure_factors_from_map, (rho, [1, 1, 2], 0.5))


def test_compiles_as_one_graph():
    f = random_boxes(2, 5, 5, 5, dtype=torch.complex64)

    def peak(f):
        return map_from_structure_factors(f, (8, 8, 8), 10.0).amax()

    compiled = torch.compile(peak, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(f), peak(f))


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"f is torch\.float32"):
        map_from_structure_factors(torch.zeros(3, 3, 3), (4, 4, 4))
    with pytest.raises(ValueError, match="needs three numbers"):
        map_from_structure_factors(random_boxes(3, 3, 3), (4, 4))
    with pytest.raises(ValueError, match="f has shape"):
        map_from_structure_factors(random_boxes(4, 3, 3), (4, 4, 4))
    with pytest.raises(ValueError, match=r"rho is torch\.int64"):
        structure_factors_from_map(torch.zeros(3, 3, 3, dtype=torch.int64), 1)
