"""What a detector observes: abs and angle of structure factors, in one pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from argand import _seam
from batches import COMPLEX, assert_close, random_batch, random_complex


def empty_observation(shape: tuple[int, ...], dtype: Any) -> _seam.Observation:
    """Allocate an observation full of NaN."""
    weight, amplitude, phase = (np.full(shape, np.nan, dtype) for _ in range(3))
    return _seam.Observation(weight, amplitude, phase, np.empty(shape, bool))


@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [(np.complex64, 1e-6), (np.complex128, 1e-15)],
)
def test_measure_is_abs_and_angle(dtype, tolerance):
    rng = np.random.default_rng(14)
    # No multiple of any number of lanes.
    size = 1003
    f = random_complex(rng, (5, size)).astype(dtype)
    special = [0, 1, -1, 1j, -1j, 1 + 1j, -1 - 1j, 1e-30, -1e-12j, 1e12 - 1e12j]
    f[0, : len(special)] = special
    scale = rng.uniform(0.5, 2, (3, size)).astype(f.real.dtype)
    reach = rng.random((3, size)) < 0.8
    row = np.array([0, 2, 1, 1, 0])
    observation = empty_observation(f.shape, f.real.dtype)
    _seam.measure(f, _seam.Detector(row, scale, reach, 0.1), observation)
    scaled = np.abs(f) * scale[row]
    mask = reach[row] & (scaled > 0.1)
    np.testing.assert_array_equal(observation.mask, mask)
    np.testing.assert_allclose(observation.weight, np.abs(f) * mask, rtol=tolerance)
    np.testing.assert_allclose(observation.amplitude, scaled * mask, rtol=tolerance)
    phases = np.angle(f) * mask
    assert_close(observation.phase, phases, 4 * tolerance)


@pytest.mark.parametrize("at_rest", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_measure_of_boxes_is_that_of_their_structure_factors(dtype, at_rest):
    rng = np.random.default_rng(15)
    batch = random_batch(
        rng,
        reflections="box",
        atoms=(5, 0, 1, 20, 3),
        dtype=dtype,
        at_rest=at_rest,
    )
    f = np.empty(batch.out_shape, COMPLEX[dtype])
    _seam.structure_factors(batch, f)
    f = f.reshape(5, -1)
    detector = _seam.Detector(
        row=np.array([0, 2, 1, 1, 0]),
        scale=rng.uniform(0.5, 2, (3, f.shape[1])).astype(dtype),
        reach=rng.random((3, f.shape[1])) < 0.8,
        threshold=0.1,
    )
    of_f = empty_observation(f.shape, dtype)
    of_boxes = empty_observation(f.shape, dtype)
    _seam.measure(f, detector, of_f)
    _seam.measure_boxes(batch, detector, of_boxes)
    for from_box, from_f in zip(of_boxes, of_f, strict=True):
        np.testing.assert_array_equal(from_box, from_f)
    with pytest.raises(TypeError, match="needs a box and real form factors"):
        _seam.measure_boxes(random_batch(rng, reflections="list", dtype=dtype), detector, of_boxes)
    beyond = detector._replace(row=np.array([0, 3, 1, 1, 0]))
    with pytest.raises(ValueError, match="row runs from 0 to 3"):
        _seam.measure_boxes(batch, beyond, of_boxes)
