"""Merging: against the definition, against gemmi, and laws."""

from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
import pytest

import argand
from argand.io import Reflections
from argand.measured import check_absences, merge
from argand.measured.merging import usable
from intensities import CELLS, measured, random_crystal

GROUPS = ["P -1", "P 1 21/c 1", "P 21 21 21", "C 1 2 1", "R -3:H"]


def by_hand(reflections: Reflections) -> dict[tuple[int, ...], list[tuple[float, float]]]:
    """Equivalents gathered by turning every reflection through every rotation of the Laue group."""
    rotations = [
        np.array(op.rot) // op.DEN for op in gemmi.SpaceGroup(reflections.spacegroup).operations()
    ]
    groups: dict[tuple[int, ...], list[tuple[float, float]]] = {}
    for h, i, s in zip(reflections.hkl, reflections.intensity, reflections.sigma, strict=True):
        name = max(tuple(int(x) for x in sign * (h @ r)) for r in rotations for sign in (1, -1))
        groups.setdefault(name, []).append((i, s))
    return groups


@pytest.mark.parametrize("spacegroup", GROUPS)
def test_against_the_definition(spacegroup: str) -> None:
    reflections = measured(random_crystal(spacegroup), d_min=1.4, noise=0.05, times=2, seed=3)
    merged = merge(reflections, outliers=None)
    groups = by_hand(reflections)
    assert len(merged.hkl) == len(groups)
    deviation = total = 0.0
    rotations = [np.array(op.rot) // op.DEN for op in gemmi.SpaceGroup(spacegroup).operations()]
    for h, mean, sigma, count in zip(
        merged.hkl, merged.intensity, merged.sigma, merged.count, strict=True
    ):
        i, s = np.array(
            groups[max(tuple(int(x) for x in e * (h @ r)) for r in rotations for e in (1, -1))]
        ).T
        expected = np.average(i, weights=s**-2.0)
        spread = np.abs(i - expected).sum() / (len(i) * np.sqrt(len(i) - 1))
        assert count == len(i)
        assert mean == pytest.approx(expected)
        assert sigma == pytest.approx(max((s**-2.0).sum() ** -0.5, spread))
        deviation += np.abs(i - expected).sum()
        total += i.sum()
    assert merged.r_int == pytest.approx(deviation / total)
    assert merged.r_sigma == pytest.approx(merged.sigma.sum() / merged.intensity.sum())
    assert (merged.completeness, merged.measured) == (1.0, len(reflections.hkl))


@pytest.mark.parametrize("spacegroup", GROUPS)
def test_against_gemmi(spacegroup: str) -> None:
    reflections = measured(random_crystal(spacegroup), d_min=1.3, noise=0.05, seed=5)
    peer = gemmi.Intensities()
    cell = gemmi.UnitCell(*reflections.cell)
    peer.set_data(
        cell,
        gemmi.SpaceGroup(spacegroup),
        reflections.hkl,
        reflections.intensity,
        reflections.sigma,
    )
    peer.merge_in_place(gemmi.DataType.Mean)
    merged = merge(reflections, outliers=None)
    order = np.lexsort(peer.miller_array.T[::-1])
    np.testing.assert_array_equal(peer.miller_array[order], merged.hkl)
    np.testing.assert_allclose(peer.value_array[order], merged.intensity, rtol=1e-6)
    assert (
        merged.sigma >= peer.sigma_array[order] * (1 - 1e-6)
    ).all()  # never below that of the weights alone


def test_merged_data_stay_as_they_are() -> None:
    once = merge(measured(random_crystal("P 21 21 21"), noise=0.05))
    again = merge(
        Reflections(
            once.hkl, once.intensity, sigma=once.sigma, cell=once.cell, spacegroup=once.spacegroup
        )
    )
    np.testing.assert_allclose(again.intensity, once.intensity)
    np.testing.assert_allclose(again.sigma, once.sigma)
    assert np.isnan(again.r_int)
    assert again.redundancy == 1.0


def test_order_and_scale_do_not_matter() -> None:
    reflections = measured(random_crystal("P 1 21/c 1"), noise=0.05, times=2)
    turned = reflections[np.random.default_rng(1).permutation(len(reflections.hkl))]
    scaled = replace(turned, intensity=7.0 * turned.intensity, sigma=7.0 * turned.sigma)
    first, second = merge(reflections), merge(scaled)
    np.testing.assert_allclose(7.0 * first.intensity, second.intensity)
    assert first.r_int == pytest.approx(second.r_int)


def test_completeness_of_a_wedge() -> None:
    reflections = measured(random_crystal("P -1"), d_min=1.2)
    wedge = reflections[reflections.hkl[:, 2] > 0]
    sphere = argand.miller_indices(reflections.cell, "P -1", d_min=1.2, unique=False)
    assert merge(wedge).completeness == pytest.approx((sphere[:, 2] != 0).mean(), abs=1e-9)


def test_outliers_are_found_and_no_others() -> None:
    """One in a hundred measurements is spoilt by forty sigma: about as many are rejected, and R_int is what it was."""
    rng = np.random.default_rng(11)
    reflections = measured(random_crystal("P 21 21 21"), d_min=0.9, noise=0.03, seed=7)
    spoilt = rng.uniform(size=len(reflections.hkl)) < 0.01
    assert spoilt.sum() > 20
    worse = replace(
        reflections,
        intensity=np.where(
            spoilt, reflections.intensity + 40 * reflections.sigma, reflections.intensity
        ),
    )
    merged, all_of_them = merge(worse), merge(worse, outliers=None)
    assert all_of_them.rejected == 0
    assert abs(merged.rejected - spoilt.sum()) < 0.2 * spoilt.sum()
    assert merged.r_int < 0.8 * all_of_them.r_int
    assert merged.r_int == pytest.approx(merge(reflections).r_int, rel=0.05)


def test_what_cannot_be_used_is_left_out() -> None:
    hkl = np.array(
        [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, 2, 0], [0, 0, 1], [0, 0, 0], [2, 0, 0]], np.int32
    )
    reflections = Reflections(
        hkl,
        intensity=np.array([10.0, 12.0, np.nan, 5.0, 7.0, 9.0, 3.0]),
        sigma=np.array([1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0]),
        left_out=np.array([False] * 6 + [True]),
        cell=CELLS["P -1"],
        spacegroup="P -1",
    )
    merged = merge(reflections)
    assert merged.hkl.tolist() == [[0, 0, 1], [1, 0, 0]]
    assert merged.intensity.tolist() == [7.0, 11.0]
    assert (merged.measured, merged.unused) == (3, 4)


