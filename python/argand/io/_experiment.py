"""What a file says of the measurement and the refinement, beside structure and reflections."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field

from argand.cell import Cell
from argand.errors import ArgandError
from argand.files import PathLike, read_text
from argand.io._block import Block, read_blocks
from argand.io._crystal import read_cell
from argand.io._formula import parse_formula
from argand.io._shelx import Instructions, embedded_instructions, is_shelx, parse_instructions
from argand.io._symmetry import read_symmetry, states_symmetry
from argand.radiation import Radiation
from argand.symmetry import group_ops, spacegroup_name

__all__ = ["Experiment", "read_experiment"]

_STATED = {
    "R1": ("_refine_ls_r_factor_gt", "_refine_ls_r_factor_obs"),
    "R1 of all": ("_refine_ls_r_factor_all",),
    "wR2": ("_refine_ls_wr_factor_ref", "_refine_ls_wr_factor_all"),
    "R(F^2)": ("_refine_ls_r_fsqd_factor",),
    "R_int": ("_diffrn_reflns_av_r_equivalents",),
}


@dataclass(frozen=True)
class Experiment:
    """Cell, radiation, content and refinement as a file states them; None for what it does not say.

    cell and spacegroup as in `Crystal`; probe "x-ray", "neutron" or "electron"; wavelength in angstrom; content, atoms
    in the cell; dispersion, whether f' and f'' were part of the refinement; extinction, SHELXL's coefficient x;
    weights, SHELXL's a, b, ...; twin, its matrix, and the fractions of the further domains; hklf, the kind of list that
    belongs to it; stated, R values as published.
    """

    cell: Cell | None = None
    spacegroup: str | None = None
    probe: str = "x-ray"
    wavelength: float | None = None
    powder: bool = False
    content: dict[str, float] | None = None
    dispersion: bool | None = None
    extinction: float | None = None
    weights: tuple[float, ...] = ()
    twin: tuple[float, ...] | None = None
    fractions: tuple[float, ...] = ()
    hklf: int | None = None
    stated: dict[str, float] = field(default_factory=dict)

    @property
    def table(self) -> str:
        """The table of form factors for `argand.structure_factors`."""
        return {"neutron": "neutron", "electron": "electron"}.get(self.probe, "it92")

    def radiation(self, table: str | None = None) -> Radiation:
        """Return the radiation with which the refinement calculated F.

        Where a `table` of form factors is asked for that is not the probe's own, nothing else is known of it.
        """
        if table is not None and table != self.table:
            return Radiation.of_table(table)
        x_rays = self.table == "it92" and self.dispersion is not False
        if not x_rays or self.wavelength is None:
            return Radiation.of_table(self.table)
        return Radiation("x-ray", self.wavelength, dispersion=True)

    @property
    def refined_extinction(self) -> float:
        """SHELXL's x where F was calculated with it; 0 where it was not, or the wavelength is not known."""
        return self.extinction or 0.0 if self.radiation().dispersion else 0.0


def read_experiment(path: PathLike, block: str | None = None) -> Experiment:
    """What a CIF (its first block with a wavelength or a formula, or the named one) or a .ins/.res file states."""
    text = read_text(path)
    if is_shelx(text):
        return _of_instructions(parse_instructions(text, os.fspath(path)))
    blocks = [b for b in read_blocks(path) if block in (None, b.name)]
    wanted = (
        "_atom_site_fract_x",
        "_diffrn_radiation_wavelength",
        "_chemical_formula_sum",
        "_cell_length_a",
    )
    return next((_of_block(b) for tag in wanted for b in blocks if b.column(tag)), Experiment())


def _of_instructions(said: Instructions) -> Experiment:
    return Experiment(
        cell=said.cell,
        spacegroup=said.spacegroup,
        probe="neutron" if said.neutrons else "x-ray",
        wavelength=said.wavelength,
        content=said.content,
        dispersion=None if said.neutrons else True,
        extinction=said.extinction or None,
        weights=said.weights,
        twin=said.twin,
        fractions=said.fractions,
        hklf=said.hklf,
    )


def _of_block(block: Block) -> Experiment:
    said = embedded_instructions(block)
    probe = _probe(block)
    wavelength = block.loose_number(
        "_diffrn_radiation_wavelength", "_diffrn_radiation_wavelength_wavelength"
    )
    formula = parse_formula(block.text("_chemical_formula_sum") or "")
    z = block.loose_number("_cell_formula_units_z")
    factors = [block.column(f"_atom_type_scat_dispersion_{part}") for part in ("real", "imag")]
    values = {name: block.loose_number(*tags) for name, tags in _STATED.items()}
    cell, spacegroup = _lattice(block)
    return Experiment(
        cell=cell,
        spacegroup=spacegroup,
        probe=probe,
        wavelength=wavelength if wavelength and wavelength > 0 else None,
        powder=block.has("_pd_"),
        content={element: z * count for element, count in formula.items()}
        if formula and z and z > 0
        else None,
        dispersion=None if factors[0] is None or probe != "x-ray" else _nonzero(factors),
        extinction=_extinction(block) if said is None else said.extinction or None,
        weights=said.weights if said is not None else _weights(block),
        twin=None if said is None else said.twin,
        fractions=() if said is None else said.fractions,
        hklf=None if said is None else said.hklf,
        stated={name: value for name, value in values.items() if value is not None},
    )


def _lattice(block: Block) -> tuple[Cell | None, str | None]:
    """Cell and space group; what is wrong with them `read_crystal` says."""
    try:
        cell = read_cell(block)
        symops = read_symmetry(block, cell) if states_symmetry(block) else ()
    except ArgandError:
        return None, None
    return cell, (spacegroup_name(group_ops(symops)) or ";".join(symops)) if symops else None


def _probe(block: Block) -> str:
    words = " ".join(
        filter(None, map(block.text, ("_diffrn_radiation_probe", "_diffrn_radiation_type")))
    ).lower()
    if "neutron" in words or block.column("_atom_type_scat_length_neutron"):
        return "neutron"
    return "electron" if "electron" in words else "x-ray"


def _nonzero(columns: list[list[str] | None]) -> bool:
    return any(re.search(r"[1-9]", value) for column in columns if column for value in column)


def _extinction(block: Block) -> float | None:
    """SHELXL's coefficient; those of other expressions mean something else."""
    method = " ".join(
        filter(
            None,
            map(block.text, ("_refine_ls_extinction_method", "_refine_ls_extinction_expression")),
        )
    )
    if "shelxl" not in method.lower():
        return None
    return block.loose_number("_refine_ls_extinction_coef") or None


def _weights(block: Block) -> tuple[float, ...]:
    """a and b of 'w=1/[s^2^(Fo^2^)+(0.0397P)^2^+1.3092P]'."""
    text = re.sub(r"\s", "", block.text("_refine_ls_weighting_details") or "")
    a = re.search(r"\(([0-9.]+)P\)", text)
    b = re.search(r"\+([0-9.]+)P\]", text)
    if a is None and b is None:
        return ()
    return (float(a[1]) if a else 0.0, float(b[1]) if b else 0.0)
