"""Describe structures, reflections, maps and whole files as objects: what `argand info` prints.

`describe_file` does all of it for a path; other functions describe objects that were read.
"""

from argand.describe.agreement import AgreementDescription, describe_agreement
from argand.describe.as_refined import AgreementAsRefined
from argand.describe.density_map import MapDescription, describe_map
from argand.describe.file import FileDescription, describe_file
from argand.describe.map_peaks import MapPeak, describe_peaks
from argand.describe.merging import MergingDescription, describe_merging
from argand.describe.phased import PhasedDescription, phase_data
from argand.describe.reflections import ReflectionsDescription, describe_reflections
from argand.describe.structure import StructureDescription, density, describe_structure
from argand.describe.structure_doubts import close_contacts, structure_doubts

__all__ = [
    "AgreementAsRefined",
    "AgreementDescription",
    "FileDescription",
    "MapDescription",
    "MapPeak",
    "MergingDescription",
    "PhasedDescription",
    "ReflectionsDescription",
    "StructureDescription",
    "close_contacts",
    "density",
    "describe_agreement",
    "describe_file",
    "describe_map",
    "describe_merging",
    "describe_peaks",
    "describe_reflections",
    "describe_structure",
    "phase_data",
    "structure_doubts",
]
