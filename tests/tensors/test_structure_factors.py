"""The torch operator: values, derivatives, registration, compilation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import argand  # noqa: E402
from argand.torch import structure_factors, tensors  # noqa: E402
from argand.torch.structure_factors import _batch  # noqa: E402
from batches import assert_close, random_batch, truth  # noqa: E402

SHAPES = ["box", "list", "lists"]
# The arguments of the operator before the box, in its order.
OPERANDS = (
    "frac",
    "beta",
    "occ",
    "scatterer",
    "form",
    "form_ptr",
    "atom_ptr",
    "hkl",
    "hkl_ptr",
)


def arguments_of(batch: Any) -> dict[str, Any]:
    """Return the arguments of structure_factors() for a batch of numpy arrays."""
    arguments: dict[str, Any] = {}
    for name, value in batch._asdict().items():
        if isinstance(value, np.ndarray):
            arguments[name] = torch.from_numpy(value.copy())
    if batch.box is not None:
        arguments["box"] = batch.box
    return arguments


def small_batch(seed: int, reflections: str, dispersion: bool = False) -> Any:
    """Draw a batch small enough for numerical derivatives."""
    return random_batch(
        np.random.default_rng(seed),
        reflections=reflections,
        dispersion=dispersion,
        atoms=(2, 0, 3),
        reach=(1, 1, 2),
    )


@pytest.mark.parametrize("dispersion", [False, True])
@pytest.mark.parametrize("reflections", SHAPES)
def test_values_are_the_definition(reflections, dispersion):
    batch = random_batch(np.random.default_rng(1), reflections=reflections, dispersion=dispersion)
    f = structure_factors(**arguments_of(batch))
    assert_close(f.numpy(), truth(batch), 1e-11)


@pytest.mark.parametrize("dispersion", [False, True])
@pytest.mark.parametrize("reflections", SHAPES)
def test_gradcheck(reflections, dispersion):
    fixed = arguments_of(small_batch(2, reflections, dispersion))
    varied = [fixed.pop(name).requires_grad_() for name in ("frac", "beta", "occ")]

    def f(frac, beta, occ):
        return structure_factors(frac=frac, beta=beta, occ=occ, **fixed)

    assert torch.autograd.gradcheck(f, varied)


@pytest.mark.parametrize("dispersion", [False, True])
@pytest.mark.parametrize("reflections", ["list", "lists"])
def test_gradcheck_by_form_factor(reflections, dispersion):
    fixed = arguments_of(small_batch(8, reflections, dispersion))
    form = fixed.pop("form").requires_grad_()
    assert torch.autograd.gradcheck(lambda form: structure_factors(form=form, **fixed), form)


def test_gradient_by_form_factors_in_rows_is_that_of_flat_ones():
    """Rows (rows, m) without form_ptr and one flat array with form_ptr are one argument."""
    rng = np.random.default_rng(10)
    frac = torch.from_numpy(rng.random((3, 3)))
    hkl = torch.from_numpy(rng.integers(-3, 4, (7, 3)).astype(np.int32))
    rows = torch.from_numpy(rng.random((3, 7))).requires_grad_()
    flat = rows.detach().reshape(-1).requires_grad_()
    form_ptr = torch.arange(4) * 7
    (by_rows,) = torch.autograd.grad(structure_factors(frac, rows, hkl).abs().sum(), rows)
    f = structure_factors(frac, flat, hkl, form_ptr=form_ptr)
    (by_flat,) = torch.autograd.grad(f.abs().sum(), flat)
    assert by_rows.shape == (3, 7)
    torch.testing.assert_close(by_rows.reshape(-1), by_flat, rtol=0, atol=0)


def test_gradient_by_form_factor_on_a_box_is_that_of_the_list():
    batch = random_batch(np.random.default_rng(9), reflections="box", reach=(2, 2, 2))
    on_box = arguments_of(batch)
    on_list = {**on_box, "hkl": torch.from_numpy(argand.hkl_cube(2))}
    del on_list["box"]
    generator = torch.Generator().manual_seed(1)
    g = torch.randn(batch.crystals, 125, dtype=torch.complex128, generator=generator)
    gradients = []
    for arguments in (on_box, on_list):
        form = arguments["form"].clone().requires_grad_()
        f = structure_factors(**{**arguments, "form": form}).reshape(batch.crystals, -1)
        gradients.append(torch.autograd.grad(f, form, g)[0])
    torch.testing.assert_close(gradients[0], gradients[1], rtol=0, atol=1e-11)


def check_operators(operands: tuple[Any, ...], out_shape: tuple[int, ...]) -> None:
    """Run torch's own checks of the three operators on their operands."""
    torch.library.opcheck(torch.ops.argand.structure_factors, operands)
    g = torch.randn(out_shape, dtype=torch.complex128)
    detached = tuple(x.detach() if isinstance(x, torch.Tensor) else x for x in operands)
    for wanted in ([True, True, True], [False, True, False]):
        torch.library.opcheck(torch.ops.argand.structure_factors_vjp, (g, *detached, wanted))
    torch.library.opcheck(torch.ops.argand.structure_factors_form_vjp, (g, *detached))


