"""How an adaptation searches: its settings of the search for displacements."""

from __future__ import annotations

from argand.adapt.settings import AdaptationSettings
from argand.estimate.settings import ProposalName, SearchSettings, repeated

__all__ = ["refinement_settings"]

# Starts that solve most data sets: each is independent of the others.
_OPENING: tuple[ProposalName, ...] = (
    "regression",
    "linearisation",
    "known structure",
    "further atom",
)

# A round for what is left, repeated with other draws.
_ROUND: tuple[ProposalName, ...] = (
    "linearise again",
    "relocation",
    "draw anew",
    "further atom",
)

# Plain random starts, and steps from the best end, seldom find what a dozen rounds have not: few.
_PLAIN_STARTS = 3


def refinement_settings(
    settings: AdaptationSettings, width: float, time_limit: float | None = None
) -> SearchSettings:
    """Make the settings of a search for displacements of about `width`, angstrom.

    A data set gets no other start after `time_limit` seconds.

    Starts by regression and statistical linearisation come first. Those that need no learning come
    last, for data sets that are still unexplained.
    """
    plain_starts = min(settings.rounds, _PLAIN_STARTS)
    schedule = [_OPENING]
    schedule += repeated(settings.rounds, *_ROUND)
    schedule += repeated(plain_starts, "draw beside")
    schedule += repeated(plain_starts, "step beside")
    schedule += repeated(1, "exchange", "hydrogens")
    return SearchSettings(
        schedule=tuple(schedule),
        prior_width=width,
        seed=settings.seed,
        time_limit=time_limit,
    )
