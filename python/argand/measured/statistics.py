"""Judge data by the distribution of their intensities: twinned, or no intensities at all.

Z = I / (epsilon <I>) at like resolution has <Z^2> = 2 for acentric and 3 for centric reflections,
1.5 and 2 in a perfect twin. L = (I1 - I2)/(I1 + I2) of two reflections that lie close and are not
equivalent hardly needs a mean: <|L|> is 1/2 and <L^2> 1/3 (acentric), 2/pi and 1/2 (centric); 3/8
and 1/5, 1/2 and 1/3 in a perfect twin.

Source: J. E. Padilla and T. O. Yeates, Acta Cryst. D59 (2003) 1124-1130; E. Stanley, J. Appl.
Cryst. 5 (1972) 191-194.
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

# Steps from a reflection to the neighbours that it is paired with in the L test.
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

# Moments of fewer reflections, or pairs, than this are not conclusive.
_ENOUGH = 200

# Shells whose mean I is below so many mean sigma are noise.
_SIGNAL = 2.0

# Of real data at most half are negative, where they are all noise.
_MOSTLY_NEGATIVE = 0.6

# R_int of equivalents that have little in common.
_DISAGREE = 0.25

# Amplitudes that are taken for intensities have second moments below this.
_SMALL_MOMENT = 1.35

# Amplitudes that are taken for intensities have second moments below this share of the expectation.
_SMALL_MOMENT_SHARE = 0.85

# Squared intensities have second moments above this multiple of the expectation.
_LARGE_MOMENT_FACTOR = 2.0

# The second moment of a twin is below this share of the expectation.
_TWIN_MOMENT_SHARE = 0.9

# <|L|> of a perfect twin over that of the untwinned structure: 3/8 over 1/2, 1/2 over 2/pi.
_TWIN_L_RATIO = 0.77

# <|L|> of acentric reflections of random atoms.
_L_ACENTRIC = 0.5

# <|L|> of centric reflections of random atoms.
_L_CENTRIC = 2.0 / np.pi


@dataclass(frozen=True)
class Statistics:
    """Hold second moment and L test of merged data, with what is expected of them.

    Values are NaN where too few reflections have a signal.

    Parameters
    ----------
    centric
        Share of centric reflections.
    second_moment, expected_moment
        <Z^2>, measured and expected.
    l_mean, expected_l
        <|L|>, measured and expected.
    pairs
        Number of pairs in the L test.
    by_structure
        Whether the expectation is that of a structure, or that of random atoms.
    """

    centric: float
    second_moment: float
    expected_moment: float
    l_mean: float
    expected_l: float
    pairs: int
    by_structure: bool

    @property
    def varies_too_little(self) -> bool:
        """Tell whether the values are spread as amplitudes are, not as intensities."""
        least_moment = min(_SMALL_MOMENT, _SMALL_MOMENT_SHARE * self.expected_moment)
        return self.second_moment < least_moment and not self.by_structure

    def verdict(self) -> list[str]:
        """Return the doubts about the data in words; an empty list where there are none."""
        moments = f"second moment {self.second_moment:.2f}, expected {self.expected_moment:.2f}"
        if self.varies_too_little:
            doubt = (
                f"the intensities vary too little ({moments}): amplitudes given as intensities, "
                "or a heavy atom that outshines all others"
            )
            return [doubt]
        if self.second_moment > _LARGE_MOMENT_FACTOR * self.expected_moment:
            doubt = (
                f"the intensities vary much ({moments}): a superstructure, pseudo-translation, "
                "or squared intensities"
            )
            return [doubt]
        twin_l = _twin_l(self.expected_l, self.by_structure)
        halfway = 0.5 * (twin_l + self.expected_l)
        low_moment = self.second_moment < _TWIN_MOMENT_SHARE * self.expected_moment
        if not (self.l_mean < halfway and low_moment):
            return []
        other_causes = ""
        if not self.by_structure:
            other_causes = "; heavy atoms on special positions, or a missing centre, look alike"
        doubt = (
            f"perhaps twinned, by the L test: <|L|> = {self.l_mean:.3f}, "
            f"expected {self.expected_l:.3f}, in a perfect twin {twin_l:.3f}{other_causes}"
        )
        return [doubt]


def intensity_statistics(merged: Merged, calculated: FloatArray | None = None) -> Statistics:
    """Calculate second moment and L test of merged data, of the reflections that have a signal.

    Parameters
    ----------
    merged
        Unique reflections.
    calculated : (n,)
        |Fc|^2 of a structure, which gives the expectation instead of random atoms: few heavy
        atoms, or many on special positions, do not scatter like these.
    """
    is_centric = centric(merged.hkl, merged.spacegroup)
    signal = _with_signal(merged)
    if int(signal.sum()) < _ENOUGH:
        share = float(is_centric.mean())
        return Statistics(share, np.nan, 2.0 + share, np.nan, np.nan, 0, False)
    share = float(is_centric[signal].mean())
    l_mean, _, pairs, centric_pairs = l_statistics(merged, signal)
    if calculated is None:
        expected_moment = 2.0 + share
        expected_l = _L_ACENTRIC + centric_pairs * (_L_CENTRIC - _L_ACENTRIC)
    else:
        structure = replace(merged, intensity=calculated, sigma=None)
        expected_moment = second_moment(structure, signal)
        expected_l, *_ = l_statistics(structure, signal)
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
    """Name in words what no crystal gives: negative intensities, no signal, large R_int.

    An empty list where there is nothing of the kind.
    """
    doubts: list[str] = []
    negative = float((merged.intensity < 0).mean())
    if negative > _MOSTLY_NEGATIVE:
        doubts.append(
            f"{100 * negative:.0f} % of the merged intensities are negative: "
            "another column, or a background"
        )
    elif merged.sigma is not None:
        ratio = float(np.mean(merged.intensity / merged.sigma))
        if ratio < 1.0:
            doubts.append(f"no signal: the mean I/σ of merged reflections is {ratio:.1f}")
    if merged.r_int > _DISAGREE:
        doubts.append(
            f"equivalents disagree, R_int = {merged.r_int:.2f}: "
            "another Laue group, or hardly a signal"
        )
    return doubts


def second_moment(merged: Merged, chosen: npt.NDArray[np.bool_]) -> float:
    """Return <Z^2> of the chosen reflections (n,), without what the sigmas add to it."""
    mean = local_mean(merged) * statistical_weight(merged)
    z = (merged.intensity / mean)[chosen]
    noise: FloatArray = np.zeros_like(z)
    if merged.sigma is not None:
        noise = (merged.sigma / mean)[chosen]
    return float((np.mean(z**2) - np.mean(noise**2)) / np.mean(z) ** 2)


def l_statistics(merged: Merged, chosen: npt.NDArray[np.bool_]) -> tuple[float, float, int, float]:
    """Compare the chosen reflections (n,) with neighbours two, or two and two, indices apart.

    Returns
    -------
    tuple
        <|L|>, <L^2>, the number of pairs, and the share of centric pairs.
    """
    # L hardly needs a mean, but in a small cell the mean falls from one reflection to the next.
    mean = local_mean(merged) * statistical_weight(merged)
    hkl = merged.hkl[chosen]
    z = (merged.intensity / mean)[chosen]
    is_centric = centric(hkl, merged.spacegroup)
    base = 4 * int(np.abs(merged.hkl).max(initial=0)) + 17
    keys = _keys(hkl, base)
    order = np.argsort(keys)
    sorted_keys = keys[order]
    l_values: list[FloatArray] = []
    centric_flags: list[npt.NDArray[np.bool_]] = []
    for step in _STEPS:
        neighbour_keys = _keys(asymmetric_unit(hkl + step, merged.spacegroup), base)
        position = np.minimum(np.searchsorted(sorted_keys, neighbour_keys), len(keys) - 1)
        neighbour = order[position]
        is_measured = sorted_keys[position] == neighbour_keys
        is_other = neighbour_keys != keys
        # Centric and acentric reflections have different statistics.
        same_kind = is_centric[neighbour] == is_centric
        rows = np.flatnonzero(is_measured & is_other & same_kind)
        total = z[rows] + z[neighbour[rows]]
        difference = z[rows] - z[neighbour[rows]]
        positive = total > 0
        l_values.append(np.clip(difference[positive] / total[positive], -1.0, 1.0))
        centric_flags.append(is_centric[rows][positive])
    l_all = np.concatenate(l_values)
    if not len(l_all):
        return np.nan, np.nan, 0, np.nan
    centric_share = float(np.concatenate(centric_flags).mean())
    return float(np.abs(l_all).mean()), float((l_all**2).mean()), len(l_all), centric_share


def _twin_l(expected: float, by_structure: bool) -> float:
    """Return <|L|> of a perfect twin, where `expected` is <|L|> of the untwinned crystal.

    3/8 for 1/2 (acentric), 1/2 for 2/pi (centric), linear between; of a structure in proportion.
    """
    if by_structure:
        return _TWIN_L_RATIO * expected
    return 0.375 + 0.125 * (expected - _L_ACENTRIC) / (_L_CENTRIC - _L_ACENTRIC)


def _with_signal(merged: Merged) -> npt.NDArray[np.bool_]:
    """Tell which reflections (n,) lie in shells of resolution that have a signal."""
    signal = np.ones(len(merged.hkl), bool)
    if merged.sigma is None:
        return signal
    for rows in shells(merged.stol):
        noise = _SIGNAL * merged.sigma[rows].mean()
        signal[rows] = merged.intensity[rows].mean() > noise
    return signal


def _keys(hkl: npt.NDArray[np.int32], base: int) -> npt.NDArray[np.int64]:
    """Number Miller indices (n, 3) uniquely; `base` exceeds twice the largest index."""
    h, k, l = hkl.astype(np.int64).T
    keys: npt.NDArray[np.int64] = (h * base + k) * base + l
    return keys
