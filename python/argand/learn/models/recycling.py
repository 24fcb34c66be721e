"""A network that gives phases in cycles: amplitudes and its last phases in, better phases out."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from argand.learn.models.density_cycles import (
    THRESHOLD,
    certainty,
    complete,
    density_of,
    free_cycles,
    grid_places,
    grid_points,
    soft,
    spectrum_of,
    unit,
)
from argand.learn.models.orbit_average import OrbitAverage

__all__ = ["RECYCLING_INPUTS", "PhaseRecycling"]

#: Channels that the network reads, in this order
RECYCLING_INPUTS = ("amplitude", "mask", "stol2", "orbit", "turn", "mate", "restricted")

# Shells of resolution over which intensities are averaged to |E|.
_SHELLS = 5

# Seed of the phases from which an answer starts.
_START_SEED = 2

# Numbers of a reflection that the small networks read: |E|, its square, stol^2.
_KNOWN = 3

# Thresholds of the densities beside the first one, of which nothing returns before training.
_LEAST_THRESHOLD = -0.5
_LARGEST_THRESHOLD = 1.5

# Points of the map of origins for the largest index of a pair of reflections, twice that of the
# box: phases then are within 0.4 radians of those at the best origin.
_POINTS_OF_PAIR = 4


class PhaseRecycling(nn.Module):
    """Map channels (b, 7, D, D, D) to (b, 2, D, D, D), proportional to (cos, sin) of the phases.

    The first cycles have no weights and tie Friedel mates alone, as in P 1, see `free_cycles`:
    about a fixed inversion centre or axis densities would gather on it and stay there. Then the
    origin and the hand are found at which the values obey the space group best.

    The last cycles average over all equivalents, and are trained. Each makes densities of |E| and
    of the complex values of reflections, which hold the phases, changes each voxel by a small
    network, transforms back, and mixes the result with the values. The weights of mixtures are
    functions of numbers that no choice of origin or hand changes. All of these cycles have the same
    weights. Before training they do what the first cycles do: what small networks add is zero.

    Parameters
    ----------
    shape
        Sides of the whole box.
    channels
        7, those of `RECYCLING_INPUTS`.
    width
        Densities of the last cycles.
    hidden
        Hidden values of each of the small networks.
    cycles
        Cycles without symmetry.
    depth
        Cycles with the symmetry of the space group behind them.
    states
        Complex values that a reflection keeps from cycle to cycle.
    starts
        Random phases from which an answer starts, outside of training; the one counts whose values
        agree best with |E| and the space group.
    """

    start: Tensor
    places: Tensor
    upper: Tensor
    hkl: Tensor

    def __init__(
        self,
        shape: tuple[int, int, int],
        channels: int,
        width: int = 4,
        hidden: int = 16,
        cycles: int = 80,
        depth: int = 2,
        states: int = 2,
        starts: int = 3,
    ) -> None:
        super().__init__()
        if channels != len(RECYCLING_INPUTS):
            raise ValueError(
                f"inputs are {channels} channels, needs the {len(RECYCLING_INPUTS)} of symmetry: "
                f"{', '.join(RECYCLING_INPUTS)}"
            )
        self.shape = shape
        self.cycles = cycles
        self.depth = depth
        self.states = states
        self.width = width
        self.enter = _perceptron(_KNOWN + states, hidden, states * width)
        self.change = _perceptron(width, hidden, width)
        thresholds = torch.linspace(_LEAST_THRESHOLD, _LARGEST_THRESHOLD, width)
        thresholds[0] = THRESHOLD
        self.threshold = nn.Parameter(thresholds)
        self.leave = _perceptron(_KNOWN + states + 2 * width, hidden, states * (states + width))
        self._set_first_cycle()
        generator = torch.Generator().manual_seed(_START_SEED)
        angle = 2.0 * math.pi * torch.rand(starts, math.prod(shape), generator=generator)
        self.register_buffer("start", angle, persistent=False)
        self.points = grid_points(shape[2] // 2)
        upper = torch.arange(math.prod(shape)).view(shape)[..., shape[2] // 2 :].flatten()
        self.register_buffer("upper", upper, persistent=False)
        self.register_buffer("places", grid_places(shape, self.points), persistent=False)
        self.register_buffer("hkl", _indices(shape), persistent=False)
        self.origins = _POINTS_OF_PAIR * 2 * max(shape[2] // 2, 1)

    @torch.no_grad()
    def _set_first_cycle(self) -> None:
        """Begin with the cycle of `free_cycles`: the first density alone returns."""
        enter, change, leave = map(_last_layer, (self.enter, self.change, self.leave))
        for layer in (enter, change, leave):
            layer.weight.zero_()
            layer.bias.zero_()
        mixture = torch.zeros(self.states, self.width)
        mixture[0] = 1.0
        enter.bias.copy_(mixture.flatten())
        returned = torch.zeros(self.states, self.states + self.width)
        returned[:, self.states] = 1.0
        leave.bias.copy_(returned.flatten())

    def forward(self, x: Tensor) -> Tensor:
        """Map x (b, 7, D, D, D) to (b, 2, D, D, D)."""
        columns = x.float().flatten(2).unbind(dim=1)
        amplitude, mask, stol2, orbit, turn, mate, restricted = columns
        average = OrbitAverage(orbit, turn, mate, restricted, mask)
        # Absent reflections are not measured, whatever the mask says of them.
        is_listed = mask * (orbit >= 0.0)
        e = _normalised(amplitude, mask, stol2)
        square = stol2 / (stol2 * mask).amax(dim=1, keepdim=True).clamp_min(1e-9)
        if self.training:
            angle = 2.0 * math.pi * torch.rand_like(amplitude)
            values, _ = self._solve(angle, e, is_listed, average)
        else:
            values = self._best(e, is_listed, average)
        values = self._with_symmetry(values, torch.stack([e, square]), average)
        if self.training:
            values = average.undecided(values)
        phased = average.spread(values[:, None])[:, 0]
        return torch.stack([phased.real, phased.imag], dim=1).view(len(x), 2, *self.shape)

    @torch.no_grad()
    def _best(self, e: Tensor, is_listed: Tensor, average: OrbitAverage) -> Tensor:
        """Return the values (b, R) of the start with the highest merit."""
        best_values = average.exists.to(torch.complex64)
        best_merit = torch.full_like(best_values.real[:, 0], -torch.inf)
        for angle in self.start:
            values, merit = self._solve(angle.expand(len(e), -1), e, is_listed, average)
            is_better = merit > best_merit
            best_values = torch.where(is_better[:, None], values, best_values)
            best_merit = torch.where(is_better, merit, best_merit)
        return best_values

    @torch.no_grad()
    def _solve(
        self, angle: Tensor, e: Tensor, is_listed: Tensor, average: OrbitAverage
    ) -> tuple[Tensor, Tensor]:
        """Find phases as in P 1, and the origin of the space group.

        Parameters
        ----------
        angle : (b, V)
            Phases from which cycles start, radians.
        e, is_listed : (b, V)
            |E|, and 1 for the reflections that are measured and not absent, else 0.
        average
            The equivalents of the space group.

        Returns
        -------
        The values (b, R) of the sets, and merits (b,): the share of the power that averaging over
        equivalents leaves, times the correlation of `free_cycles`.
        """
        phases = torch.polar(torch.ones_like(angle), angle)
        start = unit(phases + phases.flip(1).conj()) * is_listed
        values, correlation = free_cycles(
            soft(start[:, self.upper]),
            e[:, self.upper],
            is_listed[:, self.upper],
            self.places,
            self.points,
            self.cycles,
        )
        moved, share = self._at_origin(complete(values, self.shape), e, average)
        return moved, share * correlation

    def _with_symmetry(self, values: Tensor, numbers: Tensor, average: OrbitAverage) -> Tensor:
        """Recycle the values (b, R) of sets of equivalents.

        `numbers` (2, b, V) are |E| and stol^2 over the largest one.
        """
        e, square = average.mean(numbers[0]), average.mean(numbers[1])
        known = torch.stack([e.clamp_max(4.0), e.square().clamp_max(9.0) / 3.0, square], dim=-1)
        known = known * average.exists[..., None]
        upper = average.half(self.upper)
        states = values[:, None].expand(-1, self.states, -1)
        for _ in range(self.depth):
            states = self._cycle(states, e, known, upper)
        return states[:, 0]

    def _at_origin(self, values: Tensor, e: Tensor, average: OrbitAverage) -> tuple[Tensor, Tensor]:
        """Move values (b, V) to the origin and the hand where they obey the space group best.

        Returns
        -------
        The values (b, R) of the sets, and the share (b,) of the power of |E| that is left.
        """
        upper = average.half(self.upper)
        phased = (unit(values) * e)[:, self.upper]
        hkl = self.hkl[self.upper]
        total = (e[:, self.upper].square() * upper.measured).sum(dim=1).clamp_min(1e-9)
        best = torch.full_like(total, -torch.inf)
        moved = values
        for hand in (phased, phased.conj()):
            power = upper.symmetry_map(hand, hkl, self.origins).flatten(1)
            highest, place = power.max(dim=1)
            is_better = highest > best
            best = torch.where(is_better, highest, best)
            points = self.origins
            steps = torch.stack([place // points**2, place // points % points, place % points], 1)
            # Whole numbers of turns are taken off before there are floating-point numbers.
            turns = (steps @ self.hkl.T) % points
            angle = turns * (2.0 * math.pi / points)
            ramp = torch.polar(torch.ones_like(angle), angle)
            of_hand = values if hand is phased else values.conj()
            moved = torch.where(is_better[:, None], of_hand * ramp, moved)
        return average.collapse(moved[:, None])[:, 0], best / total

    def _cycle(self, values: Tensor, e: Tensor, known: Tensor, upper: OrbitAverage) -> Tensor:
        """Return the values (b, states, R) after one more cycle."""
        b, states, sets = values.shape
        sizes = values.abs().transpose(1, 2)
        gains = self.enter(torch.cat([known, sizes], dim=-1)).float()
        gains = gains.view(b, sets, states, self.width).permute(0, 2, 3, 1)
        spectra = (values[:, :, None] * (gains * e[:, None, None])).sum(dim=1)
        density = density_of(upper.spread(spectra), self.places, self.points)
        density = density.permute(0, 2, 3, 4, 1)
        changed = torch.relu(density - self.threshold) + self.change(density).float()
        changed = changed.permute(0, 4, 1, 2, 3)
        returned = upper.collapse(spectrum_of(changed, self.places))
        power = (returned.real.square() + returned.imag.square()).sum(dim=2, keepdim=True)
        mean_power = power / upper.exists.sum(dim=1)[:, None, None].clamp_min(1.0)
        returned = returned * torch.rsqrt(mean_power + 1e-6)
        agreement = (returned * values[:, :1].conj()).real.transpose(1, 2)
        modulus = _squashed(_modulus(returned)).transpose(1, 2)
        mixture = self.leave(torch.cat([known, sizes, modulus, agreement], dim=-1)).float()
        mixture = mixture.view(b, sets, states, states + self.width).permute(0, 2, 3, 1)
        together = torch.cat([values, returned], dim=1)
        mixed = (mixture * together[:, None]).sum(dim=2)
        return soft(mixed * (certainty(e) * upper.exists)[:, None])


def _perceptron(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """Build a network with one hidden layer over the last axis."""
    return nn.Sequential(nn.Linear(inputs, hidden), nn.GELU(), nn.Linear(hidden, outputs))


def _last_layer(network: nn.Sequential) -> nn.Linear:
    """Return the last layer of a network of `_perceptron`."""
    layer = network[-1]
    if not isinstance(layer, nn.Linear):
        raise TypeError(f"the last layer is {type(layer).__name__}, needs Linear")
    return layer


def _modulus(values: Tensor) -> Tensor:
    """Return moduli whose derivative is finite at zero."""
    return (values.real.square() + values.imag.square() + 1e-8).sqrt()


def _squashed(sizes: Tensor) -> Tensor:
    """Map sizes from 0 on to numbers below 4, small ones nearly to themselves."""
    return sizes / (1.0 + 0.25 * sizes)


def _indices(shape: tuple[int, int, int]) -> Tensor:
    """Return the Miller indices (V, 3) of a box."""
    axes = [torch.arange(side) - side // 2 for side in shape]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).reshape(-1, 3)


def _normalised(amplitude: Tensor, mask: Tensor, stol2: Tensor) -> Tensor:
    """Return |E| (b, V): |F| over its root mean square, which is interpolated between shells.

    Shells are equal in volume of reciprocal space.
    """
    largest = (stol2 * mask).amax(dim=1, keepdim=True).clamp_min(1e-9)
    position = (stol2 / largest).clamp(0.0, 1.0).pow(1.5) * (_SHELLS - 1)
    centres = torch.arange(_SHELLS, device=stol2.device, dtype=stol2.dtype)
    share = (1.0 - (position[..., None] - centres).abs()).clamp_min(0.0)
    counted = share * mask[..., None]
    intensity = amplitude.square()
    mean = (counted * intensity[..., None]).sum(dim=1) / counted.sum(dim=1).clamp_min(1e-6)
    expected = (share * mean[:, None]).sum(dim=-1)
    return (intensity / expected.clamp_min(1e-12)).sqrt() * mask