def test_overlapping_twin_domains() -> None:
    """HKLF 5: a negative number shares its intensity with the next line."""
    batch = np.array([1, -2, 1, 2, 1], np.int32)
    reflections = Reflections(
        np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0, 1, 1]], np.int32),
        np.ones(5),
        batch=batch,
    )
    assert usable(reflections).tolist() == [True, False, False, False, True]
    overlapping = replace(reflections, batch=np.array([-2, 1, -2, 1, 1], np.int32))[
        np.array([0, 1, 2, 3])
    ]
    assert usable(overlapping).tolist() == [
        False,
        True,
        False,
        True,
    ]  # nothing stands alone: the first domain as it is


def test_without_sigmas_all_count_alike() -> None:
    reflections = replace(
        measured(random_crystal("P -1"), d_min=1.5, times=3, noise=0.1), sigma=None
    )
    merged = merge(reflections)
    assert merged.sigma is None
    assert np.isnan(merged.r_sigma)
    first = (reflections.hkl == merged.hkl[0]).all(axis=1) | (
        reflections.hkl == -merged.hkl[0]
    ).all(axis=1)
    assert merged.intensity[0] == pytest.approx(reflections.intensity[first].mean())


def test_amplitudes_are_squared() -> None:
    f, s = np.array([3.0, 0.1]), np.array([0.1, 0.2])
    reflections = Reflections(np.array([[1, 0, 0], [0, 1, 0]], np.int32), amplitude=f, sigma=s)
    rng = np.random.default_rng(2)
    drawn = (f + s * rng.normal(size=(400_000, 2))) ** 2
    intensity, sigma = reflections.intensities()
    assert intensity.tolist() == pytest.approx([9.0, 0.01])
    assert sigma == pytest.approx(drawn.std(axis=0), rel=0.01)


