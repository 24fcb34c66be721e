"""Write reports as single HTML files: text, tables, pictures and interactive densities in one."""

from __future__ import annotations

from argand.report.environment import environment
from argand.report.page import page

__all__ = ["environment", "page"]
