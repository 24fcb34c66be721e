"""What the distribution of intensities says: twinned, centrosymmetric, or no intensities at all.

Z = I / (epsilon <I>) at like resolution has <Z^2> = 2 for acentric and 3 for centric reflections, 1.5 and 2 in a
perfect twin. L = (I1 - I2)/(I1 + I2) of two reflections that lie close and are not equivalent hardly needs a mean:
<|L|> is 1/2 and <L^2> 1/3 (acentric), 2/pi and 1/2 (centric); 3/8 and 1/5, 1/2 and 1/3 in a perfect twin.

Source: J. E. Padilla and T. O. Yeates, Acta Cryst. D59 (2003) 1124-1130; E. Stanley, J. Appl. Cryst. 5 (1972) 191-194.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from argand.cell import FloatArray
from argand.measured.merging import Merged
from argand.measured.wilson import local_mean, shells, statistical_weight
from argand.reflections import asymmetric_unit, centric

__all__ = ["Statistics", "impossible", "intensity_statistics", "l_statistics", "second_moment"]

_STEPS = np.array(
    [
        [2, 0, 0],
        [0, 2, 0],
        [0, 0, 2],
        [2, 2, 0],
        [2, -2, 0],
        [0, 2, 2],
        [0, 2, -2],
        [2, 0, 2],
        [2, 0, -2],
    ]
)
#: fewer reflections, or pairs, than this say nothing
_ENOUGH = 200
_MOSTLY_NEGATIVE, _DISAGREE = 0.6, 0.25
#: shells whose <I> is below this many <sigma> are noise
_SIGNAL = 2.0


@dataclass(frozen=True)
class Statistics:
    """Second moment and L test of merged data beside what is expected; NaN where too few reflections have a signal.

    centric, share of centric reflections; by_structure, whether the expectation is that of a structure, or that of
    random atoms of the space group.
    """

    centric: float
    second_moment: float
    expected_moment: float
    l_mean: float
    expected_l: float
    pairs: int
    by_structure: bool

    def verdict(self) -> list[str]:
        """Doubts in words; none where there are none, or too few data."""
        said = self._doubt()
        return [] if said is None else [said]

    def _doubt(self) -> str | None:
        moments = f"second moment {self.second_moment:.2f}, expected {self.expected_moment:.2f}"
        if self.second_moment < min(1.35, 0.85 * self.expected_moment) and not self.by_structure:
            return (
                f"the intensities vary too little ({moments}): amplitudes given as intensities, or a heavy atom that "
                "outshines all others"
            )
        if self.second_moment > 2.0 * self.expected_moment:
            return f"the intensities vary much ({moments}): a superstructure, pseudo-translation, or squared intensities"
        twin = _twinned(self.expected_l, self.by_structure)
        if (
            self.l_mean < 0.5 * (twin + self.expected_l)
            and self.second_moment < 0.9 * self.expected_moment
        ):
            other = (
                ""
                if self.by_structure
                else "; heavy atoms on special positions, or a missing centre, look alike"
            )
            return (
                f"perhaps twinned, by the L test: <|L|> = {self.l_mean:.3f}, expected {self.expected_l:.3f}, in a "
                f"perfect twin {twin:.3f}{other}"
            )
        return None


def _twinned(expected: float, by_structure: bool) -> float:
    """<|L|> of a perfect twin: 3/8 for 1/2 (acentric), 1/2 for 2/pi (centric); of a structure in proportion."""
    return (
        0.77 * expected if by_structure else 0.375 + 0.125 * (expected - 0.5) / (2.0 / np.pi - 0.5)
    )


def intensity_statistics(merged: Merged, calculated: FloatArray | None = None) -> Statistics:
    """Second moment and L test of merged data, where they have a signal.

    `calculated` (n,), |Fc|^2 of a structure, gives the expectation in place of random atoms, which few heavy ones, or
    many on special positions, are not.
    """
    is_centric = centric(merged.hkl, merged.spacegroup)
    signal = _with_signal(merged)
    if int(signal.sum()) < _ENOUGH:
        share = float(is_centric.mean())
        return Statistics(share, np.nan, 2.0 + share, np.nan, np.nan, 0, False)
    share = float(is_centric[signal].mean())
    l_mean, _, pairs, mixed = l_statistics(merged, signal)
    expected_moment, expected_l = 2.0 + share, 0.5 + mixed * (2.0 / np.pi - 0.5)
    if calculated is not None:
        structure = replace(merged, intensity=calculated, sigma=None)
        expected_moment, expected_l = (
            second_moment(structure, signal),
            l_statistics(structure, signal)[0],
        )
    return Statistics(
        centric=share,
        second_moment=second_moment(merged, signal),
        expected_moment=expected_moment,
        l_mean=l_mean if pairs >= _ENOUGH else np.nan,
        expected_l=expected_l,
        pairs=pairs,
        by_structure=calculated is not None,
    )


def impossible(merged: Merged) -> list[str]:
    """What no crystal gives: intensities below zero, no signal, equivalents that have nothing in common."""
    said = []
    negative = float((merged.intensity < 0).mean())
    if negative > _MOSTLY_NEGATIVE:
        said.append(
            f"{100 * negative:.0f} % of the merged intensities are negative: another column, or a background"
        )
    elif merged.sigma is not None and float(np.mean(merged.intensity / merged.sigma)) < 1.0:
        ratio = float(np.mean(merged.intensity / merged.sigma))
        said.append(f"no signal: the mean I/σ of merged reflections is {ratio:.1f}")
    if merged.r_int > _DISAGREE:
        said.append(
            f"equivalents disagree, R_int = {merged.r_int:.2f}: another Laue group, or hardly a signal"
        )
    return said


def _with_signal(merged: Merged) -> npt.NDArray[np.bool_]:
    signal = np.ones(len(merged.hkl), bool)
    if merged.sigma is not None:
        for rows in shells(merged.stol):
            signal[rows] = merged.intensity[rows].mean() > _SIGNAL * merged.sigma[rows].mean()
    return signal


def second_moment(merged: Merged, chosen: npt.NDArray[np.bool_]) -> float:
    """<Z^2> of the chosen reflections, freed of what the sigmas add to it."""
    mean = local_mean(merged) * statistical_weight(merged)
    z = (merged.intensity / mean)[chosen]
    noise: FloatArray = np.zeros_like(z) if merged.sigma is None else (merged.sigma / mean)[chosen]
    return float((np.mean(z**2) - np.mean(noise**2)) / np.mean(z) ** 2)


def l_statistics(merged: Merged, chosen: npt.NDArray[np.bool_]) -> tuple[float, float, int, float]:
    """<|L|>, <L^2>, number of pairs, share of centric pairs, over neighbours two (or two and two) indices apart."""
    # in a small cell the mean falls noticeably from one reflection to the next
    mean = local_mean(merged) * statistical_weight(merged)
    hkl, intensity = merged.hkl[chosen], (merged.intensity / mean)[chosen]
    is_centric = centric(hkl, merged.spacegroup)
    reach = 4 * int(np.abs(merged.hkl).max(initial=0)) + 17
    keys = _key(hkl, reach)
    order = np.argsort(keys)
    values, l_of, both = keys[order], [], []
    for step in _STEPS:
        partner = _key(asymmetric_unit(hkl + step, merged.spacegroup), reach)
        place = np.minimum(np.searchsorted(values, partner), len(values) - 1)
        other = order[place]
        # two of one kind: centric and acentric have different statistics
        pair = (values[place] == partner) & (partner != keys) & (is_centric[other] == is_centric)
        total = intensity[pair] + intensity[other[pair]]
        positive = total > 0
        difference = intensity[pair] - intensity[other[pair]]
        l_of.append(np.clip(difference[positive] / total[positive], -1.0, 1.0))
        both.append(is_centric[pair][positive])
    l_all, centric_pairs = np.concatenate(l_of), np.concatenate(both)
    if not len(l_all):
        return np.nan, np.nan, 0, np.nan
    return (
        float(np.abs(l_all).mean()),
        float((l_all**2).mean()),
        len(l_all),
        float(centric_pairs.mean()),
    )


def _key(hkl: npt.NDArray[np.int32], reach: int) -> npt.NDArray[np.int64]:
    h, k, l = hkl.astype(np.int64).T
    key: npt.NDArray[np.int64] = (h * reach + k) * reach + l
    return key
