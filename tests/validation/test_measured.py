"""Real measurements as they lie in their files: R_int, completeness and R1 against what their authors published.

The list of the development data has for each file an R1 by a plain gemmi calculation, over all measurements above two
sigma and not merged, beside the published one, which is of merged data.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest

import argand
from argand.cell import metric
from argand.errors import ArgandError, ArgandWarning
from argand.io import Experiment, read_experiment
from argand.measured import Merged, agreement, calculated_intensity, check_data, merge
from argand.measured.merging import usable
from argand.radiation import Radiation
from data_dir import SHARED, needs_shared

pytestmark = needs_shared

MEASURED = SHARED / "measured"


class Case(NamedTuple):
    reflections: str
    structure: str
    count: int
    r_int: float | None  # as published, where the list is the one that was merged
    completeness: float
    tolerance: float = 0.005  # of R1 against the one that was published


CASES = [
    Case("nacl_hikari.fcf", "nacl_hikari.cif", 111, None, 1.0, 0.001),
    Case("nacl_hikari_hkl.hkl", "nacl_hikari.cif", 8578, 0.0243, 1.0, 0.001),
    Case("nacl_hikari.cif", "nacl_hikari.cif", 8578, 0.0243, 1.0, 0.001),
    Case("shelxfile_2240189.hkl", "shelxfile_2240189.cif", 782, None, 0.995),
    Case("shelxfile_2240189.hkl", "shelxfile_2240189.res", 782, None, 0.995),
    Case("shelxfile_2240189.cif", "shelxfile_2240189.cif", 782, None, 0.995),
    Case("structurefinder_106c.fcf", "structurefinder_106c.cif", 3174, None, 0.996, 0.001),
    Case("structurefinder_106c_hkl.hkl", "structurefinder_106c.cif", 15742, 0.0327, 0.949),
    Case("structurefinder_051a.hkl", "structurefinder_051a.cif", 4470, None, 1.0, 0.001),
    Case("structurefinder_051a.hkl", "structurefinder_051a.res", 4470, None, 1.0, 0.001),
    Case("cod_2238212.hkl", "cod_2238212.cif", 11410, 0.0170, 0.872, 0.001),
    Case("cod_2238212.cif", "cod_2238212.cif", 11410, 0.0170, 0.872, 0.001),
    Case("cod_2242045.hkl", "cod_2242045.cif", 2936, 0.0288, 0.982, 0.001),
    Case("cod_2242045.cif", "cod_2242045.cif", 2936, 0.0288, 0.982, 0.001),
    Case("cod_2019572.cif", "cod_2019572.cif", 733, None, 0.997, 0.001),
    Case("cod_1516218.cif", "cod_1516218.cif", 174, None, 1.0),
    Case("cod_2240655.cif", "cod_2240655.cif", 330, None, 0.985),
    Case("gemmi_4003024.hkl", "gemmi_4003024.cif", 759, 0.0267, 0.983, 0.001),
    Case("gemmi_4003024.cif", "gemmi_4003024.cif", 759, 0.0267, 0.983, 0.001),
]
LOOPS = ("cod_2019572.cif", "cod_1516218.cif", "cod_2240655.cif")
POWDERS = ("cod_1516218", "cod_2240655")
LOW_SYMMETRY = ("structurefinder", "cod_2238212", "cod_2242045")  # whose sites may move


def of(cases: list[Case]) -> pytest.MarkDecorator:
    """The fixture `read` for some of the cases."""
    names = [f"{case.reflections}-{case.structure[-3:]}" for case in cases]
    return pytest.mark.parametrize("read", cases, indirect=True, ids=names)


def stated(case: Case) -> tuple[float | None, float | None]:
    """R1 of the list: checked, and published."""
    for line in (SHARED / "MANIFEST.tsv").read_text().splitlines():
        if line.startswith(f"measured/{case.reflections}\t"):
            values = re.search(r"R1 ([0-9.]+) \(published (\S+)\)", line)
            return (None, None) if values is None else (float(values[1]), _number(values[2]))
    raise AssertionError(f"{case.reflections} is not in the list")


def _number(text: str) -> float | None:
    return None if text == "None" else float(text)


class Read(NamedTuple):
    case: Case
    found: argand.io.Reflections
    crystal: argand.Crystal
    said: Experiment
    merged: Merged


@pytest.fixture
def read(request: pytest.FixtureRequest) -> Read:
    return load(request.param)


@cache
def load(case: Case) -> Read:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ArgandWarning)  # NaCl is there in three descriptions
        crystal = argand.read_crystal(MEASURED / case.structure)
        found = argand.read_reflections(MEASURED / case.reflections)
        said = read_experiment(MEASURED / case.structure)
    merged = merge(found, cell=crystal.cell, spacegroup=crystal.spacegroup, outliers=None)
    return Read(case, found, crystal, said, merged)


@of(CASES)
def test_what_is_read(read: Read) -> None:
    assert len(read.found.hkl) == read.case.count
    assert read.merged.completeness == pytest.approx(read.case.completeness, abs=0.001)


@of(
    [case for case in CASES if case.r_int is not None]
)  # the others were merged before they were deposited
def test_r_int(read: Read) -> None:
    assert read.merged.r_int == pytest.approx(read.case.r_int, abs=0.0003)
    assert (
        merge(read.found, cell=read.crystal.cell, spacegroup=read.crystal.spacegroup).rejected <= 2
    )


@of([case for case in CASES if SHARED.is_dir() and stated(case)[0] is not None])
def test_r1_of_the_measurements(read: Read) -> None:
    """As the list's check was computed: nothing merged, no extinction."""
    expected, _ = stated(read.case)
    kept = read.found[usable(read.found)]
    if kept.sigma is None:  # the check took sigma for 1
        kept = kept[kept.intensity > 2.0]
    intensity, sigma = kept.intensities()
    model = calculated_intensity(read.crystal, kept.hkl, radiation=read.said.measured_radiation())
    assert agreement(model, intensity, sigma, read.said.weights).r1 == pytest.approx(
        expected, abs=0.003
    )


