"""Losses on unique reflections that know the symmetry of each sample.

A prediction is (b, 2, m), proportional to (cos, sin) of the phases of the unique reflections of a
`UniqueBatch`. Each sample has the origins and hands that its space group permits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from argand.learn.losses import unit_phases
from argand.learn.origin_choices import OriginSearch
from argand.learn.unique import UniqueBatch
from argand.origins import Hand, Origins, permissible_origins
from argand.symmetry import SpaceGroup

__all__ = ["GroupOrigins", "reflection_weights", "symmetric_alignment", "symmetric_loss"]

# Hands in the order in which they are tried.
_HANDS: tuple[Hand, ...] = (1, -1)

# Points of the search grid for each shortest period, by the number of floating axes: a grid in
# three dimensions, as of P 1, is large.
_OVERSAMPLING = (1, 4, 4, 2)

# Zero logits of signs lose as much as phases at right angles: softplus(0) is log 2.
_SIGN_UNIT = 1.0 / math.log(2.0)


class GroupOrigins:
    """Hold the permissible origins of several space groups, for either hand.

    Parameters
    ----------
    spacegroups
        Names or operations, in the order in which `UniqueBatch.group` numbers them.

    Raises
    ------
    ValueError
        There is no space group, or one is unknown.
    """

    def __init__(self, spacegroups: Sequence[SpaceGroup]) -> None:
        if isinstance(spacegroups, str) or not len(spacegroups):
            raise ValueError(f"spacegroups is {spacegroups!r}, needs a list of space groups")
        self.spacegroups = tuple(spacegroups)
        self._origins: dict[int, list[Origins]] = {}

    def of_group(self, number: int) -> list[Origins]:
        """Return the origins of group number `number` for hand +1 and -1."""
        if number not in self._origins:
            spacegroup = self.spacegroups[number]
            self._origins[number] = [permissible_origins(spacegroup, hand) for hand in _HANDS]
        return self._origins[number]

    def search(
        self, terms: Sequence[Tensor], hkl: Tensor, group: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Find the best hand and origin of each sample.

        Parameters
        ----------
        terms
            For hand +1 and for hand -1: w exp(i (phi - sigma phi_hat)), complex (b, m).
        hkl : (b, m, 3)
            Miller indices of the terms.
        group : (b,)
            Number of the space group of each sample.

        Returns
        -------
        The largest sum (b,) of the real parts of terms exp(-2 pi i h.t), its hand (b,) as +1 or -1,
        and its origin t (b, 3), fractional.
        """
        value = terms[0].real.new_full((len(hkl),), -torch.inf)
        sign = torch.ones_like(value)
        origin = torch.zeros((len(hkl), 3), dtype=torch.float64, device=hkl.device)
        for number in sorted(set(group.tolist())):
            rows = torch.nonzero(group == number)[:, 0]
            for hand, of_hand, hand_terms in zip(_HANDS, self.of_group(number), terms, strict=True):
                # No shift makes the other hand of an enantiomorphic group permissible.
                if not len(of_hand.shifts):
                    continue
                oversampling = _OVERSAMPLING[len(of_hand.axes)]
                search = OriginSearch(of_hand, hkl[rows], oversampling)
                best, best_origin = search.best(hand_terms[rows])
                better = best.detach() > value[rows].detach()
                origin[rows[better]] = best_origin[better]
                sign[rows[better]] = float(hand)
                value = value.index_put((rows,), torch.maximum(value[rows], best))
        return value, sign, origin


def reflection_weights(batch: UniqueBatch, power: float = 1.0) -> Tensor:
    """Return weights (b, m): the multiplicity times |F| to a power where measured, else 0."""
    return batch.multiplicity * batch.weight.pow(power) * batch.mask


def symmetric_loss(
    prediction: Tensor,
    batch: UniqueBatch,
    origins: GroupOrigins,
    weight: Tensor | None = None,
    signs: bool = True,
) -> Tensor:
    """Compute the weighted loss of the best permissible hand and origin, averaged over samples.

    min over sigma, t of sum_h w_h L_h / sum_h w_h, with L_h = 1 - cos(phi_h - sigma phi_hat_h -
    2 pi h.t) for acentric reflections. The phase of a centric one is a sign s_h along its
    restricted phase, and the component z_h of the prediction along it is the logit of that sign:
    L_h = log(1 + exp(-s_h z_h)) / log 2, where s_h is the sign that the hand and the origin leave.

    Parameters
    ----------
    prediction : (b, 2, m)
        Proportional to (cos, sin) of acentric phases; of centric ones its length counts.
    batch
        The samples.
    origins
        Permissible origins of the groups that `batch.group` numbers.
    weight : (b, m)
        Weights of the reflections; None: `reflection_weights`.
    signs
        False treats centric phases as others are treated: only their direction counts.
    """
    weight = reflection_weights(batch) if weight is None else weight
    terms, offset = _terms(prediction, batch, weight, signs)
    best, _, _ = origins.search(terms, batch.hkl, batch.group)
    total = weight.double().sum(dim=1)
    loss = (offset - best) / total.clamp_min(torch.finfo(total.dtype).tiny)
    return loss.mean().to(prediction.dtype)


def symmetric_alignment(
    prediction: Tensor,
    batch: UniqueBatch,
    origins: GroupOrigins,
    weight: Tensor | None = None,
) -> Tensor:
    """Return the predicted phases (b, m) in the permissible hand and origin that agree best.

    They are sigma phi_hat + 2 pi h.t in radians, not wrapped; those of centric reflections are the
    nearer one of the two possible phases.
    """
    weight = reflection_weights(batch) if weight is None else weight
    terms, _ = _terms(prediction, batch, weight, signs=False)
    _, hand, origin = origins.search(terms, batch.hkl, batch.group)
    cosine, sine = unit_phases(prediction)
    predicted = torch.atan2(sine, cosine)
    along = torch.cos(predicted - batch.restricted)
    possible = batch.restricted + math.pi * (along < 0.0)
    predicted = torch.where(batch.centric, possible, predicted)
    turns = (batch.hkl.double() @ origin[..., None])[..., 0]
    return hand[:, None].to(predicted) * predicted + (2.0 * math.pi * turns).to(predicted)


def _terms(
    prediction: Tensor, batch: UniqueBatch, weight: Tensor, signs: bool
) -> tuple[list[Tensor], Tensor]:
    """Return the terms (b, m) of the agreement for each hand, and the loss (b,) without agreement.

    The loss of a sample is the second less the agreement at its best origin. Both are large numbers
    where signs are certain, so that they are computed in double precision.
    """
    prediction, weight = prediction.double(), weight.double()
    restricted = batch.restricted.double()
    cosine, sine = unit_phases(prediction)
    predicted = torch.complex(cosine, sine)
    without = weight
    if signs:
        restricted_cosine, restricted_sine = restricted.cos(), restricted.sin()
        logit = prediction[:, 0] * restricted_cosine + prediction[:, 1] * restricted_sine
        half = 0.5 * _SIGN_UNIT * logit
        along = torch.complex(half * restricted_cosine, half * restricted_sine)
        predicted = torch.where(batch.centric, along, predicted)
        # log(1 + exp(-s z)) = log(2 cosh(z / 2)) - s z / 2.
        even = torch.nn.functional.softplus(logit) - 0.5 * logit
        without = torch.where(batch.centric, weight * even * _SIGN_UNIT, weight)
    target = torch.polar(weight, batch.phase.double())
    terms = [target * predicted.conj(), target * predicted]
    return terms, without.sum(dim=1)
