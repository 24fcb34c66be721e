"""List what is fed with changed files: each reader, its seeds, its changes, its checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from fuzz import (
    mutate_binary,
    mutate_json,
    own_files,
    problems,
    readers,
    seeds,
    seeds_of_crystals,
    verbs,
)
from fuzz.mutate_text import mutate as mutate_text
from fuzz.words import CIF_WORDS, COLUMN_WORDS, SHELX_WORDS, YAML_WORDS

Files = dict[str, bytes]


class Target(NamedTuple):
    """Hold what is fed, how often, with which files, and what is done with them."""

    #: Share of the time of a campaign, in units of no meaning
    share: float
    #: Valid inputs: files by name
    seeds: Callable[[], list[Files]]
    #: Changes the files of a seed; the last argument is another seed
    mutate: Callable[[Random, Files, Files], Files]
    #: Reads files in a folder; raises `Nonsense` where what they hold should have been refused
    read: Callable[[Path], None]
    #: Seconds of this processor that no input may take: no reader of a small file takes longer
    longest: float = 5.0


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


def _change_text(random: Random, files: Files, other: Files) -> Files:
    """Change one of the text files of an unknown crystal, or leave one out."""
    name = random.choice(sorted(files))
    if len(files) > 1 and random.random() < 0.05:
        return {kept: content for kept, content in files.items() if kept != name}
    return {**files, name: mutate_text(random, files[name], _words_of(name), other.get(name, b""))}


def _change_pair(random: Random, files: Files, other: Files) -> Files:
    """Change the known structure, or the data of a crystal like it."""
    name = random.choice(sorted(files))
    return {**files, name: mutate_text(random, files[name], _words_of(name), other.get(name, b""))}


def _words_of(name: str) -> Sequence[str]:
    """Return the words of the format of a text file, by its ending."""
    if name.endswith((".cif", ".fcf")):
        return CIF_WORDS
    return COLUMN_WORDS if name.endswith(".hkl") else SHELX_WORDS


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


def _phased_files() -> list[tuple[str, bytes]]:
    """Return reflections, most with phases, of which a density can be computed."""
    files = [("x.mtz", content) for content in seeds.mtz_files()]
    return [*files, *[("x.fcf", content) for content in seeds.cif_reflections()[:5]]]


def _one_file(files: Callable[[], list[tuple[str, bytes]]]) -> dict[str, Any]:
    """Return seeds and changes of one file of any kind."""
    return {
        "seeds": lambda: [{name: content} for name, content in files()],
        "mutate": _change_any,
    }


def _change_any(random: Random, files: Files, other: Files) -> Files:
    """Change a file of any kind, by its name."""
    ((name, content),) = files.items()
    ((_, other_content),) = other.items()
    if name == "x.mtz":
        return {name: mutate_binary.mutate_mtz(random, content)}
    if name == "x.ccp4":
        return {name: mutate_binary.mutate_map(random, content)}
    return {name: mutate_text(random, content, _words_of(name), other_content)}


def _of_the_field() -> dict[str, Target]:
    """Return the readers of files of the field."""
    cif, columns = seeds.cif_reflections, seeds.columns
    structures = _text("x.cif", seeds.structures, CIF_WORDS)
    instructions = _text("x.res", seeds.instructions, SHELX_WORDS)
    lists = _text("x.hkl", columns, COLUMN_WORDS)
    mtz = _binary("x.mtz", seeds.mtz_files, mutate_binary.mutate_mtz)
    maps = _binary("x.ccp4", seeds.map_files, mutate_binary.mutate_map)
    return {
        "structure": Target(3, **structures, read=readers.read_structure),
        "instructions": Target(3, **instructions, read=readers.read_instructions),
        "columns": Target(4, **lists, read=readers.read_reflections),
        "cif_reflections": Target(4, **_text("x.fcf", cif, CIF_WORDS), read=readers.read_mates),
        "mtz": Target(4, **mtz, read=readers.read_mates),
        "map": Target(1, **maps, read=readers.read_map),
        "merge": Target(1, **lists, read=readers.merge),
        "merge_mtz": Target(1, **mtz, read=readers.merge),
        "describe": Target(1, **_one_file(_all_files), read=readers.describe),
        "problem": Target(1, seeds_of_crystals.short_problems, _change_text, problems.read),
        "solve": Target(0.5, seeds_of_crystals.problems, _change_text, problems.solve_crystal),
        "pair": Target(1, seeds_of_crystals.pairs, _change_pair, verbs.describe_pair),
        "like_known": Target(1, seeds_of_crystals.pairs, _change_pair, verbs.read_like_known),
        "predict": Target(0.5, seeds_of_crystals.pairs, _change_pair, verbs.predict_atoms),
        "density": Target(0.5, **_one_file(_phased_files), read=verbs.draw_density),
        "network": Target(0.5, **_one_file(_phased_files), read=verbs.predict_phases),
        "simulate": Target(0.5, **structures, read=verbs.simulate),
    }


def _of_argand() -> dict[str, Target]:
    """Return the readers of files that argand itself wrote."""
    change_json = mutate_json.mutate
    npz = _binary("x.npz", seeds.npz_files, mutate_binary.mutate_npz)
    npy = _binary("x.npy", seeds.npy_files, mutate_binary.mutate_npy)
    tensors = _binary("x.ckpt", lambda: [seeds.checkpoint()], mutate_binary.mutate_safetensors)
    record = _binary("x.json", seeds.records, change_json)
    series = _binary("series.json", lambda: [seeds.series()], change_json)
    solved = _binary("x.json", seeds.solve_records, change_json)
    options = _binary("solve.json", lambda: [seeds.solve_options()], change_json)
    samples = _binary("simulation.json", lambda: [seeds.sample_folder()], change_json)
    description = _binary("x.json", seeds.descriptions, change_json)
    return {
        "samples": Target(0.5, **npz, read=own_files.read_samples),
        "patterns": Target(1, **npy, read=own_files.read_patterns),
        "adaptation": Target(1, seeds.adaptations, _change_one, own_files.read_adaptation),
        "weights": Target(0.5, seeds.weights, _change_one, own_files.read_weights),
        "training": Target(
            1, lambda: [seeds.training()], _change_settings, own_files.read_training
        ),
        "checkpoint": Target(1, **tensors, read=own_files.read_checkpoint),
        "record": Target(1, **record, read=own_files.read_record),
        "series": Target(1, **series, read=own_files.read_series),
        "solve_record": Target(1, **solved, read=own_files.read_solve_record),
        "solve_options": Target(1, **options, read=own_files.read_solve_options),
        "sample_folder": Target(1, **samples, read=verbs.open_samples),
        "description": Target(0.5, **description, read=own_files.read_description),
        "options": Target(
            0.5, **_text("x.yaml", seeds.yaml_files, YAML_WORDS), read=own_files.read_options
        ),
    }


def _drawn() -> dict[str, Target]:
    """Return the targets whose input is a call of a public function, or a command."""
    from fuzz import commands, seam

    name = "call.json"

    def read(folder: Path) -> None:
        seam.call((folder / name).read_bytes(), folder)

    def make(random: Random, files: Files, other: Files) -> Files:
        return {name: seam.draw(random)}

    def type_command(random: Random, files: Files, other: Files) -> Files:
        return {commands.COMMAND: commands.draw(random)}

    return {
        "seam": Target(10, lambda: [{name: b"{}"}], make, read),
        # `predict --force` searches for the displacements of a crystal that is not the known one.
        "command": Target(1, lambda: [{}], type_command, commands.read, longest=30.0),
    }


@cache
def targets() -> Mapping[str, Target]:
    """Return all readers by name, and the functions on arrays."""
    return {**_of_the_field(), **_of_argand(), **_drawn()}
