"""HTML reports that need no network: one file holds text, tables, pictures and the interactive densities."""

from __future__ import annotations

from argand.report.environment import environment
from argand.report.page import page

__all__ = ["environment", "page"]
