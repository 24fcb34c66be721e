"""Say in what data lie outside of what an estimator was made for: words shared by all of them."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["outside_words", "resolution_difference"]

# Data that end at less than this share of the largest stol that was learned lack seven eighths of
# the reflections that the estimator was shown.
_LOWEST_REACH = 0.5


def resolution_difference(measured_stol: float, learned_stol: float, learned: str) -> str:
    """Compare where data end with where the learned reflections end; '' where they reach far.

    Parameters
    ----------
    measured_stol, learned_stol : float
        Largest sin(theta)/lambda of both, 1/angstrom.
    learned : str
        What the learned reflections are called, such as "those of the training".
    """
    if measured_stol >= _LOWEST_REACH * learned_stol:
        return ""
    return f"its data end at {0.5 / measured_stol:.2f} Å, {learned} at {0.5 / learned_stol:.2f} Å"


def outside_words(claim: str, differences: Sequence[str], consequence: str) -> str:
    """Write the refusal of data that are outside, with the way to have them answered all the same.

    Parameters
    ----------
    claim : str
        What the data are outside of, such as "the network was not trained for this crystal".
    differences : sequence of str
        One clause for each difference.
    consequence : str
        A clause on what an answer would be worth.
    """
    return (
        f"{claim}: {'; '.join(differences)}. {consequence}; force=True (--force) writes them anyway"
    )