def test_what_is_missing_is_named() -> None:
    reflections = Reflections(np.array([[1, 0, 0]], np.int32), intensity=np.array([1.0]))
    with pytest.raises(argand.ArgandError, match="no cell"):
        merge(reflections)
    with pytest.raises(argand.ArgandError, match="no space group"):
        merge(reflections, cell=CELLS["P -1"])
    with pytest.raises(
        argand.ArgandError, match="all 1 reflections are systematically absent in I m -3"
    ):
        merge(reflections, cell=(5, 5, 5, 90, 90, 90), spacegroup="I m -3")
    with pytest.raises(argand.ArgandError, match="no reflection has an intensity"):
        merge(
            replace(reflections, intensity=np.array([np.nan])),
            cell=CELLS["P -1"],
            spacegroup="P -1",
        )
    with pytest.raises(argand.ArgandError, match=r"sigma has shape \(2,\), needs \(1,\)"):
        replace(reflections, sigma=np.ones(2))


def test_a_wild_index_is_named() -> None:
    """Counting all reflections to its resolution would take forever."""
    reflections = Reflections(np.array([[1, 0, 0], [0, 179618, 3]], np.int32), intensity=np.ones(2))
    with pytest.raises(
        argand.ArgandError, match=r"reflection 0 179618 3 would lie at d = 4\.4e-05 Å"
    ):
        merge(reflections, cell=CELLS["P -1"], spacegroup="P -1")
    large = Reflections(np.array([[1, 0, 0], [400, 0, 0]], np.int32), intensity=np.ones(2))
    assert np.isnan(merge(large, cell=(400, 400, 400, 90, 90, 90), spacegroup="P -1").completeness)


def test_damaged_numbers_are_left_out() -> None:
    hkl = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]], np.int32)
    reflections = Reflections(
        hkl, intensity=np.array([1e38, 2.0, 3.0]), sigma=np.array([1.0, 1e-38, 1.0])
    )
    assert usable(reflections).tolist() == [False, False, True]


class TestAbsences:
    def test_of_the_right_group(self) -> None:
        right = random_crystal("P 21 21 21", seed=4)
        reflections = measured(right, d_min=1.2)
        absences = check_absences(with_absences(reflections), "P 21 21 21")
        assert absences.count > 10
        assert not absences.violated
        assert "mean intensity" in str(absences)

    def test_of_a_group_with_too_many(self) -> None:
        reflections = measured(random_crystal("P 4"), d_min=1.2)
        absences = check_absences(reflections, "I 4")
        assert absences.violated
        assert absences.mean == pytest.approx(1.0, abs=0.3)
        assert absences.strong > 0.5 * absences.count
        assert absences.i_over_sigma > 3

    def test_of_a_group_without(self) -> None:
        absences = check_absences(measured(random_crystal("P -1"), d_min=1.5), "P -1")
        assert (absences.count, absences.violated, str(absences)) == (0, False, "none measured")

    def test_without_sigmas(self) -> None:
        reflections = replace(measured(random_crystal("P 4"), d_min=1.5), sigma=None)
        assert check_absences(reflections, "I 4").violated


def with_absences(reflections: Reflections) -> Reflections:
    """The same list with the absent reflections measured as noise."""
    rng = np.random.default_rng(6)
    everything = argand.miller_indices(reflections.cell, "P 1", d_min=1.2, unique=False)
    absent = everything[argand.systematic_absences(everything, reflections.spacegroup)]
    sigma = np.full(len(absent), float(np.median(reflections.sigma)))
    return Reflections(
        np.concatenate([reflections.hkl, absent]).astype(np.int32),
        np.concatenate([reflections.intensity, sigma * rng.normal(size=len(absent))]),
        sigma=np.concatenate([reflections.sigma, sigma]),
        cell=reflections.cell,
        spacegroup=reflections.spacegroup,
    )
