"""Trained weights on disk: NAME.safetensors beside NAME.json, which says what they are. Nothing is ever unpickled."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from argand.errors import ArgandError
from argand.learn.models import build_model

__all__ = ["FORMAT", "PhaseModel", "load_weights", "save_weights", "write_json"]

#: Version of the layout of the JSON file; older ones stay readable
FORMAT = 1


class PhaseModel(NamedTuple):
    """A network and what is needed to use it."""

    net: nn.Module  # (b, channels, D, D, D) -> (b, 2, D, D, D)
    inputs: tuple[str, ...]  # its channels, see `features`
    hkl_max: int
    about: dict[str, Any]  # the JSON file


def write_json(path: Path, content: Any) -> None:
    """Write JSON under a temporary name, then rename: a reader never sees half a file."""
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    os.replace(temporary, path)


def write_tensors(
    path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None
) -> None:
    """Write safetensors under a temporary name, then rename."""
    temporary = path.with_name(path.name + ".part")
    # safetensors knows C order only; channels_last weights are copied
    save_file(
        {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()},
        temporary,
        metadata,
    )
    os.replace(temporary, path)


def save_weights(
    path: str | Path,
    net: nn.Module,
    *,
    model: str,
    hkl_max: int,
    inputs: tuple[str, ...],
    hyper: dict[str, Any],
    **about: Any,
) -> Path:
    """Write the weights of a network of `build_model` to PATH.safetensors and PATH.json.

    `about` goes into the JSON: how it was trained, its scores. Returns the path of the safetensors file.
    """
    file = _safetensors(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_tensors(file, net.state_dict())
    content = {
        "format": FORMAT,
        "model": model,
        "hkl_max": hkl_max,
        "inputs": list(inputs),
        "hyper": hyper,
        **about,
    }
    write_json(file.with_suffix(".json"), content)
    return file


def load_weights(path: str | Path) -> PhaseModel:
    """Read what `save_weights` wrote: PATH.safetensors, PATH, or a folder that holds weights.safetensors.

    Raises
    ------
    ArgandError
        One line that names the file: missing, damaged, of another format, or not fitting its model.
    """
    file = _safetensors(Path(path) / "weights" if Path(path).is_dir() else path)
    for needed in (file, file.with_suffix(".json")):
        if not needed.is_file():
            raise ArgandError(
                f"{needed} is missing, needs to be there: weights are a .safetensors and a .json file"
            )
    about = _read_json(file.with_suffix(".json"))
    try:
        model, hkl_max, hyper = str(about["model"]), int(about["hkl_max"]), dict(about["hyper"])
        inputs = tuple(str(name) for name in about["inputs"])
        net = build_model(model, hkl_max, len(inputs), hyper)
    except (KeyError, TypeError, ValueError) as error:
        raise ArgandError(f"{file.with_suffix('.json')} describes no model: {error}") from None
    try:
        net.load_state_dict(load_file(file))
    except SafetensorError as error:
        raise ArgandError(f"{file} is no safetensors file: {error}") from None
    except RuntimeError:
        raise ArgandError(
            f"{file} does not fit the model {model!r} that its .json describes"
        ) from None
    return PhaseModel(net.eval(), inputs, hkl_max, about)


def _safetensors(path: str | Path) -> Path:
    path = Path(path)
    return path if path.suffix == ".safetensors" else path.with_name(path.name + ".safetensors")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ArgandError(f"{path} is no JSON: {error}") from None
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        version = about.get("format") if isinstance(about, dict) else None
        raise ArgandError(
            f"{path} has format {version}, needs {FORMAT}: made by another version of argand?"
        )
    return about
