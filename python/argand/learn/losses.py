"""How wrong phases are: the published loss, and the one that no choice of origin or hand changes.

A prediction is (b, 2, D, D, D), proportional to (cos, sin) of the phases on the box of Miller
indices -H..H; phases, weights and masks are (b, D, D, D). All losses are made of one number, the
agreement of a prediction with the phases for a hand sigma = +1 or -1 and an origin t:

    A(sigma, t) = sum_h w_h cos(phi_h - sigma phi_hat_h - 2 pi h.t)
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from argand.learn.origin_choices import OriginChoices, OriginSearch
from argand.origins import CONTINUOUS
from argand.reflections import hkl_cube

__all__ = [
    "OriginChoices",
    "agreements",
    "aligned_phases",
    "best_agreement",
    "best_continuous_agreement",
    "half_origins",
    "invariant_loss",
    "published_loss",
    "ramps",
    "unit_phases",
]

_VOXELS = (-3, -2, -1)


def unit_phases(prediction: Tensor) -> tuple[Tensor, Tensor]:
    """Normalise a prediction (b, 2, D, D, D) to (cos, sin) of unit length, (b, D, D, D) each.

    A prediction of zero length stays zero.
    """
    c, s = prediction.unbind(dim=1)
    scale = torch.rsqrt(c * c + s * s + 1e-12)
    return c * scale, s * scale


def half_origins() -> Tensor:
    """Return {0, 1/2}^3 as (8, 3): the permissible origins of P-1, P2_1/c and P2_1 2_1 2_1.

    `OriginChoices` has those of any group.
    """
    half = torch.tensor([0.0, 0.5])
    origins: Tensor = torch.cartesian_prod(half, half, half)
    return origins


def ramps(origins: Tensor, hkl_max: int) -> Tensor:
    """Compute cos and sin of 2 pi h.t for origins (n, 3) on the box -H..H: (2, n, D, D, D)."""
    axis = torch.arange(-hkl_max, hkl_max + 1, dtype=torch.float64, device=origins.device)
    hkl = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"))
    product = torch.tensordot(origins.double(), hkl, dims=1)
    angle = 2.0 * math.pi * product
    ramp = torch.stack([angle.cos(), angle.sin()])
    return ramp.to(origins.dtype)


def agreements(
    prediction: Tensor,
    phase: Tensor,
    weight: Tensor,
    origins: Tensor | None = None,
    hands: bool = True,
) -> Tensor:
    """Compute the agreement of a prediction with phases for hands and origins.

    sum_h w_h cos(phi_h - sigma phi_hat_h - 2 pi h.t), (b, hands, origins), hand sigma = +1 first.

    Parameters
    ----------
    prediction : (b, 2, D, D, D)
        Proportional to (cos, sin) of the phases.
    phase, weight : (b, D, D, D)
        True phases in radians, and the weights w_h.
    origins : (2, n, D, D, D)
        `ramps` of one list of origins for all samples and both hands; None allows the given origin
        alone. `best_agreement` takes origins that differ.
    hands
        Whether the mirror image counts too.
    """
    cosine, sine = _weighted_difference(prediction, phase, weight, hands)
    if origins is None:
        return cosine.sum(_VOXELS)[..., None]
    ramp_cosine, ramp_sine = origins.to(cosine).flatten(2)
    real = cosine.flatten(2) @ ramp_cosine.T
    imaginary = sine.flatten(2) @ ramp_sine.T
    agreement: Tensor = real + imaginary
    return agreement


def _weighted_difference(
    prediction: Tensor,
    phase: Tensor,
    weight: Tensor,
    hands: bool,
) -> tuple[Tensor, Tensor]:
    """Compute real and imaginary part of w exp(i(phi - sigma phi_hat)): (b, hands, D, D, D)."""
    c, s = unit_phases(prediction)
    p = weight * phase.cos()
    q = weight * phase.sin()
    pc = p * c
    qs = q * s
    qc = q * c
    ps = p * s
    if not hands:
        return (pc + qs)[:, None], (qc - ps)[:, None]
    real = torch.stack([pc + qs, pc - qs], dim=1)
    imaginary = torch.stack([qc - ps, qc + ps], dim=1)
    return real, imaginary


def best_agreement(
    prediction: Tensor,
    phase: Tensor,
    weight: Tensor,
    origins: Tensor | OriginChoices | None = None,
    hands: bool = True,
    crystal: Tensor | None = None,
) -> Tensor:
    """Compute the largest agreement (b,) of a prediction with phases over hands and origins.

    Arguments are those of `invariant_loss`.
    """
    if isinstance(origins, OriginChoices):
        terms = torch.complex(*_weighted_difference(prediction, phase, weight, hands))
        return origins.search(terms, crystal)[0]
    return agreements(prediction, phase, weight, origins, hands).amax(dim=(1, 2))


def aligned_phases(
    prediction: Tensor,
    phase: Tensor,
    weight: Tensor,
    origins: Tensor | OriginChoices | None = None,
    hands: bool = True,
    crystal: Tensor | None = None,
) -> Tensor:
    """Return the predicted phases (b, D, D, D) in the hand and at the origin that agree best.

    They are sigma phi_hat + 2 pi h.t in radians, not wrapped. Arguments are those of
    `invariant_loss`.
    """
    c, s = unit_phases(prediction)
    predicted = torch.atan2(s, c)
    if isinstance(origins, OriginChoices):
        terms = torch.complex(*_weighted_difference(prediction, phase, weight, hands))
        _, hand, origin = origins.search(terms, crystal)
        ramp = ramps(origin, origins.hkl_max).to(predicted)
    else:
        agreement = agreements(prediction, phase, weight, origins, hands)
        best = agreement.flatten(1).argmax(dim=1)
        count = agreement.shape[2]
        # Number `best` counts hands first: +1 for the first `count` numbers, -1 for the others.
        hand = 1.0 - 2.0 * (best // count).to(predicted.dtype)
        if origins is None:
            return hand[:, None, None, None] * predicted
        ramp = origins.to(predicted)[:, best % count]
    return hand[:, None, None, None] * predicted + torch.atan2(ramp[1], ramp[0])


def best_continuous_agreement(
    prediction: Tensor,
    phase: Tensor,
    weight: Tensor,
    hands: bool = True,
    oversampling: int = 4,
) -> Tensor:
    """Compute the largest agreement (b,) over hands and all origins, as P 1 allows.

    One FFT for each hand, on a grid of oversampling D points along an axis. The grid misses the
    true maximum by a share of about (pi / (2 oversampling))^2 / 6 of the outermost terms.
    """
    cosine, sine = _weighted_difference(prediction, phase, weight, hands)
    terms = torch.complex(cosine, sine).flatten(2)
    hkl = torch.from_numpy(hkl_cube(phase.shape[-1] // 2))
    search = OriginSearch(CONTINUOUS, hkl, oversampling)
    agreement = search.agreements(terms.flatten(0, 1))
    return agreement.amax(dim=1).view(len(phase), -1).amax(dim=1)


def published_loss(prediction: Tensor, phase: Tensor, mask: Tensor) -> Tensor:
    """Compute sum over measured reflections of 1 - cos(phi - phi_hat), averaged over samples.

    This is the loss of the first experiment.
    """
    weight = mask.to(phase.dtype)
    agreement = agreements(prediction, phase, weight, hands=False)[:, 0, 0]
    return (weight.sum(_VOXELS) - agreement).mean()


def invariant_loss(
    prediction: Tensor,
    phase: Tensor,
    weight: Tensor,
    origins: Tensor | OriginChoices | None = None,
    hands: bool = True,
    crystal: Tensor | None = None,
) -> Tensor:
    """Compute the weighted loss of the best hand and origin, averaged over samples.

    min over sigma, t of sum_h w_h (1 - cos(phi_h - sigma phi_hat_h - 2 pi h.t)) / sum_h w_h.

    The minima are averaged over samples. Amplitudes cannot tell these answers apart, so whichever
    the network gives is right.

    Parameters
    ----------
    prediction : (b, 2, D, D, D)
        Proportional to (cos, sin) of the phases.
    phase : (b, D, D, D)
        True phases in radians.
    weight : (b, D, D, D)
        |F|, |F| to a power, or the mask; 0 for what was not measured.
    origins
        `OriginChoices` of the space groups of the samples: each sample and each hand has the
        origins that its group permits. Or `ramps` (2, n, D, D, D) of one list of origins for all
        samples and both hands: right only where that is so, as in P -1. None allows the given
        origin alone, in either hand.
    hands
        Whether the mirror image counts too.
    crystal : (b,)
        With `OriginChoices`, the number of the crystal of each sample, `SampleBatch.crystal`; None
        where there is one.
    """
    total = weight.sum(_VOXELS)
    best = best_agreement(prediction, phase, weight, origins, hands, crystal)
    tiny = torch.finfo(total.dtype).tiny
    loss = 1.0 - best / total.clamp_min(tiny)
    return loss.mean()
