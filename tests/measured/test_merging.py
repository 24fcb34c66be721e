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


def by_hand(found: Reflections) -> dict[tuple[int, ...], list[tuple[float, float]]]:
    """Equivalents gathered by turning every reflection through every rotation of the Laue group."""
    rotations = [
        np.array(op.rot) // op.DEN for op in gemmi.SpaceGroup(found.spacegroup).operations()
    ]
    groups: dict[tuple[int, ...], list[tuple[float, float]]] = {}
    for h, i, s in zip(found.hkl, found.intensity, found.sigma, strict=True):
        name = max(tuple(int(x) for x in sign * (h @ r)) for r in rotations for sign in (1, -1))
        groups.setdefault(name, []).append((i, s))
    return groups


@pytest.mark.parametrize("spacegroup", GROUPS)
def test_against_the_definition(spacegroup: str) -> None:
    found = measured(random_crystal(spacegroup), d_min=1.4, noise=0.05, times=2, seed=3)
    merged = merge(found, outliers=None)
    groups = by_hand(found)
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
    assert (merged.completeness, merged.measured) == (1.0, len(found.hkl))


@pytest.mark.parametrize("spacegroup", GROUPS)
def test_against_gemmi(spacegroup: str) -> None:
    found = measured(random_crystal(spacegroup), d_min=1.3, noise=0.05, seed=5)
    other = gemmi.Intensities()
    cell = gemmi.UnitCell(*found.cell)
    other.set_data(cell, gemmi.SpaceGroup(spacegroup), found.hkl, found.intensity, found.sigma)
    other.merge_in_place(gemmi.DataType.Mean)
    merged = merge(found, outliers=None)
    order = np.lexsort(other.miller_array.T[::-1])
    np.testing.assert_array_equal(other.miller_array[order], merged.hkl)
    np.testing.assert_allclose(other.value_array[order], merged.intensity, rtol=1e-6)
    assert (
        merged.sigma >= other.sigma_array[order] * (1 - 1e-6)
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
    found = measured(random_crystal("P 1 21/c 1"), noise=0.05, times=2)
    turned = found[np.random.default_rng(1).permutation(len(found.hkl))]
    scaled = replace(turned, intensity=7.0 * turned.intensity, sigma=7.0 * turned.sigma)
    first, second = merge(found), merge(scaled)
    np.testing.assert_allclose(7.0 * first.intensity, second.intensity)
    assert first.r_int == pytest.approx(second.r_int)


def test_completeness_of_a_wedge() -> None:
    found = measured(random_crystal("P -1"), d_min=1.2)
    wedge = found[found.hkl[:, 2] > 0]
    sphere = argand.miller_indices(found.cell, "P -1", d_min=1.2, unique=False)
    assert merge(wedge).completeness == pytest.approx((sphere[:, 2] != 0).mean(), abs=1e-9)


def test_outliers_are_found_and_no_others() -> None:
    """One in a hundred measurements is spoilt by forty sigma: about as many are rejected, and R_int is what it was."""
    rng = np.random.default_rng(11)
    found = measured(random_crystal("P 21 21 21"), d_min=0.9, noise=0.03, seed=7)
    spoilt = rng.uniform(size=len(found.hkl)) < 0.01
    assert spoilt.sum() > 20
    worse = replace(
        found, intensity=np.where(spoilt, found.intensity + 40 * found.sigma, found.intensity)
    )
    kept, all_of_them = merge(worse), merge(worse, outliers=None)
    assert all_of_them.rejected == 0
    assert abs(kept.rejected - spoilt.sum()) < 0.2 * spoilt.sum()
    assert kept.r_int < 0.8 * all_of_them.r_int
    assert kept.r_int == pytest.approx(merge(found).r_int, rel=0.05)


def test_what_cannot_be_used_is_left_out() -> None:
    hkl = np.array(
        [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, 2, 0], [0, 0, 1], [0, 0, 0], [2, 0, 0]], np.int32
    )
    found = Reflections(
        hkl,
        intensity=np.array([10.0, 12.0, np.nan, 5.0, 7.0, 9.0, 3.0]),
        sigma=np.array([1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0]),
        left_out=np.array([False] * 6 + [True]),
        cell=CELLS["P -1"],
        spacegroup="P -1",
    )
    merged = merge(found)
    assert merged.hkl.tolist() == [[0, 0, 1], [1, 0, 0]]
    assert merged.intensity.tolist() == [7.0, 11.0]
    assert (merged.measured, merged.unused) == (3, 4)


def test_overlapping_twin_domains() -> None:
    """HKLF 5: a negative number shares its intensity with the next line."""
    batch = np.array([1, -2, 1, 2, 1], np.int32)
    found = Reflections(
        np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0, 1, 1]], np.int32),
        np.ones(5),
        batch=batch,
    )
    assert usable(found).tolist() == [True, False, False, False, True]
    every = replace(found, batch=np.array([-2, 1, -2, 1, 1], np.int32))[np.array([0, 1, 2, 3])]
    assert usable(every).tolist() == [
        False,
        True,
        False,
        True,
    ]  # nothing stands alone: the first domain as it is


