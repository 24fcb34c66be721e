"""Merge measured data, check them against a structure, and compare them with one."""

from argand.measured.absences import Absences, check_absences
from argand.measured.agreement import Agreement, agreement, calculated_intensity
from argand.measured.check import check_data
from argand.measured.french_wilson import Posterior, amplitudes, french_wilson
from argand.measured.merging import Merged, merge
from argand.measured.statistics import Statistics, impossible, intensity_statistics
from argand.measured.wilson import Wilson, expected_intensity, wilson

__all__ = [
    "Absences",
    "Agreement",
    "Merged",
    "Posterior",
    "Statistics",
    "Wilson",
    "agreement",
    "amplitudes",
    "calculated_intensity",
    "check_absences",
    "check_data",
    "expected_intensity",
    "french_wilson",
    "impossible",
    "intensity_statistics",
    "merge",
    "wilson",
]
