"""The torch operator: values, derivatives, registration, compilation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import argand  # noqa: E402
from argand.torch import structure_factors, tensors  # noqa: E402
from argand.torch.structure_factors import _batch  # noqa: E402
from batches import random_batch, truth  # noqa: E402

SHAPES = ["box", "list", "lists"]


def arguments(batch: Any, dtype: Any = None) -> dict[str, Any]:
    fields = {
        k: torch.from_numpy(v.copy())
        for k, v in batch._asdict().items()
        if isinstance(v, np.ndarray)
    }
    return fields if batch.box is None else {**fields, "box": batch.box}


@pytest.mark.parametrize("dispersion", [False, True])
@pytest.mark.parametrize("reflections", SHAPES)
def test_values_are_the_definition(reflections, dispersion):
    batch = random_batch(np.random.default_rng(1), reflections=reflections, dispersion=dispersion)
    f = structure_factors(**arguments(batch))
    np.testing.assert_allclose(f.numpy(), truth(batch), rtol=0, atol=1e-11)


@pytest.mark.parametrize("dispersion", [False, True])
@pytest.mark.parametrize("reflections", SHAPES)
def test_gradcheck(reflections, dispersion):
    batch = random_batch(
        np.random.default_rng(2),
        reflections=reflections,
        dispersion=dispersion,
        atoms=(2, 0, 3),
        reach=(1, 1, 2),
    )
    fixed = arguments(batch)
    varied = [fixed.pop(name).requires_grad_() for name in ("frac", "beta", "occ")]

    def f(frac, beta, occ):
        return structure_factors(frac=frac, beta=beta, occ=occ, **fixed)

    assert torch.autograd.gradcheck(f, varied)


@pytest.mark.parametrize("dispersion", [False, True])
@pytest.mark.parametrize("reflections", ["list", "lists"])
def test_gradcheck_by_form_factor(reflections, dispersion):
    batch = random_batch(
        np.random.default_rng(8),
        reflections=reflections,
        dispersion=dispersion,
        atoms=(2, 0, 3),
        reach=(1, 1, 2),
    )
    fixed = arguments(batch)
    form = fixed.pop("form").requires_grad_()
    assert torch.autograd.gradcheck(lambda form: structure_factors(form=form, **fixed), form)


def test_gradient_by_form_factor_on_a_cube_is_that_of_the_list():
    batch = random_batch(np.random.default_rng(9), reflections="box", reach=(2, 2, 2))
    a = arguments(batch)
    as_list = {**a, "hkl": torch.from_numpy(argand.hkl_cube(2))}
    del as_list["box"]
    g = torch.randn(
        batch.crystals, 125, dtype=torch.complex128, generator=torch.Generator().manual_seed(1)
    )
    grads = []
    for kwargs in (a, as_list):
        form = kwargs["form"].clone().requires_grad_()
        f = structure_factors(**{**kwargs, "form": form}).reshape(batch.crystals, -1)
        grads.append(torch.autograd.grad(f, form, g)[0])
    torch.testing.assert_close(grads[0], grads[1], rtol=0, atol=1e-11)


@pytest.mark.parametrize("reflections", SHAPES)
def test_opcheck(reflections):
    batch = random_batch(
        np.random.default_rng(3), reflections=reflections, atoms=(2, 3), reach=(1, 1, 2)
    )
    a = arguments(batch)
    operands = (
        a["frac"].requires_grad_(),
        a["beta"].requires_grad_(),
        a["occ"].requires_grad_(),
        a["scatterer"],
        a["form"],
        a["form_ptr"],
        a["atom_ptr"],
        a.get("hkl"),
        a.get("hkl_ptr"),
        list(a.get("box", [])),
    )
    torch.library.opcheck(torch.ops.argand.structure_factors, operands)
    g = torch.randn(batch.out_shape, dtype=torch.complex128)
    plain = tuple(t.detach() if isinstance(t, torch.Tensor) else t for t in operands)
    for wanted in ([True, True, True], [False, True, False]):
        torch.library.opcheck(torch.ops.argand.structure_factors_vjp, (g, *plain, wanted))
    torch.library.opcheck(torch.ops.argand.structure_factors_form_vjp, (g, *plain))


def test_compiles_as_one_graph():
    batch = random_batch(np.random.default_rng(4), reflections="box", atoms=(4, 4))
    fixed = arguments(batch)
    frac = fixed.pop("frac")

    def loss(frac):
        return structure_factors(frac=frac, **fixed).abs().square().sum()

    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    results = []
    for function in (loss, compiled):
        x = frac.clone().requires_grad_()
        function(x).backward()
        results.append(x.grad)
    torch.testing.assert_close(results[0], results[1], rtol=1e-12, atol=1e-9)


def test_one_crystal_needs_no_pointers():
    frac = torch.rand(3, 3)
    f = structure_factors(frac, torch.ones(3, 125), box=2)
    assert f.shape == (5, 5, 5)
    assert f.dtype == torch.complex64
    hkl = torch.tensor([[1, 0, 0], [0, 2, 1]], dtype=torch.int32)
    assert structure_factors(frac, torch.ones(3, 2), hkl).shape == (2,)


def test_tensors_of_crystals_give_the_numpy_answer():
    crystals = [
        argand.Crystal(
            cell=(4.0, 4.5, 5.0, 90.0, 100.0, 90.0),
            spacegroup="P 1 21/c 1",
            types=("Fe", "O2-"),
            frac=np.array([[0.1, 0.2, 0.3], [0.4, 0.1, 0.8]]) + 0.01 * i,
            occ=np.array([1.0, 0.5]),
            b_iso=np.array([0.5, 1.5]),
            labels=("Fe1", "O1"),
        )
        for i in range(3)
    ]
    hkl = argand.hkl_cube(2)
    for energy in (None, 10.0):
        f = structure_factors(**tensors(crystals, hkl, energy_kev=energy))
        expected = argand.structure_factors(crystals, hkl, energy_kev=energy)
        np.testing.assert_allclose(f.reshape(3, -1).numpy(), expected, rtol=0, atol=1e-10)
    lists = [hkl[:7], hkl[7:9], hkl[9:40]]
    f = structure_factors(**tensors(crystals, lists))
    np.testing.assert_allclose(
        f.numpy(), np.concatenate(argand.structure_factors(crystals, lists)), atol=1e-10
    )
    assert structure_factors(**tensors(crystals[0], hkl)).shape == (5, 5, 5)


def test_strided_and_conjugated_inputs_are_read_right():
    batch = random_batch(np.random.default_rng(5), reflections="list")
    a = arguments(batch)
    wide = torch.zeros(len(batch.frac), 6, dtype=torch.float64)
    wide[:, ::2] = a["frac"]
    a["frac"] = wide[:, ::2].requires_grad_()
    f = structure_factors(**a)
    np.testing.assert_allclose(f.detach().numpy(), truth(batch), rtol=0, atol=1e-11)
    (grad,) = torch.autograd.grad(f.conj().abs().sum(), a["frac"])
    (same,) = torch.autograd.grad(structure_factors(**a).abs().sum(), a["frac"])
    torch.testing.assert_close(grad, same)


def test_what_has_no_derivative_says_so():
    batch = random_batch(np.random.default_rng(6), reflections="list")
    a = arguments(batch)
    a["frac"].requires_grad_()
    (grad,) = torch.autograd.grad(structure_factors(**a).abs().sum(), a["frac"], create_graph=True)
    with pytest.raises(NotImplementedError, match="first derivatives only"):
        grad.sum().backward()


def test_bad_arguments_are_named():
    frac = torch.rand(3, 3)
    with pytest.raises(TypeError, match="either as hkl or as box"):
        structure_factors(frac, torch.ones(3, 8))
    with pytest.raises(ValueError, match="a row of form has 8 entries, needs 27"):
        structure_factors(frac, torch.ones(3, 8), box=1)
    with pytest.raises(ValueError, match=r"frac has shape \(3, 2\)"):
        structure_factors(torch.rand(3, 2), torch.ones(3, 27), box=1)
    with pytest.raises(TypeError, match=r"frac has dtype torch\.float16"):
        structure_factors(frac.half(), torch.ones(3, 27), box=1)


def test_batch_of_the_operator_is_the_batch_of_the_seam():
    """`_batch` maps the operator's arguments onto the fields of the seam by position: prove each."""
    batch = random_batch(np.random.default_rng(7), reflections="lists")
    a = arguments(batch)
    order = ("frac", "beta", "occ", "scatterer", "form", "form_ptr", "atom_ptr", "hkl", "hkl_ptr")
    rebuilt = _batch(*[a[name] for name in order], [])
    for name in order:
        np.testing.assert_array_equal(getattr(rebuilt, name).numpy(), getattr(batch, name))