def test_without_sigmas_all_count_alike() -> None:
    found = replace(measured(random_crystal("P -1"), d_min=1.5, times=3, noise=0.1), sigma=None)
    merged = merge(found)
    assert merged.sigma is None
    assert np.isnan(merged.r_sigma)
    first = (found.hkl == merged.hkl[0]).all(axis=1) | (found.hkl == -merged.hkl[0]).all(axis=1)
    assert merged.intensity[0] == pytest.approx(found.intensity[first].mean())


def test_amplitudes_are_squared() -> None:
    f, s = np.array([3.0, 0.1]), np.array([0.1, 0.2])
    found = Reflections(np.array([[1, 0, 0], [0, 1, 0]], np.int32), amplitude=f, sigma=s)
    rng = np.random.default_rng(2)
    drawn = (f + s * rng.normal(size=(400_000, 2))) ** 2
    intensity, sigma = found.intensities()
    assert intensity.tolist() == pytest.approx([9.0, 0.01])
    assert sigma == pytest.approx(drawn.std(axis=0), rel=0.01)


def test_what_is_missing_is_named() -> None:
    found = Reflections(np.array([[1, 0, 0]], np.int32), intensity=np.array([1.0]))
    with pytest.raises(argand.ArgandError, match="no cell"):
        merge(found)
    with pytest.raises(argand.ArgandError, match="no space group"):
        merge(found, cell=CELLS["P -1"])
    with pytest.raises(
        argand.ArgandError, match="all 1 reflections are systematically absent in I m -3"
    ):
        merge(found, cell=(5, 5, 5, 90, 90, 90), spacegroup="I m -3")
    with pytest.raises(argand.ArgandError, match="no reflection has an intensity"):
        merge(replace(found, intensity=np.array([np.nan])), cell=CELLS["P -1"], spacegroup="P -1")
    with pytest.raises(argand.ArgandError, match=r"sigma has shape \(2,\), needs \(1,\)"):
        replace(found, sigma=np.ones(2))


def test_a_wild_index_is_named() -> None:
    """Counting all reflections to its resolution would take forever."""
    found = Reflections(np.array([[1, 0, 0], [0, 179618, 3]], np.int32), intensity=np.ones(2))
    with pytest.raises(
        argand.ArgandError, match=r"reflection 0 179618 3 would lie at d = 4\.4e-05 Å"
    ):
        merge(found, cell=CELLS["P -1"], spacegroup="P -1")
    large = Reflections(np.array([[1, 0, 0], [400, 0, 0]], np.int32), intensity=np.ones(2))
    assert np.isnan(merge(large, cell=(400, 400, 400, 90, 90, 90), spacegroup="P -1").completeness)


def test_damaged_numbers_are_left_out() -> None:
    hkl = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]], np.int32)
    found = Reflections(
        hkl, intensity=np.array([1e38, 2.0, 3.0]), sigma=np.array([1.0, 1e-38, 1.0])
    )
    assert usable(found).tolist() == [False, False, True]


class TestAbsences:
    def test_of_the_right_group(self) -> None:
        right = random_crystal("P 21 21 21", seed=4)
        found = measured(right, d_min=1.2)
        absences = check_absences(with_absences(found), "P 21 21 21")
        assert absences.count > 10
        assert not absences.violated
        assert "mean intensity" in str(absences)

    def test_of_a_group_with_too_many(self) -> None:
        found = measured(random_crystal("P 4"), d_min=1.2)
        absences = check_absences(found, "I 4")
        assert absences.violated
        assert absences.mean == pytest.approx(1.0, abs=0.3)
        assert absences.strong > 0.5 * absences.count
        assert absences.i_over_sigma > 3

    def test_of_a_group_without(self) -> None:
        absences = check_absences(measured(random_crystal("P -1"), d_min=1.5), "P -1")
        assert (absences.count, absences.violated, str(absences)) == (0, False, "none measured")

    def test_without_sigmas(self) -> None:
        found = replace(measured(random_crystal("P 4"), d_min=1.5), sigma=None)
        assert check_absences(found, "I 4").violated


def with_absences(found: Reflections) -> Reflections:
    """The same list with the absent reflections measured as noise."""
    rng = np.random.default_rng(6)
    everything = argand.miller_indices(found.cell, "P 1", d_min=1.2, unique=False)
    absent = everything[argand.reflections.systematic_absences(everything, found.spacegroup)]
    sigma = np.full(len(absent), float(np.median(found.sigma)))
    return Reflections(
        np.concatenate([found.hkl, absent]).astype(np.int32),
        np.concatenate([found.intensity, sigma * rng.normal(size=len(absent))]),
        sigma=np.concatenate([found.sigma, sigma]),
        cell=found.cell,
        spacegroup=found.spacegroup,
    )
