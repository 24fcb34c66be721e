"""Forward mode and the transforms of torch.func: right, or refused in argand's words."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import argand  # noqa: E402
from argand.torch import (  # noqa: E402
    map_from_structure_factors,
    nufft_structure_factors,
    structure_factors,
    structure_factors_from_map,
    tensors,
)

# torch's own forward mode compiles its decompositions with what torch itself calls deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is:DeprecationWarning")

CRYSTAL = argand.Crystal(
    cell=(5.0, 6.0, 7.0, 90.0, 100.0, 90.0),
    types=("Fe", "O"),
    frac=[[0.1, 0.2, 0.3], [0.4, 0.1, 0.6]],
    b_iso=[0.5, 0.8],
)
HKL = argand.miller_indices(CRYSTAL.cell, CRYSTAL.spacegroup, d_min=2.0)[:5]
LISTS = {"list": HKL, "lists": [HKL], "box": argand.hkl_cube(1)}


def complex_noise(*shape: int):
    generator = torch.Generator().manual_seed(3)
    return torch.randn(shape, dtype=torch.complex128, generator=generator)


def real_noise(*shape: int):
    generator = torch.Generator().manual_seed(4)
    return torch.randn(shape, dtype=torch.float64, generator=generator)


def slope(function: Callable, at, along, step: float = 1e-5):
    """Return the derivative of a function along a tangent by central differences."""
    return (function(at + step * along) - function(at - step * along)) / (2 * step)


def check_all_modes(function: Callable, at) -> None:
    """Compare forward mode, jacfwd, jacrev, grad and vmap of a real function with differences."""
    along = torch.ones_like(at) + 0.3 * real_noise(*at.shape)
    expected = slope(function, at, along)
    assert expected.abs().max() > 1e-3
    close = {"rtol": 1e-6, "atol": 1e-6 * float(expected.abs().max())}
    _, tangent = torch.func.jvp(function, (at,), (along,))
    torch.testing.assert_close(tangent, expected, **close)
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(at, along)
        tangent = torch.autograd.forward_ad.unpack_dual(function(dual)).tangent
    torch.testing.assert_close(tangent, expected, **close)
    for jacobian in (torch.func.jacfwd(function)(at), torch.func.jacrev(function)(at)):
        slopes = jacobian.flatten(expected.ndim) @ along.flatten()
        torch.testing.assert_close(slopes, expected, **close)
    gradient = torch.func.grad(lambda point: function(point).sum())(at)
    torch.testing.assert_close((gradient * along).sum(), expected.sum(), **close)
    points = torch.stack([at, at + 0.1 * along])
    mapped = torch.func.vmap(function)(points)
    torch.testing.assert_close(mapped[1], function(points[1]), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("energy_kev", [None, 8.0])
@pytest.mark.parametrize("reflections", LISTS)
@pytest.mark.parametrize("name", ["frac", "beta", "occ", "form"])
def test_the_sum_over_atoms(name: str, reflections: str, energy_kev: float | None) -> None:
    crystals = [CRYSTAL] if reflections == "lists" else CRYSTAL
    fixed = tensors(crystals, LISTS[reflections], energy_kev=energy_kev)
    at = fixed.pop(name)
    factor = complex_noise(*structure_factors(**{name: at}, **fixed).shape)

    def function(point):
        # The phase of F matters too, and |F| alone would not show it.
        return (factor * structure_factors(**{name: point}, **fixed)).real

    if name == "form" and reflections == "box" and energy_kev is None:
        # Real form factors of a box are even, so their tangents must be: a common scale.
        scale = torch.tensor([1.3], dtype=torch.float64)
        check_all_modes(lambda scale: function(scale * at), scale)
    elif name == "form" and energy_kev is not None:
        scale = torch.tensor([1.3], dtype=torch.float64)
        check_all_modes(lambda scale: function((1 + 2j) * scale * at), scale)
    else:
        check_all_modes(function, at)


def test_maps() -> None:
    box = complex_noise(5, 5, 5)
    check_all_modes(
        lambda scale: map_from_structure_factors(box * scale, (6, 7, 8), 3.0), real_noise(5, 5, 5)
    )
    check_all_modes(lambda rho: structure_factors_from_map(rho, 1, 3.0).imag, real_noise(4, 5, 6))
    # Maps are linear, so that second derivatives are those of what is done to them.
    hessian = torch.func.hessian(
        lambda rho: structure_factors_from_map(rho, 1).abs().square().sum()
    )
    rho = real_noise(3, 3, 4)
    points = rho.numel()
    curvature = hessian(rho).reshape(points, points)
    # For a grid above twice the box, sum |F|^2 has the Hessian 2 sum_h exp(2 pi i h.(x - y)) / N^2.
    total = 2 * 27 / points**2
    torch.testing.assert_close(
        curvature.diagonal(), torch.full((points,), total, dtype=torch.float64)
    )


def test_what_has_no_derivative_says_so() -> None:
    fixed = tensors(CRYSTAL, HKL)
    frac = fixed.pop("frac")
    message = "argand.torch.structure_factors has first derivatives only"
    for transform in (
        torch.func.hessian,
        lambda function: torch.func.grad(torch.func.grad(function)),
    ):
        with pytest.raises(NotImplementedError, match=message):
            transform(lambda x: structure_factors(frac + x, **fixed).abs().sum())(frac[0, 0])


def test_transforms_of_the_nufft() -> None:
    pytest.importorskip("finufft")
    frac = torch.from_numpy(np.array(CRYSTAL.frac))
    hkl = torch.from_numpy(HKL)

    def function(point):
        f = nufft_structure_factors(point, hkl, cell=CRYSTAL.cell, types=CRYSTAL.types, eps=1e-9)
        return f.abs()

    jacobian = torch.func.jacrev(function)(frac)
    along = real_noise(2, 3)
    slopes = jacobian.flatten(1) @ along.flatten()
    torch.testing.assert_close(slopes, slope(function, frac, along, 1e-3), rtol=1e-3, atol=1e-2)
    for transform in (torch.func.jacfwd, torch.func.hessian):
        with pytest.raises(NotImplementedError, match="nufft_structure_factors has"):
            transform(lambda point: function(point).sum())(frac)
