"""Prepare measured amplitudes for refinement on F and for maps of an unknown crystal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray, cell_volume
from argand.crystal import Crystal
from argand.density import grid_shape
from argand.map_transform import MapTransform
from argand.maps import difference_coefficients
from argand.measured import Merged
from argand.peaks import Peaks, find_peaks
from argand.radiation import Radiation
from argand.refine import GaussianPrior, Model, Parameters, Refinement, free, refine
from argand.symmetry import operation_arrays

__all__ = ["ObservedAmplitudes"]

# Share of the mean |F| that a model without hydrogens and anisotropy is wrong by, everywhere.
_MODEL_ERROR = 0.1

# Hydrogens scatter at low angles only: there a model without them is wrong by so much more of |F|,
# falling off with stol / .25 as a Gaussian.
_LOW_ANGLE_ERROR = 0.15
_LOW_ANGLE = 0.25

# A rough model is refined until a cycle lowers chi^2 by less than this share: electrons change by a
# fraction of a percent beyond.
_ROUGH_TOLERANCE = 5e-3

# Points of a map are so many to a spacing d_min.
_SAMPLE_RATE = 3.0


@dataclass(frozen=True, eq=False)
class ObservedAmplitudes:
    """Hold the m unique reflections of an unknown crystal, with weights for rough models.

    Attributes
    ----------
    merged : the merged intensities
    radiation : what they were measured with
    amplitude : (m,) |F|, 0 where the intensity is negative
    sigma : (m,) standard uncertainties of |F|, of the measurement alone
    rough_sigma : (m,) those of |F| minus the |F| of a model without hydrogens
    transform : of coefficients (m,) to maps
    """

    merged: Merged
    radiation: Radiation
    amplitude: FloatArray
    sigma: FloatArray
    rough_sigma: FloatArray
    transform: MapTransform

    @classmethod
    def of(cls, merged: Merged, radiation: Radiation) -> ObservedAmplitudes:
        """Prepare merged intensities; without sigmas they are all alike."""
        amplitude = np.sqrt(np.maximum(merged.intensity, 0.0))
        mean = float(amplitude.mean())
        sigma = np.zeros_like(amplitude)
        if merged.sigma is not None:
            # Of strong reflections sigma / 2 |F|, of weak ones the root of sigma.
            floor = np.maximum(amplitude, np.sqrt(merged.sigma) / 2.0)
            sigma = merged.sigma / (2.0 * np.maximum(floor, 1e-6 * mean))
        missing_hydrogen = np.exp(-np.square(merged.stol / _LOW_ANGLE)) * amplitude
        rough = np.square(sigma) + np.square(_MODEL_ERROR * mean)
        rough += np.square(_LOW_ANGLE_ERROR * missing_hydrogen)
        shape = grid_shape(merged.cell, merged.spacegroup, merged.d_min, _SAMPLE_RATE)
        transform = MapTransform(merged.hkl, shape, merged.spacegroup, np.complex64)
        return cls(merged, radiation, amplitude, sigma, np.sqrt(rough), transform)

    @property
    def volume(self) -> float:
        """Return the volume of the cell in A^3."""
        return cell_volume(self.merged.cell)

    @property
    def operations(self) -> int:
        """Return the number of symmetry operations, centring included."""
        return len(operation_arrays(self.merged.spacegroup)[0])

    def model(self, crystal: Crystal, parameters: Parameters, extinction: float = 0.0) -> Model:
        """Return the model of a crystal with the reflections of the data, Friedel mates merged.

        `extinction` is SHELXL's x to begin with.
        """
        return Model(
            crystal,
            self.merged.hkl,
            parameters,
            radiation=self.radiation,
            extinction=extinction,
            mates_merged=True,
        )

    def calculated(self, crystal: Crystal) -> NDArray[np.complex128]:
        """Compute F (m,) of a crystal at the reflections of the data, Friedel mates merged."""
        model = self.model(crystal, free(crystal, positions=False))
        return model.structure_factors(np.zeros(0))

    def refine(
        self,
        crystal: Crystal,
        parameters: Parameters,
        *,
        cycles: int,
        damping: float,
        prior: GaussianPrior | None = None,
    ) -> Refinement:
        """Refine a rough model on |F|."""
        return refine(
            self.model(crystal, parameters),
            self.amplitude,
            self.rough_sigma,
            on="F",
            cycles=cycles,
            tolerance=_ROUGH_TOLERANCE,
            damping=damping,
            prior=prior,
            uncertainties=False,
        )

    def density(self, coefficients: NDArray[np.complexfloating]) -> NDArray[np.float32]:
        """Calculate the map of coefficients (m,) over the cell."""
        return self.transform(coefficients.astype(np.complex64), 1.0 / self.volume)

    def difference_density(
        self, calculated: NDArray[np.complexfloating], scale: float
    ) -> NDArray[np.float32]:
        """Calculate the map of |Fo| - |Fc| in e/A^3, of F (m,) and the scale of |Fo| over |Fc|."""
        return self.density(difference_coefficients(self.amplitude / scale, calculated))

    def peaks(self, density: NDArray[np.floating], lowest: float, most: int) -> Peaks:
        """Find at most `most` peaks of a map above `lowest`."""
        merged = self.merged
        return find_peaks(density, merged.cell, merged.spacegroup, lowest=lowest, most=most)
