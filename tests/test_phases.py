"""Test comparisons of phases: origin, hand and the list of reflections must not count."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest

from argand import phases
from argand.origins import CONTINUOUS, free_axes, group_rotations
from argand.reflections import hkl_cube

SEEDS = [1, 2, 3]


def cube(h_max: int) -> np.ndarray:
    """Return all hkl with indices up to h_max."""
    return hkl_cube(h_max).astype(np.int64)


def half(h_max: int) -> np.ndarray:
    """Return one of each Friedel pair of a cube, without 000."""
    hkl = cube(h_max)
    return hkl[len(hkl) // 2 + 1 :]


def point_atoms(frac: np.ndarray, hkl: np.ndarray) -> np.ndarray:
    """Return structure factors of point atoms: they have no fall-off, so any cell will do."""
    return np.asarray(np.exp(2j * np.pi * hkl @ frac.T).sum(axis=1))


def symmetric(spacegroup: str, frac: np.ndarray) -> np.ndarray:
    """Return all images (operations x n, 3) of positions (n, 3)."""
    ops = gemmi.find_spacegroup_by_name(spacegroup).operations()
    return np.array([op.apply_to_xyz(x) for x in frac.tolist() for op in ops]) % 1.0


class TestPhaseError:
    def test_whole_turns_do_not_count(self) -> None:
        phi = np.linspace(-3, 3, 7)
        assert phases.phase_error(phi, phi + 2 * np.pi * np.arange(7)) == pytest.approx(
            0, abs=1e-12
        )

    def test_opposite_phases(self) -> None:
        assert phases.phase_error([0.3], [0.3 + np.pi]) == pytest.approx(np.pi)

    def test_weights(self) -> None:
        assert phases.phase_error([0, 0], [1, -2], [3, 1]) == pytest.approx((3 * 1 + 1 * 2) / 4)

    @pytest.mark.parametrize("seed", SEEDS)
    def test_random_phases_score_a_right_angle(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        phi, phi_hat = rng.uniform(-np.pi, np.pi, (2, 40_000))
        assert phases.phase_error(phi, phi_hat) == pytest.approx(np.pi / 2, abs=0.02)

    @pytest.mark.parametrize("weights", [[0.0, 0.0], [1.0, -1.0], [1.0]])
    def test_bad_weights(self, weights: list[float]) -> None:
        with pytest.raises(ValueError, match="weights"):
            phases.phase_error([0, 0], [1, 1], weights)

    def test_shapes(self) -> None:
        with pytest.raises(ValueError, match=r"phi_hat has shape \(2,\), needs \(3,\)"):
            phases.phase_error([0, 0, 0], [1, 1])


class TestMapCorrelation:
    @pytest.mark.parametrize("seed", SEEDS)
    def test_parseval(self, seed: int) -> None:
        """The correlation of coefficients on a half sphere is that of the maps."""
        rng = np.random.default_rng(seed)
        hkl = half(3)
        f1, f2 = (point_atoms(rng.random((4, 3)), hkl) for _ in range(2))
        maps = []
        for f in (f1, f2):
            box = np.zeros((8, 8, 8), dtype=complex)
            box[tuple((hkl % 8).T)] = f
            box[tuple((-hkl % 8).T)] = f.conj()
            maps.append(np.fft.fftn(box).real)
        direct = phases.density_correlation(*maps)
        assert phases.map_correlation(hkl, f1, f2) == pytest.approx(direct, abs=1e-12)

    def test_bounds(self) -> None:
        f = point_atoms(np.array([[0.1, 0.2, 0.3]]), half(2))
        assert phases.map_correlation(half(2), f, 3 * f) == pytest.approx(1)
        assert phases.map_correlation(half(2), f, -f) == pytest.approx(-1)

    @pytest.mark.parametrize("seed", SEEDS)
    @pytest.mark.parametrize("spacegroup", ["P 21 21 21", "C 1 2/c 1", "R 3 c:H", "F d -3 m:2"])
    def test_unique_half_and_full_agree(self, spacegroup: str, seed: int) -> None:
        rng = np.random.default_rng(seed)
        full = cube(4)
        f1, f2 = (point_atoms(symmetric(spacegroup, rng.random((2, 3))), full) for _ in range(2))
        asu = gemmi.ReciprocalAsu(gemmi.find_spacegroup_by_name(spacegroup))
        # Equivalents that leave the cube would be listed in part: take reflections that stay.
        rot = group_rotations(spacegroup)
        inside = np.abs(np.einsum("mi,rij->rmj", full, rot)).max(axis=(0, 2)) <= 4
        unique = inside & np.array([asu.is_in(h) for h in full.tolist()])
        lower = inside & (np.arange(len(full)) > len(full) // 2)
        expected = phases.map_correlation(full[inside], f1[inside], f2[inside])
        for listed in (inside, lower, unique):
            value = phases.map_correlation(full[listed], f1[listed], f2[listed], spacegroup)
            assert value == pytest.approx(expected, abs=1e-10)

    def test_mean_density_is_left_out(self) -> None:
        hkl = np.array([[0, 0, 0], [1, 0, 0]])
        assert phases.map_correlation(hkl, [100, 1], [100, -1]) == pytest.approx(-1)

    def test_constant_density(self) -> None:
        with pytest.raises(ValueError, match="F\\(000\\)"):
            phases.map_correlation([[0, 0, 0]], [1], [1])
        with pytest.raises(ValueError, match="constant"):
            phases.density_correlation(np.ones((2, 2)), np.eye(2))


class TestAlignOrigin:
    @pytest.mark.parametrize("seed", SEEDS)
    @pytest.mark.parametrize("hand", [1, -1])
    def test_continuous_undoes_any_shift(self, seed: int, hand: int) -> None:
        rng = np.random.default_rng(seed)
        frac = rng.random((6, 3))
        shift = rng.random(3)
        hkl = half(5)
        true = point_atoms(frac, hkl)
        moved = point_atoms(hand * frac + shift, hkl)
        alignment = phases.align_origin(hkl, true, moved, origins="continuous")
        assert alignment.hand == hand
        assert alignment.score == pytest.approx(1, abs=1e-12)
        assert phases.phase_error(np.angle(true), alignment.phases, np.abs(true)) < 1e-6
        assert np.abs((alignment.shift + hand * shift + 0.5) % 1 - 0.5).max() < 1e-7

    @pytest.mark.parametrize("seed", SEEDS)
    def test_score_is_invariant(self, seed: int) -> None:
        """An imperfect solution keeps its score, however it is moved or mirrored."""
        rng = np.random.default_rng(seed)
        hkl = half(4)
        true = point_atoms(rng.random((5, 3)), hkl)
        guess = np.angle(true) + rng.normal(0, 0.8, len(hkl))
        score = phases.align_origin(hkl, true, guess, origins="continuous").score
        moved = -guess + 2 * np.pi * hkl @ rng.random(3)
        again = phases.align_origin(hkl, true, moved, origins="continuous").score
        assert again == pytest.approx(score, abs=1e-9)

    @pytest.mark.parametrize("seed", SEEDS)
    def test_no_shift_of_a_grid_is_better(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        hkl = half(2)
        phi, guess = rng.uniform(-np.pi, np.pi, (2, len(hkl)))
        grid = np.indices((24, 24, 24)).reshape(3, -1).T / 24
        ramps = 2 * np.pi * grid @ hkl.T
        alignment = phases.align_origin(hkl, phi, guess, origins="continuous")
        for hand in (1, -1):
            scores = np.cos(phi - hand * guess - ramps).mean(axis=1)
            assert alignment.score >= scores.max()

    @pytest.mark.parametrize("seed", SEEDS)
    @pytest.mark.parametrize("hand", [1, -1])
    @pytest.mark.parametrize(
        "spacegroup",
        [
            "P 1",
            "P -1",
            "P 1 21/c 1",
            "P 1 21 1",
            "P 1 m 1",
            "P 21 21 21",
            "I 41",
            "R 3:R",
            "F d d 2",
        ],
    )
    def test_spacegroup(self, spacegroup: str, hand: int, seed: int) -> None:
        """Any permissible shift is found again, the floating part of it included."""
        rng = np.random.default_rng(seed)
        hkl = half(4)
        frac = symmetric(spacegroup, rng.random((3, 3)))
        allowed = phases.permissible_origins(spacegroup, hand)
        shift = rng.choice(allowed.shifts) + rng.random(len(allowed.axes)) @ allowed.axes
        true, moved = point_atoms(frac, hkl), point_atoms(hand * frac + shift, hkl)
        listed = np.abs(true) > 1e-3
        alignment = phases.align_origin(
            hkl[listed], true[listed], moved[listed], spacegroup=spacegroup
        )
        assert alignment.score == pytest.approx(1, abs=1e-10)

    def test_listed_origins_only(self) -> None:
        hkl = half(3)
        phi = np.angle(point_atoms(np.array([[0.1, 0.2, 0.3], [0.4, 0.1, 0.8]]), hkl))
        moved = phi + 2 * np.pi * hkl @ np.array([0.5, 0, 0])
        assert phases.align_origin(hkl, phi, moved, hands=[1]).score < 0.9
        alignment = phases.align_origin(hkl, phi, moved, origins=[[0, 0, 0], [0.5, 0, 0]])
        assert alignment.score == pytest.approx(1)
        assert alignment.shift.tolist() == [0.5, 0, 0]

    def test_hand_stays_when_it_does_not_matter(self) -> None:
        phi = np.array([0.0, np.pi, 0.0])
        alignment = phases.align_origin([[1, 0, 0], [0, 1, 0], [0, 0, 1]], phi, phi)
        assert (alignment.hand, alignment.shift.tolist()) == (1, [0, 0, 0])

    def test_errors(self) -> None:
        with pytest.raises(ValueError, match=r"hkl has shape \(3,\), needs \(m, 3\)"):
            phases.align_origin([1, 0, 0], [0.0], [0.0])
        with pytest.raises(ValueError, match="not both"):
            phases.align_origin([[1, 0, 0]], [0.0], [0.0], origins="continuous", spacegroup="P 1")
        with pytest.raises(ValueError, match="must be 'continuous'"):
            phases.align_origin([[1, 0, 0]], [0.0], [0.0], origins="anywhere")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="no origin is permissible"):
            phases.align_origin([[1, 0, 0]], [0.0], [0.0], spacegroup="P 41", hands=[-1])


class TestPermissibleOrigins:
    @pytest.mark.parametrize("spacegroup", ["P 1", "P -1", "C 1 2 1", "I 41", "F d d 2", "R 3:H"])
    def test_free_axes(self, spacegroup: str) -> None:
        """The floating directions alone are those that the search of all origins gives."""
        expected = phases.permissible_origins(spacegroup).axes
        assert free_axes(spacegroup).tolist() == expected.tolist()

    @pytest.mark.parametrize("spacegroup", ["P -1", "P 1 21/c 1", "P 21 21 21", "P n m a"])
    def test_eight_halves(self, spacegroup: str) -> None:
        alignment = phases.permissible_origins(spacegroup)
        halves = np.indices((2, 2, 2)).reshape(3, -1).T / 2
        assert alignment.shifts.tolist() == halves.tolist()
        assert len(alignment.axes) == 0

    @pytest.mark.parametrize(
        ("spacegroup", "count", "axes"),
        [
            ("P 1", 1, np.eye(3).tolist()),
            ("P 1 21 1", 4, [[0, 1, 0]]),
            ("P 1 m 1", 2, [[1, 0, 0], [0, 0, 1]]),
            ("C 1 2/c 1", 4, []),
            ("R 3:R", 1, [[1, 1, 1]]),
            ("P -6", 6, []),
            ("F -4 3 m", 4, []),
            ("F m -3 m", 2, []),
            ("I m -3 m", 1, []),
        ],
    )
    def test_known_groups(self, spacegroup: str, count: int, axes: list[list[int]]) -> None:
        alignment = phases.permissible_origins(spacegroup)
        assert (len(alignment.shifts), alignment.axes.tolist()) == (count, axes)

    def test_enantiomorphic_pairs(self) -> None:
        """Only the 22 groups of the eleven enantiomorphic pairs refuse the other hand."""
        standard = [gemmi.find_spacegroup_by_number(n).xhm() for n in range(1, 231)]
        refused = [
            name for name in standard if len(phases.permissible_origins(name, -1).shifts) == 0
        ]
        pairs = [
            76,
            78,
            91,
            95,
            92,
            96,
            144,
            145,
            151,
            153,
            152,
            154,
            169,
            170,
            171,
            172,
            178,
            179,
            180,
            181,
        ]
        pairs += [212, 213]
        assert sorted(gemmi.SpaceGroup(name).number for name in refused) == sorted(pairs)

    def test_triplets(self) -> None:
        assert len(phases.permissible_origins(["x,y,z", "-x,-y,-z"]).shifts) == 8

    def test_errors(self) -> None:
        with pytest.raises(ValueError, match="unknown space group 'P 99'"):
            phases.permissible_origins("P 99")
        with pytest.raises(ValueError, match="hand is 0"):
            phases.permissible_origins("P 1", 0)  # type: ignore[arg-type]

    def test_continuous_is_p1(self) -> None:
        assert phases.permissible_origins("P 1").axes.tolist() == CONTINUOUS.axes.tolist()
