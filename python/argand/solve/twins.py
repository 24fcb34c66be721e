"""Find twinning by merohedry and pseudo-merohedry in intensities.

A twin law is a symmetry of the lattice that the Laue group lacks. Of a twin with the fraction a of
the second domain, I(h) = (1 - a) J(h) + a J(h'), h' = law h. H = |I(h) - I(h')| / (I(h) + I(h')) of
random atoms has <H^2> = (1 - 2a)^2 / 3 for acentric and (1 - 2a)^2 / 2 for centric reflections.

Source: T. O. Yeates, Acta Cryst. A44 (1988) 142-144; J. E. Padilla and T. O. Yeates, Acta Cryst.
D59 (2003) 1124-1130.
"""

from __future__ import annotations

from dataclasses import dataclass

import gemmi
import numpy as np
import numpy.typing as npt

from argand.cell import FloatArray
from argand.measured import Merged, intensity_statistics
from argand.reflections import asymmetric_unit, centric
from argand.rows import find_rows
from argand.symmetry import group_ops, operation_arrays

__all__ = [
    "LEAST_FITTED",
    "TwinFinding",
    "expected_l",
    "find_twin",
    "fitted_fraction",
    "law_words",
    "twin_laws",
]

IndexArray = npt.NDArray[np.intp]

# A lattice has a symmetry where a direct and a reciprocal axis lie within so many degrees.
_OBLIQUITY = 3.0

# Pairs whose sum is below so many sigma of the sum say more about the noise than about the twin.
_LEAST_SIGNAL = 5.0

# Fewer pairs give no fraction.
_FEWEST_PAIRS = 50

# <H^2> of the acentric and the centric reflections of random atoms without a twin.
_H_ACENTRIC = 1.0 / 3.0
_H_CENTRIC = 0.5

# A twin fraction counts where it is so many standard uncertainties above 0 ...
_SIGNIFICANT = 3.0

# ... and above this: statistics of few or heavy atoms are not those of random atoms.
_LEAST_FRACTION = 0.08

#: A model of the structure tells fractions above this.
LEAST_FITTED = 0.02

# Of a twin <|L|> falls by what the fraction by the H test asks for, or by a share of it between
# these bounds. Heavy atoms that obey the law lower <|L|> more, or not at all.
_LEAST_FALL = 0.5
_MOST_FALL = 1.6

# Errors of a model are some hundredths of the intensity.
_MODEL_ERROR = 0.05

# A fraction nearer to a half makes the formula of <|L|> lose its digits.
_NEARLY_HALF = 0.46

# Rotations in space have no translation: a Miller index times a law is whole to this.
_WHOLE = 1e-3


@dataclass(frozen=True, eq=False)
class TwinFinding:
    """Hold a twin law and what the intensities say about it.

    Attributes
    ----------
    law : (3, 3) float
        Indices of the second domain, h' = law h, as in SHELXL's TWIN.
    fraction, uncertainty
        Share of the second domain by the H test, or fitted where a structure is known, and its
        standard uncertainty.
    pairs
        Number of pairs of reflections that were used.
    l_mean, l_untwinned, l_twinned
        <|L|> as measured, and as random atoms have it without the twin and with it; NaN where
        unknown.
    significant
        Whether the fraction is above what chance and errors give; symmetry and heavy atoms raise it
        too.
    likely
        Whether both tests speak for a twin, or the fit to a known structure does.
    reason
        Sentence that says so.
    """

    law: FloatArray
    fraction: float
    uncertainty: float
    pairs: int
    l_mean: float
    l_untwinned: float
    l_twinned: float
    significant: bool
    likely: bool
    reason: str


def twin_laws(merged: Merged, obliquity: float = _OBLIQUITY) -> list[FloatArray]:
    """List the symmetries of a lattice that its Laue group lacks, one of those that are equivalent.

    Parameters
    ----------
    merged
        Data, whose cell and space group count.
    obliquity
        Largest angle, degrees, between a direct and a reciprocal axis that are taken for one.

    Returns
    -------
    list
        Matrices (3, 3) with h' = law h, those of few numbers first.
    """
    group = group_ops(merged.spacegroup)
    lattice = gemmi.find_lattice_symmetry(
        gemmi.UnitCell(*merged.cell), group.find_centering(), obliquity
    )
    rotations = np.unique(operation_arrays(merged.spacegroup)[0], axis=0)
    laue_group = np.concatenate([rotations, -rotations]).transpose(0, 2, 1)
    matrices = [np.array(op.rot).T / gemmi.Op.DEN for op in lattice.sym_ops]
    matrices.sort(key=lambda matrix: (np.abs(matrix).sum(), -np.trace(matrix)))
    covered: set[bytes] = set()
    laws: list[FloatArray] = []
    identity = np.eye(3)
    for matrix in [identity, *matrices]:
        if _code(matrix) in covered:
            continue
        covered.update(_code(rotation @ matrix) for rotation in laue_group)
        covered.update(_code(matrix @ rotation) for rotation in laue_group)
        if matrix is not identity:
            laws.append(matrix)
    return laws


