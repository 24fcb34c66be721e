"""Trained weights on disk: NAME.safetensors, and NAME.json that says what they are."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from argand._memory import demand
from argand.errors import ArgandError, reading
from argand.files import digest_of
from argand.learn.models import build_model
from argand.learn.recipes import HyperParameters
from argand.learn.settings import DataSettings
from argand.store import read_arrays, read_json, write_arrays, write_json

__all__ = [
    "FORMAT",
    "PACKAGED",
    "TRAINED",
    "ModelSettings",
    "PhaseModel",
    "load_weights",
    "save_weights",
]

#: Version of the layout of the JSON file
FORMAT = 2

#: Folder of the weights that come with the package, each with a card NAME.card.json
TRAINED = Path(__file__).parent / "trained"

#: Their names: the first experiment, and artificial crystals of several space groups
PACKAGED = ("first", "general")

_KIND = "phase network"

# No weight of a trained network is larger; sums of products stay finite in float32.
_LARGEST = 1e12

# Bytes of a reflection of the box in the tables of a network: the places of Friedel mates.
_BYTES_OF_VOXEL = 24


@dataclass(frozen=True)
class ModelSettings:
    """Describe a network of phases, and how it was trained.

    Parameters
    ----------
    model, hkl_max, inputs, hyper
        Name in `MODELS`, H of the box -H..H, channels and further arguments: what builds the
        network.
    loss, data, steps, scores
        What it was trained on, for how many steps, and its last scores; None or empty where it was
        not trained by `argand.learn.train`.
    arrays_digest
        SHA-256 of the safetensors file; '' where it is not known.
    """

    model: str
    hkl_max: int
    inputs: tuple[str, ...]
    hyper: HyperParameters = field(default_factory=dict)
    loss: str | None = None
    data: DataSettings | None = None
    steps: int | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    arrays_digest: str = ""

    def build(self) -> nn.Module:
        """Build the network (b, channels, D, D, D) -> (b, 2, D, D, D) with random weights."""
        return build_model(self.model, self.hkl_max, len(self.inputs), self.hyper)


class PhaseModel(NamedTuple):
    """Hold a trained network and what is needed to use it."""

    #: (b, channels, D, D, D) -> (b, 2, D, D, D)
    net: nn.Module
    settings: ModelSettings


def save_weights(path: str | Path, net: nn.Module, settings: ModelSettings) -> Path:
    """Write the weights of a network to PATH.safetensors and what it is to PATH.json.

    Returns the path of the safetensors file. The JSON file is written last: where it is, the
    weights are complete.
    """
    file = _safetensors_path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    arrays = {name: tensor.detach().cpu().numpy() for name, tensor in net.state_dict().items()}
    write_arrays(file, arrays)
    settings = replace(settings, arrays_digest=digest_of(file))
    write_json(file.with_suffix(".json"), settings, kind=_KIND, version=FORMAT)
    return file


def load_weights(path: str | Path) -> PhaseModel:
    """Read the weights in PATH.safetensors, PATH, or a folder that holds weights.safetensors.

    The names of `PACKAGED` stand for weights that come with the package, unless a file or folder of
    this name is there.

    Raises
    ------
    ArgandError
        One line that names the file: missing, damaged, of another format, or not fitting its model.
    """
    if Path(path).is_dir():
        file = _safetensors_path(Path(path) / "weights")
    else:
        file = _safetensors_path(path)
    if str(path) in PACKAGED and not file.exists():
        file = _safetensors_path(TRAINED / path)
    description = file.with_suffix(".json")
    for needed in (file, description):
        if not needed.is_file():
            raise ArgandError(
                f"{needed} is missing, needs to be there: "
                "weights are a .safetensors and a .json file"
            )
    with reading(file):
        return _read_model(file, description)


def _read_model(file: Path, description: Path) -> PhaseModel:
    """Read a network and its weights from a safetensors file and the JSON file beside it."""
    settings = read_json(ModelSettings, description, kind=_KIND, version=FORMAT)
    _check_box(settings, description)
    arrays = read_arrays(file)
    if settings.arrays_digest not in ("", digest_of(file)):
        raise ArgandError(f"{file}: is damaged, or of another training than {description.name}")
    try:
        # Tensors of the meta device take no memory, whatever size the description gives them.
        with torch.device("meta"), warnings.catch_warnings():
            # torch warns of layers without weights, which fit no file.
            warnings.simplefilter("ignore")
            expected = settings.build().state_dict()
    except (TypeError, ValueError, RuntimeError, OverflowError, ArithmeticError) as error:
        words = str(error).splitlines()[0]
        raise ArgandError(f"{description} describes no model: {words}") from None
    shapes = {name: tuple(tensor.shape) for name, tensor in expected.items()}
    if shapes != {name: array.shape for name, array in arrays.items()}:
        raise ArgandError(
            f"{file} does not fit the model {settings.model!r} that its .json describes"
        )
    for name, array in arrays.items():
        is_real = array.dtype.kind in "fiub"
        if not is_real or (array.size and np.abs(array.astype(np.float64)).max() > _LARGEST):
            raise ArgandError(f"{file}: {name} holds no weights, needs numbers below {_LARGEST:g}")
        if name.endswith("running_var") and (array < 0.0).any():
            raise ArgandError(f"{file}: {name} holds a negative variance")
    net = settings.build()
    net.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    return PhaseModel(net.eval(), settings)


def _check_box(settings: ModelSettings, description: Path) -> None:
    """Refuse a box of Miller indices that is not that of the training, or fits no memory.

    Convolutions have weights of one size for any box, so that the weights do not tell.
    """
    if settings.data is not None and settings.data.hkl_max != settings.hkl_max:
        raise ArgandError(
            f"{description}: hkl_max is {settings.hkl_max}, "
            f"needs {settings.data.hkl_max} as in the training"
        )
    side = 2.0 * settings.hkl_max + 1.0
    demand(
        f"{description}: the box of hkl to {settings.hkl_max}",
        _BYTES_OF_VOXEL * side**3,
        "use weights of a smaller box",
    )


def _safetensors_path(path: str | Path) -> Path:
    path = Path(path)
    return path if path.suffix == ".safetensors" else path.with_name(path.name + ".safetensors")
