"""Merging: against the definition, against gemmi, and laws."""

from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
import pytest

import argand
from argand.errors import ArgandError
from argand.io import Reflections
from argand.measured import check_absences, merge
from argand.measured.merging import usable
from intensities import CELLS, measured, random_crystal

GROUPS = ["P -1", "P 1 21/c 1", "P 21 21 21", "C 1 2 1", "R -3:H"]

Equivalents = dict[tuple[int, ...], list[tuple[float, float]]]


def representative(hkl: np.ndarray, spacegroup: str) -> tuple[int, ...]:
    """Return the largest of the Miller indices that the Laue group makes of `hkl`."""
    images: list[tuple[int, ...]] = []
    for operation in gemmi.SpaceGroup(spacegroup).operations():
        rotation = np.array(operation.rot) // operation.DEN
        image = hkl @ rotation
        images.append(tuple(image.tolist()))
        images.append(tuple((-image).tolist()))
    return max(images)


def equivalents_by_hand(reflections: Reflections) -> Equivalents:
    """Gather I and sigma of equivalents by turning every reflection through the Laue group."""
    groups: Equivalents = {}
    columns = (reflections.hkl, reflections.intensity, reflections.sigma)
    for hkl, intensity, sigma in zip(*columns, strict=True):
        key = representative(hkl, reflections.spacegroup)
        groups.setdefault(key, []).append((intensity, sigma))
    return groups


@pytest.mark.parametrize("spacegroup", GROUPS)
def test_against_the_definition(spacegroup: str) -> None:
    reflections = measured(random_crystal(spacegroup), d_min=1.4, noise=0.05, times=2, seed=3)
    merged = merge(reflections, outliers=None)
    groups = equivalents_by_hand(reflections)
    assert len(merged.hkl) == len(groups)
    deviation = 0.0
    total = 0.0
    for row, hkl in enumerate(merged.hkl):
        intensity, sigma = np.array(groups[representative(hkl, spacegroup)]).T
        n = len(intensity)
        mean = np.average(intensity, weights=sigma**-2.0)
        scatter = np.abs(intensity - mean).sum()
        of_sigmas = (sigma**-2.0).sum() ** -0.5
        of_scatter = scatter / (n * np.sqrt(n - 1))
        assert merged.count[row] == n
        assert merged.intensity[row] == pytest.approx(mean)
        assert merged.sigma[row] == pytest.approx(max(of_sigmas, of_scatter))
        deviation += scatter
        total += intensity.sum()
    assert merged.r_int == pytest.approx(deviation / total)
    assert merged.r_sigma == pytest.approx(merged.sigma.sum() / merged.intensity.sum())
    assert (merged.completeness, merged.measured) == (1.0, len(reflections.hkl))


