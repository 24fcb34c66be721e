"""Folders of adaptations: adaptation.safetensors holds the arrays, adaptation.json all else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from argand.adapt.learned import Learned
from argand.adapt.linear import Linear
from argand.adapt.rung import Rung
from argand.adapt.settings import AdaptationSettings
from argand.adapt.width import WidthCurve
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.store import read_arrays, read_json, write_arrays, write_json

if TYPE_CHECKING:
    from argand.adapt.network import Network

__all__ = ["FORMAT", "JSON_NAME", "read_learned", "write_learned"]

#: Version of the layout of the folder
FORMAT = 2

#: The file by which such a folder is recognised
JSON_NAME = "adaptation.json"

_KIND = "adaptation"
_ARRAYS_NAME = "adaptation.safetensors"

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class AdaptationRecord:
    """Hold what adaptation.json says: all that is no array.

    Attributes
    ----------
    widths, reaches : of each rung
    warning, remarks : for people who read the file; the code does not read them back
    """

    settings: AdaptationSettings
    cell: tuple[float, float, float, float, float, float]
    symops: tuple[str, ...]
    types: tuple[str, ...]
    labels: tuple[str, ...]
    widths: tuple[float, ...]
    reaches: tuple[float, ...]
    warning: str
    remarks: dict[str, float]


def write_learned(learned: Learned, path: str | Path, *, warning: str = "") -> Path:
    """Write a folder; adaptation.json, by which it is recognised, is written last."""
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArgandError(f"{folder}: cannot be made: {error.strerror}") from None
    crystal = learned.crystal
    record = AdaptationRecord(
        settings=learned.settings,
        cell=crystal.cell,
        symops=tuple(crystal.symops),
        types=tuple(crystal.types),
        labels=tuple(crystal.labels),
        widths=tuple(rung.width for rung in learned.rungs),
        reaches=tuple(rung.linear.reach for rung in learned.rungs),
        warning=warning,
        remarks=dict(learned.remarks),
    )
    arrays: Arrays = {
        "hkl": learned.hkl,
        "modes": learned.modes,
        "curve.r": learned.curve.r,
        "curve.width": learned.curve.width,
    }
    arrays |= _crystal_arrays(crystal)
    for number, rung in enumerate(learned.rungs):
        for name, array in _rung_arrays(rung).items():
            arrays[f"{number}.{name}"] = array
    write_arrays(folder / _ARRAYS_NAME, arrays)
    write_json(folder / JSON_NAME, record, kind=_KIND, version=FORMAT)
    return folder


def read_learned(path: str | Path) -> Learned:
    """Read what `write_learned` wrote.

    Raises
    ------
    ArgandError
        Names a file that is missing, damaged, of another version, or does not fit the other one.
    """
    folder = Path(path)
    for name in (JSON_NAME, _ARRAYS_NAME):
        if not (folder / name).is_file():
            raise ArgandError(
                f"{folder / name} is missing, needs to be there: argand adapt writes it"
            )
    record = read_json(AdaptationRecord, folder / JSON_NAME, kind=_KIND, version=FORMAT)
    arrays = read_arrays(folder / _ARRAYS_NAME)
    try:
        learned = _assemble(record, arrays)
    except KeyError as error:
        raise ArgandError(f"{folder / _ARRAYS_NAME}: has no array {error}") from None
    except ValueError as error:
        raise ArgandError(f"{folder}: describes no adaptation: {error}") from None
    sites = len(learned.crystal.types)
    if learned.modes.shape[1:] != (sites, 3):
        raise ArgandError(
            f"{folder / _ARRAYS_NAME} does not fit the crystal that {JSON_NAME} describes"
        )
    return learned


def _assemble(record: AdaptationRecord, arrays: Mapping[str, NDArray[Any]]) -> Learned:
    """Put together what JSON and arrays hold."""
    u_aniso = arrays.get("crystal.u_aniso")
    if u_aniso is not None:
        u_aniso = u_aniso.copy()
        u_aniso[~arrays["crystal.is_anisotropic"]] = np.nan
    crystal = Crystal(
        cell=record.cell,
        symops=record.symops,
        types=record.types,
        labels=record.labels,
        frac=arrays["crystal.frac"],
        occ=arrays["crystal.occ"],
        b_iso=arrays["crystal.b_iso"],
        u_aniso=u_aniso,
    )
    rungs = []
    for number, (width, reach) in enumerate(zip(record.widths, record.reaches, strict=True)):
        prefix = f"{number}."
        rungs.append(_rung(_with_prefix(arrays, prefix), width, reach))
    if not rungs:
        raise ValueError("it has no widths")
    return Learned(
        crystal=crystal,
        hkl=arrays["hkl"],
        modes=arrays["modes"],
        rungs=tuple(rungs),
        curve=WidthCurve(arrays["curve.r"], arrays["curve.width"]),
        settings=record.settings,
        remarks=record.remarks,
    )


def _crystal_arrays(crystal: Crystal) -> Arrays:
    """Return the arrays of a crystal; a mask replaces the NaN in U of isotropic sites."""
    arrays = {
        "crystal.frac": crystal.frac,
        "crystal.occ": crystal.occ,
        "crystal.b_iso": crystal.b_iso,
    }
    if crystal.u_aniso is not None:
        arrays["crystal.u_aniso"] = np.nan_to_num(crystal.u_aniso)
        arrays["crystal.is_anisotropic"] = ~np.isnan(crystal.u_aniso[:, 0])
    return arrays


def _rung_arrays(rung: Rung) -> Arrays:
    """Return the arrays of what was learned for one width."""
    arrays: Arrays = {
        "expected": rung.expected,
        "error": rung.error,
        "centre": rung.linear.centre,
        "spread": rung.linear.spread,
        "weights": rung.linear.weights,
        "offset": rung.linear.offset,
        "covariance": rung.linear.covariance,
    }
    if rung.network is not None:
        for name, tensor in rung.network.tensors().items():
            arrays[f"network.{name}"] = tensor
    return arrays


def _rung(arrays: Arrays, width: float, reach: float) -> Rung:
    """Put together what was learned for one width."""
    linear = Linear(
        centre=arrays["centre"],
        spread=arrays["spread"],
        weights=arrays["weights"],
        offset=arrays["offset"],
        covariance=arrays["covariance"],
        reach=reach,
    )
    network = _network(_with_prefix(arrays, "network."))
    return Rung(width, arrays["expected"], arrays["error"], linear, network)


def _network(tensors: Arrays) -> Network | None:
    """Make the network of a width from the stored tensors; None where the width has no network."""
    if not tensors:
        return None
    # Importing torch takes seconds, and most adaptations have no network.
    from argand.adapt.network import Network

    return Network.of(tensors)


def _with_prefix(arrays: Mapping[str, NDArray[Any]], prefix: str) -> Arrays:
    """Return the arrays whose names begin with a prefix, by the rest of the name."""
    chosen = {}
    for name, array in arrays.items():
        if name.startswith(prefix):
            chosen[name.removeprefix(prefix)] = array
    return chosen
