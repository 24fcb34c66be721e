"""Search for the phases of measured reflections: starts, cycles, and looks at where they lead."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from argand.solve.candidate_group import CandidateGroup, Placement
from argand.solve.figures import FigureCalculator, PhaseFigures, phase_agreement
from argand.solve.group_fit import GroupFit
from argand.solve.modification import DensityModification, unit
from argand.solve.primitive import PrimitiveReflections
from argand.solve.settings import PhasingRecipe, SolveSettings, TimeLimit, recipe_for
from argand.solve.starts import PattersonStarts, random_start
from argand.solve.verdict import SOLVED, probability_of_phases

__all__ = ["Ending", "PhaseSearch", "SearchProgress"]

ComplexArray = npt.NDArray[np.complexfloating]

# Numbers of starts that are run side by side. Most crystals need one; those that need many gain
# from starts that share the work.
_BATCHES = (1, 1, 2, 4, 8)

# Endings of so many other starts are kept to be compared with each new one.
_MOST_COMPARED = 2

# Below this agreement with the group phases are not worth averaging, unless they are the last.
_HOPELESS_AGREEMENT = 0.3

# Endings of this probability are worth a look at their atoms.
_PROBABLE = 0.4

# Accepted endings below this probability are compared with the next look first: phases of a crystal
# with heavy atoms may be half right, and atoms in them take longer than more cycles.
_CERTAIN = 0.98

# Starts from known phases, at other thresholds; in `Ending` they are all the start 0, since their
# agreement with each other proves nothing.
_KNOWN_STARTS = 4

# Another group is looked for where phases that explain the amplitudes in P 1 by themselves ...
_GOOD_IN_P1 = 0.27

# ... agree with the group in use less than this.
_DOUBTFUL_AGREEMENT = 0.6


@dataclass(frozen=True, eq=False)
class Ending:
    """Hold phases that a start led to.

    Parameters
    ----------
    spacegroup
        Group that was imposed, name or operations.
    p1 : (n,) complex
        |F| with phases before the group was imposed.
    phased : (n,) complex
        |F| with phases that obey the group; the origin is still that of `p1`.
    shift : (3,)
        x(group) = x(here) - shift, in fractions of the primitive cell.
    figures, probability
        Figures of merit, and the probability that the phases are right.
    start, cycles
        Which start, after how many cycles. All starts from known phases count as the start 0.
    """

    spacegroup: str
    p1: ComplexArray
    phased: ComplexArray
    shift: npt.NDArray[np.float64]
    figures: PhaseFigures
    probability: float
    start: int
    cycles: int


@dataclass(frozen=True)
class SearchProgress:
    """Say how far a search has come: starts so far, and the best probability."""

    starts: int
    most: int
    probability: float


class PhaseSearch:
    """Search for phases in P 1, look at them in a space group, keep the best.

    Parameters
    ----------
    data
        Reflections in P 1.
    spacegroup
        Group in which phases are looked at first.
    settings
        Seed, number of starts, time limit.
    find_group
        Function of phases (n,) in P 1 that returns the space group they have.
    limit
        When the search ends; None takes the seconds of the settings from the first start on.
    known : (n,) complex, optional
        |E| with phases from elsewhere, 0 where there are none: the first starts begin with them.
    """

    def __init__(
        self,
        data: PrimitiveReflections,
        spacegroup: str,
        settings: SolveSettings,
        find_group: Callable[[ComplexArray], str],
        limit: TimeLimit | None = None,
        known: ComplexArray | None = None,
    ) -> None:
        self.data = data
        self.recipe: PhasingRecipe = recipe_for(data.d_min)
        self.modification = DensityModification(data, self.recipe, settings.threads)
        self._settings = settings
        self._find_group = find_group
        self._limit = limit
        self._figures = FigureCalculator(data, settings.seed)
        self._groups = {spacegroup: CandidateGroup(data, spacegroup)}
        self._spacegroup = spacegroup
        self._patterson: PattersonStarts | None = None
        self._known = known
        #: Starts that were begun, and cycles of all starts together.
        self.starts = 0
        self.cycles = 0
        # The endings with the lowest residuals, at most one of each start.
        self._lowest: list[Ending] = []

    def candidates(
        self, progress: Callable[[SearchProgress], None] | None = None
    ) -> Iterator[Ending]:
        """Run starts, and yield endings that are worth a look at their atoms, as they come.

        Of each start the first ending that is probable is yielded, and any better one. The last
        ending is the best that was not yielded before, if none was accepted. The search ends early
        at the time limit and by KeyboardInterrupt.

        Parameters
        ----------
        progress
            Is called after every batch of starts.
        """
        best: Ending | None = None
        held: Ending | None = None
        limit = self._limit or TimeLimit(self._settings.time_limit)
        yielded: dict[int, float] = {}
        try:
            for starts in self._batches():
                for alone in self._endings(starts):
                    ending = self._compared(alone)
                    if best is None or _rank(ending) > _rank(best):
                        best = ending
                    if held is not None:
                        ending = max(held, ending, key=_rank)
                        held = None
                    elif SOLVED < ending.probability < _CERTAIN and not limit.is_over():
                        held = ending
                        continue
                    if ending.probability > max(_PROBABLE, yielded.get(ending.start, 0.0)):
                        yielded[ending.start] = ending.probability
                        yield ending
                    if limit.is_over():
                        break
                if limit.was_reached:
                    break
                if progress is not None:
                    probability = 0.0 if best is None else best.probability
                    most = self._settings.starts
                    progress(SearchProgress(starts.stop, most, probability))
        except KeyboardInterrupt:
            if best is None:
                raise
        if best is not None and best.start not in yielded:
            yield best

    def run(self, progress: Callable[[SearchProgress], None] | None = None) -> Ending | None:
        """Run starts until an ending is accepted by its phases alone; return the best one.

        None where the search was ended before its first ending.
        """
        best: Ending | None = None
        for ending in self.candidates(progress):
            if best is None or _rank(ending) > _rank(best):
                best = ending
            if is_accepted(ending):
                break
        return best

    def is_known(self, start: int) -> bool:
        """Tell whether a start begins with the known phases."""
        return self._known is not None and start < _KNOWN_STARTS

    def impose(self, p1: ComplexArray, spacegroup: str, start: int, cycles: int) -> Ending:
        """Impose a group on phases (n,) in P 1, and judge the result."""
        group = self._group(spacegroup)
        placement = group.place(p1)
        return self._ending(placement, group, start, cycles)

    def restore(self, known: ComplexArray) -> Ending:
        """Let known phases, |E| (n,) with phases, grow under the symmetry of the group.

        The group is imposed only where the phases obey it.
        """
        group = self._groups[self._spacegroup]
        placement = group.place(known * (self.data.amplitude / self.data.normalised))
        fit = placement.fit
        average = group.average if fit.agreement > _DOUBTFUL_AGREEMENT else None
        return self._as_found(self.modification.restore(placement.phased, average, fit), group, fit)

    def judge(self, phased: ComplexArray) -> Ending:
        """Judge the phases of F (n,) as they are, those of atoms in the group."""
        group = self._groups[self._spacegroup]
        placement = group.place(phased)
        return self._as_found(placement.phased, group, placement.fit)

    def _as_found(self, phased: ComplexArray, group: CandidateGroup, fit: GroupFit) -> Ending:
        """Judge phases (n,) that came from elsewhere, without another cycle."""
        with_amplitudes = self.data.amplitude * unit(phased)
        figures = self._figures(with_amplitudes, math.nan)
        return Ending(
            spacegroup=group.spacegroup,
            p1=with_amplitudes,
            phased=phased,
            shift=fit.shift,
            figures=figures,
            probability=probability_of_phases(figures, self.data.d_min),
            start=0,
            cycles=0,
        )

    def _batches(self) -> Iterator[range]:
        """Yield the numbers of the starts that are run side by side."""
        first = 0
        for batch in range(self._settings.starts):
            size = _BATCHES[min(batch, len(_BATCHES) - 1)]
            last = min(first + size, self._settings.starts)
            if first == last:
                return
            yield range(first, last)
            first = last

    def _endings(self, starts: range) -> Iterator[Ending]:
        """Run starts side by side, and yield what they end in at every look."""
        self.starts = max(self.starts, starts.stop)
        recipe = self.recipe
        measured = self.modification.space.measured
        f = np.zeros((len(starts), len(self.modification.space.hkl)), np.complex64)
        for row, start in enumerate(starts):
            f[row, :measured] = self._first_phases(start)
        thresholds = [recipe.thresholds[start % len(recipe.thresholds)] for start in starts]
        threshold = np.array(thresholds, np.float32)
        origin: npt.NDArray[np.floating] = np.zeros(len(starts), np.float32)
        done = 0
        for look in recipe.looks:
            f, origin, calculated = self.modification.flip(f, origin, look - done, threshold)
            self.cycles += (look - done) * len(starts)
            done = look
            polished = self.modification.polish(calculated[:, :measured])
            for row, start in enumerate(starts):
                ending = self._look(polished[row], start, look)
                if ending is not None:
                    yield ending

    def _first_phases(self, start: int) -> ComplexArray:
        """Return |E| with the phases (n measured) that a start begins with."""
        seed = self._settings.seed
        if self._known is not None and self.is_known(start):
            return self._known
        if not self.recipe.patterson or start % 2 == 0:
            return random_start(self.data, seed, start)
        if self._patterson is None:
            self._patterson = PattersonStarts(self.data, self.modification.space.shape)
        return self._patterson(seed, start)

    def _look(self, p1: ComplexArray, start: int, cycles: int) -> Ending | None:
        """Impose the group on phases (n,) in P 1, and judge them; None where that is hopeless."""
        group = self._groups[self._spacegroup]
        placement = group.place(p1)
        is_doubtful = placement.fit.agreement < _DOUBTFUL_AGREEMENT
        if is_doubtful and self.modification.residual(p1[None])[0] < _GOOD_IN_P1:
            better = self._group(self._find_group(p1))
            better_placement = better.place(p1)
            if better_placement.fit.agreement > placement.fit.agreement:
                group = better
                placement = better_placement
                self._spacegroup = better.spacegroup
        is_last = cycles == self.recipe.looks[-1]
        is_hopeless = placement.fit.agreement < _HOPELESS_AGREEMENT and not is_last
        if is_hopeless and not self.recipe.recycle:
            return None
        return self._ending(placement, group, start, cycles)

    def _ending(
        self, placement: Placement, group: CandidateGroup, start: int, cycles: int
    ) -> Ending:
        """Impose a group on placed phases, and judge the result."""
        change = self.modification.recycle if self.recipe.recycle else self.modification.settle
        phased = change(placement.phased, group.average, placement.fit)
        # Known phases have the symmetry of where they come from: it is no evidence.
        is_known = self.is_known(start)
        figures = self._figures(phased, math.nan if is_known else placement.fit.agreement)
        return Ending(
            spacegroup=group.spacegroup,
            p1=placement.phased,
            phased=phased,
            shift=placement.fit.shift,
            figures=figures,
            probability=probability_of_phases(figures, self.data.d_min),
            start=0 if is_known else start,
            cycles=cycles,
        )

    def _compared(self, ending: Ending, always: bool = False) -> Ending:
        """Return an ending with its consistency: its agreement with endings of other starts.

        An ending that is accepted by its own figures is compared only if `always`.
        """
        if is_accepted(ending) and not always:
            return ending
        others = [other for other in self._lowest if other.start != ending.start]
        agreement = math.nan
        for other in others:
            score = phase_agreement(self.data.hkl, ending.phased, other.phased)
            agreement = max(score, agreement) if agreement == agreement else score
        figures = replace(ending.figures, consistency=agreement)
        same_start = [other for other in self._lowest if other.start == ending.start]
        candidates = [*others, min([*same_start, ending], key=_residual)]
        self._lowest = sorted(candidates, key=_residual)[:_MOST_COMPARED]
        probability = probability_of_phases(figures, self.data.d_min)
        return replace(ending, figures=figures, probability=probability)

    def _group(self, spacegroup: str) -> CandidateGroup:
        """Return a candidate group, whose tables are made once."""
        if spacegroup not in self._groups:
            self._groups[spacegroup] = CandidateGroup(self.data, spacegroup)
        return self._groups[spacegroup]


def _residual(ending: Ending) -> float:
    """Return the residual of an ending."""
    return ending.figures.residual


def is_accepted(ending: Ending) -> bool:
    """Tell whether phases are so probably right that the search ends."""
    return ending.probability > SOLVED


def _rank(ending: Ending) -> tuple[float, float]:
    """Return what endings are compared by: the probability, then the residual."""
    return ending.probability, -ending.figures.residual
