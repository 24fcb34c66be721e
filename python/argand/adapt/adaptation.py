"""An adaptation to a known crystal: what `argand adapt` makes and `argand predict` applies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from argand.adapt.ambiguity import WARNING
from argand.adapt.answers import AdaptationAnswers
from argand.adapt.domain import outside_learned
from argand.adapt.folder import read_learned, write_learned
from argand.adapt.learned import Learned
from argand.cell import Cell
from argand.domain import outside_words
from argand.errors import ArgandError
from argand.estimate.estimate import PLAIN, Estimate, EstimateOptions, estimate_by_cell
from argand.estimate.observed import Observed
from argand.measured import Merged
from argand.radiation import Radiation

__all__ = ["Adaptation"]


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

    def __call__(
        self, data: Sequence[Merged], *, refine: bool, options: EstimateOptions = PLAIN
    ) -> list[Estimate | ArgandError]:
        """Estimate merged data sets; without `refine` by the regressions alone.

        Data outside of what was learned are refused, or with `options.force` flagged.
        """

        def refusal(merged: Merged) -> str:
            return self._refusal(merged, force=options.force)

        def estimate(observed: Observed, cell: Cell) -> list[Estimate]:
            return self.estimate(observed, cell, refine=refine, options=options)

        estimates = estimate_by_cell(data, self.crystal, refusal, estimate)
        for number, answer in enumerate(estimates):
            if isinstance(answer, Estimate) and options.force:
                differences = outside_learned(self, data[number])
                flags = [f"outside of what was learned: {clause}" for clause in differences]
                estimates[number] = answer._replace(flags=(*flags, *answer.flags))
        return estimates

    def estimate(
        self,
        observed: Observed,
        cell: Cell | None = None,
        *,
        refine: bool,
        options: EstimateOptions = PLAIN,
    ) -> list[Estimate]:
        """Estimate data sets on one list of reflections; `cell` None is the known cell."""
        answers = AdaptationAnswers(self, observed, cell or self.crystal.cell)
        return answers.refined(options) if refine else answers.at_once()

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

    def _refusal(self, merged: Merged, *, force: bool) -> str:
        """Say why a data set cannot be estimated; '' where it can."""
        parameters = len(self.modes) + 1
        if len(merged.hkl) <= parameters:
            return f"{len(merged.hkl)} reflections for {parameters} parameters: too few"
        differences = outside_learned(self, merged)
        if force or not differences:
            return ""
        return outside_words(
            "the adaptation was not made for such data", differences, "Its phases would be guesses"
        )