@of([case for case in CASES if not case.reflections.startswith(POWDERS)])
def test_r1_as_published(read: Read) -> None:
    """Merged, with dispersion, and with extinction where it was refined."""
    published = read.said.stated.get("R1", stated(read.case)[1])
    assert published is not None
    model = calculated_intensity(
        read.crystal,
        read.merged.hkl,
        radiation=replace(read.said, dispersion=None).measured_radiation(),
        extinction=read.said.extinction,
    )
    r = agreement(model, read.merged.intensity, read.merged.sigma, read.said.weights)
    assert r.r1 == pytest.approx(published, abs=read.case.tolerance)
    if read.case.tolerance == 0.001 and read.merged.sigma is not None and "wR2" in read.said.stated:
        assert r.wr2 == pytest.approx(read.said.stated["wR2"], abs=0.002)


@of(CASES)
def test_nothing_is_wrong_with_it(read: Read) -> None:
    assert (
        check_data(
            read.found,
            read.crystal,
            content=read.said.content,
            radiation=Radiation(read.said.probe),
        )
        == []
    )


@of([case for case in CASES if case.reflections.endswith(".fcf") or case.reflections in LOOPS])
def test_the_calculated_amplitudes_in_a_list_are_ours(read: Read) -> None:
    assert read.found.amplitude_calc is not None
    model = np.sqrt(
        calculated_intensity(read.crystal, read.found.hkl, radiation=read.said.measured_radiation())
    )
    theirs = read.found.amplitude_calc
    k = model @ theirs / (model @ model)  # neutrons: lengths of 10 fm
    assert np.abs(k * model - theirs).sum() < 0.002 * theirs.sum()


STRUCTURES = (
    "structurefinder_106c",
    "cod_2238212",
    "structurefinder_051a",
    "cod_2242045",
    "shelxfile_2240189",
)


@pytest.mark.parametrize("structure", STRUCTURES)
@of(CASES)
def test_the_data_of_others_are_refused(read: Read, structure: str) -> None:
    """Neither cell nor space group being stated in the list, as in any .hkl."""
    if structure in read.case.structure:
        return  # its own
    other = argand.read_crystal(MEASURED / f"{structure}.cif")
    with pytest.raises(ArgandError):
        check_data(
            replace(read.found, cell=None, spacegroup=None),
            other,
            radiation=Radiation(read.said.probe),
        )


@pytest.mark.parametrize("rms", [0.3, 0.5])
@pytest.mark.parametrize("seed", range(3))
@of([case for case in CASES if case.reflections.startswith(LOW_SYMMETRY)])
def test_relatives_are_not_refused(read: Read, rms: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    step = rng.normal(size=read.crystal.frac.shape) * rms / np.sqrt(3)
    to_frac = np.linalg.inv(np.linalg.cholesky(metric(read.crystal.cell)))
    moved = read.crystal.replace(frac=read.crystal.frac + step @ to_frac)
    said = check_data(read.found, moved, radiation=Radiation(read.said.probe))
    assert all("amplitudes differ much" in line for line in said)
    assert len(said) == 1


@of(CASES)
def test_the_kind_of_data_is_recognised(read: Read) -> None:
    """Amplitudes read as HKLF 4, and intensities read as HKLF 3."""
    f = np.sqrt(np.maximum(read.found.intensity, 0.0))
    sigma = (
        None
        if read.found.sigma is None
        else read.found.sigma / np.sqrt(read.found.intensity.clip(read.found.sigma))
    )
    with pytest.raises(ArgandError, match="amplitudes given as intensities"):
        check_data(
            replace(read.found, intensity=f, sigma=sigma),
            read.crystal,
            radiation=Radiation(read.said.probe),
        )
    with pytest.raises(ArgandError, match="intensities given as amplitudes"):
        check_data(
            replace(read.found, intensity=None, amplitude=read.found.intensity),
            read.crystal,
            radiation=Radiation(read.said.probe),
        )
