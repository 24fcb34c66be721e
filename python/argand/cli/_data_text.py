"""Measured reflections in words: what was measured, how well it agrees with itself, and with a structure."""

from __future__ import annotations

import numpy as np

from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.io import Experiment, Reflections
from argand.measured import (
    Agreement,
    Merged,
    agreement,
    amplitudes,
    calculated_intensity,
    check_absences,
    check_data,
    impossible,
    intensity_statistics,
    merge,
    wilson,
)
from argand.measured.merging import usable
from argand.reflections import systematic_absences

__all__ = ["agreement_lines", "data_lines", "list_lines", "own_agreement"]


def list_lines(found: Reflections) -> list[str]:
    """The list as it lies in the file."""
    low, high = found.hkl.min(axis=0), found.hkl.max(axis=0)
    ranges = ", ".join(
        f"{letter} {a} to {b}" for letter, a, b in zip("hkl", low, high, strict=True)
    )
    columns = [
        name
        for name in (
            "intensity",
            "amplitude",
            "sigma",
            "amplitude_calc",
            "phase",
            "batch",
            "left_out",
        )
        if getattr(found, name) is not None
    ]
    lines = [f"{len(found.hkl)} reflections, {ranges}; {', '.join(columns).replace('_', ' ')}"]
    if found.cell is not None:
        a, b, c, alpha, beta, gamma = found.cell
        group = "" if found.spacegroup is None else f", space group {found.spacegroup}"
        lines.append(f"cell {a:g} {b:g} {c:g} Å, {alpha:g} {beta:g} {gamma:g}°{group}")
    if found.intensity is not None or found.amplitude is not None:
        lines += _strength(found)
    return lines


def _strength(found: Reflections) -> list[str]:
    good = usable(found)
    intensity, sigma = found.intensities()
    unused = "" if good.all() else f"; {int((~good).sum())} cannot be used or are flagged"
    if not good.any():
        return ["no reflection has an intensity that can be used"]
    values = intensity[good]
    negative = f"{100 * float(np.mean(values < 0)):.1f} % negative"
    if sigma is None or not (sigma[good] > 0).all():
        return [f"no sigmas, {negative}{unused}"]
    ratio = values / sigma[good]
    strong = 100 * float(np.mean(ratio > 2.0))
    return [f"mean I/σ {ratio.mean():.1f}, {strong:.0f} % above 2σ, {negative}{unused}"]


def data_lines(
    found: Reflections, content: dict[str, float] | None, said: Experiment
) -> tuple[list[str], list[str]]:
    """What merging and statistics say, and doubts. The reflections have a cell and a space group."""
    merged = merge(found)
    doubts = impossible(merged)
    nothing = (
        "no equivalents"
        if (merged.count == 1).all()
        else "no R_int: the sum of intensities is not above 0"
    )
    r_int = nothing if np.isnan(merged.r_int) else f"R_int {merged.r_int:.4f}"
    stated = (
        f" (stated {said.stated['R_int']:.4f})"
        if "R_int" in said.stated and not np.isnan(merged.r_int)
        else ""
    )
    r_sigma = "" if np.isnan(merged.r_sigma) else f", R_sigma {merged.r_sigma:.4f}"
    outliers = f", {merged.rejected} outliers left out" if merged.rejected else ""
    unique = f"{len(merged.hkl)} unique in the Laue group of {_group(merged)}"
    resolution = f"{merged.d_max:.2f} to {merged.d_min:.2f} Å"
    share = "not counted" if np.isnan(merged.completeness) else f"{100 * merged.completeness:.1f} %"
    complete = f"completeness {share}, redundancy {merged.redundancy:.1f}"
    lines = [f"{unique}, {resolution}, {complete}", f"{r_int}{stated}{r_sigma}{outliers}"]
    absences = check_absences(found, merged.spacegroup)
    lines.append(f"systematic absences: {absences}")
    if absences.violated:
        doubts.append(
            f"reflections that {_group(merged)} extinguishes are there: another space group or cell"
        )
    lines += _wilson_lines(merged, content, said, doubts)
    lines += _treated_lines(merged) + _statistics_lines(merged)
    return lines, doubts


def _group(merged: Merged) -> str:
    return "its operations" if ";" in merged.spacegroup else merged.spacegroup


def _wilson_lines(
    merged: Merged, content: dict[str, float] | None, said: Experiment, doubts: list[str]
) -> list[str]:
    if not content:
        return []
    try:
        fit = wilson(merged, content, radiation=said.radiation())
    except ArgandError as error:
        return [f"no Wilson plot: {error}"]
    if fit.b + 3 * fit.b_sigma < 0:
        doubts.append(
            f"Wilson B is negative, {fit.b:.1f} Å²: another content, or amplitudes given as intensities"
        )
    return [f"Wilson B {fit.b:.2f} ± {fit.b_sigma:.2f} Å², |Fo|² = {fit.scale:.4g} × |F|²"]


