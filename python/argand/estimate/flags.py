"""Remarks on an estimate that both estimators make: what puts it in doubt, in words."""

from __future__ import annotations

from argand.estimate.estimate import FurtherAtom
from argand.estimate.settings import UNEXPLAINED_R

__all__ = ["doubts_of_fit"]


def doubts_of_fit(
    r: float,
    further: FurtherAtom | None = None,
    *,
    converged: bool = True,
    unmoved: bool = False,
    stopped: bool = False,
) -> list[str]:
    """Say what puts a fit in doubt: a high R, a further atom, no convergence, a lack of time."""
    doubts = []
    if unmoved:
        doubts.append("no displacement has a lower R: the known structure is kept")
    if r > UNEXPLAINED_R:
        doubts.append(f"R above {UNEXPLAINED_R}: displaced atoms do not explain the data")
    if further is not None:
        position = ", ".join(f"{x:.3f}" for x in further.frac)
        atom = f"{further.occ:.2f} {further.type} at {position}"
        doubts.append(f"an atom that the known crystal lacks: {atom}")
    if not converged:
        doubts.append("the refinement did not converge")
    if stopped:
        doubts.append("stopped at the time limit: the best answer so far")
    return doubts
