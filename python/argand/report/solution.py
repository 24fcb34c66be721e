"""Make the report of ``argand solve``: the verdict, the molecule in its density, and the data."""

from __future__ import annotations

from string import Template

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.density import grid_shape, map_from_structure_factors
from argand.measured.scaled_phases import ScaledPhases
from argand.report import parts
from argand.report.environment import environment
from argand.report.page import page, resource
from argand.report.parts import Html
from argand.solve.absolute_scale import measurable_intensity, scaled_phases
from argand.solve.solution import Solution
from argand.symmetry import group_ops
from argand.viz.density import isosurfaces, plot_slices
from argand.viz.molecule import molecule
from argand.viz.solution import data_figure, fit_figure
from argand.viz.style import THEMES

__all__ = ["solution_page"]

_LEAD = (
    "A crystal that nobody knew: its density, its atoms and its space group, from the measured "
    "reflections alone, and how far they can be trusted."
)

_VERDICTS = {
    "solved": (
        "The phases are right. Figures of merit that need no knowledge of the structure are as "
        "only right densities have them."
    ),
    "probable": (
        "The phases are probably right, but the data do not prove it: compare the molecule with "
        "what is known of the substance before it is used."
    ),
    "not solved": (
        "The phases were not found. What is shown is the best density of the search, and most of "
        "it is wrong."
    ),
}

# Rows that a page shows at once; a longer table scrolls in a window of its own.
_ROWS_WITHOUT_SCROLLING = 40

# Resolution of pictures, which keeps a page small.
_DPI = 100

# More grid points than this are not drawn as surfaces of the whole cell.
_MOST_SURFACE_POINTS = 60_000

# B = 8 pi^2 U
_B_PER_U = 8.0 * np.pi**2


def solution_page(solution: Solution) -> str:
    """Make the report of a solution as one HTML text that needs no network."""
    scaled = scaled_phases(solution)
    density = _density(solution, scaled, scaled.observed)
    values: dict[str, parts.Text] = {
        "cards": _cards(solution),
        "verdict": _VERDICTS[solution.verdict],
        "reasons": parts.bullets(solution.reasons),
        "notes": _notes(solution),
        "molecule": _molecule(solution, density),
        "slices": _slices(solution, scaled, density),
        "fit": _fit(solution, scaled),
        "data": _data(solution),
        "groups": _groups(solution),
        "atoms": _atoms(solution),
        "facts": parts.facts({**_settings(solution), **environment()}),
    }
    html = {name: parts.markup(text) for name, text in values.items()}
    body = Template(resource("solution.html")).substitute(html)
    footer = "Made by argand. This page holds all that it shows: it needs no network connection."
    return page(f"{solution.name}: {solution.verdict}", _LEAD, body, footer=footer)


def _density(
    solution: Solution, scaled: ScaledPhases, coefficients: NDArray[np.complex128]
) -> FloatArray:
    """Compute a density (na, nb, nc) over the unit cell from coefficients (n,)."""
    cell, spacegroup = solution.merged.cell, solution.merged.spacegroup
    shape = grid_shape(cell, spacegroup, solution.merged.d_min)
    density = map_from_structure_factors(
        scaled.hkl, coefficients, shape, cell=cell, spacegroup=spacegroup
    )
    return np.asarray(density, np.float64)


def _cards(solution: Solution) -> Html:
    """Make the cards with the most important facts."""
    tone = "cured" if solution.is_solved else "plain"
    figures: list[tuple[str, parts.Text, str]] = [
        (
            solution.verdict,
            f"with a probability of {solution.probability:.3f} that the density is right",
            tone,
        ),
        (solution.spacegroup, _group_words(solution), ""),
    ]
    model = solution.model
    if model is not None:
        words = (
            f"R1 of the refined atoms, I > 2σ; {model.r1_all:.3f} of all reflections, "
            f"wR2 {model.wr2:.3f}, {model.parameters} parameters"
        )
        figures.append((f"{model.r1:.3f}", words, tone))
        hydrogens = int(np.count_nonzero(model.hydrogens))
        atoms = len(model.crystal.types) - hydrogens
        content = f"atoms and {hydrogens} hydrogens; in the cell {model.crystal.formula}"
        figures.append((str(atoms), content, ""))
    figures.append((f"{solution.merged.d_min:.2f} Å", "resolution of the data", ""))
    return parts.key_figures(figures)


