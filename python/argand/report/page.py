"""A whole page from its sections."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources
from string import Template

from argand.report.parts import Html, Text, markup


@dataclass(frozen=True)
class Section:
    """A heading and the parts below it."""

    title: str
    parts: tuple[Html, ...]

    @property
    def anchor(self) -> str:
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")


def page(title: str, lead: Text, sections: Sequence[Section], *, footer: Text = "") -> str:
    """The report as one HTML text.

    Everything is inside: pictures as data URIs, plotly.js once if a section holds an interactive figure. The
    page's own content security policy forbids every request, so a report that opens is self-contained.
    """
    body = "\n".join(
        f'<section id="{s.anchor}"><h2>{escape(s.title)}</h2>\n' + "\n".join(p.markup for p in s.parts) + "</section>"
        for s in sections
    )
    links = "".join(f'<li><a href="#{s.anchor}">{escape(s.title)}</a></li>' for s in sections)
    here = resources.files("argand.report")
    return Template((here / "page.html").read_text(encoding="utf-8")).substitute(
        title=escape(title),
        lead=markup(lead),
        style=(here / "page.css").read_text(encoding="utf-8"),
        script=_scripts(body),
        links=links,
        body=body,
        footer=markup(footer),
    )


def _scripts(body: str) -> str:
    if 'class="interactive"' not in body:
        return ""
    from plotly.offline import get_plotlyjs

    ours = (resources.files("argand.report") / "cameras.js").read_text(encoding="utf-8")
    return f"<script>{get_plotlyjs()}</script>\n<script>{ours}</script>"