@pytest.mark.parametrize("reflections", SHAPES)
def test_opcheck(reflections):
    rng = np.random.default_rng(3)
    batch = random_batch(
        rng,
        reflections=reflections,
        atoms=(2, 3),
        reach=(1, 1, 2),
    )
    arguments = arguments_of(batch)
    for name in ("frac", "beta", "occ"):
        arguments[name].requires_grad_()
    sides = list(arguments.get("box", []))
    operands = (*[arguments.get(name) for name in OPERANDS], sides)
    check_operators(operands, batch.out_shape)


def test_opcheck_of_defaults():
    """The operators take one crystal without pointers, and form factors in rows."""
    frac = torch.rand(3, 3, dtype=torch.float64).requires_grad_()
    form = torch.rand(3, 45, dtype=torch.float64)
    operands = (frac, None, None, None, form, None, None, None, None, [1, 1, 2])
    check_operators(operands, (1, 3, 3, 5))


def compiled_gradient_is_eager(loss: Any, frac: Any) -> None:
    """Expect that a loss compiles as one graph, with the derivative that it has uncompiled."""
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    gradients = []
    for function in (loss, compiled):
        x = frac.clone().requires_grad_()
        function(x).backward()
        gradients.append(x.grad)
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-12, atol=1e-9)


def test_compiles_as_one_graph():
    batch = random_batch(np.random.default_rng(4), reflections="box", atoms=(4, 4))
    fixed = arguments_of(batch)
    frac = fixed.pop("frac")

    def loss(frac):
        return structure_factors(frac=frac, **fixed).abs().square().sum()

    compiled_gradient_is_eager(loss, frac)


def test_defaults_compile_as_one_graph():
    form = torch.rand(3, 125, dtype=torch.float64)

    def loss(frac):
        return structure_factors(frac, form, box=2).abs().square().sum()

    compiled_gradient_is_eager(loss, torch.rand(3, 3, dtype=torch.float64))


def test_one_crystal_needs_no_pointers():
    frac = torch.rand(3, 3)
    f = structure_factors(frac, torch.ones(3, 125), box=2)
    assert f.shape == (5, 5, 5)
    assert f.dtype == torch.complex64
    hkl = torch.tensor([[1, 0, 0], [0, 2, 1]], dtype=torch.int32)
    assert structure_factors(frac, torch.ones(3, 2), hkl).shape == (2,)


def oxide(shift: float) -> argand.Crystal:
    """Return a crystal of Fe and O2-, its sites moved by `shift` along each axis."""
    sites = np.array([[0.1, 0.2, 0.3], [0.4, 0.1, 0.8]])
    return argand.Crystal(
        cell=(4.0, 4.5, 5.0, 90.0, 100.0, 90.0),
        spacegroup="P 1 21/c 1",
        types=("Fe", "O2-"),
        frac=sites + shift,
        occ=np.array([1.0, 0.5]),
        b_iso=np.array([0.5, 1.5]),
        labels=("Fe1", "O1"),
    )


def test_tensors_of_crystals_give_the_numpy_answer():
    crystals = [oxide(0.01 * number) for number in range(3)]
    hkl = argand.hkl_cube(2)
    for energy in (None, 10.0):
        f = structure_factors(**tensors(crystals, hkl, energy_kev=energy))
        expected = argand.structure_factors(crystals, hkl, energy_kev=energy)
        assert_close(f.reshape(3, -1).numpy(), expected, 1e-10)
    lists = [hkl[:7], hkl[7:9], hkl[9:40]]
    f = structure_factors(**tensors(crystals, lists))
    expected = np.concatenate(argand.structure_factors(crystals, lists))
    np.testing.assert_allclose(f.numpy(), expected, atol=1e-10)
    assert structure_factors(**tensors(crystals[0], hkl)).shape == (5, 5, 5)


def test_strided_and_conjugated_inputs_are_read_right():
    batch = random_batch(np.random.default_rng(5), reflections="list")
    arguments = arguments_of(batch)
    wide = torch.zeros(len(batch.frac), 6, dtype=torch.float64)
    wide[:, ::2] = arguments["frac"]
    frac = wide[:, ::2].requires_grad_()
    arguments["frac"] = frac
    f = structure_factors(**arguments)
    assert_close(f.detach().numpy(), truth(batch), 1e-11)
    (by_conjugate,) = torch.autograd.grad(f.conj().abs().sum(), frac)
    (expected,) = torch.autograd.grad(structure_factors(**arguments).abs().sum(), frac)
    torch.testing.assert_close(by_conjugate, expected)


def test_second_derivatives_are_refused():
    batch = random_batch(np.random.default_rng(6), reflections="list")
    arguments = arguments_of(batch)
    frac = arguments["frac"].requires_grad_()
    loss = structure_factors(**arguments).abs().sum()
    (gradient,) = torch.autograd.grad(loss, frac, create_graph=True)
    with pytest.raises(NotImplementedError, match="first derivatives only"):
        gradient.sum().backward()


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
    with pytest.raises(ValueError, match=r"form has shape \(27,\), needs \(rows, m\)"):
        structure_factors(frac, torch.ones(27), box=1)


def test_batch_of_the_operator_is_the_batch_of_the_seam():
    """`_batch` maps the operator's arguments onto the fields of the seam by position."""
    batch = random_batch(np.random.default_rng(7), reflections="lists")
    arguments = arguments_of(batch)
    rebuilt = _batch(*[arguments[name] for name in OPERANDS], [])
    for name in OPERANDS:
        np.testing.assert_array_equal(getattr(rebuilt, name).numpy(), getattr(batch, name))
