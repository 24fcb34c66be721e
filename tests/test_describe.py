"""Descriptions of structures, reflections and maps: numbers against references, and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import gemmi
import numpy as np
import pytest

import argand
from argand.cli import main
from argand.describe import (
    close_contacts,
    density,
    describe_agreement,
    describe_file,
    describe_map,
    describe_merging,
    describe_reflections,
    describe_structure,
    structure_doubts,
)
from argand.describe.file import structure_beside
from argand.describe.structure_doubts import content_doubts
from argand.io import Experiment
from argand.measured import merge
from argand.store import to_builtins
from data_dir import DATA
from intensities import CELLS, measured, random_crystal

SALT_CELL = (5.6402, 5.6402, 5.6402, 90, 90, 90)
SALT = argand.Crystal(
    SALT_CELL,
    "F m -3 m",
    types=("Na", "Cl"),
    frac=np.array([[0, 0, 0], [0.5, 0.5, 0.5]]),
    b_iso=1.5,
)


def test_a_structure_in_numbers() -> None:
    """Rock salt has the density 2.16 g/cm^3 and 4 x (11 + 17) electrons."""
    salt = describe_structure(SALT)
    assert (salt.formula, salt.sites, salt.atoms) == ("Cl4 Na4", 2, 8)
    assert (salt.spacegroup, salt.operations) == ("F m -3 m", 192)
    assert salt.density == density(SALT) == pytest.approx(2.163, abs=5e-4)
    assert salt.f000 == pytest.approx(112)
    assert salt.volume_per_atom == pytest.approx(5.6402**3 / 8)
    assert (salt.b_min, salt.b_max, salt.b_mean) == (1.5, 1.5, 1.5)
    assert (salt.anisotropic, salt.partly_occupied, salt.without_displacement) == (0, 0, 0)
    assert structure_doubts(SALT) == []


@pytest.mark.parametrize("spacegroup", CELLS)
def test_what_a_description_does_not_depend_on(spacegroup: str) -> None:
    """The same crystal written in P 1 has the same cell, density, electrons and atoms."""
    crystal = random_crystal(spacegroup, 6)
    description, expanded = describe_structure(crystal), describe_structure(crystal.to_p1())
    assert expanded.sites == expanded.atoms == description.atoms
    assert expanded.formula == description.formula
    for name in ("density", "f000", "volume", "volume_per_atom", "b_mean"):
        assert getattr(expanded, name) == pytest.approx(getattr(description, name), rel=1e-9)


@pytest.mark.parametrize("spacegroup", ["P -1", "P 1 21/c 1", "R -3:H", "F 2 3"])
def test_contacts_against_gemmi(spacegroup: str) -> None:
    """Sites within 0.6 A of another atom, by gemmi's search in the neighbouring cells."""
    crystal = random_crystal(spacegroup, 20, seed=3)
    crystal = crystal.replace(labels=tuple(f"X{site}" for site in range(20)))
    near = crystal.frac[0] + 0.3 / np.array(crystal.cell[:3]) / np.sqrt(3)
    crystal = crystal.replace(frac=np.concatenate([crystal.frac[:-1], near[None]]))
    unit_cell = gemmi.UnitCell(*crystal.cell)
    operations = [gemmi.Op(triplet) for triplet in crystal.symops]
    expected = set()
    for first, x in zip(crystal.labels, crystal.frac, strict=True):
        for second, y in zip(crystal.labels, crystal.frac, strict=True):
            for operation in operations:
                image = gemmi.Fractional(*operation.apply_to_xyz(y.tolist()))
                nearest = unit_cell.find_nearest_image(
                    unit_cell.orthogonalize(gemmi.Fractional(*x)), unit_cell.orthogonalize(image)
                )
                if 0.01 < nearest.dist() < 0.6:
                    expected.add(tuple(sorted((first, second))))
    assert ("X0", "X19") in expected
    assert set(close_contacts(crystal)) == expected


def test_atoms_that_share_a_place_are_no_contact() -> None:
    frac = np.array([[0.1, 0.2, 0.3], [0.11, 0.2, 0.3]])
    shared = argand.Crystal(
        (9, 9, 9, 90, 90, 90), types=("C", "N"), frac=frac, occ=np.array([0.4, 0.6])
    )
    assert close_contacts(shared) == []
    assert close_contacts(shared.replace(occ=np.ones(2))) != []


