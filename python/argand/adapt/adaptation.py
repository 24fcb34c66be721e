"""An adaptation to a known crystal: what `argand adapt` makes and `argand predict` applies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from argand.adapt.ambiguity import WARNING
from argand.adapt.answers import AdaptationAnswers
from argand.adapt.folder import read_learned, write_learned
from argand.adapt.learned import Learned
from argand.cell import Cell
from argand.errors import ArgandError
from argand.estimate.estimate import Estimate, estimate_by_cell
from argand.estimate.observed import Observed
from argand.measured import Merged
from argand.radiation import Radiation

__all__ = ["Adaptation"]

# A cell whose edges differ by more than this part, or whose angles by more than this (radians),
# belongs to another crystal.
_LARGEST_STRAIN = 0.05


@dataclass(frozen=True, eq=False)
class Adaptation(Learned):
    """Estimate displacements of a known crystal by what was learned from crystals like it.

    It is an `argand.estimate.Estimator`. Its attributes are those of `Learned`: crystal, hkl,
    modes, rungs, curve, settings and remarks.
    """

    @property
    def radiation(self) -> Radiation:
        """Return the radiation that form factors are calculated for."""
        return self.settings.radiation

    @property
    def extinction(self) -> float:
        """Return SHELXL's x of the known structure; 0 where extinction is not refined."""
        return self.settings.extinction

    @property
    def warning(self) -> str:
        """Return a warning that all answers are ambiguous; '' where they are not."""
        return "" if self.mirror is None else WARNING

    def __call__(self, data: Sequence[Merged], *, refine: bool) -> list[Estimate | ArgandError]:
        """Estimate merged data sets; without `refine` by the regressions alone."""

        def estimate(observed: Observed, cell: Cell) -> list[Estimate]:
            return self.estimate(observed, cell, refine=refine)

        return estimate_by_cell(data, self.crystal, self._refusal, estimate)

    def estimate(
        self, observed: Observed, cell: Cell | None = None, *, refine: bool
    ) -> list[Estimate]:
        """Estimate data sets on one list of reflections; `cell` None is the known cell."""
        answers = AdaptationAnswers(self, observed, cell or self.crystal.cell)
        return answers.refined() if refine else answers.at_once()

    def save(self, path: str | Path) -> Path:
        """Write a folder, safetensors and JSON, that `load` and `argand predict` read."""
        return write_learned(self, path, warning=self.warning)

    @classmethod
    def load(cls, path: str | Path) -> Adaptation:
        """Read a folder that `save` wrote; an `ArgandError` names a file missing or damaged."""
        learned = read_learned(path)
        return cls(
            crystal=learned.crystal,
            hkl=learned.hkl,
            modes=learned.modes,
            rungs=learned.rungs,
            curve=learned.curve,
            settings=learned.settings,
            remarks=learned.remarks,
        )

    def _refusal(self, merged: Merged) -> str:
        """Say why a data set cannot be estimated; '' where it can."""
        parameters = len(self.modes) + 1
        if len(merged.hkl) <= parameters:
            return f"{len(merged.hkl)} reflections for {parameters} parameters: too few"
        measured_cell = np.array(merged.cell)
        known_cell = np.array(self.crystal.cell)
        edges = measured_cell[:3] / known_cell[:3] - 1.0
        angles = np.radians(measured_cell[3:] - known_cell[3:])
        strain = np.abs([*edges, *angles]).max()
        if strain <= _LARGEST_STRAIN:
            return ""
        cell = " ".join(f"{x:g}" for x in merged.cell)
        return f"the cell {cell} is not that of a crystal like the known one"
