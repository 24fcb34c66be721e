"""Hold what was found out about an unknown crystal, and say it in words and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from argand.crystal import Crystal
from argand.measured import Merged, Statistics
from argand.radiation import Radiation
from argand.store import null_for_nan, to_builtins

if TYPE_CHECKING:
    from argand.solve.absolute import Flack
    from argand.solve.figures import PhaseFigures
    from argand.solve.model import AtomicModel
    from argand.solve.space_group import RankedGroup
    from argand.solve.twins import TwinFinding

__all__ = ["Solution", "Verdict"]

Verdict = Literal["solved", "probable", "not solved"]

# So many of the space groups that were considered fit on one line of the summary.
_GROUPS_IN_SUMMARY = 4

# Width of the first column of the summary.
_NAME_WIDTH = 13


@dataclass(frozen=True, eq=False)
class Solution:
    """Hold phases, space group and atoms of an unknown crystal, and how far they can be trusted.

    Parameters
    ----------
    name
        Name of the data set.
    verdict
        "solved", "probable" or "not solved".
    probability
        Probability that the density is right.
    reasons
        Why the verdict is what it is, in sentences.
    spacegroup, stated_spacegroup
        Space group of the solution, and the one that the data came with, if any.
    alternatives
        Space groups that were considered, the best first.
    merged
        Unique reflections in the space group of the solution.
    structure_factors : (n,) complex
        |F| exp(i phi) of `merged.hkl`, on the scale of the data.
    model
        Refined atoms; None where none were found.
    radiation
        What the crystal was measured with.
    figures
        Figures of merit of the density, without its atoms.
    starts, cycles
        Number of starts, and of cycles of all starts together.
    flack
        Absolute structure; None where it cannot be determined.
    twin
        A twin law with its fraction; None where the data show none.
    statistics
        Second moment and L test of the data.
    notes
        Remarks for people, in sentences.
    seconds
        Time spent on each step, by its name.
    """

    name: str
    verdict: Verdict
    probability: float
    reasons: tuple[str, ...]
    spacegroup: str
    stated_spacegroup: str | None
    alternatives: tuple[RankedGroup, ...]
    merged: Merged
    structure_factors: NDArray[np.complex128]
    model: AtomicModel | None
    radiation: Radiation
    figures: PhaseFigures
    starts: int
    cycles: int
    flack: Flack | None
    twin: TwinFinding | None
    statistics: Statistics
    notes: tuple[str, ...]
    seconds: Mapping[str, float]

    @property
    def crystal(self) -> Crystal | None:
        """Return the refined crystal, or None where no atoms were found."""
        return None if self.model is None else self.model.crystal

    @property
    def is_solved(self) -> bool:
        """Tell whether the verdict is "solved" or "probable"."""
        return self.verdict != "not solved"

    def summary(self) -> str:
        """Describe the solution on one screen, the verdict first."""
        rows = [("verdict", f"{self.verdict}, probability {_share(self.probability)}")]
        rows += [("", reason) for reason in self.reasons]
        rows.append(("space group", self._group_words()))
        rows += self._model_rows()
        if self.flack is not None:
            uncertain = f"{self.flack.value:.3f} ± {self.flack.uncertainty:.3f}"
            rows.append(("Flack x", uncertain))
        if self.twin is not None:
            rows.append(("twin", f"second domain {self.twin.fraction:.2f} of the crystal"))
        rows.append(("data", self._data_words()))
        rows.append(("phasing", self._phasing_words()))
        rows += [("note", note) for note in self._all_notes()]
        rows.append(("time", self._time_words()))
        lines = [f"{name:<{_NAME_WIDTH}}{words}" for name, words in rows]
        if self.name:
            lines.insert(0, self.name)
        return "\n".join(lines)

    def description(self) -> dict[str, Any]:
        """Return everything but the reflections as dicts, lists, strings and numbers.

        A number that could not be determined is None.
        """
        content = {
            "name": self.name,
            "verdict": self.verdict,
            "probability": self.probability,
            "reasons": self.reasons,
            "spacegroup": self.spacegroup,
            "stated_spacegroup": self.stated_spacegroup,
            "alternatives": self.alternatives,
            "cell": self.merged.cell,
            "data": self._data(),
            "radiation": self.radiation,
            "figures": self.figures,
            "starts": self.starts,
            "cycles": self.cycles,
            "model": self._model(),
            "flack": self.flack,
            "twin": self.twin,
            "statistics": self.statistics,
            "notes": self._all_notes(),
            "seconds": dict(self.seconds),
        }
        plain: dict[str, Any] = null_for_nan(to_builtins(content))
        return plain

    def to_json(self) -> str:
        """Return the description of the solution as JSON, with null for unknown numbers."""
        return json.dumps(self.description(), indent=1, ensure_ascii=False, allow_nan=False)

    def _all_notes(self) -> list[str]:
        """List the remarks on data, phases and atoms, each once."""
        notes = list(self.notes)
        if self.model is not None:
            notes += self.model.notes
        return list(dict.fromkeys(notes))

    def _data(self) -> dict[str, Any]:
        """Return the figures of the merged data by name."""
        merged = self.merged
        return {
            "unique": len(merged.hkl),
            "strong": int(merged.strong.sum()),
            "measured": merged.measured,
            "d_min": merged.d_min,
            "d_max": merged.d_max,
            "completeness": merged.completeness,
            "redundancy": merged.redundancy,
            "r_int": merged.r_int,
            "r_sigma": merged.r_sigma,
        }

    def _model(self) -> dict[str, Any] | None:
        """Return the atoms and the figures of their refinement by name; None without atoms."""
        model = self.model
        if model is None:
            return None
        crystal = model.crystal
        sites: list[dict[str, Any]] = []
        for site, label in enumerate(crystal.labels):
            content = {
                "label": label,
                "type": crystal.types[site],
                "frac": np.round(crystal.frac[site], 6),
                "occ": crystal.occ[site],
                "b_iso": round(float(crystal.b_iso[site]), 4),
                "hydrogen": bool(model.hydrogens[site]),
            }
            sites.append(content)
        return {
            "formula": crystal.formula,
            "r1": model.r1,
            "r1_all": model.r1_all,
            "wr2": model.wr2,
            "goodness": model.goodness,
            "parameters": model.parameters,
            "reflections": model.reflections,
            "extinction": model.extinction,
            "highest_peak": model.highest_peak,
            "deepest_hole": model.deepest_hole,
            "element_doubts": model.element_doubts,
            "disorder": model.disorder,
            "sites": sites,
        }

    def _group_words(self) -> str:
        """Say which space group was found, and which others were considered."""
        words = self.spacegroup
        if self.stated_spacegroup not in (None, self.spacegroup):
            words += f"; the data came with {self.stated_spacegroup}"
        others: list[str] = []
        for group in self.alternatives:
            if group.spacegroup != self.spacegroup:
                others.append(f"{group.spacegroup} ({group.agreement:.2f})")
        if others:
            words += f"; also considered {', '.join(others[:_GROUPS_IN_SUMMARY])}"
        return words

    def _model_rows(self) -> list[tuple[str, str]]:
        """Say what atoms were found and how they explain the data, as rows of the summary."""
        model = self.model
        if model is None:
            return [("atoms", "none were found: the density has to be looked at")]
        hydrogens = int(np.count_nonzero(model.hydrogens))
        atoms = len(model.crystal.types) - hydrogens
        riding = f" and {hydrogens} hydrogens" if hydrogens else ""
        strong = int(self.merged.strong.sum())
        figures = (
            f"{model.r1:.4f} of {strong} reflections with I > 2σ, {model.r1_all:.4f} of all; "
            f"wR2 {model.wr2:.4f}, goodness {model.goodness:.2f}, {model.parameters} parameters"
        )
        residual = f"{model.highest_peak:+.2f} to {model.deepest_hole:+.2f} e/Å³"
        rows = [
            ("cell content", model.crystal.formula),
            ("atoms", f"{atoms} sites{riding}"),
            ("R1", figures),
            ("residual", residual),
        ]
        labels_by_alternative: dict[str, list[str]] = {}
        for doubt in model.element_doubts:
            labels_by_alternative.setdefault(doubt.alternative, []).append(doubt.label)
        for alternative, labels in labels_by_alternative.items():
            rows.append(("doubtful", f"{', '.join(labels)} may be {alternative}"))
        return rows

    def _data_words(self) -> str:
        """Say how many reflections there are, to which resolution, and how equivalents agree."""
        merged = self.merged
        words = f"{len(merged.hkl)} unique reflections to {merged.d_min:.2f} Å"
        if np.isfinite(merged.completeness):
            words += f", {100 * merged.completeness:.1f} % complete"
        if np.isfinite(merged.r_int):
            words += f", R_int {merged.r_int:.3f}"
        return words

    def _phasing_words(self) -> str:
        """Say the figures of merit of the density, and the starts that it took."""
        figures = self.figures
        words = f"free CC {figures.free_correlation:.2f}, "
        if np.isfinite(figures.symmetry):
            words += f"symmetry {figures.symmetry:.2f}, "
        words += f"R {figures.residual:.2f} ({figures.strong_residual:.2f} of strong reflections)"
        plural = "s" if self.starts != 1 else ""
        return f"{words}; {self.starts} start{plural}, {self.cycles} cycles"

    def _time_words(self) -> str:
        """Say how long the whole work and each of its steps took."""
        total = sum(self.seconds.values())
        steps = ", ".join(f"{name} {seconds:.2f}" for name, seconds in self.seconds.items())
        return f"{total:.2f} s ({steps})" if steps else f"{total:.2f} s"


def _share(probability: float) -> str:
    """Write a probability with so many digits that it is told from 0 and 1."""
    if 0.001 <= probability <= 0.999:
        return f"{probability:.3f}"
    return "above 0.999" if probability > 0.5 else "below 0.001"
