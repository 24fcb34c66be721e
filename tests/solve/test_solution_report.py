"""The report of a solution: one page without network, with the molecule in its density."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from solutions import StandInFlack, solution_of
from solve_stand_in import known_crystal

pytest.importorskip("matplotlib")
pytest.importorskip("plotly")

from argand.crystal import Crystal
from argand.report.solution import solution_page
from argand.solve.geometry import bonds
from argand.solve.solution import Solution
from argand.viz.molecule import connected_atoms, molecule
from argand.viz.solution import completeness_by_shell, data_figure, fit_figure

# A page has to open at once, and to fit into a mail.
LARGEST_PAGE = 6_000_000

SECTIONS = ("verdict", "molecule", "slices", "fit", "data", "groups", "atoms", "made")


@pytest.fixture(scope="module")
def solution() -> Solution:
    """Return the solution of a silicate."""
    return solution_of(known_crystal("9000905"), name="jadeite <1>", flack=StandInFlack())


@pytest.fixture(scope="module")
def report(solution: Solution) -> str:
    """Make the report."""
    return solution_page(solution)


def test_the_page_has_all_sections(report: str, solution: Solution) -> None:
    for name in SECTIONS:
        assert f'<section id="{name}">' in report
    assert "jadeite &lt;1&gt;: solved" in report
    assert "<1>" not in report
    assert f"{solution.model.r1:.3f}" in report
    for label in solution.crystal.labels:
        assert f"<th scope=row>{label}</th>" in report
    assert len(report) < LARGEST_PAGE


def test_the_page_asks_for_nothing(report: str) -> None:
    assert "default-src 'none'" in report
    visible = re.sub(r"<script.*?</script>", "", report, flags=re.DOTALL)
    assert not re.search(r'(src|href)="(?!data:|#)', visible)


def test_the_page_says_what_was_not_solved() -> None:
    unsolved = solution_of(known_crystal("9000905"), verdict="not solved", with_model=False)
    page = solution_page(unsolved)
    assert "The phases were not found" in page
    assert "no atoms were found" in page


def test_a_molecule_is_completed_by_symmetry() -> None:
    """Half a ring on a centre of symmetry becomes a ring of six."""
    angle = np.arange(3) * np.pi / 3.0
    ring = 1.39 * np.column_stack([np.cos(angle), np.sin(angle), 0.0 * angle])
    crystal = Crystal(
        cell=(8.0, 8.0, 8.0, 90.0, 90.0, 90.0),
        spacegroup="P -1",
        types=("C",) * 3,
        frac=0.5 + ring / 8.0,
        b_iso=2.0,
    )
    sites, frac, rotations = connected_atoms(crystal, bonds(crystal))
    assert sorted(sites.tolist()) == [0, 0, 1, 1, 2, 2]
    radii = np.linalg.norm(8.0 * (frac - 0.5), axis=1)
    np.testing.assert_allclose(radii, 1.39)
    assert {float(np.linalg.det(rotation)) for rotation in rotations} == {1.0, -1.0}


def test_ellipsoids_have_the_axes_of_u() -> None:
    """U along a of 0.04 A^2: half of the probability lies within 1.5382 x 0.2 A of the centre."""
    crystal = Crystal(
        cell=(6.0, 7.0, 8.0, 90.0, 90.0, 90.0),
        types=("C",),
        frac=[[0.5, 0.5, 0.5]],
        u_aniso=[[0.04, 0.01, 0.0225, 0.0, 0.0, 0.0]],
    )
    figure = molecule(crystal, np.zeros((6, 6, 6)) + np.eye(6))
    mesh = next(trace for trace in figure.data if trace.name == "C")
    for axis, u in (("x", 0.04), ("y", 0.01), ("z", 0.0225)):
        values = np.asarray(mesh[axis])
        # The corners of the drawn body lie on the ellipsoid, not all of them on its axes.
        half = 0.5 * np.ptp(values)
        assert 0.84 * 1.5382 * np.sqrt(u) < half <= 1.0001 * 1.5382 * np.sqrt(u)


def test_oblique_cells_have_their_ellipsoids_too() -> None:
    """An isotropic U, written as a tensor of a triclinic cell, is drawn as a sphere."""
    isotropic = Crystal(
        cell=(6.0, 7.0, 8.0, 70.0, 80.0, 110.0), types=("O",), frac=[[0.1, 0.2, 0.3]], b_iso=2.0
    )
    reciprocal = isotropic.reciprocal_metric
    cosines = reciprocal / np.sqrt(np.outer(np.diag(reciprocal), np.diag(reciprocal)))
    # U of a sphere has the metric of the unit vectors along the reciprocal axes.
    tensor = 2.0 / (8.0 * np.pi**2) * cosines
    crystal = isotropic.replace(
        u_aniso=[
            [tensor[0, 0], tensor[1, 1], tensor[2, 2], tensor[0, 1], tensor[0, 2], tensor[1, 2]]
        ]
    )
    assert crystal.b_iso[0] == pytest.approx(2.0)
    density = np.zeros((6, 6, 6)) + np.eye(6)
    mesh = next(trace for trace in molecule(crystal, density).data if trace.name == "O")
    points = np.column_stack([np.asarray(mesh[axis]) for axis in "xyz"])
    radii = np.linalg.norm(points - points.mean(axis=0), axis=1)
    np.testing.assert_allclose(radii, 1.5382 * np.sqrt(2.0 / (8.0 * np.pi**2)), rtol=1e-3)


def test_completeness_counts_what_is_missing(solution: Solution) -> None:
    merged = solution.merged
    _, share = completeness_by_shell(merged)
    np.testing.assert_allclose(share, 1.0)
    outer = merged.stol > np.median(merged.stol)
    keep = ~(outer & (np.arange(len(outer)) % 2 == 0)) | (merged.stol == merged.stol.max())
    fields = {name: getattr(merged, name)[keep] for name in ("hkl", "intensity", "sigma", "count")}
    _, share = completeness_by_shell(replace(merged, **fields))
    np.testing.assert_allclose(share[:5], 1.0)
    np.testing.assert_allclose(share[7:], 0.5, atol=0.12)


def test_pictures_hold_the_numbers(solution: Solution) -> None:
    merged = solution.merged
    exact = fit_figure(merged, np.maximum(merged.intensity, 0.0))
    assert max(exact.data[0].y) == 0.0
    doubled = fit_figure(merged, 4.0 * np.maximum(merged.intensity, 0.0))
    np.testing.assert_allclose(doubled.data[0].y, 1.0)
    panels = data_figure(merged)
    share = np.asarray(panels.data[2].y, float)
    assert (np.diff(share) >= 0.0).all()
    assert 0.5 < share[-1] <= 1.0
