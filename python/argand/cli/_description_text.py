"""Write descriptions of structures, reflections and files as a person reads them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from argand.cell import cell_volume
from argand.crystal import Crystal
from argand.describe import (
    AgreementAsRefined,
    AgreementDescription,
    FileDescription,
    MapDescription,
    MergingDescription,
    ReflectionsDescription,
    StructureDescription,
    describe_structure,
)
from argand.io import Instructions
from argand.measured import Agreement

__all__ = ["summary_lines", "text_of_file"]


def text_of_file(description: FileDescription) -> str:
    """Write all that a file holds: its name, then sections of indented lines, doubts last."""
    sections: list[tuple[str, list[str]]] = []
    structure_title = "structure"
    if description.structure_path is not None:
        structure_title = f"structure in {description.structure_path}"
    if description.map is not None:
        sections.append(("map", _map_lines(description.map)))
    if description.instructions is not None:
        sections.append((structure_title, _instruction_lines(description.instructions)))
    if description.structure is not None:
        sections.append((structure_title, _structure_lines(description.structure)))
    reflections = description.reflections
    if reflections is not None:
        title = f"reflections: {reflections.format}"
        sections.append((title, _reflection_lines(reflections)))
    if description.merging is not None:
        sections.append(("merged", _merging_lines(description.merging)))
    if description.agreement is not None:
        lines = _agreement_lines(description.agreement)
        sections.append(("agreement with the structure", lines))
    if description.doubts:
        sections.append(("worth a second look", list(description.doubts)))
    text = [description.path]
    for title, lines in sections:
        text.append(title)
        text += [f"  {line}" for line in lines]
    return "\n".join(text)


def summary_lines(crystal: Crystal) -> list[str]:
    """Write content, space group and unit cell of a crystal, and its sites at rest."""
    return _summary_lines(describe_structure(crystal))


def _summary_lines(structure: StructureDescription) -> list[str]:
    """Write content, space group and unit cell of a structure, and its sites at rest."""
    group = f"space group {structure.spacegroup}"
    if structure.spacegroup is None:
        group = f"{structure.operations} operations without a name"
    lines = [
        f"{structure.formula}: {structure.sites} sites, {structure.atoms} in the cell, {group}",
        f"{_cell_words(structure.cell)}, {structure.volume:.5g} Å³",
    ]
    if structure.without_displacement:
        lines.append(f"{structure.without_displacement} sites without displacement: B = 0")
    return lines


def _structure_lines(structure: StructureDescription) -> list[str]:
    """Write content, unit cell, density, F(000) and displacements of a structure."""
    volume = ""
    if structure.volume_per_atom is not None:
        volume = f", {structure.volume_per_atom:.1f} Å³ for each atom that is no hydrogen"
    density = f"density {structure.density:.4g} g/cm³, F(000) = {structure.f000:.6g}{volume}"
    range_of_b = f"B {structure.b_min:.2f} to {structure.b_max:.2f} Å², mean {structure.b_mean:.2f}"
    kinds = (
        f"{structure.anisotropic} sites anisotropic, {structure.partly_occupied} partly occupied"
    )
    return [*_summary_lines(structure), density, f"{range_of_b}; {kinds}"]


def _instruction_lines(instructions: Instructions) -> list[str]:
    """Write what SHELX instructions without atoms state."""
    lines: list[str] = []
    if instructions.title:
        lines.append(instructions.title)
    cell = instructions.cell
    if cell is not None:
        lines.append(f"{_cell_words(cell)}, {cell_volume(cell):.5g} Å³")
    lines.append(f"space group {instructions.spacegroup}")
    content = instructions.content
    if content:
        lines.append(f"content {_content_words(content)}")
    lines.append("no atoms")
    return lines


def _map_lines(density_map: MapDescription) -> list[str]:
    """Write grid, unit cell and values of a density map."""
    shape = " x ".join(str(points) for points in density_map.shape)
    values = f"{density_map.minimum:.4g} to {density_map.maximum:.4g}"
    return [
        f"{shape} points, space group {density_map.spacegroup}",
        _cell_words(density_map.cell),
        f"{values}, mean {density_map.mean:.4g}, rms deviation {density_map.rms_deviation:.4g}",
    ]


def _reflection_lines(reflections: ReflectionsDescription) -> list[str]:
    """Write a list of reflections as it lies in the file."""
    ranges: list[str] = []
    for letter, low, high in zip("hkl", reflections.lowest, reflections.highest, strict=True):
        ranges.append(f"{letter} {low} to {high}")
    columns = ", ".join(reflections.columns).replace("_", " ")
    lines = [f"{reflections.count} reflections, {', '.join(ranges)}; {columns}"]
    if reflections.cell is not None:
        group = ""
        if reflections.spacegroup is not None:
            group = f", space group {reflections.spacegroup}"
        lines.append(_cell_words(reflections.cell) + group)
    if reflections.is_measured:
        lines.append(_strength_words(reflections))
    r = reflections.own_agreement
    if r is not None:
        lines.append(f"{_r1_words(r)} of the Fc in the list itself")
    return lines


def _strength_words(reflections: ReflectionsDescription) -> str:
    """Write how strong the reflections of a list are, and how many cannot be used."""
    if reflections.negative is None:
        return "no reflection has an intensity that can be used"
    unusable = ""
    if reflections.unusable:
        unusable = f"; {reflections.unusable} cannot be used or are flagged"
    negative = f"{100 * reflections.negative:.1f} % negative{unusable}"
    if reflections.i_over_sigma is None or reflections.strong is None:
        return f"no sigmas, {negative}"
    strong = f"{100 * reflections.strong:.0f} % above 2σ"
    return f"mean I/σ {reflections.i_over_sigma:.1f}, {strong}, {negative}"


def _merging_lines(merging: MergingDescription) -> list[str]:
    """Write R_int, completeness, Wilson plot and statistics of merged data."""
    completeness = "not counted"
    if not math.isnan(merging.completeness):
        completeness = f"{100 * merging.completeness:.1f} %"
    unique = f"{merging.unique} unique in the Laue group of {merging.group_words}"
    resolution = f"{merging.d_max:.2f} to {merging.d_min:.2f} Å"
    coverage = f"completeness {completeness}, redundancy {merging.redundancy:.1f}"
    lines = [
        f"{unique}, {resolution}, {coverage}",
        _r_int_words(merging),
        f"systematic absences: {merging.absences}",
    ]
    fit = merging.wilson
    if fit is not None:
        b = f"{fit.b:.2f} ± {fit.b_sigma:.2f} Å²"
        lines.append(f"Wilson B {b}, |Fo|² = {fit.scale:.4g} × |F|²")
    elif merging.wilson_problem is not None:
        lines.append(f"no Wilson plot: {merging.wilson_problem}")
    if merging.changed is not None:
        lines.append(
            f"weak intensities: {merging.negative} negative, "
            f"{merging.changed} changed by more than σ/10 (French and Wilson)"
        )
    elif merging.treatment_problem is not None:
        lines.append(f"amplitudes: {merging.treatment_problem}")
    return lines + _statistics_lines(merging)


def _r_int_words(merging: MergingDescription) -> str:
    """Write R_int, R_sigma and the number of outliers."""
    words = f"R_int {merging.r_int:.4f}"
    if math.isnan(merging.r_int):
        words = "no R_int: the sum of intensities is not above 0"
        if not merging.has_equivalents:
            words = "no equivalents"
    elif merging.stated_r_int is not None:
        words += f" (stated {merging.stated_r_int:.4f})"
    if not math.isnan(merging.r_sigma):
        words += f", R_sigma {merging.r_sigma:.4f}"
    if merging.outliers:
        words += f", {merging.outliers} outliers left out"
    return words


def _statistics_lines(merging: MergingDescription) -> list[str]:
    """Write second moment and L test; nothing where too few reflections have a signal."""
    statistics = merging.statistics
    if math.isnan(statistics.second_moment):
        return []
    words = (
        f"<I²>/<I>² {statistics.second_moment:.2f} (random atoms {statistics.expected_moment:.2f})"
    )
    if not math.isnan(statistics.l_mean):
        words += f", <|L|> {statistics.l_mean:.3f} (random atoms {statistics.expected_l:.3f})"
    return [f"{words}, {100 * statistics.centric:.0f} % centric"]


def _agreement_lines(description: AgreementDescription) -> list[str]:
    """Write the R factors of a structure, and how they were calculated."""
    lines = [_radiation_words(description)]
    without = _all_r_words(description.without_extinction)
    if description.with_extinction is None:
        lines.append(without)
    else:
        extinction = f"with extinction {description.extinction:g}"
        lines.append(f"{_all_r_words(description.with_extinction)}, {extinction}")
        lines.append(f"{without}, without")
    if description.stated:
        values = [f"{name} {value:.4f}" for name, value in description.stated.items()]
        lines.append(f"stated: {', '.join(values)}")
        lines.append(_as_refined_words(description.as_refined))
    r = description.unmerged
    if r is not None:
        lines.append(f"R1 {_r_words(r.r1)} of the {r.strong} measurements above 2σ, not merged")
    return lines


def _as_refined_words(refined: AgreementAsRefined) -> str:
    """Write the R factors that are to be compared with the stated ones, and what they are of."""
    r = refined.agreement
    words = f"to compare: R1 {_r_words(r.r1)} ({r.strong} above {refined.threshold:g}σ)"
    words += f", R1 of all {_r_words(r.r1_all)} (all {r.count})"
    words += f", wR2 {_r_words(r.wr2)}, {refined.merging}"
    if refined.left_out:
        words += f", {refined.left_out} left out as in the refinement"
    if refined.extinction is not None:
        words += ", with extinction"
    return words


def _radiation_words(description: AgreementDescription) -> str:
    """Write the radiation with which intensities were calculated, and the twin."""
    radiation = description.radiation
    words = f"{radiation.probe}s"
    if radiation.wavelength is not None:
        words += f" of {radiation.wavelength:g} Å"
    if description.powder:
        words += ", powder"
    if radiation.probe == "x-ray":
        words += ", with dispersion" if radiation.dispersion else ", no dispersion"
        if radiation.corrections:
            words += " as stated"
    if description.twin_fraction:
        words += f", twin of {description.twin_fraction:g}"
    return words


def _r1_words(r: Agreement) -> str:
    """Write R1 of strong reflections and of all."""
    strong = f"R1 {_r_words(r.r1)} ({r.strong} above 2σ)"
    return f"{strong}, {_r_words(r.r1_all)} (all {r.count})"


def _all_r_words(r: Agreement) -> str:
    """Write R1, wR2 and the scale of amplitudes."""
    return f"{_r1_words(r)}, wR2 {_r_words(r.wr2)}, |Fo| = {r.scale:.4f} × |Fc|"


def _r_words(value: float) -> str:
    """Write an R factor; where no reflection has an intensity there is none."""
    return f"{value:.4f}" if math.isfinite(value) else "not known"


def _cell_words(cell: Sequence[float]) -> str:
    """Write a unit cell with its units."""
    a, b, c, alpha, beta, gamma = cell
    return f"cell {a:g} {b:g} {c:g} Å, {alpha:g} {beta:g} {gamma:g}°"


def _content_words(content: Mapping[str, float]) -> str:
    """Write the atoms of each element in the unit cell."""
    return " ".join(f"{element}{number:g}" for element, number in content.items())