def _code(matrix: FloatArray) -> bytes:
    """Return a matrix (3, 3) in 24ths as a key."""
    return np.rint(matrix * gemmi.Op.DEN).astype(np.int64).tobytes()


def find_twin(
    merged: Merged, calculated: FloatArray | None = None, obliquity: float = _OBLIQUITY
) -> TwinFinding | None:
    """Look for the twin law that the intensities support best.

    Parameters
    ----------
    merged
        Data in their Laue group.
    calculated : (n,)
        |Fc|^2 of one domain, where the structure is known: the fraction is fitted to it. Without it
        the statistics of random atoms are used, which heavy atoms do not have.
    obliquity
        Largest angle, degrees, between a direct and a reciprocal axis that are taken for one.

    Returns
    -------
    TwinFinding or None
        The likely law of the largest fraction, else the law of the largest fraction; None where
        the lattice allows no law, or too few reflections are related by one.
    """
    findings: list[TwinFinding] = []
    for law in twin_laws(merged, obliquity):
        finding = _finding(merged, law, calculated)
        if finding is not None:
            findings.append(finding)
    if not findings:
        return None
    return max(findings, key=lambda finding: (finding.likely, finding.fraction))


def _finding(merged: Merged, law: FloatArray, calculated: FloatArray | None) -> TwinFinding | None:
    """Test one law; None where too few reflections are related by it."""
    partner = _partners(merged, law)
    if calculated is None:
        estimate = _h_test(merged, partner)
    else:
        estimate = _fitted(merged, partner, calculated)
    if estimate is None:
        return None
    fraction, uncertainty, pairs = estimate
    statistics = intensity_statistics(merged)
    untwinned = statistics.expected_l
    ratio = expected_l(fraction) / expected_l(0.0)
    twinned = untwinned * ratio
    fall = (untwinned - statistics.l_mean) / max(untwinned - twinned, 1e-12)
    least = _LEAST_FRACTION if calculated is None else LEAST_FITTED
    is_significant = bool(fraction > max(least, _SIGNIFICANT * uncertainty))
    falls = calculated is not None or bool(_LEAST_FALL < fall < _MOST_FALL)
    axes = law_words(law)
    test = "H test" if calculated is None else "fit to the structure"
    words = f"{test}: fraction {fraction:.2f} with a standard uncertainty of {uncertainty:.2f}"
    if np.isfinite(statistics.l_mean) and calculated is None:
        words += f"; <|L|> is {statistics.l_mean:.3f}, {untwinned:.3f} without a twin and "
        words += f"{twinned:.3f} with it"
    if is_significant and falls:
        reason = f"twinned by {axes}; {words}"
    elif is_significant and np.isnan(statistics.l_mean):
        reason = f"perhaps twinned by {axes}, but too few reflections are there for a second test; "
        reason += words
    elif is_significant:
        reason = f"intensities alike by {axes} come from symmetry or heavy atoms, no twin; {words}"
    else:
        reason = f"not twinned by {axes}; {words}"
    return TwinFinding(
        law=law,
        fraction=fraction,
        uncertainty=uncertainty,
        pairs=pairs,
        l_mean=statistics.l_mean,
        l_untwinned=untwinned,
        l_twinned=twinned,
        significant=is_significant,
        likely=is_significant and falls,
        reason=reason,
    )


def _partners(merged: Merged, law: FloatArray) -> IndexArray:
    """Return the row (n,) to which a law takes each reflection; -1 where it was not measured."""
    moved = merged.hkl @ law.T
    whole = np.rint(moved).astype(np.int32)
    is_whole = (np.abs(moved - whole) < _WHOLE).all(axis=1)
    unique = asymmetric_unit(whole, merged.spacegroup)
    return np.where(is_whole, find_rows(merged.hkl, unique), -1)


