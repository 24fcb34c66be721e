"""Settings that decide the result of a training, as frozen data that is saved beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal

from argand.crystal import Crystal
from argand.learn.artificial_boxes import ArtificialBoxes
from argand.learn.dataset import PerturbedCrystals
from argand.learn.recipes import LossName, Recipe
from argand.learn.samples import SampleDataset
from argand.learn.sources import load_crystals
from argand.simulate.artificial import ArtificialStream
from argand.simulate.directions import ALL_AXES

__all__ = ["DataSettings", "Move", "TrainingSettings"]

#: Which atoms move: the first one along a, or all of them along a, b and c
Move = Literal["first", "all"]


@dataclass(frozen=True)
class DataSettings:
    """Describe the samples that a network is trained on.

    Parameters
    ----------
    metals
        Elements of the table of metals; None where the crystals come from a folder.
    held_out
        Names of the crystals that are kept for testing.
    folder
        A folder of CIF files; None where the crystals are metals.
    spread
        Standard deviation of the displacements, in units of the cell edges.
    move
        "first" moves atom 0 along a, "all" every atom along a, b and c.
    hkl_max
        H of the box of Miller indices -H..H.
    energy_kev
        Photon energy, which limits the reach; None: every reflection is measured.
    samples
        Size of a fixed set of samples; None: every sample is new.
    seed
        Seed of all random numbers.
    artificial
        A stream of artificial crystals instead of metals or a folder: spread, move and energy have
        no meaning then.
    """

    metals: tuple[str, ...] | None
    held_out: tuple[str, ...]
    folder: str | None = None
    spread: float = 0.05
    move: Move = "first"
    hkl_max: int = 6
    energy_kev: float | None = 10.0
    samples: int | None = None
    seed: int = 0
    artificial: ArtificialStream | None = None

    def crystals(self) -> dict[str, Crystal]:
        """Load all crystals by name, those held out too; artificial ones have no names."""
        if self.artificial is not None:
            return {}
        return load_crystals(self.metals, self.folder)

    def dataset(self, crystals: Sequence[Crystal]) -> SampleDataset:
        """Make the data set of some of the crystals, or of the artificial ones."""
        if self.artificial is not None:
            return ArtificialBoxes(self.artificial.data(self.seed), self.hkl_max)
        moves_all = self.move == "all"
        return PerturbedCrystals(
            crystals,
            self.spread,
            atoms=None if moves_all else (0,),
            directions=ALL_AXES if moves_all else ALL_AXES[:1],
            hkl_max=self.hkl_max,
            energy_kev=self.energy_kev,
            seed=self.seed,
        )


@dataclass(frozen=True)
class TrainingSettings:
    """Describe a training completely: two runs with equal settings end with equal weights.

    Parameters
    ----------
    model, loss, recipe, data
        What is trained, on which loss, how, and on which samples.
    score_samples, score_every
        Unseen samples that are scored, and steps between two scores.
    patience
        Scores without a new best after which training stops; None: never.
    """

    model: str
    loss: LossName
    recipe: Recipe
    data: DataSettings
    score_samples: int
    score_every: int
    patience: int | None = None

    def differences(self, other: TrainingSettings) -> list[str]:
        """Return the settings in which other ones differ, as "name: value there, value here"."""
        here, there = _flat(self), _flat(other)
        differences = []
        for name in dict.fromkeys((*here, *there)):
            if here.get(name) != there.get(name):
                differences.append(f"{name}: {there.get(name)} there, {here.get(name)} here")
        return differences


def _flat(settings: Any, prefix: str = "") -> dict[str, Any]:
    """Return all values of settings by dotted names, such as "recipe.lr"."""
    names = list(settings) if isinstance(settings, Mapping) else [f.name for f in fields(settings)]
    values: dict[str, Any] = {}
    for name in names:
        # A default that a file does not state is an attribute of the class alone.
        value = settings[name] if isinstance(settings, Mapping) else getattr(settings, name)
        if is_dataclass(value) or isinstance(value, Mapping):
            values |= _flat(value, f"{prefix}{name}.")
        else:
            values[f"{prefix}{name}"] = value
    return values
