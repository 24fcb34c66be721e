"""Proposals: ways to make starts of a refinement for data sets that are not explained yet.

Least squares from the known structure find displaced atoms from nearby only. Every class here makes
starts of another kind. All have one shape: `worth` says for which data sets the starts are worth a
refinement, `target` which model is refined, and `starts` makes them.
"""

from __future__ import annotations

import numpy as np

from argand.cell import FloatArray
from argand.estimate.ends import Hypothesis, Mask, Rows
from argand.estimate.exchange import exchanged
from argand.estimate.relocation import relocations
from argand.estimate.state import SearchState

__all__ = [
    "DrawAnew",
    "DrawBeside",
    "Exchange",
    "FreeVibration",
    "FurtherAtomPeaks",
    "KnownStructure",
    "LinearisedAgain",
    "LinearisedKnown",
    "Proposal",
    "RegressionAnswer",
    "ReleasedHydrogens",
    "Relocation",
    "ReturnedHydrogens",
    "StepBeside",
]

Starts = tuple[Rows, FloatArray]


class Proposal:
    """Propose starts of a refinement; each subclass has an idea of its own.

    Attributes
    ----------
    independent : whether reaching the best end from these starts confirms it
    low_angles_first : whether reflections of low angles are refined against before all reflections
    drawn_anew : whether start and end are remembered as those of the last start that was drawn anew
    """

    independent = False
    low_angles_first = False
    drawn_anew = False

    def worth(self, state: SearchState) -> Mask:
        """Return for which data sets (b,) a start is worth a refinement."""
        return state.unexplained & state.unsettled

    def target(self, state: SearchState) -> Hypothesis | None:
        """Return the model that is refined; None where the proposal cannot apply."""
        return state.displaced

    def starts(self, state: SearchState, rows: Rows) -> Starts:
        """Return the data set (j,) of each start, and the starts (j, k).

        `rows` are the data sets that are worth a start. Some may get none, some several.
        """
        raise NotImplementedError


class KnownStructure(Proposal):
    """Start from the known structure, low angles first."""

    independent = True
    low_angles_first = True

    def starts(self, state: SearchState, rows: Rows) -> Starts:
        """Return parameters 0."""
        parameters = len(state.models.displaced)
        return rows, np.zeros((len(rows), parameters))


class RegressionAnswer(Proposal):
    """Start from what a regression has found."""

    independent = True

    def target(self, state: SearchState) -> Hypothesis | None:
        """Return the displaced crystal if there was a regression."""
        return None if state.regression is None else state.displaced

    def starts(self, state: SearchState, rows: Rows) -> Starts:
        """Return the parameters of the regression."""
        return rows, state.padded(state.expected(rows))


class LinearisedKnown(Proposal):
    """Start where statistical linearisation from the known structure ends."""

    independent = True

    def starts(self, state: SearchState, rows: Rows) -> Starts:
        """Return the parameters that statistical linearisation finds."""
        data = state.observed.of_rows(rows)
        width = state.settings.prior_width
        p = state.models.linearisation(data.amplitude, data.sigma, width)
        return rows, state.padded(p)


class LinearisedAgain(Proposal):
    """Start with statistical linearisation from the end of the last start drawn anew."""

    def starts(self, state: SearchState, rows: Rows) -> Starts:
        """Return the parameters that statistical linearisation finds."""
        data = state.observed.of_rows(rows)
        width = state.settings.prior_width
        last_end = state.end_of_last_start(rows)
        positions = last_end[:, : len(state.models.movable.positions)]
        p = state.models.linearisation(data.amplitude, data.sigma, width, positions)
        return rows, state.padded(p)


class DrawAnew(Proposal):
    """Start with statistical linearisation from a random point near the regression.

    The draw (n_positions,) is N(0, 1) and the same for all data sets: an answer does not depend on
    the data sets that it is found together with.
    """

    independent = True
    drawn_anew = True

    def __init__(self, draw: FloatArray) -> None:
        self.draw = draw

    def starts(self, state: SearchState, rows: Rows) -> Starts:
        """Return the parameters that statistical linearisation finds from the drawn ones."""
        settings = state.settings
        data = state.observed.of_rows(rows)
        spread = settings.anew_spread * settings.prior_width * self.draw
        drawn = settings.anew_regression * state.expected(rows) + spread
        width = settings.anew_uncertainty * settings.prior_width
        p = state.models.linearisation(data.amplitude, data.sigma, width, drawn)
        return rows, state.padded(p)


