"""An adaptation on disk: a folder with adaptation.safetensors, the numbers, and adaptation.json, what they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from argand.adapt.adaptation import Adaptation, Rung
from argand.adapt.linear import Linear
from argand.adapt.width import WidthCurve
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.files import replacing
from argand.radiation import Radiation
from argand.store import from_builtins, to_builtins

__all__ = ["FORMAT", "is_adaptation", "load_adaptation", "save_adaptation"]

#: Version of the layout of the folder
FORMAT = 1

_ABOUT, _NUMBERS = "adaptation.json", "adaptation.safetensors"
_LINEAR = ("centre", "spread", "weights", "offset", "covariance")
_RUNG = ("expected", "error")
_NETWORK = "network"
_SITES = ("frac", "occ", "b_iso")


def is_adaptation(path: str | Path) -> bool:
    """Whether this is the folder of an adaptation."""
    return (Path(path) / _ABOUT).is_file()


def save_adaptation(made: Adaptation, path: str | Path) -> Path:
    """Write a folder; the JSON file, by which it is recognised, is written last."""
    save = _safetensors().save_file
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArgandError(f"{folder}: cannot be made: {error.strerror}") from None
    crystal = made.crystal
    tensors: dict[str, Any] = {
        "hkl": made.hkl,
        "modes": made.modes,
        "r": made.curve.r,
        "width": made.curve.width,
    }
    tensors |= {f"crystal.{name}": getattr(crystal, name) for name in _SITES}
    if crystal.u_aniso is not None:
        tensors["crystal.u_aniso"] = crystal.u_aniso
    for i, rung in enumerate(made.rungs):
        tensors |= {f"{i}.{name}": getattr(rung, name) for name in _RUNG}
        tensors |= {f"{i}.{name}": getattr(rung.linear, name) for name in _LINEAR}
        if rung.network is not None:
            tensors |= {
                f"{i}.{_NETWORK}.{name}": value for name, value in rung.network.tensors().items()
            }
    with replacing(folder / _NUMBERS) as temporary:
        save({name: np.ascontiguousarray(value) for name, value in tensors.items()}, temporary)
    content = {
        "format": FORMAT,
        "kind": "adaptation",
        "crystal": {
            "cell": crystal.cell,
            "symops": crystal.symops,
            "types": crystal.types,
            "labels": crystal.labels,
        },
        "radiation": to_builtins(made.radiation),
        "extinction": made.extinction,
        "rounds": made.rounds,
        "rungs": [{"width": rung.width, "reach": rung.linear.reach} for rung in made.rungs],
        "warning": made.warning,
        "about": made.about,
    }
    with replacing(folder / _ABOUT) as temporary:
        Path(temporary).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return folder


def load_adaptation(path: str | Path) -> Adaptation:
    """Read what `save_adaptation` wrote; an `ArgandError` names a file missing, damaged or of another version."""
    package = _safetensors()
    folder = Path(path)
    for name in (_ABOUT, _NUMBERS):
        if not (folder / name).is_file():
            raise ArgandError(
                f"{folder / name} is missing, needs to be there: argand adapt writes it"
            )
    about = _read(folder / _ABOUT)
    try:
        tensors = package.load_file(folder / _NUMBERS)
    except Exception as error:  # safetensors has its own kind, which is no ValueError
        raise ArgandError(f"{folder / _NUMBERS} is no safetensors file: {error}") from None
    try:
        known = about["crystal"]
        crystal = Crystal(
            cell=tuple(known["cell"]),
            symops=tuple(known["symops"]),
            types=tuple(known["types"]),
            labels=tuple(known["labels"]),
            u_aniso=tensors.get("crystal.u_aniso"),
            **{name: tensors[f"crystal.{name}"] for name in _SITES},
        )
        rungs = tuple(
            Rung(
                width=float(entry["width"]),
                linear=Linear(
                    **{name: tensors[f"{i}.{name}"] for name in _LINEAR},
                    reach=float(entry["reach"]),
                ),
                network=_network(tensors, f"{i}.{_NETWORK}."),
                **{name: tensors[f"{i}.{name}"] for name in _RUNG},
            )
            for i, entry in enumerate(about["rungs"])
        )
        curve = WidthCurve(tensors["r"], tensors["width"])
        made = Adaptation(
            crystal,
            tensors["hkl"],
            tensors["modes"],
            rungs,
            curve,
            dict(about["about"]),
            int(about["rounds"]),
            from_builtins(Radiation, about["radiation"], str(folder / _ABOUT)),
            float(about.get("extinction", 0.0)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ArgandError(f"{folder / _ABOUT} describes no adaptation: {error}") from None
    if not rungs or made.modes.shape[1:] != (len(crystal.types), 3):
        raise ArgandError(f"{folder / _NUMBERS} does not fit the crystal that {_ABOUT} describes")
    return made


def _network(tensors: dict[str, Any], prefix: str) -> Any:
    own = {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
    if not own:
        return None
    from argand.adapt.network import (
        Network,  # torch, which an adaptation without networks does not need
    )

    return Network.of(own)


def _read(file: Path) -> dict[str, Any]:
    try:
        about = json.loads(file.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ArgandError(f"{file} is no JSON: {error}") from None
    version = about.get("format") if isinstance(about, dict) else None
    if not isinstance(about, dict) or version != FORMAT:
        raise ArgandError(
            f"{file} has format {version}, needs {FORMAT}: made by another version of argand?"
        )
    return about


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ModuleNotFoundError:
        raise ArgandError(
            "saving and loading an adaptation needs safetensors: pip install 'argand[learn]'"
        ) from None
    return safetensors.numpy