def _h_test(merged: Merged, partner: IndexArray) -> tuple[float, float, int] | None:
    """Estimate a twin fraction by Yeates' H test of reflections and their partners (n,).

    The sum of a pair, by which pairs with a signal are chosen, does not depend on H.

    Returns
    -------
    tuple or None
        Fraction, its standard uncertainty and the number of pairs; None for too few pairs.
    """
    first = np.flatnonzero(partner > np.arange(len(partner)))
    second = partner[first]
    total = merged.intensity[first] + merged.intensity[second]
    noise = np.zeros(len(first))
    if merged.sigma is not None:
        noise = np.hypot(merged.sigma[first], merged.sigma[second])
    is_centric = centric(merged.hkl, merged.spacegroup)
    used = (total > _LEAST_SIGNAL * noise) & (total > 0.0)
    used &= is_centric[first] == is_centric[second]
    pairs = int(used.sum())
    if pairs < _FEWEST_PAIRS:
        return None
    total = total[used]
    difference = merged.intensity[first][used] - merged.intensity[second][used]
    squares = np.square(difference / total) - np.square(noise[used] / total)
    expected = np.where(is_centric[first][used], _H_CENTRIC, _H_ACENTRIC)
    ratio = float(squares.sum() / expected.sum())
    scatter = squares - ratio * expected
    ratio_sigma = float(np.sqrt(np.square(scatter).sum())) / float(expected.sum())
    # (1 - 2a)^2 is the ratio; below its uncertainty the root is not linear any more.
    root = float(np.sqrt(np.clip(ratio, 0.0, 1.0)))
    uncertainty = 0.25 * ratio_sigma / max(root, float(np.sqrt(ratio_sigma)))
    return 0.5 * (1.0 - root), uncertainty, pairs


def fitted_fraction(
    merged: Merged, law: FloatArray, calculated: FloatArray
) -> tuple[float, float] | None:
    """Fit the share of the second domain of a twin to its structure.

    Parameters
    ----------
    merged
        Measured intensities of the twin, n reflections.
    law : (3, 3)
        h' = law h.
    calculated : (n,)
        |Fc|^2 of one domain.

    Returns
    -------
    tuple or None
        Fraction and its standard uncertainty; None where too few reflections have a partner.
    """
    estimate = _fitted(merged, _partners(merged, law), calculated)
    return None if estimate is None else estimate[:2]


def _fitted(
    merged: Merged, partner: IndexArray, calculated: FloatArray
) -> tuple[float, float, int] | None:
    """Fit I = k ((1 - a) J(h) + a J(h')) to intensities whose J are known.

    Returns
    -------
    tuple or None
        Fraction a, its standard uncertainty and the number of reflections; None for too few.
    """
    rows = np.flatnonzero(partner >= 0)
    rows = rows[partner[rows] != rows]
    if len(rows) < _FEWEST_PAIRS:
        return None
    intensity = merged.intensity[rows]
    own = calculated[rows]
    other = calculated[partner[rows]]
    scale = float(intensity @ (own + other) / np.square(own + other).sum()) * 2.0
    width = _MODEL_ERROR * scale * (0.5 * (own + other) + own.mean())
    if merged.sigma is not None:
        width = np.hypot(width, merged.sigma[rows])
    design = np.stack([own, other], axis=1) / width[:, None]
    target = intensity / width
    shares, *_ = np.linalg.lstsq(design, target, rcond=None)
    residual = target - design @ shares
    variance = float(residual @ residual) / (len(rows) - 2)
    covariance = max(variance, 1e-12) * np.linalg.pinv(design.T @ design)
    total = float(shares.sum())
    # a = s2 / (s1 + s2).
    gradient = np.array([-shares[1], shares[0]]) / total**2
    uncertainty = float(np.sqrt(gradient @ covariance @ gradient))
    return float(np.clip(shares[1] / total, 0.0, 1.0)), uncertainty, len(rows)


def expected_l(fraction: float) -> float:
    """Return <|L|> of acentric reflections of random atoms in a twin: 1/2 at 0, 3/8 at a half."""
    a = fraction
    if a > _NEARLY_HALF:
        return 0.375
    if a <= 0.0:
        return 0.5
    difference = 1.0 - 2.0 * a
    product = a * (1.0 - a)
    polynomial = difference**2 * (1.0 - 6.0 * a + 6.0 * a * a)
    logarithm = 8.0 * product**2 * float(np.log(4.0 * product))
    return (polynomial - logarithm) / (2.0 * difference**4)


def law_words(law: FloatArray) -> str:
    """Write a law as the new indices in terms of the old, 'k, h, -l'."""
    op = gemmi.Op("h,k,l")
    # gemmi keeps the transposed matrix of an operation on indices.
    op.rot = np.rint(law.T * gemmi.Op.DEN).astype(int).tolist()
    return str(op.triplet()).replace(",", ", ")
