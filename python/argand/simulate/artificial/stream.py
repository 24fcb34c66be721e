"""A stream of artificial crystals, described completely by few settings that files can hold."""

from __future__ import annotations

from dataclasses import dataclass

from argand.simulate.artificial.crystals import ArtificialCrystals
from argand.simulate.artificial.measured import ArtificialData
from argand.simulate.artificial.settings import ArtificialSettings, Kind
from argand.simulate.artificial.space_groups import parse_groups
from argand.simulate.measurement import Measurement

__all__ = ["ArtificialStream"]


@dataclass(frozen=True)
class ArtificialStream:
    """Describe a stream of artificial crystals.

    Parameters
    ----------
    spacegroups
        Names with commas in between, each with a share behind a colon if it has one; "cod": all
        230 groups.
    kind, atoms
        What fills the cells, and the least and largest number of independent atoms.
    d_min
        Resolution, angstrom.
    noise
        Standard deviation of |F| over |F|.
    missing
        Share of the reflections that are lost at random.
    """

    spacegroups: str
    kind: Kind = "fragments"
    atoms: tuple[int, int] = (8, 24)
    d_min: float = 1.0
    noise: float = 0.0
    missing: float = 0.0

    def data(self, seed: int) -> ArtificialData:
        """Make the crystals and their measurement."""
        settings = ArtificialSettings(
            spacegroups=parse_groups(self.spacegroups),
            kind=self.kind,
            atoms=self.atoms,
        )
        measurement = Measurement(noise=self.noise, missing=self.missing)
        return ArtificialData(ArtificialCrystals(settings, seed), self.d_min, measurement)