def _group_words(solution: Solution) -> str:
    """Say how the space group of the solution compares with the one that the data came with."""
    stated = solution.stated_spacegroup
    if stated is None:
        return "space group; the data came without one"
    if stated == solution.spacegroup:
        return "space group, as the data came with"
    return f"space group; the data came with {stated}, which they contradict"


def _notes(solution: Solution) -> Html:
    """List the remarks on data, phases and atoms."""
    notes = solution.description()["notes"]
    if not notes:
        return Html("")
    return Html(f'<aside class="note">{parts.bullets(notes).markup}</aside>')


def _molecule(solution: Solution, density: FloatArray) -> Html:
    """Show the atoms inside their density; without atoms the density of the whole cell."""
    if solution.crystal is not None:
        figure = molecule(solution.crystal, density)
        caption = (
            "Drag to turn, scroll to come nearer; the buttons choose the surface of the density, "
            "names in the legend hide what they name. Ellipsoids hold an atom half of the time; "
            "hydrogens are small spheres. Measured amplitudes, phases of the atoms."
        )
        return parts.interactive(figure, "molecule", caption=caption)
    step = int(np.ceil((density.size / _MOST_SURFACE_POINTS) ** (1.0 / 3.0)))
    coarse = density[::step, ::step, ::step]
    surfaces = isosurfaces({"density": coarse}, solution.merged.cell)
    caption = "The density of the whole cell: no atoms were found in it."
    return parts.interactive(surfaces, "molecule", caption=caption)


def _slices(solution: Solution, scaled: ScaledPhases, density: FloatArray) -> Html:
    """Show a layer of the density through its highest peak, beside that of the atoms."""
    if scaled.calculated is None:
        return Html("<p>Without atoms there is nothing to compare a layer with.</p>")
    of_atoms = _density(solution, scaled, scaled.calculated)
    index = int(np.unravel_index(int(density.argmax()), density.shape)[2])

    pictures = []
    for theme in THEMES:
        figure = plot_slices(
            density,
            of_atoms,
            solution.merged.cell,
            axis="c",
            index=index,
            names=("measured amplitudes", "refined atoms"),
            theme=theme,
        )
        pictures.append(parts.png(figure, dpi=_DPI))
    caption = "The layer across c through the highest peak: measured, of the atoms, and the rest."
    return parts.picture(*pictures, alt="a layer of the density", caption=caption)


def _fit(solution: Solution, scaled: ScaledPhases) -> Html:
    """Show R by resolution and the figures of the refinement."""
    model = solution.model
    if model is None:
        return Html("<p>There are no atoms.</p>")
    calculated = scaled.scale**2 * measurable_intensity(solution, model.crystal)
    figure = fit_figure(solution.merged, calculated)
    facts = {
        "R1, I > 2σ": f"{model.r1:.4f}",
        "R1, all": f"{model.r1_all:.4f}",
        "wR2": f"{model.wr2:.4f}",
        "goodness of fit": f"{model.goodness:.2f}",
        "reflections": str(model.reflections),
        "parameters": str(model.parameters),
        "extinction": "none" if not model.extinction else f"{model.extinction:.4f}",
        "highest peak, deepest hole": f"{model.highest_peak:.2f}, {model.deepest_hole:.2f} e/Å³",
    }
    if solution.flack is not None:
        flack = solution.flack
        facts["Flack parameter"] = f"{flack.value:.3f} ± {flack.uncertainty:.3f}"
    caption = "R of amplitudes in shells of resolution, and the amplitudes themselves."
    picture = parts.interactive(figure, "r-by-resolution", caption=caption)
    return Html(picture.markup + parts.facts(facts).markup)


