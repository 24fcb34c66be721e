"""SHELX instruction files (.ins, .res): cell, symmetry, content, and how data and refinement are meant."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import gemmi
import numpy as np

from argand.atom_types import atom_type
from argand.cell import Cell, cell_parameters
from argand.errors import ArgandError
from argand.files import PathLike, read_text
from argand.io._block import Block
from argand.io._reflections import Reflections
from argand.symmetry import group_ops, spacegroup_name, triplets

__all__ = [
    "Instructions",
    "embedded_instructions",
    "is_shelx",
    "parse_instructions",
    "read_instructions",
]

_CENTRING: dict[int, tuple[str, ...]] = {
    1: (),
    2: ("x+1/2,y+1/2,z+1/2",),
    3: ("x+2/3,y+1/3,z+1/3", "x+1/3,y+2/3,z+2/3"),  # rhombohedral obverse on hexagonal axes
    4: ("x,y+1/2,z+1/2", "x+1/2,y,z+1/2", "x+1/2,y+1/2,z"),
    5: ("x,y+1/2,z+1/2",),
    6: ("x+1/2,y,z+1/2",),
    7: ("x+1/2,y+1/2,z",),
}
# instructions whose numbers could be taken for those of an atom
_NO_ATOMS = (
    "ZERR",
    "PLAN",
    "GRID",
    "CGLS",
    "LIST",
    "MERG",
    "DAMP",
    "FMAP",
    "MORE",
    "SIZE",
    "OMIT",
    "MOVE",
    "SHEL",
    "AFIX",
    "WPDB",
)
_IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class Instructions:
    """What a SHELX file says, None or empty where it does not; `atoms` are its atom lines, in words."""

    source: str
    title: str = ""
    wavelength: float | None = None
    cell: Cell | None = None
    symops: tuple[str, ...] = ()
    elements: tuple[str, ...] = ()
    units: tuple[float, ...] = ()
    hklf: int | None = None
    hkl_scale: float = 1.0
    hkl_matrix: tuple[float, ...] = _IDENTITY
    extinction: float | None = None
    weights: tuple[float, ...] = ()
    twin: tuple[float, ...] | None = None
    fractions: tuple[float, ...] = ()
    neutrons: bool = False
    free_variables: tuple[float, ...] = ()
    atoms: tuple[tuple[str, ...], ...] = field(default=(), repr=False)

    @property
    def spacegroup(self) -> str | None:
        if not self.symops:
            return None
        return spacegroup_name(group_ops(self.symops)) or ";".join(self.symops)

    @property
    def content(self) -> dict[str, float] | None:
        """Atoms of each element in the cell (UNIT)."""
        if not self.units or len(self.units) != len(self.elements):
            return None
        found: dict[str, float] = {}
        for symbol, number in zip(self.elements, self.units, strict=True):
            element = atom_type(symbol).element
            found[element] = found.get(element, 0.0) + number
        return found

    def turn(self, found: Reflections) -> Reflections:
        """Scale and transform indices as HKLF says: intensities and sigmas x S, h' = R h."""
        if self.hkl_matrix != _IDENTITY:
            turned = found.hkl @ np.reshape(self.hkl_matrix, (3, 3)).T
            whole = np.abs(turned - np.rint(turned)).max(axis=1) < 0.05
            if not whole.all():
                raise ArgandError(
                    f"{self.source}: the matrix of HKLF makes indices that are no whole numbers"
                )
            found = replace(found, hkl=np.rint(turned).astype(np.int32))
        if self.hkl_scale != 1.0:
            scaled = {
                name: None if column is None else column * self.hkl_scale
                for name in ("intensity", "amplitude", "sigma")
                for column in [getattr(found, name)]
            }
            found = replace(found, **scaled)  # type: ignore[arg-type]
        return found


def is_shelx(text: str) -> bool:
    """Whether a text is a SHELX instruction file: it has a CELL line of seven numbers and is no CIF."""
    return re.search(
        r"^CELL(\s+[-+.0-9]+){7}", text, re.MULTILINE | re.IGNORECASE
    ) is not None and not re.search(r"^data_", text, re.MULTILINE | re.IGNORECASE)


def read_instructions(path: PathLike) -> Instructions:
    return parse_instructions(read_text(path), os.fspath(path))


def embedded_instructions(block: Block) -> Instructions | None:
    """The instructions that a CIF carries as text, None without any."""
    for tag in ("_shelx_res_file", "_iucr_refine_instructions_details"):
        text = block.text(tag)
        if text and is_shelx(text):
            return parse_instructions(text, f"{block.source}: {tag}")
    return None