@pytest.mark.parametrize("spacegroup", GROUPS)
def test_against_gemmi(spacegroup: str) -> None:
    reflections = measured(random_crystal(spacegroup), d_min=1.3, noise=0.05, seed=5)
    peer = gemmi.Intensities()
    peer.set_data(
        gemmi.UnitCell(*reflections.cell),
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
    # gemmi's sigma is that of the weights alone, below which ours never is.
    assert (merged.sigma >= peer.sigma_array[order] * (1 - 1e-6)).all()


def test_merged_data_stay_as_they_are() -> None:
    once = merge(measured(random_crystal("P 21 21 21"), noise=0.05))
    reflections = Reflections(once.hkl, once.intensity, sigma=once.sigma)
    again = merge(reflections, cell=once.cell, spacegroup=once.spacegroup)
    np.testing.assert_allclose(again.intensity, once.intensity)
    np.testing.assert_allclose(again.sigma, once.sigma)
    assert np.isnan(again.r_int)
    assert again.redundancy == 1.0


def test_order_and_scale_do_not_matter() -> None:
    reflections = measured(random_crystal("P 1 21/c 1"), noise=0.05, times=2)
    shuffled = reflections[np.random.default_rng(1).permutation(len(reflections.hkl))]
    scaled = replace(shuffled, intensity=7.0 * shuffled.intensity, sigma=7.0 * shuffled.sigma)
    first = merge(reflections)
    second = merge(scaled)
    np.testing.assert_allclose(7.0 * first.intensity, second.intensity)
    assert first.r_int == pytest.approx(second.r_int)


def test_completeness_of_a_wedge() -> None:
    reflections = measured(random_crystal("P -1"), d_min=1.2)
    wedge = reflections[reflections.hkl[:, 2] > 0]
    sphere = argand.miller_indices(reflections.cell, "P -1", d_min=1.2, unique=False)
    expected = (sphere[:, 2] != 0).mean()
    assert merge(wedge).completeness == pytest.approx(expected, abs=1e-9)


def test_outliers_are_rejected_and_nothing_else() -> None:
    """One in a hundred measurements is spoilt by forty sigma; without them R_int is as before."""
    rng = np.random.default_rng(11)
    reflections = measured(random_crystal("P 21 21 21"), d_min=0.9, noise=0.03, seed=7)
    is_spoilt = rng.uniform(size=len(reflections.hkl)) < 0.01
    number_spoilt = is_spoilt.sum()
    assert number_spoilt > 20
    wrong = reflections.intensity + 40 * reflections.sigma
    spoilt = replace(reflections, intensity=np.where(is_spoilt, wrong, reflections.intensity))
    merged = merge(spoilt)
    with_all = merge(spoilt, outliers=None)
    assert with_all.rejected == 0
    assert abs(merged.rejected - number_spoilt) < 0.2 * number_spoilt
    assert merged.r_int < 0.8 * with_all.r_int
    assert merged.r_int == pytest.approx(merge(reflections).r_int, rel=0.05)


def test_unusable_measurements_are_left_out() -> None:
    hkl = [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, 2, 0], [0, 0, 1], [0, 0, 0], [2, 0, 0]]
    reflections = Reflections(
        np.array(hkl, np.int32),
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
    hkl = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0, 1, 1]], np.int32)
    batch = np.array([1, -2, 1, 2, 1], np.int32)
    reflections = Reflections(hkl, np.ones(5), batch=batch)
    assert usable(reflections).tolist() == [True, False, False, False, True]
    # Where nothing stands alone, the first domain is taken as it is.
    batch = np.array([-2, 1, -2, 1], np.int32)
    overlapping = Reflections(hkl[:4], np.ones(4), batch=batch)
    assert usable(overlapping).tolist() == [False, True, False, True]


def test_without_sigmas_all_weights_are_equal() -> None:
    with_sigma = measured(random_crystal("P -1"), d_min=1.5, times=3, noise=0.1)
    reflections = replace(with_sigma, sigma=None)
    merged = merge(reflections)
    assert merged.sigma is None
    assert np.isnan(merged.r_sigma)
    first = merged.hkl[0]
    same = (reflections.hkl == first).all(axis=1)
    mate = (reflections.hkl == -first).all(axis=1)
    assert merged.intensity[0] == pytest.approx(reflections.intensity[same | mate].mean())


def test_amplitudes_are_squared() -> None:
    f = np.array([3.0, 0.1])
    s = np.array([0.1, 0.2])
    hkl = np.array([[1, 0, 0], [0, 1, 0]], np.int32)
    intensity, sigma = Reflections(hkl, amplitude=f, sigma=s).intensities()
    rng = np.random.default_rng(2)
    drawn = (f + s * rng.normal(size=(400_000, 2))) ** 2
    assert intensity.tolist() == pytest.approx([9.0, 0.01])
    assert sigma == pytest.approx(drawn.std(axis=0), rel=0.01)


