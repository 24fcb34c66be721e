"""Work through many files on all cores, and go on where a killed process stopped."""

from argand.jobs.parallel import in_chunks, spread, spread_on_scheduler
from argand.jobs.progress import ProgressLine
from argand.jobs.records import csv_text, is_current, read_record, write_record
from argand.jobs.sources import Source, find_sources
from argand.jobs.upkeep import Upkeep

__all__ = [
    "ProgressLine",
    "Source",
    "Upkeep",
    "csv_text",
    "find_sources",
    "in_chunks",
    "is_current",
    "read_record",
    "spread",
    "spread_on_scheduler",
    "write_record",
]