def parse_instructions(text: str, source: str) -> Instructions:
    """Read instructions and atoms up to HKLF or END; instructions that are not needed here are passed over.

    Raises
    ------
    ArgandError
        Names the source, the line, and what it needs to be.

    Source: SHELX-97 and SHELXL manual, chapters 4 to 7 (CELL, LATT, SYMM, SFAC, UNIT, FVAR, EXTI, TWIN, HKLF).
    """
    state: dict[str, object] = {}
    symm: list[str] = []
    latt = 1
    elements: list[str] = []
    atoms: list[tuple[str, ...]] = []
    for number, line in _joined(text):
        words = line.split()
        name = words[0].upper()[:4]
        at = f"{source}: line {number} ({name})"
        if name == "TITL":
            state["title"] = " ".join(words[1:])
        elif name == "CELL":
            values = _numbers(words[1:], at, 7)
            state["wavelength"] = values[0] or None
            try:
                state["cell"] = cell_parameters(values[1:7])
            except ArgandError as error:
                raise ArgandError(f"{at}: {error}") from None
        elif name == "LATT":
            latt = int(_numbers(words[1:], at, 1)[0])
            if abs(latt) not in _CENTRING:
                raise ArgandError(f"{at} is {latt}, needs 1 to 7 or -1 to -7")
        elif name == "SYMM":
            symm.append(line[4:])
        elif name == "SFAC":
            elements += _elements(words[1:], at)
        elif name == "UNIT":
            state["units"] = tuple(_numbers(words[1:], at, 1))
        elif name == "FVAR":
            state["free_variables"] = (
                *state.get("free_variables", ()),
                *_numbers(words[1:], at, 1),
            )  # type: ignore[misc]
        elif name == "WGHT":
            state["weights"] = tuple(_numbers(words[1:], at, 0))
        elif name == "EXTI":
            state["extinction"] = (_numbers(words[1:], at, 0) or [0.0])[0]
        elif name == "TWIN":
            given = _numbers(words[1:], at, 0)
            state["twin"] = (
                tuple(given[:9])
                if len(given) >= 9
                else (-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, -1.0)
            )
        elif name == "BASF":
            state["fractions"] = (*state.get("fractions", ()), *_numbers(words[1:], at, 1))  # type: ignore[misc]
        elif name == "NEUT":
            state["neutrons"] = True
        elif name == "HKLF":
            state.update(_hklf(_numbers(words[1:], at, 1)))
            break
        elif name == "END":
            break
        elif _is_atom(words):
            atoms.append(tuple(words))
    return Instructions(
        source,
        symops=_symops(latt, symm, source),
        elements=tuple(elements),
        atoms=tuple(atoms),
        **state,  # type: ignore[arg-type]
    )


def _joined(text: str) -> list[tuple[int, str]]:
    """Lines that say something, with their numbers; a trailing '=' continues a line on the next."""
    joined: list[tuple[int, str]] = []
    open_line = False
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.split("!")[0].rstrip()
        if open_line:
            start, before = joined.pop()
            joined.append((start, f"{before} {line.removesuffix('=')}"))
        elif line.strip() and not line.startswith(" ") and line[:3].upper() != "REM":
            joined.append((number, line.removesuffix("=")))
        else:
            continue
        open_line = line.endswith("=")
    return joined


def _numbers(words: Sequence[str], at: str, needed: int) -> list[float]:
    found = []
    for word in words:
        try:
            found.append(float(word.split("(")[0]))
        except ValueError:
            break
    if len(found) < needed or not np.isfinite(found).all():
        raise ArgandError(
            f"{at} is {' '.join(words)[:40]!r}, needs {needed} number{'s' if needed > 1 else ''}"
        )
    return found


def _elements(words: Sequence[str], at: str) -> list[str]:
    """`SFAC C H O`, or one element with its own scattering factor, which the tables replace."""
    found = []
    for word in words:
        if re.fullmatch(r"[-+.0-9].*", word):
            break
        try:
            found.append(atom_type(word.removeprefix("$")).symbol)
        except ArgandError as error:
            raise ArgandError(f"{at}: {error}") from None
    return found


def _hklf(numbers: Sequence[float]) -> dict[str, object]:
    said: dict[str, object] = {"hklf": abs(int(numbers[0]))}
    if len(numbers) > 1:
        said["hkl_scale"] = numbers[1]
    if len(numbers) > 10:
        said["hkl_matrix"] = tuple(numbers[2:11])
    return said


def _is_atom(words: Sequence[str]) -> bool:
    """Name, number of its scattering factor, x, y, z and what follows; Q peaks are none."""
    if len(words) < 5 or words[0].upper() in _NO_ATOMS:
        return False
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9'\"*]{0,3}", words[0]) or re.match(r"[Qq]\d", words[0]):
        return False
    return (
        all(re.fullmatch(r"[+-]?\d*\.?\d+|[+-]?\d+\.", word) for word in words[1:5])
        and words[1].isdigit()
    )


def _symops(latt: int, symm: Sequence[str], source: str) -> tuple[str, ...]:
    """All operations: LATT brings centring and, when positive, the inversion; SYMM the rest but for the identity."""
    try:
        listed = [gemmi.Op("x,y,z"), *(gemmi.Op(_triplet(text)) for text in symm)]
        if latt > 0:
            listed += [gemmi.Op("-x,-y,-z") * op for op in listed]
        shifts = [gemmi.Op("x,y,z"), *map(gemmi.Op, _CENTRING[abs(latt)])]
        ops = [(shift * op).wrap().triplet() for shift in shifts for op in listed]
        return triplets(group_ops(ops))
    except (RuntimeError, UnicodeDecodeError, ArgandError) as error:
        raise ArgandError(f"{source}: LATT and SYMM: {error}") from None


def _triplet(text: str) -> str:
    """SHELX's `0.5+X, 1/2-Y, -Z+ .33333` for gemmi, thirds and sixths as fractions."""
    plain = re.sub(r"\s", "", text).lower()
    for digits, fraction in (("16+7?", "1/6"), ("33+", "1/3"), ("66+7?", "2/3"), ("83+", "5/6")):
        plain = re.sub(rf"(?<![\d.])0?\.{digits}(?!\d)", fraction, plain)
    return plain