class DrawBeside(Proposal):
    """Start beside the known structure, at random parameters (k,) common to all data sets."""

    independent = True

    def __init__(self, displacement: FloatArray, *, low_angles_first: bool) -> None:
        self.displacement = displacement
        self.low_angles_first = low_angles_first

    def worth(self, state: SearchState) -> Mask:
        """Return the data sets of which most atoms are not in place."""
        nothing_explained = state.lowest_r > state.settings.bad_r
        return super().worth(state) & nothing_explained

    def starts(self, state: SearchState, rows: Rows) -> Starts:
        """Return the random displacement."""
        shape = len(rows), len(self.displacement)
        return rows, np.broadcast_to(self.displacement, shape)


class StepBeside(Proposal):
    """Start beside the best end: sites that are badly known take a random step (k,).

    Reaching the same end again counts, although the start owes something to it: a large step that
    is undone by the refinement says that the data hold the atoms there.
    """

    independent = True

    def __init__(self, step: FloatArray, chance: FloatArray) -> None:
        self.step = step
        self.chance = chance

    def starts(self, state: SearchState, rows: Rows) -> Starts:
        """Return the best end with a step of the sites whose chance (n,) is below their doubt."""
        movable = state.models.movable
        doubt = _doubt(state, state.displaced.sigma[rows])
        takes_part = self.chance[movable.moved_site] < doubt
        return rows, state.displaced.p[rows] + self.step * takes_part


class Relocation(Proposal):
    """Move an atom of the best end from a hole of the difference map to a peak."""

    def starts(self, state: SearchState, rows: Rows) -> Starts:
        """Return the best end with one atom moved, several starts for each data set."""
        return self._relocated(state, rows, state.displaced)

    def _relocated(self, state: SearchState, rows: Rows, ends: Hypothesis) -> Starts:
        difference = state.models.difference
        if ends.further is not None:
            difference = ends.further.joint_difference
        rms = state.settings.prior_width * state.models.movable.displacement_per_unit
        starts = []
        for row in rows:
            amplitude = state.observed.amplitude[row]
            number = state.settings.relocated_atoms
            start = relocations(difference, amplitude, ends.p[row], rms, number)
            starts.append(start)
        return _side_by_side(rows, starts, len(ends.model))


class RelocationWithAtom(Relocation):
    """Move an atom of the best end with a further atom, where that is the more probable."""

    def target(self, state: SearchState) -> Hypothesis | None:
        """Return the model with a further atom."""
        return state.with_atom

    def worth(self, state: SearchState) -> Mask:
        """Return the unexplained data sets in which a further atom is more probable than none."""
        if state.with_atom is None:
            return np.zeros(state.data_sets, bool)
        is_likely = state.with_atom.chi2 < state.displaced.chi2
        return super().worth(state) & is_likely

    def starts(self, state: SearchState, rows: Rows) -> Starts:
        """Return the best end with one atom moved, several starts for each data set."""
        assert state.with_atom is not None
        return self._relocated(state, rows, state.with_atom)


class FurtherAtomPeaks(Proposal):
    """Add an atom at the highest peaks of difference maps.

    Left out, a further atom makes the others move to make up for it, so that its peak is sought at
    the last start as well as where that has converged.
    """

    def target(self, state: SearchState) -> Hypothesis | None:
        """Return the model with a further atom, if one is expected."""
        return state.add_atom()

    def starts(self, state: SearchState, rows: Rows) -> Starts:
        """Return parameters with a further atom, several starts for each data set."""
        further = state.models.further
        assert further is not None
        number = state.settings.further_peaks
        last_ends = state.end_of_last_start(rows)
        starts = []
        for row, last_end in zip(rows, last_ends, strict=True):
            amplitude = state.observed.amplitude[row]
            before = further.starts(amplitude, state.last_start[row], number)
            after = further.starts(amplitude, last_end, number)
            starts.append(np.concatenate([before, after]))
        return _side_by_side(rows, starts, len(further.model))


