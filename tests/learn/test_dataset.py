"""Samples: what they are, and that they depend on (seed, index) alone."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import argand
from argand.learn import (
    ELEMENTS_16,
    METALS,
    PerturbedCrystals,
    SampleBatch,
    Stream,
    collate,
    crystals_from_folder,
    fixed_loader,
    hold_out,
    load_crystals,
    metal,
    random_split,
    stream_loader,
)
from argand.learn.splits import shuffled
from argand.simulate import ALL_AXES, Directions

SALT = argand.Crystal(
    cell=(5.0, 5.5, 6.0, 85.0, 95.0, 100.0),
    types=("Na+", "Cl-", "O2-"),
    frac=np.array([[0.1, 0.2, 0.3], [0.6, 0.5, 0.55], [0.8, 0.1, 0.9]]),
    occ=np.array([1.0, 0.5, 1.0]),
    b_iso=np.array([0.5, 1.0, 0.0]),
)


def equal(a: SampleBatch, b: SampleBatch) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def joined(batches: list[SampleBatch]) -> SampleBatch:
    return SampleBatch(*(torch.cat(fields) for fields in zip(*batches, strict=True)))


def test_table_of_metals():
    assert len(ELEMENTS_16) == 16
    assert set(ELEMENTS_16) <= set(METALS)
    assert len(METALS) == 21
    for row in METALS.values():
        crystal = metal(row.symbol)
        atoms = 4 if row.lattice == "fcc" else 2
        assert crystal.formula == f"{row.symbol}{atoms}"
        assert crystal.cell[0] == row.a
        assert row.source
        assert not crystal.beta().any()
    with pytest.raises(argand.ArgandError, match="'Xx'"):
        metal("Xx")


@pytest.mark.parametrize("hkl_max", [2, 6])
def test_samples_are_the_structure_factors_of_the_displaced_crystals(hkl_max):
    crystals = [metal("Al"), SALT, metal("Fe")]
    dataset = PerturbedCrystals(
        crystals,
        (0.02, 0.03),
        atoms=(0, 1),
        directions=((1, 0, 0), (0, 1, 1)),
        seed=3,
        hkl_max=hkl_max,
    )
    batch = dataset.simulate(range(7))
    side = 2 * hkl_max + 1
    assert batch.amplitude.shape == (7, side, side, side)
    assert batch.crystal.tolist() == [0, 1, 2, 0, 1, 2, 0]
    hkl = argand.hkl_cube(hkl_max)
    for i in range(7):
        crystal = crystals[i % 3]
        frac = crystal.frac.copy()
        frac[:2] += batch.displacement[i].numpy()
        f = argand.structure_factors(crystal.replace(frac=frac), hkl)
        modulus = np.abs(f)
        stol = argand.stol(hkl, crystal.cell)
        total = crystal.occ @ argand.form_factors(crystal.types, stol)
        reach = hkl.any(axis=1) & argand.radiation.reachable(hkl, crystal.cell, 10.0)
        measured = reach & (modulus > 1e-5 * total)
        fields = {name: field[i].flatten() for name, field in batch._asdict().items()}
        np.testing.assert_array_equal(fields["mask"], measured)
        tolerance = 2e-5 * total.max()
        np.testing.assert_allclose(fields["weight"], modulus * measured, atol=tolerance)
        np.testing.assert_allclose(fields["amplitude"], modulus / total * measured, atol=2e-5)
        np.testing.assert_allclose(fields["stol2"], stol**2, rtol=1e-6)
        strong = measured & (modulus > 0.02 * total)
        difference = fields["phase"].numpy() - np.angle(f)
        wrapped = (difference[strong] + np.pi) % (2 * np.pi) - np.pi
        assert np.abs(wrapped).max() < 2e-3
        assert not fields["phase"][~torch.from_numpy(measured)].any()


def test_default_displacements_are_those_of_the_first_experiment():
    dataset = PerturbedCrystals([metal("Ag")])
    assert len(dataset) == 1000
    u = dataset.simulate(range(20000)[::10]).displacement
    assert u.shape == (2000, 1, 3)
    assert not u[..., 1:].any()
    assert u[..., 0].std() == pytest.approx(0.05, rel=0.05)


def test_all_atoms_of_ragged_crystals_isotropically():
    aluminium = metal("Al")
    dataset = PerturbedCrystals(
        [SALT, aluminium],
        0.1,
        atoms=None,
        directions=ALL_AXES,
        unit="angstrom",
    )
    u = dataset.simulate(range(4000)).displacement
    assert u.shape == (4000, 4, 3)
    # The salt has three atoms only.
    assert not u[::2, 3].any()
    # |A u|^2 is 3 x 0.1^2 on average in any cell.
    for displacements, crystal in ((u[::2, :3], SALT), (u[1::2], aluminium)):
        orthogonalise = np.array(gemmi.UnitCell(*crystal.cell).orth.mat.tolist())
        cartesian = displacements.numpy() @ orthogonalise.T
        variance = (cartesian**2).mean(axis=(0, 1))
        assert variance == pytest.approx(np.full(3, 0.01), rel=0.1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"directions": ((1, 0),)}, "directions"),
        ({"spread": (1.0, 2.0)}, "spread"),
        ({"spread": -1.0}, "spread"),
        ({"unit": "nm"}, "unit"),
        ({"atoms": (4,)}, "atoms"),
        ({"hkl_max": 0}, "hkl_max"),
    ],
)
def test_refusals(arguments, words):
    with pytest.raises(ValueError, match=words):
        PerturbedCrystals([metal("Al")], **arguments)


def test_displacement_is_exact_in_its_axes():
    axes = Directions(0.5, directions=((2.0, 0.0, 0.0),)).axes(SALT)
    np.testing.assert_array_equal(axes, [[1.0, 0.0, 0.0]])


@pytest.fixture(scope="module")
def metals() -> PerturbedCrystals:
    """A data set of the sixteen metals on a small box."""
    crystals = [metal(symbol) for symbol in ELEMENTS_16]
    return PerturbedCrystals(crystals, seed=11, hkl_max=3, length=1000)


@pytest.fixture(scope="module")
def thousand(metals) -> SampleBatch:
    """All its samples in one batch."""
    return metals.simulate(range(1000))


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_first_thousand_samples_whatever_the_workers(metals, thousand, workers):
    fixed = list(fixed_loader(metals, 37, workers))
    assert equal(joined(fixed), thousand)
    stream = Stream(metals, 50, batches=20)
    assert equal(joined(list(stream_loader(stream, workers))), thousand)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_stream_goes_on_where_it_stopped(metals, thousand, workers):
    first = list(stream_loader(Stream(metals, 100, batches=4), workers))
    rest = list(stream_loader(Stream(metals, 100, start=4, batches=10), workers))
    assert equal(joined(first + rest), thousand)


def test_single_samples_and_torch_loader(metals, thousand):
    sample = metals[123]
    for field, expected in zip(sample, thousand, strict=True):
        assert torch.equal(field, expected[123])
    shuffled_loader = DataLoader(metals, batch_size=64, shuffle=True, collate_fn=collate)
    batch = next(iter(shuffled_loader))
    assert equal(batch, metals.simulate(batch.sample.numpy()))
    with pytest.raises(IndexError, match="1000"):
        metals[1000]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("function", [None, collate])
def test_the_loader_of_torch_by_itself(metals, thousand, workers, function):
    """A plain `DataLoader` gives the batches that `fixed_loader` gives."""
    loader = DataLoader(metals, batch_size=8, num_workers=workers, collate_fn=function)
    first, second, *_ = loader
    assert isinstance(first, SampleBatch)
    assert equal(joined([first, second]), SampleBatch(*(field[:16] for field in thousand)))


def test_all_atoms_move_along_a_b_and_c_by_default():
    u = PerturbedCrystals([metal("Al"), metal("Fe")], 0.02, atoms=None).simulate(range(4000))
    moved = u.displacement[::2].flatten(0, 1)
    np.testing.assert_allclose(moved.std(dim=0), np.full(3, 0.02), rtol=0.05)
    correlations = np.corrcoef(moved.T.numpy())
    np.testing.assert_allclose(correlations, np.eye(3), atol=0.05)


def test_seed_matters_and_batch_size_does_not(metals, thousand):
    one_by_one = joined([metals.simulate([i]) for i in range(20)])
    assert equal(one_by_one, SampleBatch(*(field[:20] for field in thousand)))
    crystals = [metal(symbol) for symbol in ELEMENTS_16]
    other = PerturbedCrystals(crystals, seed=12, hkl_max=3).simulate(range(1000))
    assert not torch.any(other.displacement[..., 0] == thousand.displacement[..., 0])


def test_random_split_and_turns():
    training, test = random_split(200, 0.1, seed=4)
    assert len(test) == 20
    assert sorted([*training, *test]) == list(range(200))
    position = np.arange(2 * len(training))
    turns = shuffled(training, position).reshape(2, -1)
    assert all(sorted(turn) == list(training) for turn in turns)
    assert (turns[0] != turns[1]).any()
    across_turns = shuffled(training, position[170:190])
    np.testing.assert_array_equal(across_turns, turns.flatten()[170:190])
    with pytest.raises(ValueError, match="share"):
        random_split(3, 0.1)


def test_hold_out():
    training, held = hold_out(ELEMENTS_16)
    assert set(held) == {"Rh", "Pb", "V"}
    assert len(training) == 13
    with pytest.raises(argand.ArgandError, match="Zz"):
        hold_out(ELEMENTS_16, ["Zz"])
    with pytest.raises(argand.ArgandError, match="every crystal"):
        hold_out(["Al"], ["Al"])


CIF = """data_x
_cell_length_a 4
_cell_length_b 4
_cell_length_c 4
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M '{group}'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
A1 Al 0 0 0
"""


def test_crystals_from_a_folder(tmp_path):
    (tmp_path / "one.cif").write_text(CIF.format(group="F m -3 m"))
    (tmp_path / "two.CIF").write_text(CIF.format(group="P 1"))
    crystals = crystals_from_folder(tmp_path)
    groups = {name: crystal.spacegroup for name, crystal in crystals.items()}
    assert groups == {"one": "F m -3 m", "two": "P 1"}
    # A data set displaces single atoms of the whole cell.
    everything = PerturbedCrystals(list(crystals.values()), atoms=None, hkl_max=2)
    assert everything.simulate([0]).displacement.count_nonzero() == 12
    assert load_crystals(folder=tmp_path).keys() == crystals.keys()
    batch = PerturbedCrystals(list(crystals.values()), hkl_max=2).simulate(range(4))
    assert torch.isfinite(batch.amplitude).all()
    with pytest.raises(argand.ArgandError, match="no folder"):
        crystals_from_folder(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(argand.ArgandError, match="no file"):
        crystals_from_folder(tmp_path / "empty")
    with pytest.raises(argand.ArgandError, match="both"):
        load_crystals(["Al"], tmp_path)
