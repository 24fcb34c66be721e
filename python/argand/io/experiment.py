"""Read what a file states about the measurement and the refinement of its structure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from argand.cell import Cell
from argand.errors import ArgandError
from argand.form_factors import Corrections
from argand.io.cif_block import Block
from argand.io.cif_crystal import read_cell
from argand.io.cif_radiation import (
    read_corrections,
    read_wavelength,
    stated_probe,
    states_dispersion,
)
from argand.io.cif_symmetry import read_symmetry, states_symmetry
from argand.io.formula import parse_formula
from argand.io.refined_data import RefinedData, parse_threshold
from argand.io.shelx import Instructions
from argand.radiation import Probe, Radiation
from argand.symmetry import group_ops, spacegroup_name

__all__ = [
    "Experiment",
    "experiment_of_blocks",
    "experiment_of_instructions",
]

# Names of R values in `Experiment.stated`, and the tags that hold them.
_R_VALUE_TAGS = {
    "R1": ("_refine_ls_r_factor_gt", "_refine_ls_r_factor_obs"),
    "R1 of all": ("_refine_ls_r_factor_all",),
    "wR2": ("_refine_ls_wr_factor_ref", "_refine_ls_wr_factor_all"),
    "R(F^2)": ("_refine_ls_r_fsqd_factor",),
    "R_int": ("_diffrn_reflns_av_r_equivalents",),
}

# A CIF with several blocks is asked for the first block that has one of these, best first.
_TELLING_TAGS = (
    "_atom_site_fract_x",
    "_diffrn_radiation_wavelength",
    "_chemical_formula_sum",
    "_cell_length_a",
)

# No unit cell holds more formula units; those of zeolites and clathrates hold some hundred.
_LARGEST_Z = 1e6

# Energies and wavelengths of one radiation are written with so many digits: they differ by less
# than this share.
_SAME_ENERGY = 1e-3

# a and b in 'w=1/[s^2^(Fo^2^)+(0.0397P)^2^+1.3092P]'
_WEIGHT_A = re.compile(r"\((\d+\.?\d*|\.\d+)P\)")
_WEIGHT_B = re.compile(r"\+(\d+\.?\d*|\.\d+)P\]")


@dataclass(frozen=True)
class Experiment:
    """Hold what a file states about a measurement and a refinement; None where it states nothing.

    Parameters
    ----------
    cell, spacegroup
        Unit cell in angstrom and degrees, and name or operations of the space group.
    probe, wavelength
        "x-ray", "neutron" or "electron"; angstrom.
    powder
        Whether a powder was measured.
    content
        Atoms of each element in the unit cell.
    dispersion
        Whether f' and f'' were part of the refinement.
    corrections
        (element, f', f'') in electrons as stated; other elements have those of the tables.
    extinction
        SHELXL's extinction coefficient x.
    weights
        SHELXL's weighting parameters a, b, ...
    twin, fractions
        SHELXL's twin matrix, nine numbers, and the fractions of the further domains.
    hklf
        SHELX's number for the kind of list: 3 for amplitudes, 4, 5 or 6 for intensities.
    refined_data
        Which reflections were refined, and how they were merged.
    stated
        R values as published, by name: "R1", "R1 of all", "wR2", "R(F^2)", "R_int".
    """

    cell: Cell | None = None
    spacegroup: str | None = None
    probe: Probe = "x-ray"
    wavelength: float | None = None
    powder: bool = False
    content: dict[str, float] | None = None
    dispersion: bool | None = None
    corrections: Corrections = ()
    extinction: float | None = None
    weights: tuple[float, ...] = ()
    twin: tuple[float, ...] | None = None
    fractions: tuple[float, ...] = ()
    hklf: int | None = None
    refined_data: RefinedData = field(default_factory=RefinedData)
    stated: dict[str, float] = field(default_factory=dict)

    def measured_radiation(self, wavelength: float | None = None) -> Radiation:
        """Return the radiation of the measurement, with its wavelength where that is known.

        F was calculated with dispersion, unless the file denies it or it cannot be calculated.
        Where the file states f' and f'' they are used: they belong to its own wavelength.

        Parameters
        ----------
        wavelength
            Wavelength in angstrom to use where the experiment states none.
        """
        if self.wavelength is not None:
            wavelength = self.wavelength
        has_dispersion = self.probe == "x-ray" and self.dispersion is not False
        if not has_dispersion or wavelength is None:
            return Radiation(self.probe, wavelength)
        corrections = self.corrections if self.wavelength is not None else ()
        return Radiation(self.probe, wavelength, dispersion=True, corrections=corrections)

    def radiation(self, table: str | None = None) -> Radiation:
        """Return the radiation with which the refinement calculated F.

        Without dispersion F does not depend on the wavelength, which is then left out.

        Parameters
        ----------
        table
            Table of form factors to use instead of the one for the probe; then nothing else that
            the experiment states applies.
        """
        radiation = Radiation(self.probe)
        if table is not None and table != radiation.table:
            return Radiation.of_table(table)
        if self.probe != "x-ray" or self.wavelength is None or self.dispersion is False:
            return radiation
        return self.measured_radiation()

    def corrections_at(self, energy_kev: float) -> Corrections:
        """Return the stated f' and f'' if they belong to a photon energy in keV, else nothing."""
        stated = self.measured_radiation()
        if stated.energy_kev is None:
            return ()
        is_same = abs(energy_kev - stated.energy_kev) < _SAME_ENERGY * stated.energy_kev
        return stated.corrections if is_same else ()

    @property
    def twin_shares(self) -> tuple[float, ...]:
        """Return the shares of the further domains of a twin: half where BASF gives none."""
        if self.twin is None:
            return ()
        return self.fractions or (0.5,)

    @property
    def refined_extinction(self) -> float:
        """Return SHELXL's x where F was calculated with dispersion and extinction, else 0."""
        if self.extinction is None or not self.radiation().dispersion:
            return 0.0
        return self.extinction


def experiment_of_blocks(blocks: list[Block], name: str | None) -> Experiment:
    """Read the experiment in a CIF: of the block called `name`, or of the most telling one.

    Without a name, what that block does not state is taken from blocks that have no structure:
    GSAS describes the measurement in a block of its own.
    """
    candidates = [block for block in blocks if name in (None, block.name)]
    for tag in _TELLING_TAGS:
        for block in candidates:
            if block.column(tag):
                others = [other for other in candidates if not other.column("_atom_site_fract_x")]
                return _with_other_blocks(block, [other for other in others if other is not block])
    return Experiment()


def _with_other_blocks(block: Block, others: list[Block]) -> Experiment:
    """Read the experiment in a data block, and what it does not state from other blocks.

    A probe that the other blocks do not agree upon is not taken.
    """
    experiment = _experiment_of_block(block)
    probes: set[Probe] = set()
    readable: list[Experiment] = []
    for other in others:
        try:
            probe = stated_probe(other)
            readable.append(_experiment_of_block(other))
        except ArgandError:
            # A block that is not asked for may be damaged.
            continue
        if probe is not None:
            probes.add(probe)
    if stated_probe(block) is None and len(probes) == 1:
        experiment = replace(experiment, probe=probes.pop())
    for further in readable:
        experiment = replace(
            experiment,
            wavelength=experiment.wavelength or further.wavelength,
            powder=experiment.powder or further.powder,
            extinction=experiment.extinction or further.extinction,
            weights=experiment.weights or further.weights,
            twin=experiment.twin or further.twin,
            fractions=experiment.fractions or further.fractions,
            hklf=experiment.hklf or further.hklf,
            stated=further.stated | experiment.stated,
        )
        if experiment.dispersion is None and experiment.probe == "x-ray":
            experiment = replace(
                experiment, dispersion=further.dispersion, corrections=further.corrections
            )
    return experiment


def experiment_of_instructions(instructions: Instructions) -> Experiment:
    """Read the experiment in SHELX instructions."""
    return Experiment(
        cell=instructions.cell,
        spacegroup=instructions.spacegroup,
        probe="neutron" if instructions.neutrons else "x-ray",
        wavelength=instructions.wavelength,
        content=instructions.content,
        dispersion=None if instructions.neutrons else True,
        corrections=() if instructions.neutrons else instructions.dispersion,
        extinction=instructions.extinction or None,
        weights=instructions.weights,
        twin=instructions.twin,
        fractions=instructions.fractions,
        hklf=instructions.hklf,
        refined_data=instructions.refined_data,
    )


def _experiment_of_block(block: Block) -> Experiment:
    """Read the experiment in a data block; SHELX instructions in it come before its own tags."""
    instructions = block.instructions
    probe = stated_probe(block) or "x-ray"
    cell, spacegroup = _lattice(block)
    stated: dict[str, float] = {}
    for name, tags in _R_VALUE_TAGS.items():
        value = block.optional_number(*tags)
        if value is not None:
            stated[name] = value
    common = Experiment(
        cell=cell,
        spacegroup=spacegroup,
        probe=probe,
        wavelength=read_wavelength(block),
        powder=block.has("_pd_"),
        content=_content(block),
        dispersion=states_dispersion(block) if probe == "x-ray" else None,
        corrections=read_corrections(block) if probe == "x-ray" else (),
        refined_data=_refined_data(block),
        stated=stated,
    )
    if instructions is None:
        return replace(common, extinction=_extinction(block), weights=_weights(block))
    return replace(
        common,
        wavelength=common.wavelength or instructions.wavelength,
        corrections=common.corrections or instructions.dispersion,
        extinction=instructions.extinction or None,
        weights=instructions.weights,
        twin=instructions.twin,
        fractions=instructions.fractions,
        hklf=instructions.hklf,
    )


def _lattice(block: Block) -> tuple[Cell | None, str | None]:
    """Read unit cell and space group; None for both where they are wrong or not stated.

    What is wrong with them is an error, or a note, of reading the structure.
    """
    symops: tuple[str, ...] = ()
    try:
        cell = read_cell(block)
        if states_symmetry(block):
            symops = read_symmetry(block, cell)
    except ArgandError:
        return None, None
    if not symops:
        return cell, None
    return cell, spacegroup_name(group_ops(symops)) or ";".join(symops)


def _content(block: Block) -> dict[str, float] | None:
    """Count the atoms in the unit cell by formula and Z; None where one of them is missing."""
    formula = parse_formula(block.text("_chemical_formula_sum") or "")
    z = block.optional_number("_cell_formula_units_z")
    if not formula or z is None or not 0 < z <= _LARGEST_Z:
        return None
    return {element: z * count for element, count in formula.items()}


def _extinction(block: Block) -> float | None:
    """Read SHELXL's extinction coefficient; None where another expression was used."""
    methods: list[str] = []
    for tag in ("_refine_ls_extinction_method", "_refine_ls_extinction_expression"):
        methods.append((block.text(tag) or "").lower())
    if not any("shelxl" in method for method in methods):
        return None
    return block.optional_number("_refine_ls_extinction_coef") or None


def _refined_data(block: Block) -> RefinedData:
    """Read which reflections were refined; SHELX instructions come before tags of the CIF."""
    data = RefinedData()
    if block.instructions is not None:
        data = block.instructions.refined_data
    theta_max = block.optional_number("_diffrn_reflns_theta_max")
    count = block.optional_number("_refine_ls_number_reflns", "_reflns_number_total")
    program = (block.text("_computing_structure_refinement") or "shelxl").lower()
    return replace(
        data,
        threshold=parse_threshold(block.text("_reflns_threshold_expression") or ""),
        theta_max=data.theta_max or theta_max,
        count=None if count is None else round(count),
        shelxl="shelx" in program,
    )


def _weights(block: Block) -> tuple[float, ...]:
    """Read a and b of SHELXL's weights in the details of the weighting scheme; () without them."""
    text = re.sub(r"\s", "", block.text("_refine_ls_weighting_details") or "")
    a = _WEIGHT_A.search(text)
    b = _WEIGHT_B.search(text)
    if a is None and b is None:
        return ()
    return (float(a[1]) if a else 0.0, float(b[1]) if b else 0.0)
