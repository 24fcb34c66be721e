"""Whether measured data can be those of a crystal: what is wrong is named before anything is refined against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

import numpy as np

from argand.atom_types import atomic_number
from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.io import Reflections
from argand.measured.absences import check_absences
from argand.measured.agreement import calculated_intensity
from argand.measured.merging import Merged, merge, usable
from argand.measured.statistics import impossible, intensity_statistics
from argand.measured.wilson import local_mean, statistical_weight
from argand.reflections import hkl_cube, stol
from argand.site_symmetry import site_rotations
from argand.symmetry import group_ops

__all__ = ["check_data", "free_coordinates"]

# relative lengths and degrees: a strained crystal, and another one
_STRAINED, _OTHER_CELL = (0.02, 1.0), (0.10, 5.0)
_FEWEST = 10
_PROBE = 6  # indices up to which systematic absences are compared
_WANTED_PER_COORDINATE = 3.0
_R_INT_WRONG = 0.25
_LARGE_CHANGE = 0.4
# Displacements of .7 A (rms) leave exp(-2 B stol^2) of the correlation of intensities, B = 8 pi^2 (.7 A)^2 / 3
_MOVED = 2.0 * 12.9
#: correlation in units of its standard deviation for structures that have nothing to do with each other
_UNRELATED, _RELATED = 1.0, 3.0
_SPARSE = 0.5  # completeness
_FEW = 50
#: how much better another power has to explain the data, for few reflections and for many
_CLEARLY, _BETTER = 0.7, 0.9
#: ln of the ratio of second moments beyond that of a perfect twin (3/2, 4/3)
_NO_TWIN = 0.43


def check_data(
    reflections: Reflections,
    crystal: Crystal,
    *,
    content: Mapping[str, float] | None = None,
    table: str = "it92",
    wavelength: float | None = None,
    merged: Merged | None = None,
    explained: bool = False,
) -> list[str]:
    """Look for what makes reflections unfit for a crystal that is thought to be a relative of the measured one.

    Parameters
    ----------
    reflections : measured; their own cell and space group are compared where they state them
    crystal : the known structure, whose cell and space group the data are taken to have
    content : atoms in the cell that was measured, where known
    table : form factors, see `argand.form_factors`
    wavelength : angstrom, where the reflections do not state it
    merged : the reflections merged with the cell and space group of the crystal, where this was done already
    explained : atoms of the crystal, displaced, are known to explain the data. Then it does not matter that these
        hardly follow the structure as it is, unless they are so few that much would explain them, and the slower
        statistics that only raise doubts are left out.

    Returns
    -------
    Doubts in words, one line each: data that can be used, with a second look.

    Raises
    ------
    ArgandError
        One line for what cannot be right: another cell, another space group, another content, amplitudes given as
        intensities or intensities as amplitudes, too few reflections, intensities that have nothing to do with the
        structure.
    """
    said: list[str] = []
    _check_cell(reflections, crystal, wavelength, said)
    _check_named_group(reflections, crystal, said)
    if content is not None:
        _check_content(content, crystal, said)
    _check_signs(reflections)
    if not usable(reflections).any():
        raise ArgandError("too few reflections: none has an intensity that can be used")
    absences = check_absences(reflections, crystal.spacegroup)
    if absences.violated:
        raise ArgandError(
            f"another space group, or cell: of the reflections that {_name(crystal)} extinguishes {absences}; "
            "in a crystal of broken symmetry use a subgroup (Crystal.to_p1)"
        )
    if merged is None:
        merged = merge(reflections, cell=crystal.cell, spacegroup=crystal.spacegroup)
    _check_laue(reflections, merged, crystal)
    said += impossible(merged)
    many = _check_number(merged, crystal, said)
    model = calculated_intensity(crystal, merged.hkl, table=table)
    if not model.any():
        return said
    expected = _normalised(_with_intensity(merged, model))
    if not (explained and many):
        _check_relation(merged, expected, said)
    _check_kind(reflections, merged, expected)
    if not explained:
        _compare(merged, model, expected, said)
    return said


def _name(crystal: Crystal) -> str:
    return "its space group" if ";" in crystal.spacegroup else crystal.spacegroup


def _check_cell(
    reflections: Reflections, crystal: Crystal, wavelength: float | None, said: list[str]
) -> None:
    if reflections.cell is not None:
        given, known = np.array(reflections.cell), np.array(crystal.cell)
        length = float(np.abs(given[:3] / known[:3] - 1.0).max())
        angle = float(np.abs(given[3:] - known[3:]).max())
        pair = f"that of the reflections is {_cell_words(given)}, that of the crystal {_cell_words(known)}"
        if length > _OTHER_CELL[0] or angle > _OTHER_CELL[1]:
            raise ArgandError(f"another cell: {pair}")
        if length > _STRAINED[0] or angle > _STRAINED[1]:
            said.append(f"the cells differ by up to {100 * length:.1f} % and {angle:.1f}°: {pair}")
    wavelength = wavelength if wavelength is not None else reflections.wavelength
    if wavelength is not None:
        sine = (
            float(stol(reflections.hkl[usable(reflections)], crystal.cell).max(initial=0.0))
            * wavelength
        )
        if sine > 1.01:
            raise ArgandError(
                f"another cell or wavelength: at {wavelength:g} Å some reflections would lie beyond backscattering "
                f"(sin θ = {sine:.2f}) in the cell {_cell_words(np.array(crystal.cell))}"
            )


def _cell_words(cell: FloatArray) -> str:
    return " ".join(f"{value:.6g}" for value in cell)


def _check_named_group(reflections: Reflections, crystal: Crystal, said: list[str]) -> None:
    if reflections.spacegroup is None:
        return
    given, known = (group_ops(group) for group in (reflections.spacegroup, crystal.spacegroup))
    turns, known_turns = ({tuple(map(tuple, op.rot)) for op in group} for group in (given, known))
    cube = hkl_cube(_PROBE)
    same = np.array_equal(given.systematic_absences(cube), known.systematic_absences(cube))
    if turns == known_turns and same:  # the same but for the origin, or the hand
        return
    names = f"that of the reflections is {reflections.spacegroup}, that of the crystal {crystal.spacegroup}"
    if turns < known_turns or known_turns < turns:
        said.append(f"one point group is a subgroup of the other: {names}")
        return
    raise ArgandError(f"another space group: {names}")


def _check_content(content: Mapping[str, float], crystal: Crystal, said: list[str]) -> None:
    """Non-hydrogen electrons that differ by a tenth are another compound; less is a substitution."""
    known = crystal.composition()
    heavy = [element for element in {*content, *known} if element not in ("H", "D")]
    change = {e: content.get(e, 0.0) - known.get(e, 0.0) for e in heavy}
    electrons = sum(atomic_number(e) * abs(change[e]) for e in heavy)
    total = sum(atomic_number(e) * known.get(e, 0.0) for e in heavy)
    different = ", ".join(
        f"{e} {content.get(e, 0.0):g} instead of {known.get(e, 0.0):g}"
        for e in sorted(heavy)
        if abs(change[e]) > 0.05
    )
    if electrons > 0.2 * total:
        raise ArgandError(f"another content: the measured cell holds {different} of the crystal")
    if different:
        said.append(f"the measured cell holds {different} of the crystal")


def _check_signs(reflections: Reflections) -> None:
    if reflections.intensity is None and reflections.amplitude is not None:
        amplitude = reflections.amplitude[np.isfinite(reflections.amplitude)]
        if (amplitude < 0).sum() > 0.01 * len(amplitude):
            raise ArgandError(
                f"intensities given as amplitudes: {int((amplitude < 0).sum())} of {len(amplitude)} are negative"
            )


def _check_laue(reflections: Reflections, merged: Merged, crystal: Crystal) -> None:
    """Equivalents of the Laue group that disagree while those of -1 agree."""
    if not merged.r_int > _R_INT_WRONG:
        return
    friedel = merge(reflections, cell=crystal.cell, spacegroup="P -1")
    if np.isnan(friedel.r_int) or friedel.r_int < 0.5 * merged.r_int:
        raise ArgandError(
            f"another space group: equivalents of {_name(crystal)} disagree, R_int = {merged.r_int:.2f}"
            + ("" if np.isnan(friedel.r_int) else f", where it is {friedel.r_int:.3f} in P -1")
        )


@lru_cache(maxsize=32)
def free_coordinates(crystal: Crystal) -> int:
    """Positional parameters that symmetry leaves free."""

    means = (site_rotations(crystal, site).mean(axis=0) for site in range(len(crystal.types)))
    return sum(
        round(float(np.trace(mean))) for mean in means
    )  # of projectors, whose trace is their rank


def _check_number(merged: Merged, crystal: Crystal, said: list[str]) -> bool:
    """Whether there are enough reflections."""
    unique, free = len(merged.hkl), free_coordinates(crystal)
    if unique < max(_FEWEST, free):
        raise ArgandError(
            f"too few reflections: {unique} unique ones to {merged.d_min:.2f} Å for {free} coordinates, "
            f"needs {max(_FEWEST, free)} or more"
        )
    if unique < _WANTED_PER_COORDINATE * free:
        said.append(f"only {unique} unique reflections for {free} coordinates")
    if merged.completeness < 0.7:
        said.append(
            f"only {100 * merged.completeness:.0f} % of the reflections to {merged.d_min:.2f} Å are measured"
        )
    return unique >= _WANTED_PER_COORDINATE * free


def _check_kind(reflections: Reflections, merged: Merged, target: FloatArray) -> None:
    """Raised to which power are the intensities most like intensities of this structure?

    1 if they are; 2 if they are amplitudes, 1/2 if intensities were squared. The width of their distribution has to
    say so, and beyond what twinning does to it, or else their likeness to the structure, |E| = `target`, too.
    """
    if len(merged.hkl) < _FEW:
        return
    width, distance = {}, {}
    for power in (1.0, 2.0, 0.5):
        turned = _normalised(_with_intensity(merged, np.maximum(merged.intensity, 0.0) ** power))
        width[power] = abs(np.log(_width(turned) / _width(target)))
        distance[power] = float(np.abs(turned - target).sum())
    best = min(width, key=lambda power: width[power])
    many = len(target) > 4 * _FEW
    beyond_twins = many and width[1.0] > max(_NO_TWIN, 2.0 * width[best])
    if best == 1.0 or not (
        beyond_twins or distance[best] < (_BETTER if many else _CLEARLY) * distance[1.0]
    ):
        return
    if best == 2.0:
        raise ArgandError(
            "amplitudes given as intensities: squared, the values fit this structure (HKLF 3)"
        )
    if reflections.intensity is None:
        raise ArgandError(
            "intensities given as amplitudes: the values, not their squares, fit intensities of this structure"
        )
    raise ArgandError(
        "squared intensities given as intensities: their square roots fit this structure"
    )


def _width(e: FloatArray) -> float:
    """<E^4> / <E^2>^2."""
    z = np.square(e)
    return float(np.mean(z**2) / np.mean(z) ** 2)


def _with_intensity(merged: Merged, intensity: FloatArray) -> Merged:
    return replace(merged, intensity=intensity, sigma=None)


def _normalised(merged: Merged) -> FloatArray:
    """|E|, (n,)."""
    squared = merged.intensity / (local_mean(merged) * statistical_weight(merged))
    return np.sqrt(np.maximum(squared, 0.0))


def _check_relation(merged: Merged, expected: FloatArray, said: list[str]) -> None:
    """At low angles the amplitudes of a relative follow those of the structure, whatever moved by half an angstrom."""
    if len(expected) < _FEW:
        return
    measured, weight = _normalised(merged), np.exp(-_MOVED * merged.stol**2)
    covariance = np.cov(measured, expected, aweights=weight)
    spread = float(np.sqrt(covariance[0, 0] * covariance[1, 1]))
    if spread == 0.0:
        return
    correlation = float(covariance[0, 1]) / spread
    number = float(weight.sum() ** 2 / (weight @ weight))  # of reflections that count
    sigmas = float(
        np.arctanh(np.clip(correlation, -0.999999, 0.999999)) * np.sqrt(max(number - 1.0, 1.0))
    )  # Fisher
    words = (
        f"at low angles their correlation with those calculated is {correlation:.2f} ({sigmas:.1f} standard "
        "deviations): another cell, content, or indexing"
    )
    if sigmas < _UNRELATED or (sigmas < _RELATED and merged.completeness < _SPARSE):
        raise ArgandError(f"the intensities have nothing to do with this structure: {words}")
    if sigmas < _RELATED:
        said.append(
            f"the intensities hardly follow this structure: {words}, or atoms that moved far"
        )


def _compare(merged: Merged, model: FloatArray, expected: FloatArray, said: list[str]) -> None:
    measured = _normalised(merged)
    r = float(np.abs(measured - expected).sum() / measured.sum())
    if r > _LARGE_CHANGE:
        said.append(f"amplitudes differ much from those of the structure: R(|Eo|, |Ec|) = {r:.2f}")
    else:  # a structure that is nearly right says what to expect better than random atoms do
        said += intensity_statistics(merged, model).verdict()