class PartlyExplained(Proposal):
    """Propose starts for data sets whose atoms are mostly in place, settled or not."""

    def worth(self, state: SearchState) -> Mask:
        """Return the data sets whose R is above their errors, but not by far."""
        lowest_r = state.lowest_r
        return (lowest_r > state.explained_r) & (lowest_r < state.settings.bad_r)


class Exchange(PartlyExplained):
    """Put atoms back that have changed places with each other.

    `alike`: only atoms of one type and occupancy; else any but hydrogens.
    """

    def __init__(self, *, alike: bool) -> None:
        self.alike = alike

    def starts(self, state: SearchState, rows: Rows) -> Starts:
        """Return the best ends with atoms put back; data sets in which none moves get no start."""
        movable = state.models.movable
        p = state.displaced.p[rows]
        displacement = np.einsum("bk,knx->bnx", p, movable.moves)
        for row in range(len(rows)):
            put_back = exchanged(movable.crystal, displacement[row], alike=self.alike)
            displacement[row] = put_back[movable.leaders]
        starts = state.models.with_positions(p, displacement)
        farthest = np.abs(starts - p).max(axis=1, initial=0.0)
        moved = farthest > state.settings.exchange_distance
        return rows[moved], starts[moved]


class ReleasedHydrogens(PartlyExplained):
    """Let hydrogens leave their carriers, from where they ride at the best end."""

    def target(self, state: SearchState) -> Hypothesis | None:
        """Return the model with released hydrogens, if any hydrogen rides."""
        return state.release_hydrogens()

    def starts(self, state: SearchState, rows: Rows) -> Starts:
        """Return the best ends; the further parameters are 0."""
        released = len(state.models.movable.released)
        riding = np.zeros((len(rows), released))
        p = state.displaced.p[rows]
        return rows, np.concatenate([p, riding], axis=1)


class FreeVibration(PartlyExplained):
    """Let the B of each site change, as at another temperature, from the best end."""

    def target(self, state: SearchState) -> Hypothesis | None:
        """Return the model with a B for each site, if there are reflections enough."""
        return state.free_vibration()

    def starts(self, state: SearchState, rows: Rows) -> Starts:
        """Return the best ends; each site has the B of the known structure."""
        p = state.displaced.p[rows]
        no_change = np.zeros((len(rows), len(state.models.movable.vibration)))
        return rows, np.concatenate([p, no_change], axis=1)


class ReturnedHydrogens(ReleasedHydrogens):
    """Start with released hydrogens where the known structure has them."""

    def worth(self, state: SearchState) -> Mask:
        """Return the data sets in which chi^2 has fallen enough to release hydrogens."""
        if state.released is None:
            return np.zeros(state.data_sets, bool)
        highest = state.released.chi2_share * state.displaced.chi2
        return state.released.chi2 < highest

    def starts(self, state: SearchState, rows: Rows) -> Starts:
        """Return the best ends with the displacement of the carriers taken off the hydrogens."""
        assert state.released is not None
        movable = state.models.movable
        k = len(movable.parameters)
        p = state.released.p[rows].copy()
        carried = np.einsum("bk,knx->bnx", p[:, :k], movable.moves)
        p[:, k:] = -np.einsum("bnx,hnx->bh", carried, movable.released_moves)
        return rows, p


def _doubt(state: SearchState, sigma: FloatArray) -> FloatArray:
    """Calculate the chance (b, k) that the site of a parameter is misplaced, from sigma."""
    movable = state.models.movable
    is_position = state.models.is_position
    sites = len(movable.crystal.types)
    site_sigma = np.zeros((len(sigma), sites))
    moved = movable.moved_site[is_position]
    np.maximum.at(site_sigma.T, moved, sigma[:, is_position].T)
    largest = site_sigma.max(axis=1, initial=1e-30, keepdims=True)
    chance = np.maximum(site_sigma / largest, state.settings.least_chance)
    return np.asarray(chance[:, movable.moved_site])


def _side_by_side(rows: Rows, starts: list[FloatArray], parameters: int) -> Starts:
    """Put the starts of all data sets below each other; return their data sets and them."""
    if not len(rows):
        return rows, np.empty((0, parameters))
    counts = [len(start) for start in starts]
    return np.repeat(rows, counts), np.concatenate(starts)
