"""Learning from simulated samples of a known crystal, measured as real ones are."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from argand.adapt.adaptation import Adaptation, Rung
from argand.adapt.linear import held_out, regress
from argand.adapt.width import WidthCurve
from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.estimate.scale import disagreement, fit_scale
from argand.radiation import Radiation
from argand.refine import Model, free
from argand.simulate import Independent, Measurement, Perturbation, Simulation, Unmodelled

__all__ = ["WIDTHS", "Progress", "adapt", "simulation_of"]

#: Widths of displacements that are learned, angstrom, rms in three dimensions
WIDTHS = (0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7)

_AT_ONCE = 512
_BESIDE = 1.2  # a rung learns from widths up to this factor beside its own
_MORE = 5  # a network has four times the samples of the regression, those that follow
_FIRST = 256  # samples that say what is expected before others are scaled to it


class Progress(NamedTuple):
    """Where the learning is."""

    rung: int
    rungs: int
    width: float
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
    progress: Callable[[Progress], None] | None = None,
) -> Adaptation:
    """Learn how amplitudes of crystals like a known one tell where their atoms have gone.

    Parameters
    ----------
    d_min
        Resolution of the reflections to learn, angstrom.
    widths
        Root mean square displacements to be ready for, angstrom, in three dimensions.
    samples
        Simulated crystals for each width.
    noise, b_change, scale
        Error of |F| as part of it, width of the change of B in A^2, range of the factor on |F|.
    unmodelled
        Type of an atom that a tenth of the samples has and the known crystal has not; None: none has.
    break_symmetry
        Every atom of the cell moves on its own, in P 1.
    network
        Train a network beside every regression, and keep it where it is better on samples that neither has seen. Needs
        torch, and half a minute or more for each width.
    rounds
        Rounds of further starts that a refinement may try where data stay unexplained.
    seed
        Of all samples: the same gives the same.
    radiation
        What is scattered; None: x-rays, dispersion left out.
    extinction
        Where there is some, SHELXL's x to begin with: it is refined too, and needs a wavelength.

    Raises
    ------
    ArgandError
        Fewer reflections than parameters, or a number that cannot be.

    Where symmetry lets no atom move there is nothing to learn but what the amplitudes are; scale and B are then found.
    """
    rungs_of = sorted({float(width) for width in widths})
    if not rungs_of or not all(0.0 < width < 5.0 for width in rungs_of):
        raise ArgandError(f"widths is {list(widths)}, needs numbers between 0 and 5 angstrom")
    if samples < 50:
        raise ArgandError(f"samples is {samples}, needs at least 50")
    if rounds < 0:
        raise ArgandError(f"rounds is {rounds}, needs 0 or more")
    about: dict[str, Any] = {
        "d_min": d_min,
        "widths": rungs_of,
        "samples": samples,
        "noise": noise,
        "b_change": b_change,
        "scale": list(scale),
        "unmodelled": unmodelled,
        "break_symmetry": break_symmetry,
        "seed": seed,
    }
    begun = time.perf_counter()
    learned: list[Rung] = []
    spread: list[tuple[FloatArray, FloatArray]] = []
    kept: tuple[Crystal, NDArray[np.int32], FloatArray] | None = None
    for number, width in enumerate(rungs_of):
        simulation = simulation_of(
            crystal, (width / _BESIDE, width * _BESIDE), about, seed + number, radiation
        )
        modes = orthogonal_modes(simulation)
        if len(simulation.hkl) < len(modes) + 2:
            raise ArgandError(
                f"{len(simulation.hkl)} reflections to {d_min:g} angstrom for {len(modes)} displacements: too few"
            )
        kept = simulation.crystal, simulation.hkl, modes

        def tell(done: int, rung: int = number, own: float = width) -> None:
            if progress is not None:
                progress(Progress(rung, len(rungs_of), own, done, samples))

        rung, r, moved = _rung(simulation, width, modes, samples, network, tell)
        learned.append(rung)
        spread.append((r, moved))
    assert kept is not None
    known, hkl, modes = kept
    curve = WidthCurve.of_samples(*(np.concatenate(both) for both in zip(*spread, strict=True)))
    about["networks"] = [rung.width for rung in learned if rung.network is not None]
    about["seconds"] = round(time.perf_counter() - begun, 2)
    return Adaptation(
        known,
        hkl,
        modes,
        tuple(learned),
        curve,
        about,
        rounds,
        radiation or Radiation(),
        extinction,
    )


def simulation_of(
    crystal: Crystal,
    rms: float | tuple[float, float],
    about: Mapping[str, Any],
    seed: int,
    radiation: Radiation | None = None,
) -> Simulation:
    """Samples of crystals moved by `rms`, changed and measured as an adaptation is `about`."""
    extra = about["unmodelled"]
    changes = Perturbation(
        [Independent(rms)],
        unmodelled=None if extra is None else Unmodelled(extra, probability=0.1),
        symmetry="broken" if about["break_symmetry"] else "kept",
    )
    made = Measurement(
        noise=about["noise"], scale=tuple(about["scale"]), b_change=about["b_change"]
    )
    return Simulation(crystal, changes, made, d_min=about["d_min"], seed=seed, radiation=radiation)


def orthogonal_modes(simulation: Simulation) -> FloatArray:
    """The displacements of a simulation (k, n, 3), without those that symmetry makes none or a sum of others."""
    matrix = scipy.sparse.csr_array(scipy.sparse.hstack(simulation.modes)).toarray()
    size = np.linalg.norm(matrix, axis=0)
    used = matrix[:, size > 1e-9 * max(size.max(initial=0.0), 1e-300)]
    products = used.T @ used
    if np.abs(products - np.diag(np.diag(products))).max(initial=0.0) > 1e-9:
        left, singular, _ = np.linalg.svd(used, full_matrices=False)
        some = singular > 1e-9 * singular[0]
        used = left[:, some] * singular[some]
    return np.ascontiguousarray(used.T).reshape(used.shape[1], len(simulation.crystal.types), 3)


class _Learned(NamedTuple):
    """Samples as they are learned from: scale and B fitted out."""

    amplitude: NDArray[np.float32]  # (n, m)
    p: FloatArray  # (n, k)
    r: FloatArray  # (n,) against the known crystal
    moved: FloatArray  # (n,) rms displacement


def _rung(
    simulation: Simulation,
    width: float,
    modes: FloatArray,
    samples: int,
    network: bool,
    tell: Callable[[int], None],
) -> tuple[Rung, FloatArray, FloatArray]:
    """What was learned; and R (n,) against the known crystal of samples moved by widths (n,)."""
    model = Model(
        simulation.crystal,
        simulation.hkl,
        free(simulation.crystal, positions=modes),
        radiation=Radiation(simulation.radiation.probe),
    )
    true = np.abs(simulation.draw(range(min(_FIRST, samples))).f)
    expected = true.mean(axis=0, dtype=np.float64)
    error = true.std(axis=0, dtype=np.float64) + 0.02 * float(expected.mean())
    seen = _samples(simulation, model, expected, error, range(samples), tell)
    linear, beside = regress(seen.amplitude, seen.p), None
    if network and len(modes):
        from argand.adapt.network import train_network  # torch

        more = _samples(
            simulation, model, expected, error, range(samples, _MORE * samples), lambda done: None
        )
        unseen = slice(0, held_out(samples))
        trained = train_network(
            linear,
            (more.amplitude, more.p),
            (seen.amplitude[unseen], seen.p[unseen]),
            simulation.seed,
        )
        if trained is not None:
            beside, linear = (
                trained[0],
                replace(linear, covariance=trained[1]),
            )  # of what both together miss
    return Rung(width, expected, error, linear, beside), seen.r, seen.moved


def _samples(
    simulation: Simulation,
    model: Model,
    expected: FloatArray,
    error: FloatArray,
    indices: range,
    tell: Callable[[int], None],
) -> _Learned:
    squares, known = np.square(simulation.stol), np.abs(simulation.f0)
    n = len(indices)
    amplitude = np.empty((n, len(squares)), np.float32)
    p, r, moved = np.empty((n, len(model))), np.empty(n), np.empty(n)
    for first in range(0, n, _AT_ONCE):
        own = slice(first, min(first + _AT_ONCE, n))
        drawn = simulation.draw(indices[own])
        scale, b = fit_scale(drawn.amplitude, expected, squares, error**-2.0)
        amplitude[own] = drawn.amplitude / (scale[:, None] * np.exp(-b[:, None] * squares))
        p[own] = model.from_displacements(drawn.displacement)
        scale, b = fit_scale(drawn.amplitude, known, squares)
        r[own] = disagreement(
            drawn.amplitude, known * scale[:, None] * np.exp(-b[:, None] * squares)
        )
        moved[own] = np.maximum(drawn.rms(), 1e-3)
        tell(own.stop)
    return _Learned(amplitude, p, r, moved)
