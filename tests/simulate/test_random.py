"""The counter-based generator: published known answers, and the laws that a sample rests on."""

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
    words = [[int(word, 16) for word in text.split()] for text in (counter, key, expected)]
    np.testing.assert_array_equal(philox(words[0], words[1]), words[2])
    twice = philox(np.stack([np.zeros(4), words[0]]), words[1])
    np.testing.assert_array_equal(twice[1], words[2])


def test_draws_depend_on_seed_index_and_draw_alone():
    index = np.array([5, 0, 1 << 40, 5])
    drawn = uniforms(7, index, 9)
    np.testing.assert_array_equal(drawn[0], drawn[3])
    np.testing.assert_array_equal(uniforms(7, index[2:3], 3)[0], drawn[2, :3])
    assert len(np.unique(drawn[:3])) == 27
    for other in (
        uniforms(8, index, 9),
        uniforms(7 + (1 << 32), index, 9),
        uniforms(7, index + 1, 9),
    ):
        assert not np.any(other == drawn)
    assert not np.any(uniforms(7, index, 9, Purpose.RESOLUTION_CUT) == drawn)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_normals_have_the_moments_of_normals(count):
    drawn = normals(3, np.arange(40000), count)
    assert drawn.shape == (40000, count)
    np.testing.assert_allclose(drawn.mean(axis=0), 0.0, atol=0.025)
    np.testing.assert_allclose(np.cov(drawn.T).reshape(count, count), np.eye(count), atol=0.035)
    np.testing.assert_allclose((drawn**4).mean(axis=0), 3.0, atol=0.15)


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
