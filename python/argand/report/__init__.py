"""HTML reports that need no network: one file holds text, tables, pictures and the interactive densities."""

from __future__ import annotations

from argand.report.environment import environment
from argand.report.page import Section, page

__all__ = ["Section", "environment", "page"]
