"""Data of another crystal are refused; data of the crystal and of its relatives are accepted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import argand
from argand.cell import metric
from argand.errors import ArgandError
from argand.io import Reflections
from argand.measured import check_data
from argand.measured.check import free_coordinates
from argand.radiation import Radiation
from data_dir import DATA
from intensities import CELLS, measured, random_crystal


def shaken(crystal: argand.Crystal, rms: float, seed: int = 5) -> argand.Crystal:
    """Move every site; the root mean square distance is `rms` angstrom."""
    rng = np.random.default_rng(seed)
    step = rng.normal(size=crystal.frac.shape) * rms / np.sqrt(3)
    return crystal.replace(
        frac=crystal.frac + step @ np.linalg.inv(np.linalg.cholesky(metric(crystal.cell)))
    )


def as_amplitudes(reflections: Reflections) -> Reflections:
    """Put amplitudes in the place of intensities, as when HKLF 3 is read as HKLF 4."""
    f = np.sqrt(np.maximum(reflections.intensity, 0.0))
    return replace(
        reflections,
        intensity=f,
        sigma=reflections.sigma / (2 * np.maximum(f, np.sqrt(reflections.sigma))),
    )


@pytest.mark.parametrize("spacegroup", ["P 1", "P -1", "P 1 21/c 1", "P 21 21 21", "R -3:H"])
@pytest.mark.parametrize("rms", [0.0, 0.3, 0.7])
def test_relatives_pass(spacegroup: str, rms: float) -> None:
    crystal = random_crystal(spacegroup, 20)
    doubts = check_data(measured(shaken(crystal, rms)), crystal)
    assert any("amplitudes differ much" in line for line in doubts) == (rms > 0.0)
    rest = [line for line in doubts if "amplitudes differ much" not in line]
    assert rest == [] if rms < 0.7 else all("atoms that moved far" in line for line in rest)


@pytest.mark.parametrize("spacegroup", ["P 1", "P -1", "P 1 21/c 1", "P 21 21 21"])
@pytest.mark.parametrize("rms", [0.0, 0.5])
def test_the_kind_of_data(spacegroup: str, rms: float) -> None:
    crystal = random_crystal(spacegroup, 20)
    reflections = measured(shaken(crystal, rms), d_min=0.8)
    with pytest.raises(ArgandError, match="amplitudes given as intensities"):
        check_data(as_amplitudes(reflections), crystal)
    wrong = replace(reflections, intensity=None, amplitude=np.abs(reflections.intensity))
    with pytest.raises(ArgandError, match="intensities given as amplitudes"):
        check_data(wrong, crystal)
    with pytest.raises(ArgandError, match=r"intensities given as amplitudes: .* are negative"):
        check_data(
            replace(
                reflections,
                intensity=None,
                amplitude=reflections.intensity - reflections.intensity.mean(),
            ),
            crystal,
        )


@pytest.mark.parametrize("rms", [0.0, 0.3])
def test_squared_intensities_are_refused(rms: float) -> None:
    crystal = random_crystal("P 21 21 21", 20)
    reflections = measured(shaken(crystal, rms), d_min=0.8)
    squared = replace(reflections, intensity=reflections.intensity**2)
    with pytest.raises(ArgandError, match="squared intensities given as intensities"):
        check_data(squared, crystal)


def test_a_wave_of_atoms_makes_no_squared_intensities() -> None:
    """Atoms that moved together by half an angstrom have a wide distribution of intensities."""
    crystal = argand.read_crystal(DATA / "field" / "h09_false_refusal.cif")
    reflections = argand.read_reflections(DATA / "field" / "h09_false_refusal.hkl")
    check_data(reflections, crystal, explained=True)


def test_another_cell() -> None:
    crystal = random_crystal("P -1", 20)
    reflections = measured(crystal)
    other_cell = replace(reflections, cell=(7.1, 8.3, 11.7, 81.0, 95.0, 104.0))
    with pytest.raises(
        ArgandError, match=r"another cell: that of the reflections is 7\.1 8\.3 11\.7"
    ):
        check_data(other_cell, crystal)
    strained = replace(reflections, cell=(7.1, 8.3, 10.0, 81.0, 95.0, 104.0))
    assert any("the cells differ by up to 3.1 %" in line for line in check_data(strained, crystal))
    with pytest.raises(ArgandError, match="another cell or wavelength: at 2 Å"):
        check_data(reflections, crystal, radiation=Radiation(wavelength=2.0))
    with pytest.raises(ArgandError, match="nothing to do with this structure"):
        check_data(
            replace(reflections, cell=None, hkl=reflections.hkl[:, [1, 2, 0]].copy()), crystal
        )


def test_another_space_group() -> None:
    crystal = random_crystal("P 21 21 21", 20)
    reflections = measured(crystal)
    with pytest.raises(
        ArgandError, match="another space group: that of the reflections is P 2 2 21"
    ):
        check_data(replace(reflections, spacegroup="P 2 2 21"), crystal)
    assert any(
        "subgroup" in line
        for line in check_data(replace(reflections, spacegroup="P 1 21 1"), crystal)
    )
    primitive = random_crystal("P 4", 20)
    centred = argand.Crystal(
        primitive.cell, "I 4", types=primitive.types, frac=primitive.frac, b_iso=2.0
    )
    with pytest.raises(
        ArgandError, match="another space group, or cell: of the reflections that I 4 extinguishes"
    ):
        check_data(replace(measured(primitive), spacegroup=None), centred)
    higher = argand.Crystal(
        primitive.cell, "P 4 2 2", types=primitive.types, frac=primitive.frac, b_iso=2.0
    )
    with pytest.raises(ArgandError, match="another space group: equivalents of P 4 2 2 disagree"):
        check_data(replace(measured(primitive), spacegroup=None), higher)


def test_an_isostructural_substitution_is_proposed() -> None:
    """All of an element is another one: that is no other compound, however heavy it is."""
    crystal = random_crystal("P 21 21 21", 20).replace(types=("Mo", *["C"] * 10, *["O"] * 9))
    tungsten = crystal.replace(types=("W", *crystal.types[1:]))
    doubts = check_data(measured(tungsten), crystal, content=tungsten.composition())
    assert any("a substitution of W for Mo?" in doubt for doubt in doubts)
    # Half of the sites, another number of atoms, and an element that is there already are not.
    half = {**crystal.composition(), "Mo": 2.0, "W": 2.0}
    other_number = {"C": 40.0, "O": 36.0, "W": 8.0}
    known_element = {"C": 40.0, "O": 40.0}
    for content in (half, other_number, known_element):
        with pytest.raises(ArgandError, match="another content"):
            check_data(measured(crystal), crystal, content=content)


def test_another_content() -> None:
    crystal = random_crystal("P -1", 20)
    reflections = measured(crystal)
    content = crystal.composition()
    assert check_data(reflections, crystal, content=content) == []
    with pytest.raises(
        ArgandError, match=r"another content: the measured cell holds .*Br 4 instead of 0"
    ):
        check_data(reflections, crystal, content={**content, "Br": 4.0})
    substituted = {**content, "N": content["N"] - 2, "O": content["O"] + 2}
    assert any(
        "the measured cell holds N" in line
        for line in check_data(reflections, crystal, content=substituted)
    )
    with pytest.raises(ArgandError, match="nothing to do with this structure"):
        check_data(reflections, random_crystal("P -1", 20, seed=99))


def test_too_few_reflections() -> None:
    crystal = random_crystal("P -1", 20)
    with pytest.raises(
        ArgandError, match=r"too few reflections: \d+ unique ones to .* for 60 coordinates"
    ):
        check_data(measured(crystal, d_min=2.9), crystal)
    reflections = measured(crystal, d_min=2.0)
    assert any(
        "unique reflections for 60 coordinates" in line for line in check_data(reflections, crystal)
    )
    upper = measured(crystal, d_min=0.9)
    few = upper[np.abs(upper.hkl[:, 2]) > 2]
    assert any(
        "% of the reflections to 0.90 Å are measured" in line for line in check_data(few, crystal)
    )
    with pytest.raises(ArgandError, match="none has an intensity"):
        check_data(replace(reflections, intensity=np.full(len(reflections.hkl), np.nan)), crystal)


def test_free_coordinates() -> None:
    """In P m -3 m a site on an axis has one, on a mirror two; a general site has three."""
    sites = [
        [0, 0, 0],
        [0.5, 0.5, 0.5],
        [0.2, 0, 0],
        [0.2, 0.2, 0.2],
        [0.1, 0.3, 0],
        [0.1, 0.2, 0.35],
    ]
    for n, free in zip(range(1, 7), (0, 0, 1, 2, 4, 7), strict=True):
        crystal = argand.Crystal(
            (9, 9, 9, 90, 90, 90), "P m -3 m", types=("C",) * n, frac=np.array(sites[:n])
        )
        assert free_coordinates(crystal) == free
    assert (
        free_coordinates(
            argand.Crystal(CELLS["P -1"], "P -1", types=("C",), frac=np.array([[0.5, 0, 0.5]]))
        )
        == 0
    )
