"""An adaptation from its samples to its answers: what it finds, says, keeps on disk and refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import argand
from argand.adapt import Adaptation, adapt
from argand.adapt.held_out import as_measured, correlations, held_out, true_structure_factors
from argand.adapt.training import simulation_of
from argand.errors import ArgandError
from argand.estimate.observed import Observed
from argand.measured import Merged, calculated_intensity
from argand.radiation import KEV_ANGSTROM, Radiation
from argand.refine import refine as refine_one_model
from argand.simulate import Samples


def drawn(
    made: Adaptation, rms: float, n: int, **changes: object
) -> tuple[Samples, Observed, np.ndarray]:
    """n samples of seed 77."""
    simulation = simulation_of(made.crystal, rms, made.about | changes, seed=77)
    samples = simulation.draw(range(n))
    return samples, as_measured(simulation, samples), true_structure_factors(simulation, samples)


@pytest.mark.parametrize(("rms", "quick"), [(0.1, 0.99), (0.25, 0.98), (0.5, 0.85)])
def test_finds_what_was_simulated(made: Adaptation, rms: float, quick: float) -> None:
    samples, seen, true = drawn(made, rms, 12, unmodelled=None)
    at_once, refined = made.estimate(seen, refine=False), made.estimate(seen, refine=True)
    group = made.crystal.spacegroup
    f0 = argand.structure_factors(made.crystal, made.hkl)
    before = correlations(seen, np.broadcast_to(f0, true.shape), true, group)
    first = correlations(seen, np.array([one.f for one in at_once]), true, group)
    last = correlations(seen, np.array([one.f for one in refined]), true, group)
    assert first.mean() > max(quick, before.mean())
    assert (last > 0.99).sum() >= 11
    for row, one in enumerate(refined):
        if last[row] > 0.99:
            np.testing.assert_allclose(one.displacement, samples.displacement[row], atol=0.12)
            assert one.b_change == pytest.approx(samples.b_change[row], abs=0.4)
            assert one.r < 0.06 < one.r_known


def test_uncertainty_tells_the_error(made: Adaptation) -> None:
    samples, seen, _ = drawn(made, 0.2, 24, unmodelled=None)
    for refine in (False, True):
        found = made.estimate(seen, refine=refine)
        error = np.array([one.displacement for one in found]) - samples.displacement
        told = np.array([one.sigma for one in found])
        ratio = np.sqrt(np.square(error).sum(axis=2).mean() / np.square(told).mean())
        assert 0.5 < ratio < 2.0, refine


def test_size_is_estimated(made: Adaptation) -> None:
    for rms in (0.12, 0.25, 0.5):
        samples, seen, _ = drawn(made, rms, 30)
        r = np.array([one.r_known for one in made.estimate(seen, refine=False)])
        assert np.median(made.curve(r) / samples.rms()) == pytest.approx(1.0, abs=0.15)


def test_further_rounds_find_what_the_first_starts_do_not(made: Adaptation) -> None:
    """Seed 78: 12 crystals whose atoms have moved by 0.9 angstrom."""
    simulation = simulation_of(made.crystal, 0.9, made.about | {"unmodelled": None}, seed=78)
    samples = simulation.draw(range(12))
    seen, true = as_measured(simulation, samples), true_structure_factors(simulation, samples)
    solved = []
    for rounds in (0, 4):
        found = replace(made, rounds=rounds).estimate(seen, refine=True)
        cc = correlations(seen, np.array([one.f for one in found]), true, made.crystal.spacegroup)
        solved.append(int((cc > 0.97).sum()))
    assert solved[0] >= 5
    assert solved[1] >= solved[0] + 2


def test_what_three_starts_agree_on_is_not_searched_further(
    made: Adaptation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Errors that are ten times what is said leave R where it is, whatever is tried."""
    simulation = simulation_of(
        made.crystal, 0.15, made.about | {"unmodelled": None, "noise": 0.1}, seed=80
    )
    seen = as_measured(simulation, simulation.draw(range(4)))
    runs = []

    def counted(*given: Any, **options: Any) -> Any:
        runs.append(len(given[1]))
        return refine_one_model(*given, **options)

    monkeypatch.setattr("argand.estimate.search.refine", counted)
    for row in range(4):
        runs.clear()
        alone = Observed(seen.hkl, seen.amplitude[[row]], seen.sigma[[row]] / 10.0)
        (found,) = made.estimate(alone, refine=True)
        assert 0.05 < found.r < 0.2
        assert found.further is None
        assert len(runs) <= 4  # three starts, and a further atom


