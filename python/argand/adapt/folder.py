"""Folders of adaptations: adaptation.safetensors holds the arrays, adaptation.json all else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from argand.adapt.arrays import LARGEST, check_arrays
from argand.adapt.learned import Learned
from argand.adapt.linear import Linear
from argand.adapt.rung import Rung
from argand.adapt.settings import AdaptationSettings
from argand.adapt.width import WidthCurve
from argand.crystal import Crystal
from argand.errors import ArgandError, reading
from argand.files import digest_of, locked_folder
from argand.radiation import Radiation
from argand.reflections import stol
from argand.store import from_builtins, read_arrays, read_json, write_arrays, write_json

if TYPE_CHECKING:
    from argand.adapt.network import Network

__all__ = ["FORMAT", "JSON_NAME", "read_learned", "write_into", "write_learned"]

#: Version of the layout of the folder
FORMAT = 2

#: The file by which such a folder is recognised
JSON_NAME = "adaptation.json"

_KIND = "adaptation"
_ARRAYS_NAME = "adaptation.safetensors"

# Settings that earlier versions did not have: their defaults are what those versions did.
_LATER_SETTINGS = ("corrections",)

# Reflections on the limit of resolution belong to it, in spite of rounding.
_ON_THE_LIMIT = 1.001

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class AdaptationRecord:
    """Hold what adaptation.json says: all that is no array.

    Attributes
    ----------
    widths, reaches : of each rung
    warning, remarks : for people who read the file; the code does not read them back
    arrays_digest : SHA-256 of adaptation.safetensors; '' in folders of an earlier argand
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
    arrays_digest: str = ""


def write_learned(learned: Learned, path: str | Path, *, warning: str = "") -> Path:
    """Lock a folder, and write what was learned into it.

    Raises
    ------
    ArgandError
        Names a folder or file that cannot be written, or in which another process is at work.
    """
    with locked_folder(path):
        return write_into(path, learned, warning=warning)


def write_into(path: str | Path, learned: Learned, *, warning: str = "") -> Path:
    """Write into a folder that is locked; adaptation.json, by which it is recognised, comes last.

    Raises
    ------
    ArgandError
        Names a file that cannot be written.
    """
    folder = Path(path)
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
    record = replace(record, arrays_digest=digest_of(folder / _ARRAYS_NAME))
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
    with reading(folder):
        return _read_folder(folder)


def _read_folder(folder: Path) -> Learned:
    """Read the JSON file and the arrays of a folder, and put them together."""
    for name in (JSON_NAME, _ARRAYS_NAME):
        if not (folder / name).is_file():
            raise ArgandError(
                f"{folder / name} is missing, needs to be there: argand adapt writes it"
            )
    record = _read_record(folder / JSON_NAME)
    arrays_path = folder / _ARRAYS_NAME
    arrays = read_arrays(arrays_path)
    if record.arrays_digest not in ("", digest_of(arrays_path)):
        raise ArgandError(f"{arrays_path}: is damaged, or of another adaptation than {JSON_NAME}")
    check_arrays(arrays, len(record.types), len(record.widths), str(arrays_path))
    try:
        _check_record(record, arrays)
        return _assemble(record, arrays)
    except (ValueError, OverflowError) as error:
        raise ArgandError(f"{folder}: describes no adaptation: {error}") from None


def _read_record(path: Path) -> AdaptationRecord:
    """Read adaptation.json; all settings must be there, so that no default takes their place."""
    content = read_json(dict[str, Any], path, kind=_KIND, version=FORMAT)
    record = from_builtins(AdaptationRecord, content, str(path))
    stated = content["settings"]
    for kind, names in ((AdaptationSettings, stated), (Radiation, stated.get("radiation", {}))):
        for field in fields(kind):
            if field.name not in names and field.name not in _LATER_SETTINGS:
                raise ArgandError(f"{path}: Object missing required field `{field.name}`")
    return record


def _check_record(record: AdaptationRecord, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Refuse numbers that no adaptation has, and reflections beyond the resolution of the settings.

    Raises
    ------
    ValueError
        Names what is impossible.
    """
    if not record.widths:
        raise ValueError("it has no widths")
    if not record.symops:
        raise ValueError("it has no symmetry operations")
    if len(record.labels) != len(record.types):
        raise ValueError(f"{len(record.labels)} labels for {len(record.types)} sites")
    for name in ("widths", "reaches"):
        values = getattr(record, name)
        if len(values) != len(record.widths) or not all(0.0 < x <= LARGEST for x in values):
            raise ValueError(f"{name} is {list(values)}, needs {len(record.widths)} above 0")
    inside = stol(arrays["hkl"], record.cell) * 2.0 * record.settings.d_min <= _ON_THE_LIMIT
    if not inside.all():
        raise ValueError(f"reflections beyond the resolution of {record.settings.d_min:g} angstrom")


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
