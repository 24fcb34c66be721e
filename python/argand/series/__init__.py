"""Thousands of measured data sets of crystals like a known one: an adaptation applied to each, all of it resumable."""

from __future__ import annotations

from argand.series.folder import SeriesFolder
from argand.series.record import Record, table_csv, table_json
from argand.series.sources import Source, find_sources

__all__ = ["Record", "SeriesFolder", "Source", "find_sources", "table_csv", "table_json"]
