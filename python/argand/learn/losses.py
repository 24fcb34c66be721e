"""How wrong phases are: the published loss, and the one that no choice of origin or hand changes.

A prediction is (b, 2, D, D, D), proportional to (cos, sin) of the phases on the cube of Miller indices -H..H; phases,
weights and masks are (b, D, D, D). Everything rests on one number, the agreement of a prediction with the phases,
A(sigma, t) = sum_h w_h cos(phi_h - sigma phi_hat_h - 2 pi h.t), for hands sigma = +1, -1 and origins t.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = [
    "agreements",
    "best_continuous_agreement",
    "half_origins",
    "invariant_loss",
    "published_loss",
    "ramps",
    "unit_phases",
]

_VOXELS = (-3, -2, -1)


def unit_phases(prediction: Tensor) -> tuple[Tensor, Tensor]:
    """(cos, sin) of unit length, (b, D, D, D) each; a prediction of zero length stays zero."""
    c, s = prediction.unbind(dim=1)
    scale = torch.rsqrt(c * c + s * s + 1e-12)
    return c * scale, s * scale


def half_origins() -> Tensor:
    """{0, 1/2}^3, (8, 3): the permissible origins of P-1, P2_1/c, P2_1 2_1 2_1."""
    half = torch.tensor([0.0, 0.5])
    origins: Tensor = torch.cartesian_prod(half, half, half)
    return origins


def ramps(origins: Tensor, hkl_max: int) -> Tensor:
    """cos and sin of 2 pi h.t for origins (n, 3): (2, n, D, D, D)."""
    axis = torch.arange(-hkl_max, hkl_max + 1, dtype=torch.float64)
    hkl = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"))
    angle = 2.0 * math.pi * torch.tensordot(origins.double(), hkl, dims=1)
    return torch.stack([angle.cos(), angle.sin()]).to(origins.dtype)


def agreements(
    prediction: Tensor,
    phase: Tensor,
    weight: Tensor,
    origins: Tensor | None = None,
    hands: bool = True,
) -> Tensor:
    """A(sigma, t): (b, hands, origins), hand +1 first.

    `origins` are the `ramps` of the permissible origins, the same for both hands; None allows the given one alone.
    """
    cosine, sine = _against(prediction, phase, weight, hands)
    if origins is None:
        return cosine.sum(_VOXELS)[..., None]
    c, s = origins.to(cosine.dtype).flatten(2)
    found: Tensor = cosine.flatten(2) @ c.T + sine.flatten(2) @ s.T
    return found


def _against(
    prediction: Tensor, phase: Tensor, weight: Tensor, hands: bool
) -> tuple[Tensor, Tensor]:
    """Re and Im of w exp(i(phi - sigma phi_hat)), (b, hands, D, D, D)."""
    c, s = unit_phases(prediction)
    p, q = weight * phase.cos(), weight * phase.sin()
    pc, qs, qc, ps = p * c, q * s, q * c, p * s
    if not hands:
        return (pc + qs)[:, None], (qc - ps)[:, None]
    return torch.stack([pc + qs, pc - qs], dim=1), torch.stack([qc - ps, qc + ps], dim=1)


def best_continuous_agreement(
    prediction: Tensor, phase: Tensor, weight: Tensor, hands: bool = True, oversampling: int = 4
) -> Tensor:
    """(b,) the largest A over hands and all origins, as P 1 allows: one FFT per hand, on a grid of oversampling D.

    The grid misses the true maximum by a share of about (pi / (2 oversampling))^2 / 6 of the outermost terms.
    """
    cosine, sine = _against(prediction, phase, weight, hands)
    grid = [oversampling * n for n in cosine.shape[-3:]]
    padded: Tensor = torch.fft.fftn(torch.complex(cosine, sine), s=grid, dim=_VOXELS)
    # Index i of the box is h = i - H: take the ramp back that this shift has put on
    for axis, n in zip(_VOXELS, cosine.shape[-3:], strict=True):
        at = torch.arange(oversampling * n, dtype=cosine.dtype, device=cosine.device) / (
            oversampling * n
        )
        back = torch.polar(torch.ones_like(at), 2.0 * math.pi * (n // 2) * at)
        padded = padded * back.reshape([-1 if a == axis else 1 for a in _VOXELS])
    best: Tensor = padded.real.amax(dim=(1, 2, 3, 4))
    return best


def published_loss(prediction: Tensor, phase: Tensor, mask: Tensor) -> Tensor:
    """sum over measured reflections of 1 - cos(phi - phi_hat), averaged over samples: the first experiment's."""
    weight = mask.to(phase.dtype)
    return (
        weight.sum(_VOXELS) - agreements(prediction, phase, weight, hands=False)[:, 0, 0]
    ).mean()


def invariant_loss(
    prediction: Tensor,
    phase: Tensor,
    weight: Tensor,
    origins: Tensor | None = None,
    hands: bool = True,
) -> Tensor:
    """min over hands and origins of sum_h w_h (1 - cos(phi_h - sigma phi_hat_h - 2 pi h.t)) / sum_h w_h, averaged.

    Amplitudes cannot tell these answers apart, so whichever the network gives is right.

    Parameters
    ----------
    weight
        |F|, |F| to a power, or the mask; 0 for what was not measured.
    origins
        `ramps` of the permissible origins; None allows the given one alone.
    """
    total = weight.sum(_VOXELS)
    best = agreements(prediction, phase, weight, origins, hands).amax(dim=(1, 2))
    return (1.0 - best / total.clamp_min(torch.finfo(total.dtype).tiny)).mean()
