"""List what is fed with changed files: each reader, its seeds, its changes, its checks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np

import argand
from argand.errors import ArgandError
from argand.io import identify, read_experiment, read_instructions
from fuzz import mutate_binary, mutate_json, sanity, seeds
from fuzz.mutate_text import mutate as mutate_text
from fuzz.sanity import Nonsense

Files = dict[str, bytes]

# Words of formats, of which texts are made.
_CIF_WORDS = (
    *(
        "loop_",
        "data_y",
        "save_",
        "_cell_length_a",
        "_atom_site_occupancy",
        "_atom_site_U_11",
        "Uani",
    ),
    *(
        "_symmetry_equiv_pos_as_xyz",
        "'x,y,z'",
        "'-x,1/2+y,z'",
        "'R -3 m'",
        "D",
        "C4-",
        "Cval",
        "dum",
    ),
    *(
        "_refln_F_meas",
        "_refln_phase_calc",
        "_atom_site_B_iso_or_equiv",
        "_atom_site_fract_x",
        "O2-",
    ),
    *("_shelx_hkl_file", "_atom_site_disorder_group", "_cell_formula_units_Z", "'P 21/c'", "hello"),
)
_SHELX_WORDS = (
    *(
        "CELL",
        "LATT",
        "SYMM",
        "SFAC",
        "UNIT",
        "FVAR",
        "PART",
        "AFIX",
        "RESI",
        "HKLF",
        "END",
        "TITL",
    ),
    *(
        "MOVE",
        "FRAG",
        "SUMP",
        "EQIV",
        "TWIN",
        "BASF",
        "EXTI",
        "WGHT",
        "SAME",
        "REM",
        "=",
        "10.5",
        "Q1",
    ),
    *("DISP", "NEUT", "ANIS", "SPEC", "LIST", "OMIT", "SHEL", "31", "-21.5", "X,Y,Z", "-X+1/2,Y,Z"),
)
_COLUMN_WORDS = (
    *(
        "h",
        "k",
        "l",
        "I",
        "F",
        "sigI",
        "0 0 0",
        "!UNIT_CELL_CONSTANTS=",
        "!ITEM_H=9",
        "#",
        "F2",
        "phi",
    ),
    *(
        "!SPACE_GROUP_NUMBER=",
        "CELL",
        "HKLF 4",
        "END",
        "1,2,3",
        "-1",
        "   0   0   0",
        "!END_OF_DATA",
    ),
)
_YAML_WORDS = (
    *(
        "&a",
        "*a",
        "!!python/object/apply:os.getcwd []",
        "!!float",
        "---",
        "<<: *a",
        "hyper: {x: [",
        "|",
    ),
    *(
        "steps:",
        "lr:",
        "metals: [Xx]",
        "config: x.yaml",
        "- 1",
        "{",
        "}",
        "2001-01-01",
        "0o17",
        "~",
    ),
)

# Reflections at which F of every structure that was read is computed.
_FEW_HKL = np.array([[0, 0, 0], [1, 0, 0], [0, 2, -1], [3, 1, 4]], dtype=np.int32)

# Structures with more sites are read without computing F, to keep a campaign quick.
_MOST_SITES = 60

# Infinity and NaN where a number is printed; "In" and "nano" are other words.
_NO_NUMBER = re.compile(r"(?<![\w'\"-])-?(?:inf|nan)(?![\w'\"-])", re.IGNORECASE)


class Target(NamedTuple):
    """Hold what is fed, how often, with which files, and what is done with them."""

    #: Share of the inputs of a campaign, in units of no meaning
    weight: float
    #: Valid inputs: files by name
    seeds: Callable[[], list[Files]]
    #: Changes the files of a seed; the last argument is another seed
    mutate: Callable[[Random, Files, Files], Files]
    #: Reads files in a folder; raises `Nonsense` where what they hold should have been refused
    read: Callable[[Path], None]


def _only(paths: Path) -> Path:
    """Return the only file of a folder."""
    (path,) = paths.iterdir()
    return path


def _read_structure(folder: Path) -> None:
    """Read a crystal, what its file states of the experiment, and compute F."""
    path = _only(folder)
    failures = []
    for read in (identify, argand.read_crystal, read_experiment):
        try:
            content = read(path)
        except ArgandError as error:
            failures.append(error)
            continue
        if isinstance(content, argand.Crystal):
            sanity.check_crystal(content)
            if len(content.types) <= _MOST_SITES:
                f = argand.structure_factors(content, _FEW_HKL)
                sanity.check_finite("F", f)
        elif not hasattr(content, "format"):
            sanity.check_experiment(content)
    _raise_first(failures)


def _read_instructions(folder: Path) -> None:
    """Read SHELX instructions, and the crystal of their atoms."""
    failures = []
    try:
        read_instructions(_only(folder))
    except ArgandError as error:
        failures.append(error)
    try:
        _read_structure(folder)
    except ArgandError as error:
        failures.append(error)
    _raise_first(failures)


def _raise_first(failures: Sequence[ArgandError]) -> None:
    """Raise a fault of argand among errors, else the first of them; do nothing without errors."""
    for error in failures:
        if error.__cause__ is not None:
            raise error
    if failures:
        raise failures[0]


def _read_reflections(folder: Path) -> None:
    """Read reflections, and merge them where they have a unit cell and a space group."""
    reflections = argand.read_reflections(_only(folder))
    sanity.check_reflections(reflections)


def _merge(folder: Path) -> None:
    """Read reflections and merge them, in a unit cell and a space group that they may lack."""
    from argand.measured import merge

    reflections = argand.read_reflections(_only(folder))
    group = reflections.spacegroup or "P 1 21/c 1"
    cell = reflections.cell or (5.0, 6.0, 7.0, 90.0, 97.5, 90.0)
    try:
        merged = merge(replace(reflections, cell=cell, spacegroup=group))
    except ArgandError as error:
        # The function has no file; its message is about an argument.
        raise ArgandError(f"{_only(folder)}: {error}") from error.__cause__
    sanity.check_bounded("merged intensity", merged.intensity, 1e31)
    if merged.sigma is not None:
        sanity.check_bounded("merged sigma", merged.sigma, 1e31)
    # Ratios of sums of numbers that a file may make as small as it likes.
    for name in ("r_int", "r_sigma", "completeness"):
        sanity.check_bounded(name, getattr(merged, name), 1e100, nan=True)


def _read_map(folder: Path) -> None:
    """Read a density map."""
    density, cell, _ = argand.read_map(_only(folder))
    sanity.check_finite("density", density)
    sanity.check_bounded("cell", cell, 1e6)


def _describe(folder: Path) -> None:
    """Describe a file as `argand info` does, as text and as JSON."""
    from argand.cli._description_text import text_of_file
    from argand.cli.info import _json_text
    from argand.describe import describe_file
    from argand.store import to_builtins

    path = _only(folder)
    content = path.read_bytes()
    description = describe_file(path)
    sanity.check_description("description", to_builtins(description))
    _json_text(description)
    match = _NO_NUMBER.search(text_of_file(description))
    if match is not None and not _NO_NUMBER.search(content.decode("latin-1")):
        raise Nonsense(f"the description says {match[0]}")


def _read_samples(folder: Path) -> None:
    """Read an archive of samples."""
    from argand.simulate import read_samples

    samples, hkl, _ = read_samples(_only(folder))
    sanity.check_arrays(samples._asdict())
    lengths = {array.shape[1] for array in (samples.f, samples.amplitude, samples.intensity)}
    if lengths != {len(hkl)}:
        raise Nonsense("f and hkl differ in length")


def _read_patterns(folder: Path) -> None:
    """Read patterns of displacements from an array of numpy."""
    from argand.cli._sample_options import displacement_of

    modes = displacement_of("atoms", 0.1, None, _only(folder))
    sanity.check_finite("patterns", modes.patterns)


def _read_adaptation(folder: Path) -> None:
    """Read an adaptation, and estimate displacements from amplitudes."""
    from argand.adapt import Adaptation

    adaptation = Adaptation.load(folder)
    sanity.check_crystal(adaptation.crystal)
    for rung in adaptation.rungs:
        sanity.check_arrays(vars(rung.linear))
        sanity.check_finite("expected", rung.expected)
        sanity.check_bounded("width", rung.width, 1e15)
    sanity.check_bounded("hkl", adaptation.hkl, 10**5)


def _read_weights(folder: Path) -> None:
    """Read a network, and give it an empty box."""
    import torch

    from argand.learn.weights import load_weights

    model = load_weights(folder / "weights.safetensors")
    if model.settings.hkl_max > 3:
        return
    side = 2 * model.settings.hkl_max + 1
    box = torch.zeros((1, len(model.settings.inputs), side, side, side))
    with torch.no_grad():
        sanity.check_finite("answer", model.net(box).numpy())


def _read_training(folder: Path) -> None:
    """Read the settings and the history of a training."""
    from argand.learn.run_folder import finished_run, open_run

    settings = _training_settings()
    open_run(folder, settings, True)
    result = finished_run(folder, settings)
    if result is not None:
        sanity.check_description("history", [dict(record) for record in result.history])


@cache
def _training_settings() -> Any:
    """Return the settings of the training among the seeds."""
    from argand.learn.settings import TrainingSettings
    from argand.store import read_json

    path = Path(__file__).parents[1] / "golden" / "learn" / "training" / "run.json"
    return read_json(TrainingSettings, path, kind="training run", version=1)


def _read_checkpoint(folder: Path) -> None:
    """Read a checkpoint of a training."""
    from argand.learn.checkpoint import read_checkpoint

    read_checkpoint(_only(folder))


def _read_record(folder: Path) -> None:
    """Read the record of a file of a series, and make a row of the report of it."""
    from argand.report.series import _table_row
    from argand.series.record import read_record, record_to_builtins

    path = _only(folder)
    record = read_record(path)
    if record is None:
        raise ArgandError(f"{path}: made again")
    sanity.check_description("record", record_to_builtins(record))
    # Records of another number of sites are made again.
    if len(record.displacement) == 2 and len(record.sigma) in (0, 2):
        _table_row(record, ["A", "B"])


def _read_series(folder: Path) -> None:
    """Open the folder of a series."""
    from argand.series.folder import SeriesFolder
    from argand.series.settings import SeriesSettings

    cell = (7.0, 8.0, 9.0, 90.0, 97.0, 90.0)
    SeriesFolder(folder).open(SeriesSettings("least squares 0123456789abcdef", cell=cell))


def _read_description(folder: Path) -> None:
    """Read what is simulated, and draw two samples."""
    from argand.cli._sample_options import read_description
    from argand.simulate import Simulation

    path = _only(folder)
    changes, measurement = read_description(path)
    try:
        simulation = Simulation(_crystal(), changes, measurement, d_min=2.5)
        samples = simulation.draw(range(2))
    except ValueError as error:
        # The simulation has no file; its message is about an argument.
        raise ArgandError(f"{path}: {error}") from error.__cause__
    sanity.check_arrays(samples._asdict())


@cache
def _crystal() -> argand.Crystal:
    """Return the crystal that is simulated."""
    return argand.Crystal(
        cell=(5.0, 6.0, 7.0, 90.0, 97.0, 90.0),
        spacegroup="P 1 21/c 1",
        types=("C", "O2-"),
        frac=np.array([[0.1, 0.1, 0.2], [0.3, 0.2, 0.1]]),
        b_iso=2.0,
    )


def _read_options(folder: Path) -> None:
    """Read the options of a training from a YAML file."""
    from argand.cli._usage import Usage

    path = _only(folder)
    try:
        options = _parser().parse_args(["--config", str(path)])
    except Usage as error:
        # The command line puts the name of the program before it.
        raise ArgandError(f"{path}: {error}") from None
    sanity.check_description("options", vars(options))


@cache
def _parser() -> Any:
    """Return the parser of the options of a training."""
    from argand.cli import parser_of
    from argand.cli.train import train

    return parser_of(train, "argand train", configurable=True)


def _text(name: str, contents: Callable[[], list[bytes]], words: Sequence[str]) -> dict[str, Any]:
    """Return seeds and changes of a text file."""

    def change(random: Random, files: Files, other: Files) -> Files:
        return {name: mutate_text(random, files[name], words, other[name])}

    return {"seeds": lambda: [{name: content} for content in contents()], "mutate": change}


def _binary(
    name: str,
    contents: Callable[[], list[bytes]],
    mutate: Callable[[Random, bytes], bytes],
) -> dict[str, Any]:
    """Return seeds and changes of a binary file, or of a JSON file."""

    def change(random: Random, files: Files, other: Files) -> Files:
        return {name: mutate(random, files[name])}

    return {"seeds": lambda: [{name: content} for content in contents()], "mutate": change}


def _change_one(random: Random, files: Files, other: Files) -> Files:
    """Change one of several files of JSON and of tensors."""
    name = random.choice(sorted(files))
    is_json = name.endswith(".json")
    mutate = mutate_json.mutate if is_json else mutate_binary.mutate_safetensors
    return {**files, name: mutate(random, files[name])}


def _change_settings(random: Random, files: Files, other: Files) -> Files:
    """Change one of the JSON files of a training."""
    name = random.choice(("run.json", "history.json"))
    return {**files, name: mutate_json.mutate(random, files[name])}


def _all_files() -> list[tuple[str, bytes]]:
    """Return a few seeds of every kind of file that `argand info` describes."""
    kinds: Mapping[str, list[bytes]] = {
        "x.cif": [seeds.structures()[0], *seeds.cif_reflections()[:4]],
        "x.res": seeds.instructions()[:2],
        "x.hkl": seeds.columns()[:5],
        "x.mtz": seeds.mtz_files(),
        "x.ccp4": seeds.map_files(),
    }
    return [(name, content) for name, contents in kinds.items() for content in contents]


def _change_any(random: Random, files: Files, other: Files) -> Files:
    """Change a file of any kind, by its name."""
    ((name, content),) = files.items()
    ((_, other_content),) = other.items()
    if name == "x.mtz":
        return {name: mutate_binary.mutate_mtz(random, content)}
    if name == "x.ccp4":
        return {name: mutate_binary.mutate_map(random, content)}
    words = {"x.cif": _CIF_WORDS, "x.res": _SHELX_WORDS, "x.hkl": _COLUMN_WORDS}[name]
    return {name: mutate_text(random, content, words, other_content)}


def targets() -> dict[str, Target]:
    """Return all readers by name."""
    reflections = {"read": _read_reflections}
    binary, cif, columns = mutate_binary, seeds.cif_reflections, seeds.columns
    return {
        "structure": Target(
            12, **_text("x.cif", seeds.structures, _CIF_WORDS), read=_read_structure
        ),
        "instructions": Target(
            12, **_text("x.res", seeds.instructions, _SHELX_WORDS), read=_read_instructions
        ),
        "columns": Target(14, **_text("x.hkl", columns, _COLUMN_WORDS), **reflections),
        "cif_reflections": Target(10, **_text("x.fcf", cif, _CIF_WORDS), **reflections),
        "mtz": Target(14, **_binary("x.mtz", seeds.mtz_files, binary.mutate_mtz), **reflections),
        "map": Target(10, **_binary("x.ccp4", seeds.map_files, binary.mutate_map), read=_read_map),
        "merge": Target(3, **_text("x.hkl", columns, _COLUMN_WORDS), read=_merge),
        "merge_mtz": Target(3, **_binary("x.mtz", seeds.mtz_files, binary.mutate_mtz), read=_merge),
        "describe": Target(
            2,
            lambda: [{name: content} for name, content in _all_files()],
            _change_any,
            _describe,
        ),
        "samples": Target(
            4, **_binary("x.npz", seeds.npz_files, binary.mutate_npz), read=_read_samples
        ),
        "patterns": Target(
            8, **_binary("x.npy", seeds.npy_files, binary.mutate_npy), read=_read_patterns
        ),
        "adaptation": Target(6, lambda: [seeds.adaptation()], _change_one, _read_adaptation),
        "weights": Target(3, seeds.weights, _change_one, _read_weights),
        "training": Target(6, lambda: [seeds.training()], _change_settings, _read_training),
        "checkpoint": Target(
            6,
            **_binary("x.ckpt", lambda: [seeds.checkpoint()], binary.mutate_safetensors),
            read=_read_checkpoint,
        ),
        "record": Target(
            10, **_binary("x.json", seeds.records, mutate_json.mutate), read=_read_record
        ),
        "series": Target(
            4,
            **_binary("series.json", lambda: [seeds.series()], mutate_json.mutate),
            read=_read_series,
        ),
        "description": Target(
            3, **_binary("x.json", seeds.descriptions, mutate_json.mutate), read=_read_description
        ),
        "options": Target(1, **_text("x.yaml", seeds.yaml_files, _YAML_WORDS), read=_read_options),
        **_seam_target(),
    }


def _seam_target() -> dict[str, Target]:
    """Return the target whose input is a call of a public function."""
    from fuzz import seam

    name = "call.json"

    def read(folder: Path) -> None:
        seam.call((folder / name).read_bytes())

    def make(random: Random, files: Files, other: Files) -> Files:
        return {name: seam.draw(random)}

    return {"seam": Target(40, lambda: [{name: b"{}"}], make, read)}
