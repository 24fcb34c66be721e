"""Learn from simulated samples of a known crystal, measured as real ones are."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import scipy.sparse

from argand.adapt.adaptation import Adaptation
from argand.adapt.linear import held_out, regress
from argand.adapt.rung import Rung
from argand.adapt.samples import LearningSamples
from argand.adapt.settings import WIDTHS, AdaptationSettings
from argand.adapt.width import WidthCurve
from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.radiation import Radiation
from argand.simulate import Independent, Measurement, Perturbation, Simulation, Unmodelled

__all__ = ["AdaptationProgress", "adapt", "orthogonal_modes", "simulation_of"]

# A regression learns from widths up to this factor beside its own, so that neighbours overlap.
_WIDTH_RANGE = 1.2

# A network learns from four times the samples of the regression: those that follow, up to this
# multiple.
_NETWORK_SAMPLES = 5

# Share of the samples that has a further atom.
_UNMODELLED_SHARE = 0.1


class AdaptationProgress(NamedTuple):
    """Say how far learning is: `samples` of `of` samples for width number `rung` of `rungs`."""

    rung: int
    rungs: int
    width: float  # angstrom
    samples: int
    of: int


def adapt(
    crystal: Crystal,
    *,
    d_min: float = 1.0,
    widths: Sequence[float] = WIDTHS,
    samples: int = 6000,
    noise: float = 0.04,
    b_change: float = 0.5,
    scale: tuple[float, float] = (0.5, 2.0),
    unmodelled: str | None = "O",
    break_symmetry: bool = False,
    network: bool = False,
    rounds: int = 12,
    seed: int = 0,
    radiation: Radiation | None = None,
    extinction: float = 0.0,
    progress: Callable[[AdaptationProgress], None] | None = None,
) -> Adaptation:
    """Learn how the amplitudes of crystals like a known one tell where their atoms have moved.

    Where symmetry lets no atom move, nothing but the mean amplitudes is learned; scale and B of
    data sets are then estimated.

    Parameters
    ----------
    crystal
        The known structure.
    d_min
        Resolution of the reflections to learn, angstrom.
    widths
        Root mean square displacements in three dimensions to be ready for, angstrom.
    samples
        Number of simulated crystals for each width.
    noise
        Relative error of |F|.
    b_change
        Standard deviation of the change of the overall B, A^2.
    scale
        Range of the factor on |F|.
    unmodelled
        Type of an atom that a tenth of the samples has and the known crystal has not; None: none
        has.
    break_symmetry
        Move every atom of the cell on its own, in P 1.
    network
        Train a network beside every regression, and keep it where it is better on samples that
        neither has seen. Needs torch, and half a minute or more for each width.
    rounds
        Rounds of further starts that a refinement may try where data stay unexplained.
    seed
        Seed of all samples: the same seed gives the same adaptation.
    radiation
        Form factors and wavelength; None: x-rays, dispersion left out.
    extinction
        SHELXL's x of the known structure. Where it is not 0 it is refined too, and needs a
        wavelength.
    progress
        Called after every group of samples.

    Raises
    ------
    ArgandError
        Fewer reflections than parameters, or a number that cannot be.
    """
    settings = AdaptationSettings(
        d_min=d_min,
        widths=tuple(sorted({float(width) for width in widths})),
        samples=samples,
        noise=noise,
        b_change=b_change,
        scale=scale,
        unmodelled=unmodelled,
        break_symmetry=break_symmetry,
        network=network,
        rounds=rounds,
        seed=seed,
        radiation=radiation or Radiation(),
        extinction=extinction,
    )
    start = time.perf_counter()
    rungs: list[Rung] = []
    r_known: list[FloatArray] = []
    moved: list[FloatArray] = []
    for number, width in enumerate(settings.widths):
        width_range = (width / _WIDTH_RANGE, width * _WIDTH_RANGE)
        simulation = simulation_of(crystal, width_range, settings, seed + number)
        modes = orthogonal_modes(simulation)
        if len(simulation.hkl) < len(modes) + 2:
            raise ArgandError(
                f"{len(simulation.hkl)} reflections to {d_min:g} angstrom"
                f" for {len(modes)} displacements: too few"
            )

        def report(done: int, rung: int = number, width: float = width) -> None:
            if progress is not None:
                at = AdaptationProgress(rung, len(settings.widths), width, done, samples)
                progress(at)

        learning = LearningSamples(simulation, modes, samples, report)
        rungs.append(_learn(learning, width, settings))
        r_known.append(learning.r_known)
        moved.append(learning.moved)
    return Adaptation(
        crystal=simulation.crystal,
        hkl=simulation.hkl,
        modes=modes,
        rungs=tuple(rungs),
        curve=WidthCurve.of_samples(np.concatenate(r_known), np.concatenate(moved)),
        settings=settings,
        remarks={"seconds": round(time.perf_counter() - start, 2)},
    )


def simulation_of(
    crystal: Crystal, rms: float | tuple[float, float], settings: AdaptationSettings, seed: int
) -> Simulation:
    """Make the simulation of samples moved by `rms` (angstrom), changed and measured as set."""
    unmodelled = None
    if settings.unmodelled is not None:
        unmodelled = Unmodelled(settings.unmodelled, probability=_UNMODELLED_SHARE)
    perturbation = Perturbation(
        [Independent(rms)],
        unmodelled=unmodelled,
        symmetry="broken" if settings.break_symmetry else "kept",
    )
    measurement = Measurement(
        noise=settings.noise, scale=settings.scale, b_change=settings.b_change
    )
    return Simulation(
        crystal,
        perturbation,
        measurement,
        d_min=settings.d_min,
        seed=seed,
        radiation=settings.radiation,
    )


def orthogonal_modes(simulation: Simulation) -> FloatArray:
    """Return the displacements of a simulation as orthogonal modes (k, n, 3), Cartesian angstrom.

    Displacements that symmetry forbids, or that are sums of others, are left out.
    """
    stacked = scipy.sparse.hstack(simulation.modes)
    matrix = scipy.sparse.csr_array(stacked).toarray()
    length = np.linalg.norm(matrix, axis=0)
    longest = max(length.max(initial=0.0), 1e-300)
    columns = matrix[:, length > 1e-9 * longest]
    products = columns.T @ columns
    off_diagonal = products - np.diag(np.diag(products))
    if np.abs(off_diagonal).max(initial=0.0) > 1e-9:
        left, singular, _ = np.linalg.svd(columns, full_matrices=False)
        is_independent = singular > 1e-9 * singular[0]
        columns = left[:, is_independent] * singular[is_independent]
    modes = np.ascontiguousarray(columns.T)
    return modes.reshape(len(modes), len(simulation.crystal.types), 3)


def _learn(learning: LearningSamples, width: float, settings: AdaptationSettings) -> Rung:
    """Learn the regression of one width, and a network beside it where one is asked for."""
    amplitude, p = learning.amplitude, learning.p
    linear = regress(amplitude, p)
    rung = Rung(width, learning.expected, learning.error, linear)
    if not settings.network or not p.shape[1]:
        return rung
    # Importing torch takes seconds, and most adaptations have no network.
    from argand.adapt.network import train_network

    samples = settings.samples
    more_amplitude, more_p = learning.more(range(samples, _NETWORK_SAMPLES * samples))
    unseen = slice(0, held_out(samples))
    trained = train_network(
        linear, (more_amplitude, more_p), (amplitude[unseen], p[unseen]), learning.seed
    )
    if trained is None:
        return rung
    network, covariance = trained
    # The uncertainty of an estimate is that of regression and network together.
    return replace(rung, linear=replace(linear, covariance=covariance), network=network)
