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
_FIRST_THRESHOLD = 0.25

# Points of the map of origins for the largest index of a pair of reflections, twice that of the
# box: phases then are within 0.4 radians of those at the best origin.
_POINTS_OF_PAIR = 4

# Factor on the weights of the last layers at first, whose biases then decide.
_FIRST_WEIGHTS = 0.1

# Share of the last values that a cycle keeps at first.
_FIRST_INERTIA = 0.3


class PhaseRecycling(nn.Module):
    """Map channels (b, 7, D, D, D) to (b, 2, D, D, D), proportional to (cos, sin) of the phases.

    A cycle takes |E| and complex values of each reflection, which hold the phases. It makes
    densities of them, changes each voxel by a small network, transforms back, and mixes the result
    with the values. The weights of mixtures are functions of numbers that no choice of origin or
    hand changes. All cycles have the same weights.

    The first cycles tie Friedel mates alone, as in P 1: about a fixed inversion centre or axis
    densities would gather on it and stay there. Then the origin and the hand are found at which the
    values obey the space group best. The last cycles, which training differentiates, average over
    all equivalents.

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
        Cycles without symmetry.
    depth
        Cycles with the symmetry of the space group behind them.
    states
        Complex values that a reflection keeps from cycle to cycle.
    starts
        Random phases from which an answer starts, outside of training; the one whose values obey
        the space group best counts.
    """

    start: Tensor
    place: Tensor
    upper: Tensor
    hkl: Tensor
    friedel: Tensor

    def __init__(
        self,
        shape: tuple[int, int, int],
        channels: int,
        width: int = 4,
        hidden: int = 16,
        cycles: int = 80,
        depth: int = 4,
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
        self.register_buffer("hkl", _indices(shape), persistent=False)
        self.register_buffer("friedel", _friedel_channels(math.prod(shape)), persistent=False)
        self.origins = _POINTS_OF_PAIR * 2 * max(shape[2] // 2, 1)

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
        # Absent reflections are not measured, whatever the mask says of them.
        is_listed = mask * (orbit >= 0.0)
        pair, unturned, is_mate, unrestricted = self.friedel[:, None].expand(-1, len(x), -1)
        free = OrbitAverage(pair, unturned, is_mate, unrestricted, is_listed)
        e = _normalised(amplitude, mask, stol2)
        square = stol2 / (stol2 * mask).amax(dim=1, keepdim=True).clamp_min(1e-9)
        numbers = torch.stack([e, square])
        if self.training:
            angle = 2.0 * math.pi * torch.rand_like(amplitude)
            values, _ = self._solve(angle, numbers, free, average)
            values = average.undecided(values)
        else:
            values = self._best(numbers, free, average)
        phased = average.spread(values[:, None])[:, 0]
        return torch.stack([phased.real, phased.imag], dim=1).view(len(x), 2, *self.shape)

    def _best(self, numbers: Tensor, free: OrbitAverage, average: OrbitAverage) -> Tensor:
        """Return the values (b, R) of the start that obeys the space group best."""
        best_values = average.exists.to(torch.complex64)
        best_merit = torch.full_like(best_values.real[:, 0], -torch.inf)
        for angle in self.start:
            starts = angle.expand(numbers.shape[1], -1)
            values, merit = self._solve(starts, numbers, free, average)
            is_better = merit > best_merit
            best_values = torch.where(is_better[:, None], values, best_values)
            best_merit = torch.where(is_better, merit, best_merit)
        return best_values

    def _solve(
        self, angle: Tensor, numbers: Tensor, free: OrbitAverage, average: OrbitAverage
    ) -> tuple[Tensor, Tensor]:
        """Recycle phases from a start.

        Parameters
        ----------
        angle : (b, V)
            Phases, radians.
        numbers : (2, b, V)
            |E|, and stol^2 over the largest one.
        free, average
            Friedel mates, and the equivalents of the space group.

        Returns
        -------
        The last values (b, R) of the sets, and merits (b,): the share of the power that averaging
        over equivalents leaves.
        """
        with torch.no_grad():
            first = free.collapse(torch.polar(torch.ones_like(angle), angle)[:, None])
            values = _soft(_unit(first)).expand(-1, self.states, -1) * free.exists[:, None]
            known = self._known(numbers, free)
            upper = free.half(self.upper)
            e = free.mean(numbers[0])
            for _ in range(self.cycles):
                values = self._cycle(values, e, known, upper)
            values, merit = self._at_origin(free.spread(values), numbers[0], average)
        known = self._known(numbers, average)
        upper = average.half(self.upper)
        e = average.mean(numbers[0])
        for _ in range(self.depth):
            values = self._cycle(values, e, known, upper)
        return values[:, 0], merit

    def _known(self, numbers: Tensor, average: OrbitAverage) -> Tensor:
        """Return what small networks read of each set, (b, R, 3)."""
        e, square = average.mean(numbers[0]), average.mean(numbers[1])
        known = torch.stack([e.clamp_max(4.0), e.square().clamp_max(9.0) / 3.0, square], dim=-1)
        return known * average.exists[..., None]

    def _at_origin(self, values: Tensor, e: Tensor, average: OrbitAverage) -> tuple[Tensor, Tensor]:
        """Move values (b, n, V) to the origin and the hand where they obey the space group best.

        Returns
        -------
        The values (b, n, R) of the sets, and the share (b,) of the power of |E| that is left.
        """
        upper = average.half(self.upper)
        phased = (_unit(values[:, 0]) * e)[:, self.upper]
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
            ramp = torch.polar(torch.ones_like(angle), angle)[:, None]
            of_hand = values if hand is phased else values.conj()
            moved = torch.where(is_better[:, None, None], of_hand * ramp, moved)
        return average.collapse(moved), best / total

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


def _indices(shape: tuple[int, int, int]) -> Tensor:
    """Return the Miller indices (V, 3) of a box."""
    axes = [torch.arange(side) - side // 2 for side in shape]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).reshape(-1, 3)


def _friedel_channels(voxels: int) -> Tensor:
    """Return orbit, turn, mate and restricted (4, V) of a box in P 1; 000 is in no set."""
    number = torch.arange(voxels, dtype=torch.float32)
    mates = number.flip(0)
    orbit = torch.where(number == mates, -1.0, torch.minimum(number, mates))
    zero = torch.zeros_like(number)
    is_mate = (number > mates).to(number.dtype)
    return torch.stack([orbit, zero, is_mate, zero - 1.0])


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