def test_missing_arguments_are_named() -> None:
    reflections = Reflections(np.array([[1, 0, 0]], np.int32), intensity=np.array([1.0]))
    with pytest.raises(argand.ArgandError, match="no cell"):
        merge(reflections)
    with pytest.raises(argand.ArgandError, match="no space group"):
        merge(reflections, cell=CELLS["P -1"])
    absent = "all 1 reflections are systematically absent in I m -3"
    with pytest.raises(argand.ArgandError, match=absent):
        merge(reflections, cell=(5, 5, 5, 90, 90, 90), spacegroup="I m -3")
    without = replace(reflections, intensity=np.array([np.nan]))
    with pytest.raises(argand.ArgandError, match="no reflection has an intensity"):
        merge(without, cell=CELLS["P -1"], spacegroup="P -1")
    with pytest.raises(argand.ArgandError, match=r"sigma has shape \(2,\), needs \(1,\)"):
        replace(reflections, sigma=np.ones(2))


def test_a_wild_index_is_named() -> None:
    """Counting all reflections to its resolution would take forever."""
    hkl = np.array([[1, 0, 0], [0, 179618, 3]], np.int32)
    wild = Reflections(hkl, intensity=np.ones(2))
    words = r"reflection 0 179618 3 would lie at d = 4\.4e-05 Å"
    with pytest.raises(argand.ArgandError, match=words):
        merge(wild, cell=CELLS["P -1"], spacegroup="P -1")
    large = Reflections(np.array([[1, 0, 0], [400, 0, 0]], np.int32), intensity=np.ones(2))
    merged = merge(large, cell=(400, 400, 400, 90, 90, 90), spacegroup="P -1")
    assert np.isnan(merged.completeness)


def test_damaged_numbers_are_left_out() -> None:
    hkl = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]], np.int32)
    intensity = np.array([1e38, 2.0, 3.0])
    sigma = np.array([1.0, 1e-38, 1.0])
    reflections = Reflections(hkl, intensity=intensity, sigma=sigma)
    assert usable(reflections).tolist() == [False, False, True]


class TestAbsences:
    def test_absences_of_the_right_group(self) -> None:
        reflections = measured(random_crystal("P 21 21 21", seed=4), d_min=1.2)
        absences = check_absences(with_absences(reflections), "P 21 21 21")
        assert absences.count > 10
        assert not absences.violated
        assert "mean intensity" in str(absences)

    def test_absences_of_a_group_with_too_many(self) -> None:
        reflections = measured(random_crystal("P 4"), d_min=1.2)
        absences = check_absences(reflections, "I 4")
        assert absences.violated
        assert absences.mean == pytest.approx(1.0, abs=0.3)
        assert absences.strong > 0.5 * absences.count
        assert absences.i_over_sigma > 3

    def test_absences_of_a_group_without_any(self) -> None:
        absences = check_absences(measured(random_crystal("P -1"), d_min=1.5), "P -1")
        assert (absences.count, absences.violated) == (0, False)
        assert str(absences) == "none measured"

    def test_absences_beside_reflections_without_intensity(self) -> None:
        hkl = np.array([[0, 1, 0], [0, 3, 0], [0, 5, 0], [1, 1, 0], [0, 2, 0]], np.int32)
        intensity = np.array([9.0, 8.0, 7.0, -2.0, 1.0])
        reflections = Reflections(hkl, intensity=intensity, sigma=np.ones(5))
        absences = check_absences(reflections, "P 1 21 1")
        assert np.isnan(absences.mean)
        assert absences.violated
        assert str(absences).endswith("at I/σ = 9.0, the others have no mean intensity above 0")
        assert check_absences(reflections[:3], "P 1 21 1").violated
        # Absent reflections that nobody sees speak against no group.
        unseen = replace(reflections, intensity=intensity / 10)
        assert not check_absences(unseen, "P 1 21 1").violated

    def test_absences_without_sigmas(self) -> None:
        reflections = replace(measured(random_crystal("P 4"), d_min=1.5), sigma=None)
        assert check_absences(reflections, "I 4").violated


