"""Batches built from raw arrays of several libraries: their defaults, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import emulated
from argand import _seam
from batches import random_batch


def as_numpy(array: Any) -> Any:
    """Return the numbers of an array of any library, or a field that is no array."""
    if isinstance(array, emulated.DeviceArray):
        return array.numbers
    return array.numpy() if hasattr(array, "numpy") else array


def converted(library: str, array: np.ndarray) -> Any:
    """Return a numpy array as an array of a library: "numpy", "torch" or "emulated"."""
    if library == "torch":
        torch = pytest.importorskip("torch")
        return torch.from_numpy(array)
    return emulated.moved(array) if library == "emulated" else array


@pytest.mark.parametrize("library", ["numpy", "torch", "emulated"])
def test_defaults_are_one_crystal_with_a_row_of_form_factors_for_each_atom(library):
    frac = np.random.default_rng(1).random((3, 3))
    form = np.arange(3 * 45.0).reshape(3, 3, 3, 5)
    arrays = converted(library, frac), converted(library, form)
    if library == "emulated":
        with emulated.device():
            batch = _seam.make_batch(*arrays, box=(1, 1, 2))
    else:
        batch = _seam.make_batch(*arrays, box=(1, 1, 2))
    pointers = {"atom_ptr": [0, 3], "form_ptr": [0, 45, 90, 135]}
    for name, expected in pointers.items():
        values = as_numpy(getattr(batch, name))
        assert values.dtype == np.int64
        assert values.tolist() == expected
    scatterer = as_numpy(batch.scatterer)
    assert scatterer.dtype == np.int32
    assert scatterer.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(as_numpy(batch.form), form.ravel())
    assert batch.frac is arrays[0]
    assert (batch.beta, batch.occ, batch.hkl, batch.hkl_ptr) == (None, None, None, None)
    assert batch.crystals == 1
    assert batch.out_shape == (1, 3, 3, 5)


@pytest.mark.parametrize("reflections", ["box", "list", "lists"])
def test_arrays_that_are_given_are_taken_as_they_are(reflections):
    batch = random_batch(np.random.default_rng(2), reflections=reflections)
    rebuilt = _seam.make_batch(**batch._asdict())
    for name, value in batch._asdict().items():
        assert getattr(rebuilt, name) is value


def test_a_box_of_one_number_has_three_equal_sides():
    batch = _seam.make_batch(np.zeros((1, 3)), np.ones((1, 125)), box=2)
    assert batch.box == (2, 2, 2)
    assert batch.reflections == 125


def test_row_pointers_are_cumulative_lengths():
    pointers = _seam.row_pointers([2, 0, 3])
    assert pointers.dtype == np.int64
    assert pointers.tolist() == [0, 2, 2, 5]
    assert _seam.row_pointers([]).tolist() == [0]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, TypeError, "either as hkl or as box"),
        ({"hkl": np.zeros((2, 3), np.int32), "box": 1}, TypeError, "either as hkl or as box"),
        ({"form": np.ones(27), "box": 1}, ValueError, r"form has shape \(27,\), needs \(rows, m\)"),
    ],
)
def test_contradictions_are_refused(arguments, error, message):
    defaults = {"frac": np.zeros((1, 3)), "form": np.ones((1, 27))}
    with pytest.raises(error, match=message):
        _seam.make_batch(**{**defaults, **arguments})
