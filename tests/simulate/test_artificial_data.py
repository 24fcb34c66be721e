"""Test measured artificial crystals: F, symmetry, |E|, errors and twins against other ways."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest

from argand import miller_indices, structure_factors
from argand.errors import ArgandError
from argand.reflections import asymmetric_unit, hkl_cube, in_p1
from argand.simulate import Measurement
from argand.simulate.artificial import (
    ArtificialCrystals,
    ArtificialData,
    ArtificialSettings,
    ReflectionTable,
    UniqueReflections,
    parse_groups,
)
from argand.simulate.artificial.settings import Kind
from argand.simulate.measurement import measure
from argand.simulate.twins import twin_law

SEED = 7
D_MIN = 1.4
# Of one setting for each crystal system and centring, with and without an inversion at the origin.
GROUPS = "P1,P-1,P21/c,C2/c,Fdd2,P 42/n:1,P 42/n:2,R3:H,R-3c:R,P63/m,Pa-3,F d -3 m:1"


def data_of(
    groups: str = GROUPS,
    kind: Kind = "atoms",
    measurement: Measurement | None = None,
    atoms: tuple[int, int] = (2, 5),
) -> ArtificialData:
    """Make a source of samples."""
    settings = ArtificialSettings(spacegroups=parse_groups(groups), kind=kind, atoms=atoms)
    return ArtificialData(ArtificialCrystals(settings, SEED), D_MIN, measurement)


def of_sample(reflections: UniqueReflections, row: int, name: str) -> np.ndarray:
    """Return the entries of one sample that are reflections."""
    exists = reflections.multiplicity[row] > 0
    return np.asarray(getattr(reflections, name)[row][exists])


@pytest.mark.parametrize("kind", ["atoms", "fragments", "inorganic"])
def test_structure_factors_are_those_of_the_crystals(kind: Kind) -> None:
    """Against the sum in double precision over each crystal by the front door."""
    data = data_of(kind=kind)
    reflections = data.draw(range(24))
    for row in range(24):
        crystal = data.crystals.crystal(row)
        hkl = of_sample(reflections, row, "hkl")
        np.testing.assert_array_equal(hkl, miller_indices(crystal.cell, crystal.spacegroup, D_MIN))
        expected = structure_factors(crystal, hkl)
        f = of_sample(reflections, row, "f")
        np.testing.assert_allclose(f, expected, atol=3e-6 * np.abs(expected).max())
        np.testing.assert_allclose(of_sample(reflections, row, "amplitude"), np.abs(f), rtol=1e-6)
        assert data.spacegroups[reflections.group[row]] == crystal.spacegroup
        # The component of F across the restricted phase.
        turned = expected * np.exp(-1j * of_sample(reflections, row, "restricted"))
        across = turned.imag[of_sample(reflections, row, "centric")]
        assert np.abs(across).max(initial=0.0) < 1e-5 * np.abs(expected).max()


def test_samples_depend_on_seed_and_index_alone() -> None:
    """Any batch and order gives the same numbers, bit for bit, also with all errors on."""
    measurement = Measurement(
        noise=0.05,
        counts=500.0,
        scale=(0.5, 2.0),
        b_change=0.5,
        d_min=(1.4, 1.8),
        missing=0.1,
        strongest=0.02,
        wedge=20.0,
        twin=(0.1, 0.4),
    )
    data = data_of(measurement=measurement)
    indices = [9, 2, 30, 2, 2**35, 14]
    together = data.draw(indices)
    assert together.sample.tolist() == indices
    for row, index in enumerate(indices):
        alone = data.draw([index])
        length = alone.mask.shape[1]
        for name in UniqueReflections._fields:
            values, single = getattr(together, name)[row], getattr(alone, name)[0]
            if name not in ("sample", "group", "cell"):
                assert not values[length:].any()
                values = values[:length]
            np.testing.assert_array_equal(values, single, err_msg=name)


@pytest.mark.parametrize("number", range(1, 231, 3))
def test_a_table_says_what_symmetry_does(number: int) -> None:
    """Multiplicity, epsilon and restricted phases against all operations, one by one."""
    group = gemmi.find_spacegroup_by_number(number)
    table = ReflectionTable(group.xhm(), hkl_cube(3))
    operations = group.operations()
    for row in range(0, len(table.hkl), 5):
        hkl = table.hkl[row].tolist()
        images = [tuple(op.apply_to_hkl(hkl)) for op in operations.sym_ops]
        mates = [tuple(-h for h in image) for image in images]
        assert table.multiplicity[row] == len({*images, *mates})
        assert table.epsilon[row] == images.count(tuple(hkl))
        assert table.centric[row] == (tuple(hkl) in mates)
        if table.centric[row]:
            op = operations.sym_ops[mates.index(tuple(hkl))]
            # F(h) is its own mate, with the phase shift of the operation.
            residual = 2.0 * table.restricted[row] + op.phase_shift(hkl)
            assert abs(np.sin(residual / 2.0)) < 1e-9
    in_unit = asymmetric_unit(hkl_cube(3), group.xhm())
    absent = operations.systematic_absences(in_unit) | ~in_unit.any(axis=1)
    assert {tuple(hkl) for hkl in in_unit[~absent]} == {tuple(hkl) for hkl in table.hkl}


def test_e_has_mean_square_one_and_needs_no_scale() -> None:
    """The scale and B of the measurement change no |E|; epsilon and multiplicity are counted."""
    plain = data_of("P-1,P21/c,Pa-3", atoms=(8, 10)).draw(range(12))
    changed = data_of("P-1,P21/c,Pa-3", atoms=(8, 10), measurement=Measurement(scale=7.3)).draw(
        range(12)
    )
    np.testing.assert_allclose(plain.e, changed.e, rtol=1e-5)
    for row in range(12):
        weight = of_sample(plain, row, "multiplicity")
        e = of_sample(plain, row, "e").astype(np.float64)
        assert (weight * e**2).sum() / weight.sum() == pytest.approx(1.0, abs=0.1)
    warmer = data_of("P-1,P21/c,Pa-3", atoms=(8, 10), measurement=Measurement(b_change=0.5)).draw(
        range(12)
    )
    strong = plain.e > 0.5
    np.testing.assert_allclose(warmer.e[strong], plain.e[strong], rtol=0.1)


def test_e_statistics_tell_centric_from_acentric() -> None:
    """<|E^2 - 1|> is 0.968 of centric and 0.736 of acentric reflections of random atoms."""
    for group, expected in (("P-1", 0.968), ("P1", 0.736)):
        e = data_of(group, atoms=(20, 20)).draw(range(60))
        deviation = np.abs(np.square(e.e.astype(np.float64)) - 1.0)
        assert deviation[e.mask].mean() == pytest.approx(expected, abs=0.03)


def test_errors_have_the_size_that_is_asked_for() -> None:
    """(I - true I) / sigma is a standard normal; the share of lost reflections is the given one."""
    plain = data_of("P21/c,P-1")
    noisy = data_of("P21/c,P-1", measurement=Measurement(counts=300.0, background=0.3, missing=0.2))
    true, measured = plain.draw(range(40)), noisy.draw(range(40))
    exists = true.multiplicity > 0
    assert measured.mask[exists].mean() == pytest.approx(0.8, abs=0.01)
    assert not measured.mask[~exists].any()
    seen = measured.mask & (measured.amplitude > 0.0)
    intensity = np.square(measured.amplitude.astype(np.float64))
    z = (intensity - np.abs(true.f) ** 2)[seen] / measured.sigma[seen]
    strong = (np.abs(true.f) ** 2)[seen] > 5.0 * measured.sigma[seen]
    assert z[strong].mean() == pytest.approx(0.0, abs=0.06)
    assert z[strong].std() == pytest.approx(1.0, abs=0.04)


def test_a_list_that_is_filled_up_is_measured_like_one_that_is_not() -> None:
    """Entries that do not exist change no other, with each error in turn."""
    generator = np.random.default_rng(3)
    m, filled = 60, 75
    modulus = generator.exponential(10.0, (2, m))
    stol = generator.uniform(0.1, 0.5, (2, m))
    hkl = generator.integers(-5, 6, (m, 3)).astype(np.int32)
    twin = generator.permutation(m)
    exists = np.arange(filled) < np.full((2, 1), m)
    wide = {"modulus": modulus, "stol": stol}
    wide = {name: np.pad(values, ((0, 0), (0, filled - m))) for name, values in wide.items()}
    wide_hkl = np.pad(np.stack([hkl, hkl]), ((0, 0), (0, filled - m), (0, 0)))
    wide_twin = np.pad(np.stack([twin, twin]), ((0, 0), (0, filled - m)), constant_values=-1)
    axes = np.eye(3) / 7.0
    for measurement in (
        Measurement(counts=100.0),
        Measurement(noise=0.1, missing=0.3),
        Measurement(strongest=0.2),
        Measurement(wedge=40.0),
        Measurement(twin=0.3),
    ):
        index = np.array([4, 9])
        expected = measure(measurement, 1, index, modulus, stol, hkl, ("x,y,z",), axes, twin=twin)
        values = measure(
            measurement,
            1,
            index,
            wide["modulus"],
            wide["stol"],
            wide_hkl,
            ("x,y,z",),
            np.stack([axes, axes]),
            exists=exists,
            twin=wide_twin,
        )
        for wide_array, array in zip(values[:3], expected[:3], strict=True):
            np.testing.assert_allclose(wide_array[:, :m], array, rtol=1e-12)
        assert not values[2][:, m:].any()


@pytest.mark.parametrize(
    "group", ["P 4", "P 42/n:1", "R 3:H", "R -3:R", "P 63", "P a -3", "P 3 2 1"]
)
def test_twins_add_the_intensity_of_the_other_domain(group: str) -> None:
    """I = (1 - a) |F(h)|^2 + a |F(h T)|^2, with F(h T) by the front door."""
    share = 0.3
    data = data_of(group, measurement=Measurement(twin=share))
    law = twin_law(group)
    assert law is not None
    reflections = data.draw(range(3))
    differences = []
    for row in range(3):
        crystal = data.crystals.crystal(row)
        hkl = of_sample(reflections, row, "hkl")
        first = np.abs(structure_factors(crystal, hkl)) ** 2
        second = np.abs(structure_factors(crystal, hkl @ law)) ** 2
        expected = (1.0 - share) * first + share * second
        intensity = of_sample(reflections, row, "amplitude").astype(np.float64) ** 2
        np.testing.assert_allclose(intensity, expected, atol=1e-5 * expected.max())
        differences.append(np.abs(second - first).max() / first.max())
    # Atoms on special positions may have the symmetry of the lattice; others have not.
    assert max(differences) > 0.05


def test_a_twin_law_belongs_to_the_lattice_and_not_to_the_crystal() -> None:
    """Groups with all the symmetry of their lattice have none; T^2 is in the Laue group."""
    for group in ("P 1", "P -1", "C 1 2/c 1", "P n m a", "P 4/m m m", "R -3 m:H", "F d -3 m:2"):
        assert twin_law(group) is None
    for group in ("I 41/a:1", "P 31", "R -3:H", "R 3:R", "P 6", "P 2 3", "F d -3:1", "P -3 1 m"):
        law = twin_law(group)
        assert law is not None
        hkl = np.array([[1, 2, 5]], np.int32)
        equivalents, _ = in_p1(hkl, group)
        laue = {tuple(row) for row in np.concatenate([equivalents, -equivalents])}
        assert tuple((hkl @ law)[0]) not in laue
        assert tuple((hkl @ law @ law)[0]) in laue


def test_a_resolution_that_is_a_mistake_is_named() -> None:
    with pytest.raises(ArgandError, match=r"d_min is 0\.1, needs a resolution"):
        ArtificialData(ArtificialCrystals(), 0.1)
