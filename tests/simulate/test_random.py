"""The counter-based generator: published known answers, and the laws that samples depend on."""

from __future__ import annotations

import numpy as np
import pytest

from argand.simulate.random import Purpose, normals, permutation, philox, uniforms


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        # philox4x32-10 of the known-answer file kat_vectors of Random123
        (
            "00000000 00000000 00000000 00000000",
            "00000000 00000000",
            "6627e8d5 e169c58d bc57ac4c 9b00dbd8",
        ),
        (
            "ffffffff ffffffff ffffffff ffffffff",
            "ffffffff ffffffff",
            "408f276d 41c83b0e a20bc7c6 6d5451fd",
        ),
        (
            "243f6a88 85a308d3 13198a2e 03707344",
            "a4093822 299f31d0",
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
)
def test_philox_known_answers(counter, key, expected):
    def words(text: str) -> list[int]:
        return [int(word, 16) for word in text.split()]

    np.testing.assert_array_equal(philox(words(counter), words(key)), words(expected))
    two_counters = np.stack([np.zeros(4), words(counter)])
    np.testing.assert_array_equal(philox(two_counters, words(key))[1], words(expected))


def test_draws_depend_on_seed_index_and_draw_alone():
    index = np.array([5, 0, 1 << 40, 5])
    numbers = uniforms(7, index, 9)
    np.testing.assert_array_equal(numbers[0], numbers[3])
    np.testing.assert_array_equal(uniforms(7, index[2:3], 3)[0], numbers[2, :3])
    assert len(np.unique(numbers[:3])) == 27
    others = [
        uniforms(8, index, 9),
        uniforms(7 + (1 << 32), index, 9),
        uniforms(7, index + 1, 9),
        uniforms(7, index, 9, Purpose.RESOLUTION_CUT),
    ]
    for other in others:
        assert not np.any(other == numbers)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_normals_have_the_moments_of_normals(count):
    numbers = normals(3, np.arange(40000), count)
    assert numbers.shape == (40000, count)
    covariance = np.cov(numbers.T).reshape(count, count)
    np.testing.assert_allclose(numbers.mean(axis=0), 0.0, atol=0.025)
    np.testing.assert_allclose(covariance, np.eye(count), atol=0.035)
    np.testing.assert_allclose((numbers**4).mean(axis=0), 3.0, atol=0.15)


def test_permutation():
    orders = [permutation(1, 1000, turn) for turn in (0, 1)]
    assert all(sorted(order) == list(range(1000)) for order in orders)
    assert (orders[0] != orders[1]).any()
    np.testing.assert_array_equal(orders[1], permutation(1, 1000, 1))


@pytest.mark.parametrize(
    ("seed", "index", "words"),
    [(-1, [0], "seed"), (1 << 64, [0], "seed"), (0, [-1], "index"), (0, [[1]], "index")],
)
def test_refusals(seed, index, words):
    with pytest.raises(ValueError, match=words):
        uniforms(seed, index, 1)