def _treated_lines(merged: Merged) -> list[str]:
    """How much French and Wilson's treatment has to do."""
    if merged.sigma is None:
        return []
    try:
        treated = amplitudes(merged)
    except ArgandError as error:
        return [f"amplitudes: {error}"]
    changed = np.abs(treated.intensity - merged.intensity) > 0.1 * merged.sigma
    negative = int((merged.intensity < 0).sum())
    return [
        f"weak intensities: {negative} negative, {int(changed.sum())} changed by more than σ/10 (French and Wilson)"
    ]


def _statistics_lines(merged: Merged) -> list[str]:
    found = intensity_statistics(merged)
    if np.isnan(found.second_moment):
        return []
    moment = f"<I²>/<I>² {found.second_moment:.2f} (random atoms {found.expected_moment:.2f})"
    pairs = (
        ""
        if np.isnan(found.l_mean)
        else f", <|L|> {found.l_mean:.3f} (random atoms {found.expected_l:.3f})"
    )
    return [f"{moment}{pairs}, {100 * found.centric:.0f} % centric"]


def agreement_lines(
    found: Reflections, crystal: Crystal, said: Experiment
) -> tuple[list[str], list[str]]:
    """R factors of a structure, with the choices that its file names, and doubts."""
    wavelength = said.wavelength if said.wavelength is not None else found.wavelength
    probe = {"x-ray": "x-rays", "neutron": "neutrons", "electron": "electrons"}[said.probe]
    dispersed = said.dispersion is not False and said.probe == "x-ray" and wavelength is not None
    dispersion = (
        "" if said.probe != "x-ray" else ", with dispersion" if dispersed else ", no dispersion"
    )
    powder = ", powder" if said.powder else ""
    at = "" if wavelength is None else f" of {wavelength:g} Å"
    radiation = said.measured_radiation(found.wavelength)
    merged = merge(found, cell=crystal.cell, spacegroup=crystal.spacegroup)
    fraction = said.fractions[0] if said.twin is not None and len(said.fractions) == 1 else 0.0
    lines = [f"{probe}{at}{powder}{dispersion}{f', twin of {fraction:g}' if fraction else ''}"]

    def compared(extinction: float | None) -> str:
        model = calculated_intensity(
            crystal,
            merged.hkl,
            radiation=radiation,
            extinction=extinction,
            twin=said.twin,
            fraction=fraction,
        )
        return _r_factors(agreement(model, merged.intensity, merged.sigma, said.weights))

    if said.extinction is not None and wavelength is not None:
        lines.append(f"{compared(said.extinction)}, with extinction {said.extinction:g}")
        lines.append(f"{compared(None)}, without")
    else:
        lines.append(compared(None))
    if said.stated:
        lines.append(
            "stated: " + ", ".join(f"{name} {value:.4f}" for name, value in said.stated.items())
        )
    if merged.redundancy > 1.001:
        lines.append(_unmerged(found, crystal, said, wavelength if dispersed else None))
    try:
        doubts = check_data(found, crystal, radiation=radiation)
    except ArgandError as error:
        doubts = [str(error)]
    return lines, doubts


def _r_factors(r: Agreement) -> str:
    return (
        f"R1 {r.r1:.4f} ({r.strong} above 2σ), {r.r1_all:.4f} (all {r.count}), wR2 {r.wr2:.4f}, "
        f"|Fo| = {r.scale:.4f} × |Fc|"
    )


def _unmerged(
    found: Reflections, crystal: Crystal, said: Experiment, wavelength: float | None
) -> str:
    rows = found[usable(found) & ~systematic_absences(found.hkl, crystal.spacegroup)]
    model = calculated_intensity(
        crystal, rows.hkl, radiation=said.measured_radiation(found.wavelength), merged=False
    )
    intensity, sigma = rows.intensities()
    r = agreement(model, intensity, sigma, said.weights)
    return f"R1 {r.r1:.4f} of the {r.strong} measurements above 2σ, not merged"


def own_agreement(found: Reflections) -> list[str]:
    """R of the calculated amplitudes that a list carries with it."""
    if found.amplitude_calc is None or (found.intensity is None and found.amplitude is None):
        return []
    rows = found[usable(found) & np.isfinite(found.amplitude_calc)]
    if not len(rows.hkl) or rows.amplitude_calc is None or not rows.amplitude_calc.any():
        return []
    intensity, sigma = rows.intensities()
    r = agreement(rows.amplitude_calc**2, intensity, sigma)
    return [
        f"R1 {r.r1:.4f} ({r.strong} above 2σ), {r.r1_all:.4f} (all {r.count}) of the Fc in the list itself"
    ]
