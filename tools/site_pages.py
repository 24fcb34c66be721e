"""Make the pages of the documentation that come from the sources, a hook of mkdocs.

The command line is described by its parsers and the Python interface by docstrings; the figures of
the gallery are drawn by its examples; the changelog and the benchmarks are pages that stand
elsewhere in the repository.
"""

from __future__ import annotations

import ast
import os
import re
import tempfile
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "python" / "argand"

# Modules whose names are public, in the order of the menu.
MODULES = (
    "argand",
    "argand.io",
    "argand.io.convert",
    "argand.reflections",
    "argand.form_factors",
    "argand.tabulated",
    "argand.radiation",
    "argand.nufft",
    "argand.maps",
    "argand.peaks",
    "argand.phases",
    "argand.measured",
    "argand.describe",
    "argand.refine",
    "argand.simulate",
    "argand.adapt",
    "argand.series",
    "argand.solve",
    "argand.torch",
    "argand.cuda",
    "argand.learn",
)

# Pages of the site that stand outside of docs.
ELSEWHERE = {
    "benchmarks.md": ROOT / "benchmarks" / "README.md",
    "changelog.md": ROOT / "CHANGELOG.md",
}

# The page whose examples draw figures, and where these are on the site.
GALLERY = "gallery.md"
PICTURES = "gallery"

# Width of help texts.
HELP_COLUMNS = "80"

# Markdown links to files of the repository that the site has no page for.
LINK_OUTSIDE = re.compile(r"\[([^\]]*)\]\((?:\.\./)*(?:results|[a-z]+/README\.md|[a-z_/]+\.py)\)")


def on_config(config: Any) -> Any:
    """Put a page for each module where the menu says API."""
    pages = [{module: f"api/{module}.md"} for module in MODULES]
    config["nav"] = _filled(config["nav"], pages)
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are made of the sources."""
    contents = {f"api/{module}.md": _module_page(module) for module in MODULES}
    contents["commands.md"] = _commands_page()
    for name, path in ELSEWHERE.items():
        contents[name] = path.read_text(encoding="utf-8")
    for name, text in contents.items():
        files.append(File.generated(config, name, content=text))
    for name, picture in gallery_pictures().items():
        files.append(File.generated(config, f"{PICTURES}/{name}", content=picture))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Point links to the pages of the site, and leave the words of those that lead elsewhere."""
    markdown = markdown.replace("../benchmarks/README.md", "benchmarks.md")
    markdown = markdown.replace("../benchmarks/results", "results")
    markdown = re.sub(r"\]\((?:\.\./)?docs/", "](", markdown)
    return LINK_OUTSIDE.sub(r"\1", markdown)


def gallery_pictures() -> dict[str, bytes]:
    """Run the examples of the gallery in an empty folder, and return the pictures they save."""
    text = (ROOT / "docs" / GALLERY).read_text(encoding="utf-8")
    examples = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            Path("tests").symlink_to(ROOT / "tests", target_is_directory=True)
            exec(compile("\n".join(examples), GALLERY, "exec"), {})
            return {path.name: path.read_bytes() for path in Path().glob("*.png")}
        finally:
            os.chdir(before)


def _filled(nav: Any, pages: list[dict[str, str]]) -> Any:
    """Return a menu in which the word API is replaced by pages."""
    if isinstance(nav, list):
        return [_filled(item, pages) for item in nav]
    if isinstance(nav, dict):
        return {name: _filled(item, pages) for name, item in nav.items()}
    return pages if nav == "API" else nav


def _module_page(module: str) -> str:
    """Return the page of a module: what it says of itself, and each public name."""
    names = _public_names(module)
    lines = [f"# {module}", "", f"::: {module}", "    options:", "      show_root_heading: false"]
    lines += ["      members:", *(f"        - {name}" for name in names)]
    return "\n".join(lines) + "\n"


def _public_names(module: str) -> list[str]:
    """Return what a module lists in __all__, read from its source."""
    path = PACKAGE.joinpath(*module.split(".")[1:])
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        is_assignment = isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        if is_assignment and node.targets[0].id == "__all__":
            return list(ast.literal_eval(node.value))
    raise ValueError(f"{source} has no __all__")


def _commands_page() -> str:
    """Return the page of the command line: the help of argand and of each verb."""
    os.environ["COLUMNS"] = HELP_COLUMNS
    from argand import cli
    from argand.cli._arguments import parser_of
    from argand.cli._outline import outline

    lines = ["# Command line", "", "```text", cli._overview(), "```", ""]
    for verb, summary in cli._SUMMARIES.items():
        has_config = verb in (*cli._CONFIGURABLE, *cli._CONFIGURABLE_IF_INSTALLED)
        parser = parser_of(outline(verb), f"argand {verb}", with_config=has_config)
        lines += [f"## argand {verb}", "", summary[0].upper() + summary[1:] + ".", ""]
        lines += ["```text", parser.format_help().rstrip(), "```", ""]
    return "\n".join(lines)
