"""The proposals of a search in the order of its settings, with all their random numbers drawn."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from argand.cell import FloatArray
from argand.estimate.models import DisplacementModels
from argand.estimate.proposals import (
    DrawAnew,
    DrawBeside,
    Exchange,
    FreeVibration,
    FurtherAtomPeaks,
    KnownStructure,
    LinearisedAgain,
    LinearisedKnown,
    Proposal,
    RegressionAnswer,
    ReleasedHydrogens,
    Relocation,
    RelocationWithAtom,
    ReturnedHydrogens,
    StepBeside,
)
from argand.estimate.settings import ProposalName, SearchSettings

__all__ = ["Schedule"]


class Schedule:
    """Make the proposals of a search, round by round.

    All random numbers come from one generator in the order of the schedule, whether or not a data
    set still needs them: the answer to one data set does not depend on the others.
    """

    def __init__(self, models: DisplacementModels, settings: SearchSettings) -> None:
        self._models = models
        self._settings = settings
        self._rng = np.random.default_rng(settings.seed)
        self._draws = 0
        self._steps = 0

    def rounds(self) -> Iterator[list[Proposal]]:
        """Yield the proposals of each round."""
        for names in self._settings.schedule:
            proposals: list[Proposal] = []
            for name in names:
                proposals += self.proposals(name)
            yield proposals

    def proposals(self, name: ProposalName) -> list[Proposal]:
        """Make the proposals of one name; most names stand for one."""
        match name:
            case "known structure":
                return [KnownStructure()]
            case "regression":
                return [RegressionAnswer()]
            case "linearisation":
                return [LinearisedKnown()]
            case "linearise again":
                return [LinearisedAgain()]
            case "draw anew":
                positions = len(self._models.movable.positions)
                return [DrawAnew(self._rng.normal(size=positions))]
            case "draw beside":
                return self._draw_beside()
            case "step beside":
                return [self._step_beside()]
            case "relocation":
                return [Relocation(), RelocationWithAtom()]
            case "further atom":
                return [FurtherAtomPeaks()]
            case "exchange":
                return [Exchange(alike=False), Exchange(alike=True)]
            case "hydrogens":
                return [ReleasedHydrogens(), ReturnedHydrogens()]
            case "vibration":
                return [FreeVibration()]

    def _draw_beside(self) -> list[Proposal]:
        """Draw a start beside the known structure, unless the model is too large for so many."""
        settings = self._settings
        number = self._draws
        affordable = settings.draw_parameters // max(len(self._models.displaced), 1)
        repeats = int(np.clip(affordable, 1, settings.draw_repeats))
        if number >= repeats * len(settings.draw_widths):
            return []
        self._draws += 1
        width = settings.draw_widths[number % len(settings.draw_widths)]
        displacement = self._displacement(width)
        return [DrawBeside(displacement, low_angles_first=number % 2 == 1)]

    def _step_beside(self) -> Proposal:
        """Draw a step beside the best end."""
        widths = self._settings.step_widths
        step = self._displacement(widths[self._steps % len(widths)])
        self._steps += 1
        sites = len(self._models.crystal.types)
        return StepBeside(step, self._rng.random(sites))

    def _displacement(self, width: float) -> FloatArray:
        """Draw parameters (k,) of N(0, width^2) for positions; the others are 0."""
        draw = self._rng.normal(size=len(self._models.displaced))
        return np.asarray(width * draw * self._models.is_position)