def with_absences(reflections: Reflections) -> Reflections:
    """Add the absent reflections to a list, measured as noise."""
    rng = np.random.default_rng(6)
    sphere = argand.miller_indices(reflections.cell, "P 1", d_min=1.2, unique=False)
    absent = sphere[argand.reflections.systematic_absences(sphere, reflections.spacegroup)]
    sigma = np.full(len(absent), float(np.median(reflections.sigma)))
    noise = sigma * rng.normal(size=len(absent))
    return Reflections(
        np.concatenate([reflections.hkl, absent]).astype(np.int32),
        np.concatenate([reflections.intensity, noise]),
        sigma=np.concatenate([reflections.sigma, sigma]),
        cell=reflections.cell,
        spacegroup=reflections.spacegroup,
    )


@pytest.mark.parametrize("spacegroup", GROUPS)
def test_friedel_mates_are_kept(spacegroup: str) -> None:
    """Merged in the point group by hand: h and -h meet where a rotation makes them equivalent."""
    rng = np.random.default_rng(11)
    hkl = rng.integers(-3, 4, (400, 3)).astype(np.int32)
    group = gemmi.SpaceGroup(spacegroup).operations()
    hkl = hkl[hkl.any(axis=1) & ~group.systematic_absences(hkl)]
    reflections = Reflections(hkl, intensity=rng.uniform(1, 9, len(hkl)))
    cell = CELLS[spacegroup]
    merged = merge(reflections, cell=cell, spacegroup=spacegroup, keep_mates=True)
    groups: dict[frozenset[tuple[int, ...]], list[float]] = {}
    for row, intensity in zip(hkl.tolist(), reflections.intensity, strict=True):
        orbit = frozenset(tuple(op.apply_to_hkl(row)) for op in group.sym_ops)
        groups.setdefault(orbit, []).append(intensity)
    assert len(merged.hkl) == len(groups)
    for row, mean in zip(merged.hkl.tolist(), merged.intensity, strict=True):
        orbit = frozenset(tuple(op.apply_to_hkl(row)) for op in group.sym_ops)
        np.testing.assert_allclose(mean, np.mean(groups[orbit]))
    assert merged.completeness == merge(reflections, cell=cell, spacegroup=spacegroup).completeness


def test_a_single_damaged_sigma_leaves_nothing_to_merge() -> None:
    """A sigma beyond all measured ones damages its row, also where no other row has a sigma."""
    reflections = Reflections(np.array([[1, 0, 0]]), intensity=np.ones(1), sigma=np.array([1e38]))
    with pytest.raises(ArgandError, match="no reflection has an intensity that can be used"):
        merge(reflections, cell=CELLS["P 1"], spacegroup="P 1")
    # Sigmas of 0 are none: all rows count alike.
    reflections = Reflections(np.array([[1, 0, 0]]), intensity=np.ones(1), sigma=np.zeros(1))
    assert merge(reflections, cell=CELLS["P 1"], spacegroup="P 1").sigma is None


def test_data_without_a_signal_have_no_ratios() -> None:
    """Errors over a sum of intensities that is next to nothing, or negative, are no number."""
    hkl = np.array([[1, 0, 0], [1, 0, 0], [0, 2, 0]])
    for intensity in (5e-324, 0.0, -1.0):
        data = Reflections(hkl, intensity=np.full(3, intensity), sigma=np.ones(3))
        merged = merge(data, cell=CELLS["P 1"], spacegroup="P 1")
        assert np.isnan(merged.r_sigma)


def test_single_precision_is_merged_as_double() -> None:
    """Weights of small sigmas are beyond single precision."""
    rng = np.random.default_rng(11)
    hkl = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 2], [0, -1, -2]], np.int32)
    intensity = rng.random(4).astype(np.float32)
    sigma = np.array([1e-20, 2e-20, 1e-3, 1e-3], np.float32)
    lists = [
        Reflections(hkl, intensity=intensity.astype(dtype), sigma=sigma.astype(dtype))
        for dtype in (np.float32, np.float64)
    ]
    single, double = (merge(one, cell=(5, 6, 7, 80, 97, 101), spacegroup="P -1") for one in lists)
    np.testing.assert_array_equal(single.intensity, double.intensity)
    np.testing.assert_array_equal(single.sigma, double.sigma)
    assert np.isfinite(single.intensity).all()
