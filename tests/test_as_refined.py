"""R factors as the refinement calculated them: what is left out, how equivalents are merged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import argand
from argand.cli import main
from argand.describe import describe_agreement, describe_file
from argand.describe.as_refined import agreement_as_refined
from argand.io import Experiment, Reflections
from argand.io.refined_data import RefinedData, parse_threshold
from argand.io.shelx import parse_instructions
from argand.measured import calculated_intensity
from argand.radiation import Radiation
from data_dir import DATA, SHARED, needs_shared
from intensities import measured, random_crystal

WAVELENGTH = 1.54184

# Published R1 that a list beside its structure gives, and the strong reflections that are stated.
# 106c has five reflections more than its authors refined and does not say which.
PUBLISHED = {
    "measured/cod_2238212.hkl": (0.0348, 6279),
    "measured/cod_2242045.hkl": (0.0279, 1265),
    "measured/gemmi_4003024.hkl": (0.0162, 59),
    "measured/nacl_hikari_hkl.hkl": (0.0096, 111),
    "measured/shelxfile_2240189.hkl": (0.0414, 641),
    "measured/structurefinder_051a.hkl": (0.0326, 3846),
    "measured/structurefinder_106c_hkl.hkl": (0.0401, 2933),
    "unsolved/cod_2013000.hkl": (0.0490, 2796),
    "unsolved/cod_2016452.hkl": (0.0381, 910),
    "unsolved/cod_2200000.hkl": (0.0613, 1188),
    "unsolved/crystalx_2380405.hkl": (0.0361, 4450),
    "unsolved/fe_p1a.cif": (0.0302, 924),
    "unsolved/finalcif_alert.cif": (0.0778, 3253),
    "unsolved/mce_293k.cif": (0.1015, 1333),
    "unsolved/twin4.cif": (0.0540, 3557),
}


@needs_shared
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_r1_is_reproduced(name: str) -> None:
    agreement = describe_file(SHARED / name).agreement
    assert agreement is not None
    r = agreement.as_refined.agreement
    r1, strong = PUBLISHED[name]
    assert r.r1 == pytest.approx(r1, abs=3e-4)
    assert r.strong == pytest.approx(strong, rel=0.01)


@needs_shared
def test_an_incomplete_list_is_said_to_be_another_one() -> None:
    """The CIF of cu3182 states 4528 reflections, 867 are deposited."""
    agreement = describe_file(SHARED / "unsolved/cu3182.hkl").agreement
    assert agreement is not None
    assert any("4528 reflections were refined" in doubt for doubt in agreement.doubts)


@pytest.mark.parametrize(
    ("expression", "sigmas"),
    [
        ("I > 2\\s(I)", 2.0),
        (">2sigma(I)", 2.0),
        ("I>3.0\\s(I)", 3.0),
        ("I >= 2u(I)", 2.0),
        (">I>2\\s(I)", 2.0),
        ("F > 4\\s(F)", 2.0),
        ("|Fo| > 6.0 sigma(|Fo|)", 3.0),
        ("F^2^ > 3\\s(F^2^)", 3.0),
        ("I>2.5σ(I)", 2.5),
        ("refinement on F", 2.0),
        ("", 2.0),
    ],
)
def test_thresholds(expression: str, sigmas: float) -> None:
    assert parse_threshold(expression) == sigmas


def test_instructions_about_the_refined_data() -> None:
    text = (
        "CELL 0.71 5 6 7 90 90 90\nLATT 1\nSHEL 99 0.8\nOMIT -2 55\nOMIT 0 1 -2\nomit 3 0 0\n"
        "OMIT $H\nMERG 4\nHKLF 4\n"
    )
    assert parse_instructions(text, "x.res").refined_data == RefinedData(
        d_min=0.8, d_max=99.0, theta_max=27.5, omitted=((0, 1, -2), (3, 0, 0)), merging=4
    )
    assert parse_instructions("CELL 0.71 5 6 7 90 90 90\n", "x.res").refined_data == RefinedData()


def test_a_cif_states_threshold_limit_and_number(tmp_path: Path) -> None:
    tags = "\n_reflns_threshold_expression 'I>3\\s(I)'\n_diffrn_reflns_theta_max 20.0\n"
    tags += "_refine_ls_number_reflns 123\n_computing_structure_refinement 'JANA2006'\n"
    path = tmp_path / "x.cif"
    path.write_text((DATA / "9000905.cif").read_text() + tags)
    assert argand.io.read_experiment(path).refined_data == RefinedData(
        threshold=3.0, theta_max=20.0, count=123, shelxl=False
    )


def _compare(
    crystal: argand.Crystal, reflections: Reflections, data: RefinedData, **stated: object
) -> tuple[float, int, str, int]:
    """Return R1 of all, number, merging and reflections left out, as refined."""
    experiment = replace(Experiment(wavelength=WAVELENGTH, refined_data=data), **stated)
    radiation = experiment.measured_radiation()
    refined = agreement_as_refined(reflections, crystal, experiment, radiation)
    return refined.agreement.r1_all, refined.agreement.count, refined.merging, refined.left_out


def _exact(crystal: argand.Crystal, **how: object) -> Reflections:
    """Return the whole sphere of intensities with dispersion and small sigmas."""
    hkl = argand.miller_indices(crystal.cell, crystal.spacegroup, d_min=0.9, unique=False)
    radiation = Radiation(wavelength=WAVELENGTH, dispersion=True)
    intensity = calculated_intensity(crystal, hkl, radiation=radiation, merged=False, **how)
    sigma = np.full(len(hkl), 1e-3 * intensity.mean())
    return Reflections(
        hkl, intensity=intensity, sigma=sigma, cell=crystal.cell, spacegroup=crystal.spacegroup
    )


def test_what_the_refinement_left_out_is_left_out() -> None:
    """Damage the data beyond each limit: R1 is that of the other reflections."""
    crystal = random_crystal("P -1")
    reflections = _exact(crystal)
    d = 0.5 / argand.stol(reflections.hkl, crystal.cell)
    omitted = (1, 2, 0)
    is_omitted = (np.abs(reflections.hkl) == omitted).all(axis=1)
    is_omitted &= reflections.hkl[:, 0] * reflections.hkl[:, 1] > 0
    is_damaged = (d < 1.0) | (d > 5.0) | is_omitted
    damaged = replace(reflections, intensity=np.where(is_damaged, 9.0, 1.0) * reflections.intensity)
    assert _compare(crystal, damaged, RefinedData())[0] > 0.1
    limits = RefinedData(d_min=1.0, d_max=5.0, omitted=(omitted,))
    r1, count, _, left_out = _compare(crystal, damaged, limits)
    assert r1 < 1e-6
    assert count == (~is_damaged).sum() / 2
    assert left_out == is_damaged.sum() / 2


def test_an_angle_is_a_limit_unless_the_number_of_reflections_denies_it() -> None:
    crystal = random_crystal("P -1")
    reflections = _exact(crystal)
    theta = np.degrees(np.arcsin(argand.stol(reflections.hkl, crystal.cell) * WAVELENGTH))
    inside = int((theta <= 40.0).sum()) // 2
    assert _compare(crystal, reflections, RefinedData(theta_max=40.0))[1] == inside
    whole = len(reflections.hkl) // 2
    data = RefinedData(theta_max=40.0, count=whole)
    assert _compare(crystal, reflections, data)[1] == whole


def test_friedel_mates_are_merged_as_the_number_of_reflections_says() -> None:
    """An iron crystal without a centre: mates differ, so that R1 without merging them is 0."""
    crystal = random_crystal("P 21 21 21").replace(types=("Fe", *["C"] * 11))
    reflections = _exact(crystal)
    unique = len(argand.miller_indices(crystal.cell, "P 21 21 21", d_min=0.9))
    apart = len(np.unique(_signed(reflections.hkl), axis=0))
    assert unique < apart < 2 * unique
    sphere = len(reflections.hkl)
    for count, merging in (
        (unique, "Friedel mates merged"),
        (apart, "Friedel mates apart"),
        (sphere, "not merged"),
    ):
        r1, found, how, _ = _compare(crystal, reflections, RefinedData(count=count))
        assert (found, how) == (count, merging)
        assert (r1 < 1e-6) == (merging != "Friedel mates merged")
    assert _compare(crystal, reflections, RefinedData(merging=2))[2] == "Friedel mates apart"
    assert _compare(crystal, reflections, RefinedData(merging=3))[2] == "Friedel mates merged"
    assert _compare(crystal, reflections, RefinedData(merging=0))[1] == sphere


def _signed(hkl: np.ndarray) -> np.ndarray:
    """Return the equivalent in 222: |h|, |k|, |l|, with a sign where none of the three is 0."""
    sign = np.sign(hkl.prod(axis=1, keepdims=True))
    return np.concatenate([np.abs(hkl), sign], axis=1)


def test_weights_of_merging_are_those_of_shelxl() -> None:
    """I / sigma^2 weighs 100(1) by 100 and 90(3) by 10: the mean is 99.09, not 99 of 1/sigma^2."""
    crystal = random_crystal("P -1")
    hkl = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0]], np.int32)
    reflections = Reflections(
        hkl,
        intensity=np.array([100.0, 90.0, 1.0]),
        sigma=np.array([1.0, 3.0, 1.0]),
        cell=crystal.cell,
        spacegroup="P -1",
    )
    calculated = np.sqrt(calculated_intensity(crystal, hkl[[1, 2]]))
    for shelxl, mean in (
        (True, (100 * 100 + 10 * 90) / 110),
        (False, (100 + 90 / 9) / (1 + 1 / 9)),
    ):
        experiment = Experiment(refined_data=RefinedData(shelxl=shelxl))
        refined = agreement_as_refined(reflections, crystal, experiment, Radiation())
        observed = np.sqrt([mean, 1.0])
        residual = np.abs(observed - refined.agreement.scale * calculated)
        assert refined.agreement.r1_all == pytest.approx(residual.sum() / observed.sum(), rel=1e-9)


def test_a_threshold_decides_which_reflections_are_strong() -> None:
    crystal = random_crystal("P -1")
    reflections = measured(crystal, noise=0.5)
    for threshold in (2.0, 3.0):
        data = RefinedData(threshold=threshold, merging=0)
        experiment = Experiment(refined_data=data)
        refined = agreement_as_refined(reflections, crystal, experiment, Radiation())
        strong = reflections.intensity > threshold * reflections.sigma
        assert refined.agreement.strong == strong.sum()


def test_data_that_are_corrected_for_extinction_are_not_corrected_again() -> None:
    """The calculated amplitudes of a list say whether extinction is in it."""
    crystal = random_crystal("P -1")
    for applied in (0.5, None):
        data = _exact(crystal, extinction=applied)
        listed = replace(data, amplitude_calc=np.sqrt(data.intensity))
        experiment = Experiment(wavelength=WAVELENGTH, extinction=0.5)
        refined = describe_agreement(listed, crystal, experiment).as_refined
        assert refined.extinction == applied
        assert refined.agreement.r1_all < 1e-6
        corrected = [doubt for doubt in refined.doubts if "corrected for extinction" in doubt]
        assert len(corrected) == (applied is None)


def test_twins_of_several_domains() -> None:
    """TWIN without BASF has equal domains; with two numbers it has three, R R h in the last."""
    crystal = random_crystal("P 4").replace(spacegroup="P 1")
    law = (0.0, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
    hkl = argand.miller_indices(crystal.cell, "P 1", d_min=1.2, unique=False)
    h, k, l = hkl.T
    domains = [
        calculated_intensity(crystal, np.stack(indices, axis=1))
        for indices in ((h, k, l), (k, -h, l), (-h, -k, l))
    ]
    for fractions, shares in (((), (0.5, 0.5, 0.0)), ((0.3, 0.1), (0.6, 0.3, 0.1))):
        twin = sum(share * domain for share, domain in zip(shares, domains, strict=True))
        data = Reflections(hkl, intensity=twin, cell=crystal.cell, spacegroup="P 1")
        experiment = Experiment(twin=law, fractions=fractions, refined_data=RefinedData(merging=0))
        refined = describe_agreement(data, crystal, experiment)
        assert refined.as_refined.agreement.r1_all < 1e-6
        assert refined.twin_fraction == pytest.approx(sum(shares[1:]))


def test_info_marks_the_line_to_compare(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(DATA / "4003024.cif")]) == 0
    lines = capsys.readouterr().out.splitlines()
    marked = [line for line in lines if "to compare: R1" in line]
    assert len(marked) == 1
    assert float(marked[0].split("R1 ")[1].split()[0]) == pytest.approx(0.0162, abs=3e-4)
    assert "with extinction" in marked[0]
