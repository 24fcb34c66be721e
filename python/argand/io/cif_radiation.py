"""Read what a CIF states of its radiation: probe, wavelength, and the dispersion of elements."""

from __future__ import annotations

import re

import gemmi

from argand.atom_types import atom_type
from argand.errors import ArgandError
from argand.form_factors import LARGEST_CORRECTION, Corrections
from argand.io.cif_block import Block
from argand.io.reflections import LONGEST_WAVELENGTH
from argand.radiation import Probe

__all__ = ["read_corrections", "read_wavelength", "stated_probe", "states_dispersion"]

_WAVELENGTH_TAGS = ("_diffrn_radiation_wavelength", "_diffrn_radiation_wavelength_wavelength")

# Wavelengths of one doublet differ by less than this share: those of copper by 0.3 %, of silver by
# 0.8 %.
_DOUBLET = 0.01

# X-rays of a source whose name has electrons in it, such as an electron storage ring.
_XRAY_SOURCE = re.compile("synchrotron|storage|x-?ray|anode|bending|undulator|wiggler")


def read_wavelength(block: Block) -> float | None:
    """Read the wavelength in angstrom of a data block; None where it is that of no radiation."""
    wavelength = block.optional_number(*_WAVELENGTH_TAGS)
    if wavelength is None or not 0.0 < wavelength < LONGEST_WAVELENGTH:
        return None
    others: list[float] = []
    for text in block.column(*_WAVELENGTH_TAGS) or []:
        other = float(gemmi.cif.as_number(text))
        # K alpha 1 and 2 are one radiation; NaN is far from nothing.
        if abs(other - wavelength) > _DOUBLET * wavelength:
            others.append(other)
    if others:
        words = ", ".join(f"{other:g}" for other in others[:3])
        block.note(f"several wavelengths are stated: {wavelength:g} is used, not {words}")
    return wavelength


def stated_probe(block: Block) -> Probe | None:
    """Read the probe from words about the radiation, scattering lengths, or NEUT in instructions.

    None where the block states none.
    """
    words: list[str] = []
    for tag in ("_diffrn_radiation_probe", "_diffrn_radiation_type"):
        words.append((block.text(tag) or "").lower())
    if any("neutron" in word for word in words):
        return "neutron"
    if block.column("_atom_type_scat_length_neutron"):
        return "neutron"
    if any("electron" in word and not _XRAY_SOURCE.search(word) for word in words):
        return "electron"
    instructions = block.instructions
    if instructions is not None and instructions.neutrons:
        return "neutron"
    return "x-ray" if any(words) else None


def states_dispersion(block: Block) -> bool | None:
    """Tell whether the table of f' and f'' has a number that is not 0; None without a table."""
    real = block.column("_atom_type_scat_dispersion_real")
    if real is None:
        return None
    imaginary = block.column("_atom_type_scat_dispersion_imag")
    return any(re.search(r"[1-9]", value) for value in [*real, *(imaginary or [])])


def read_corrections(block: Block) -> Corrections:
    """Read the table of f' and f''; a row that is no element or has no such numbers is left out."""
    symbols = block.column("_atom_type_symbol") or []
    real = block.column("_atom_type_scat_dispersion_real") or []
    imaginary = block.column("_atom_type_scat_dispersion_imag") or []
    if not len(symbols) == len(real) == len(imaginary):
        return ()
    corrections: dict[str, tuple[str, float, float]] = {}
    for symbol, *texts in zip(symbols, real, imaginary, strict=True):
        f1, f2 = (float(gemmi.cif.as_number(text)) for text in texts)
        # NaN, of a value that is not known, is not within the range either.
        if not (abs(f1) <= LARGEST_CORRECTION and abs(f2) <= LARGEST_CORRECTION):
            continue
        try:
            element = atom_type(symbol).element
        except ArgandError:
            continue
        corrections[element] = (element, f1, f2)
    return tuple(corrections.values())