def _data(solution: Solution) -> Html:
    """Show signal, completeness and distribution of the data, and their statistics."""
    merged, statistics = solution.merged, solution.statistics
    facts = {
        "unique reflections": f"{len(merged.hkl):,} of {merged.measured:,} measurements",
        "resolution": f"{merged.d_max:.2f} to {merged.d_min:.2f} Å",
        "completeness": _number(100.0 * merged.completeness, 1, " %"),
        "R_int": _number(merged.r_int, 3),
        "R_sigma": _number(merged.r_sigma, 3),
        "second moment": f"{_number(statistics.second_moment, 2)}, expected "
        f"{_number(statistics.expected_moment, 2)}",
        "⟨|L|⟩": f"{_number(statistics.l_mean, 3)}, expected {_number(statistics.expected_l, 3)}",
    }
    caption = (
        "Mean I/σ and completeness by resolution; the distribution of intensities beside those of "
        "random atoms without and with a centre of symmetry."
    )
    picture = parts.interactive(data_figure(merged), "statistics", caption=caption)
    doubts = statistics.verdict()
    words = parts.bullets(doubts).markup if doubts else ""
    return Html(picture.markup + parts.facts(facts).markup + words)


def _groups(solution: Solution) -> Html:
    """Make the table of the space groups that were considered."""
    rows = []
    for group in solution.alternatives:
        is_centred = group_ops(group.spacegroup).is_centrosymmetric()
        rows.append(
            [
                group.spacegroup,
                "yes" if is_centred else "no",
                f"{group.agreement:.2f}",
                f"{group.weakest:.2f}",
                _number(group.extinguished, 3),
                f"{group.score:.1f}",
                "; ".join(group.reasons),
            ]
        )
    if not rows:
        return Html("<p>No other space group was considered.</p>")
    head = (
        "space group",
        "centre",
        "agreement",
        "weakest operation",
        "extinguished",
        "score",
        "why",
    )
    caption = (
        "Agreement of the phases, found in P 1, with the operations of the group (1 is perfect); "
        "mean intensity of what the group extinguishes over that of all reflections."
    )
    is_long = len(rows) > _ROWS_WITHOUT_SCROLLING
    return parts.table(head, rows, caption=caption, is_long=is_long)


def _atoms(solution: Solution) -> Html:
    """Make the table of the sites, with doubts about their elements."""
    model = solution.model
    if model is None:
        return Html("<p>None were found.</p>")
    crystal = model.crystal
    doubts = {doubt.label: doubt for doubt in model.element_doubts}
    rows = []
    for site, label in enumerate(crystal.labels):
        x, y, z = (f"{coordinate:.4f}" for coordinate in crystal.frac[site])
        u = f"{crystal.b_iso[site] / _B_PER_U:.4f}"
        remark = "riding" if model.hydrogens[site] else ""
        if label in doubts:
            remark = f"perhaps {doubts[label].alternative}"
        rows.append([label, crystal.types[site], x, y, z, _occupancy(crystal, site), u, remark])
    head = ("site", "element", "x", "y", "z", "occupancy", "U (Å²)", "remark")
    return parts.table(head, rows, is_long=len(rows) > _ROWS_WITHOUT_SCROLLING)


def _occupancy(crystal: Crystal, site: int) -> str:
    """Return the occupancy of a site with few digits."""
    return f"{crystal.occ[site]:.3g}"


def _settings(solution: Solution) -> dict[str, str]:
    """Return what was done, and how long it took, as pairs of words."""
    figures = solution.figures
    seconds = ", ".join(f"{name} {value:.2f} s" for name, value in solution.seconds.items())
    return {
        "starts, cycles": f"{solution.starts}, {solution.cycles}",
        "free correlation": f"{figures.free_correlation:.3f}",
        "R after elimination": f"{figures.residual:.3f}",
        "R of strong reflections": f"{figures.strong_residual:.3f}",
        "symmetry of the phases": _number(figures.symmetry, 3),
        "wavelength": _number(solution.radiation.wavelength or np.nan, 5, " Å"),
        "cell": " ".join(f"{value:g}" for value in solution.merged.cell),
        "time": seconds,
    }


def _number(value: float, decimals: int, unit: str = "") -> str:
    """Write a number that may be unknown."""
    return f"{value:.{decimals}f}{unit}" if np.isfinite(value) else "unknown"