def test_an_answer_does_not_depend_on_its_company(made: Adaptation) -> None:
    _, seen, _ = drawn(made, 0.45, 6)
    together = made.estimate(seen, refine=True)
    for row in (1, 4):
        alone = made.estimate(
            Observed(seen.hkl, seen.amplitude[[row]], seen.sigma[[row]]), refine=True
        )[0]
        np.testing.assert_allclose(alone.displacement, together[row].displacement, atol=2e-3)
        assert alone.r == pytest.approx(together[row].r, abs=1e-4)


def test_is_a_pure_function_of_its_seed(crystal: argand.Crystal) -> None:
    def prints() -> list[str]:
        return [
            adapt(crystal, d_min=1.4, widths=(0.2,), samples=200, seed=seed).fingerprint
            for seed in (1, 1, 2)
        ]

    one, again, another = prints()
    assert one == again != another


def test_saved_and_loaded_it_is_the_same(made: Adaptation, tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    made.save(tmp_path / "made")
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == [
        "adaptation.json",
        "adaptation.safetensors",
    ]
    loaded = Adaptation.load(tmp_path / "made")
    assert (loaded.fingerprint, loaded.about, loaded.rounds) == (
        made.fingerprint,
        made.about,
        made.rounds,
    )
    _, seen, _ = drawn(made, 0.3, 3)
    for one, other in zip(
        made.estimate(seen, refine=False), loaded.estimate(seen, refine=False), strict=True
    ):
        np.testing.assert_array_equal(one.displacement, other.displacement)


def test_damaged_folders_are_named(made: Adaptation, tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    with pytest.raises(ArgandError, match=r"adaptation\.json is missing"):
        Adaptation.load(tmp_path / "nothing")
    folder = made.save(tmp_path / "made")
    about = json.loads((folder / "adaptation.json").read_text())
    (folder / "adaptation.json").write_text(json.dumps(about | {"format": 99}))
    with pytest.raises(ArgandError, match="has format 99, needs 1"):
        Adaptation.load(folder)
    (folder / "adaptation.json").write_text(json.dumps(about | {"rungs": [{}]}))
    with pytest.raises(ArgandError, match="describes no adaptation"):
        Adaptation.load(folder)
    (folder / "adaptation.json").write_text(json.dumps(about))
    (folder / "adaptation.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(ArgandError, match="is no safetensors file"):
        Adaptation.load(folder)


def test_what_lies_outside_is_flagged(made: Adaptation) -> None:
    _, seen, _ = drawn(made, 0.2, 4, unmodelled=None)
    assert not any(one.flags for one in made.estimate(seen, refine=True))
    _, other, _ = drawn(made, 1.5, 4, unmodelled=None)
    assert all(one.flags for one in made.estimate(other, refine=False))
    lacking = seen.amplitude.copy()
    lacking[:, ::3] = np.nan
    flags = [
        one.flags for one in made.estimate(Observed(seen.hkl, lacking, seen.sigma), refine=False)
    ]
    assert all("33 % of the reflections" in " ".join(own) for own in flags)


def merged(made: Adaptation, seen: Observed, cell: tuple[float, ...]) -> Merged:
    amplitude = seen.amplitude[0]
    return Merged(
        hkl=seen.hkl,
        intensity=amplitude**2,
        sigma=2.0 * amplitude * seen.sigma[0],
        count=np.ones(len(amplitude), int),
        cell=cell,
        spacegroup=made.crystal.spacegroup,
        r_int=float("nan"),
        r_sigma=0.0,
        completeness=1.0,
        measured=len(amplitude),
        absent=0,
        rejected=0,
        unused=0,
    )


def test_merged_data_of_cells_like_it(made: Adaptation) -> None:
    samples, seen, _ = drawn(made, 0.2, 1, unmodelled=None)
    strained = tuple(x * (1.004 if i < 3 else 1.0) for i, x in enumerate(made.crystal.cell))
    other = (9.0, *made.crystal.cell[1:])
    known, similar, wrong = made(
        [merged(made, seen, c) for c in (made.crystal.cell, strained, other)], refine=True
    )
    assert not isinstance(known, ArgandError)
    assert not isinstance(similar, ArgandError)
    np.testing.assert_allclose(known.displacement, samples.displacement[0], atol=0.1)
    np.testing.assert_allclose(similar.displacement, samples.displacement[0], atol=0.1)
    assert isinstance(wrong, ArgandError)
    assert "is not that of a crystal like the known one" in str(wrong)


def test_scores_on_samples_not_seen(made: Adaptation) -> None:
    scores = list(held_out(made, 4))
    assert [score.width for score in scores] == [0.1, 0.2, 0.35, 0.6]
    assert scores[1].known < scores[1].at_once <= scores[1].refined + 0.005
    assert scores[0].r < scores[0].r_known


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"widths": ()}, "widths is"),
        ({"widths": (-0.1,)}, "widths is"),
        ({"samples": 3}, "samples is 3"),
        ({"rounds": -1}, "rounds is -1"),
        ({"d_min": 4.0}, "too few"),
        ({"noise": -1.0}, "noise"),
    ],
)
def test_wrong_arguments_are_named(
    crystal: argand.Crystal, arguments: dict[str, object], words: str
) -> None:
    with pytest.raises((ArgandError, ValueError), match=words):
        adapt(crystal, **({"samples": 100, "widths": (0.2,)} | arguments))