def test_a_tensor_that_is_not_positive_is_doubted() -> None:
    tensor = np.array([[0.02, 0.02, 0.02, 0.0, 0.0, 0.05]])
    crystal = argand.Crystal(
        (4, 4, 4, 90, 90, 90), types=("C",), frac=np.zeros((1, 3)), u_aniso=tensor
    )
    assert any("not positive in every direction: C" in line for line in structure_doubts(crystal))


def test_content_is_compared_by_electrons() -> None:
    assert content_doubts(SALT, {"Na": 4.0, "Cl": 4.0}) == []
    (doubt,) = content_doubts(SALT, {"Na": 2.0, "Cl": 2.0})
    assert "F(000) of the sites is 112, of UNIT 56: the sites hold Cl4 Na4" in doubt


def test_a_list_in_numbers() -> None:
    reflections = measured(random_crystal("P 21 21 21"), d_min=1.5)
    description = describe_reflections(reflections)
    assert description.count == description.usable == len(reflections.hkl)
    assert description.columns == ("intensity", "sigma")
    assert description.lowest == tuple(reflections.hkl.min(axis=0))
    ratio = reflections.intensity / reflections.sigma
    assert description.i_over_sigma == pytest.approx(ratio.mean())
    assert description.strong == pytest.approx((ratio > 2).mean())
    assert description.own_agreement is None
    without = describe_reflections(replace(reflections, sigma=None))
    assert (without.i_over_sigma, without.strong) == (None, None)
    assert without.negative == description.negative
    calculated = replace(reflections, amplitude_calc=np.sqrt(np.abs(reflections.intensity)))
    agreement = describe_reflections(calculated).own_agreement
    assert agreement is not None
    assert agreement.r1 < 1e-3


def test_merging_and_agreement_in_numbers() -> None:
    crystal = random_crystal("P 21 21 21")
    reflections = measured(crystal, noise=0.02, times=2)
    merged = merge(reflections)
    merging = describe_merging(reflections, crystal.composition())
    assert (merging.unique, merging.r_int) == (len(merged.hkl), merged.r_int)
    assert merging.has_equivalents
    assert merging.wilson is not None
    assert merging.doubts == ()
    assert describe_merging(reflections).wilson is None
    agreement = describe_agreement(reflections, crystal)
    assert agreement.without_extinction.r1 < 0.02
    assert agreement.with_extinction is None
    assert agreement.unmerged is not None
    assert agreement.unmerged.count == merged.measured
    extinct = describe_agreement(
        reflections, crystal, Experiment(wavelength=0.7, dispersion=False, extinction=0.5)
    )
    assert extinct.with_extinction is not None
    assert extinct.with_extinction.r1 > extinct.without_extinction.r1


def test_a_map_in_numbers() -> None:
    rho = np.arange(120.0).reshape(4, 5, 6)
    description = describe_map(rho.astype(np.float32), (4, 5, 6, 90, 90, 90))
    assert description.shape == (4, 5, 6)
    assert (description.minimum, description.maximum, description.mean) == (0.0, 119.0, 59.5)
    assert description.rms_deviation == pytest.approx(rho.std())


def test_the_structure_of_a_list_has_its_name(tmp_path: Path) -> None:
    assert structure_beside(tmp_path / "x_hkl.hkl") is None
    for name in ("x.ins", "x.res", "x.cif", "x_hkl.res"):
        (tmp_path / name).write_text("")
        beside = structure_beside(tmp_path / "x_hkl.hkl")
        assert beside == tmp_path / name
    assert structure_beside(tmp_path / "x.cif") == tmp_path / "x.res"


def test_info_prints_a_description_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    path = DATA / "4003024.cif"
    assert main(["info", str(path), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    description = describe_file(path)
    plain = to_builtins(description)
    assert printed.keys() == plain.keys()
    assert printed["structure"] == json.loads(json.dumps(plain["structure"]))
    radiation = json.loads(json.dumps(plain["agreement"]["radiation"]))
    assert printed["agreement"]["radiation"] == radiation
    # Too few reflections for an L test: NaN becomes null.
    assert description.merging is not None
    assert np.isnan(description.merging.statistics.l_mean)
    assert printed["merging"]["statistics"]["l_mean"] is None
    assert printed["doubts"] == []


def test_info_prints_the_build_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    # That CUDA is built in, and that a device is usable, are two facts.
    assert printed.pop("cuda_built_in") == argand.build_config()["cuda"]
    assert isinstance(printed.pop("cuda_device_usable"), bool)
    expected = dict(argand.build_config())
    del expected["cuda"]
    assert printed == expected
