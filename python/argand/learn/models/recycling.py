"""A network that gives phases in cycles: amplitudes and its last phases in, better phases out."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from argand.learn.models.orbit_average import OrbitAverage

__all__ = ["RECYCLING_INPUTS", "PhaseRecycling"]

#: Channels that the network reads, in this order
RECYCLING_INPUTS = ("amplitude", "mask", "stol2", "orbit", "turn", "mate", "restricted")

# Shells of resolution over which intensities are averaged to |E|.
_SHELLS = 5

# Points of the density for the largest index: squares of densities do not fold back.
_POINTS_OF_INDEX = 3

# Seed of the phases from which an answer starts.
_START_SEED = 2

# Numbers of a reflection that the small networks read: |E|, its square, stol^2.
_KNOWN = 3

# Density, in units of its root mean square, below which a cycle sets it to zero at first.
_FIRST_THRESHOLD = 1.0

# Factor on the weights of the last layers at first, whose biases then decide.
_FIRST_WEIGHTS = 0.1

# Share of the last values that a cycle keeps at first.
_FIRST_INERTIA = 0.3


class PhaseRecycling(nn.Module):
    """Map channels (b, 7, D, D, D) to (b, 2, D, D, D), proportional to (cos, sin) of the phases.

    A cycle takes |E| and complex values of each reflection, which hold the phases. It makes
    densities of them, changes each voxel by a small network, transforms back, and mixes the result
    with the values. The weights of mixtures are functions of numbers that no choice of origin or
    hand changes. Values are averaged over the equivalents that the space group ties, in every
    cycle. All cycles have the same weights; in training only the last ones are differentiated.

    Parameters
    ----------
    shape
        Sides of the whole box.
    channels
        7, those of `RECYCLING_INPUTS`.
    width
        Densities.
    hidden
        Hidden values of each of the small networks.
    cycles
        How often phases are recycled.
    depth
        Cycles that are differentiated in training.
    states
        Complex values that a reflection keeps from cycle to cycle.
    starts
        Random phases from which an answer starts, outside of training; the one whose last density
        has the highest peaks counts.
    """

    start: Tensor
    place: Tensor
    upper: Tensor

    def __init__(
        self,
        shape: tuple[int, int, int],
        channels: int,
        width: int = 8,
        hidden: int = 16,
        cycles: int = 12,
        depth: int = 3,
        states: int = 2,
        starts: int = 1,
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
        self.threshold = nn.Parameter(torch.full((width,), _FIRST_THRESHOLD))
        self.leave = _perceptron(_KNOWN + states + 2 * width, hidden, states * (states + width))
        self._set_first_cycle()
        generator = torch.Generator().manual_seed(_START_SEED)
        angle = 2.0 * math.pi * torch.rand(starts, math.prod(shape), generator=generator)
        self.register_buffer("start", angle, persistent=False)
        # Even, so that halves of the cell are whole numbers of points.
        self.points = 2 * math.ceil(_POINTS_OF_INDEX * max(shape[2] // 2, 1) / 2)
        upper = torch.arange(math.prod(shape)).view(shape)[..., shape[2] // 2 :].flatten()
        self.register_buffer("upper", upper, persistent=False)
        self.register_buffer("place", _places(shape, self.points), persistent=False)

    @torch.no_grad()
    def _set_first_cycle(self) -> None:
        """Begin with cycles that keep the density above a threshold, and little else."""
        enter, change, leave = map(_last_layer, (self.enter, self.change, self.leave))
        for layer in (enter, change, leave):
            layer.weight.mul_(_FIRST_WEIGHTS)
        mixture = torch.zeros(self.states, self.width)
        mixture[0] = 1.0
        enter.bias.copy_(mixture.flatten())
        inertia = _FIRST_INERTIA * torch.eye(self.states)
        returned = torch.full((self.states, self.width), 1.0 / self.width)
        leave.bias.copy_(torch.cat([inertia, returned], dim=1).flatten())

    def forward(self, x: Tensor) -> Tensor:
        """Map x (b, 7, D, D, D) to (b, 2, D, D, D)."""
        columns = x.float().flatten(2).unbind(dim=1)
        amplitude, mask, stol2, orbit, turn, mate, restricted = columns
        average = OrbitAverage(orbit, turn, mate, restricted, mask)
        upper = average.half(self.upper)
        square = average.mean(stol2 / (stol2 * mask).amax(dim=1, keepdim=True).clamp_min(1e-9))
        e = average.mean(_normalised(amplitude, mask, stol2))
        known = torch.stack([e.clamp_max(4.0), e.square().clamp_max(9.0) / 3.0, square], dim=-1)
        known = known * average.exists[..., None]
        if self.training:
            angle = 2.0 * math.pi * torch.rand_like(amplitude)
            values, _ = self._solve(angle, e, known, average, upper)
            values = average.undecided(values)
        else:
            values = self._best(e, known, average, upper)
        phased = average.spread(values[:, None])[:, 0]
        return torch.stack([phased.real, phased.imag], dim=1).view(len(x), 2, *self.shape)

    def _best(self, e: Tensor, known: Tensor, average: OrbitAverage, upper: OrbitAverage) -> Tensor:
        """Return the values (b, R) of the start whose last density has the highest peaks."""
        best_values = torch.zeros_like(e, dtype=torch.complex64)
        best_merit = torch.full_like(e[:, 0], -torch.inf)
        for angle in self.start:
            values, merit = self._solve(angle.expand(len(e), -1), e, known, average, upper)
            is_better = merit > best_merit
            best_values = torch.where(is_better[:, None], values, best_values)
            best_merit = torch.where(is_better, merit, best_merit)
        return best_values

    def _solve(
        self,
        angle: Tensor,
        e: Tensor,
        known: Tensor,
        average: OrbitAverage,
        upper: OrbitAverage,
    ) -> tuple[Tensor, Tensor]:
        """Recycle phases from a start (b, V); return the last values (b, R) and merits (b,)."""
        first = average.collapse(torch.polar(torch.ones_like(angle), angle)[:, None])
        values = _soft(_unit(first)).expand(-1, self.states, -1)
        values = values * average.exists[:, None]
        differentiated = torch.is_grad_enabled()
        for cycle in range(self.cycles):
            is_last = cycle >= self.cycles - self.depth
            with torch.set_grad_enabled(differentiated and is_last):
                values = self._cycle(values, e, known, upper)
        last = values[:, 0]
        with torch.no_grad():
            density = self._density(_unit(last)[:, None] * e[:, None], upper)
            merit = density.pow(4).mean(dim=(1, 2, 3, 4))
        return last, merit

    def _cycle(self, values: Tensor, e: Tensor, known: Tensor, upper: OrbitAverage) -> Tensor:
        """Return the values (b, states, R) after one more cycle."""
        b, states, sets = values.shape
        sizes = values.abs().transpose(1, 2)
        gains = self.enter(torch.cat([known, sizes], dim=-1)).float()
        gains = gains.view(b, sets, states, self.width).permute(0, 2, 3, 1)
        spectra = (values[:, :, None] * (gains * e[:, None, None])).sum(dim=1)
        density = self._density(spectra, upper).permute(0, 2, 3, 4, 1)
        changed = torch.relu(density - self.threshold) + self.change(density).float()
        returned = self._spectrum(changed.permute(0, 4, 1, 2, 3), upper)
        power = (returned.real.square() + returned.imag.square()).sum(dim=2, keepdim=True)
        mean_power = power / upper.exists.sum(dim=1)[:, None, None].clamp_min(1.0)
        returned = returned * torch.rsqrt(mean_power + 1e-6)
        agreement = (returned * values[:, :1].conj()).real.transpose(1, 2)
        modulus = _squashed(_modulus(returned)).transpose(1, 2)
        mixture = self.leave(torch.cat([known, sizes, modulus, agreement], dim=-1)).float()
        mixture = mixture.view(b, sets, states, states + self.width).permute(0, 2, 3, 1)
        together = torch.cat([values, returned], dim=1)
        mixed = (mixture * together[:, None]).sum(dim=2)
        return _soft(mixed) * upper.exists[:, None]

    def _density(self, spectra: Tensor, upper: OrbitAverage) -> Tensor:
        """Transform values of sets (b, n, R) to densities (b, n, N, N, N) with mean square 1."""
        half = upper.spread(spectra)
        points = self.points
        grid = half.new_zeros(*half.shape[:2], points * points * (points // 2 + 1))
        grid = grid.index_copy(2, self.place, half)
        grid = grid.view(*half.shape[:2], points, points, points // 2 + 1)
        density = torch.fft.irfftn(grid, s=(points, points, points), dim=(2, 3, 4))
        mean_square = density.square().mean(dim=(2, 3, 4), keepdim=True)
        normalised: Tensor = density * torch.rsqrt(mean_square + 1e-12)
        return normalised

    def _spectrum(self, density: Tensor, upper: OrbitAverage) -> Tensor:
        """Transform densities (b, n, N, N, N) to values of sets (b, n, R)."""
        transform = torch.fft.rfftn(density, dim=(2, 3, 4), norm="ortho").flatten(2)
        return upper.collapse(transform[..., self.place])


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


def _unit(values: Tensor) -> Tensor:
    """Return complex values with modulus 1, and zero where they are zero."""
    return values / values.abs().clamp_min(1e-6)


def _squashed(sizes: Tensor) -> Tensor:
    """Map sizes from 0 on to numbers below 4, small ones nearly to themselves."""
    return sizes / (1.0 + 0.25 * sizes)


def _soft(values: Tensor) -> Tensor:
    """Bring complex values below 1 in modulus, with their phases as they are."""
    return values * torch.rsqrt(1.0 + values.real.square() + values.imag.square())


def _places(shape: tuple[int, int, int], points: int) -> Tensor:
    """Return where the reflections with l >= 0 of a box stand in a half spectrum of N points."""
    side_h, side_k, side_l = shape
    h = (torch.arange(side_h) - side_h // 2) % points
    k = (torch.arange(side_k) - side_k // 2) % points
    l = torch.arange(side_l // 2 + 1)
    rows = (h[:, None, None] * points + k[:, None]) * (points // 2 + 1) + l
    return rows.flatten()


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