def test_where_nothing_moves_scale_and_b_are_found() -> None:
    fixed = argand.Crystal(
        cell=(4.0,) * 3 + (90.0,) * 3,
        spacegroup="P m -3 m",
        types=("Cs", "Cl"),
        frac=[[0.0, 0.0, 0.0], [0.5] * 3],
    )
    made = adapt(fixed, samples=100, widths=(0.2,), d_min=0.6)
    assert made.modes.shape == (0, 2, 3)
    samples, seen, _ = drawn(made, 0.2, 3, unmodelled=None)
    for refine in (False, True):
        for row, one in enumerate(made.estimate(seen, refine=refine)):
            assert one.r < 0.05
            assert one.b_change == pytest.approx(samples.b_change[row], abs=0.2)
            assert not one.displacement.any()


def test_neutrons_dispersion_and_extinction_are_kept(
    crystal: argand.Crystal, tmp_path: Path
) -> None:
    pytest.importorskip("safetensors")
    energy, x = 8.0, 0.3
    few = {"samples": 60, "widths": (0.2,)}
    made = adapt(crystal, **few, radiation=Radiation.of_table("it92", energy), extinction=x)
    back = Adaptation.load(made.save(tmp_path / "x-rays"))
    assert (back.radiation, back.extinction) == (Radiation.of_table("it92", energy), x)
    model = back.tools(back.hkl, crystal.cell).model
    zero = np.zeros(len(model))
    wanted = calculated_intensity(crystal, back.hkl, wavelength=KEV_ANGSTROM / energy, extinction=x)
    np.testing.assert_allclose(np.abs(model.structure_factors(zero)) ** 2, wanted, rtol=1e-9)
    assert model.parameters.kinds[-2:] == ("overall_b", "extinction")
    neutrons = Adaptation.load(
        adapt(crystal, **few, radiation=Radiation("neutron")).save(tmp_path / "neutrons")
    )
    model, line, *_ = neutrons.tools(neutrons.hkl, crystal.cell)
    f = argand.structure_factors(crystal, neutrons.hkl, table="neutron")
    np.testing.assert_allclose(model.structure_factors(np.zeros(len(model))), f, atol=1e-9)
    step = line.step(
        np.abs(f)[None], np.zeros((1, len(f))), np.zeros((1, len(neutrons.modes))), 0.01
    )
    np.testing.assert_allclose(step, 0.0, atol=2e-3)  # at home, as neutrons see it


def test_extinction_is_found(crystal: argand.Crystal) -> None:
    """Strong reflections are weaker than atoms explain; an x that the known crystal was refined with says so."""
    wavelength = 1.0
    made = adapt(
        crystal,
        samples=400,
        widths=(0.1,),
        radiation=Radiation("x-ray", wavelength, dispersion=True),
        extinction=0.1,
    )
    u = np.random.default_rng(9).normal(size=crystal.frac.shape) * 0.05
    model = made.tools(made.hkl, crystal.cell).model
    moved = model.crystals(np.append(model.from_displacements(u)[: len(made.modes)], [0.0, 0.0]))[0]
    for x in (0.0, 0.3):
        intensity = calculated_intensity(moved, made.hkl, wavelength=wavelength, extinction=x)
        amplitude = np.sqrt(intensity)[None]
        (one,) = made.estimate(Observed(made.hkl, amplitude, 0.01 * amplitude + 0.01), refine=True)
        assert one.r < 0.005
        np.testing.assert_allclose(one.displacement, u, atol=0.02)
