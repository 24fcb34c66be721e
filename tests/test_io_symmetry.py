"""The symmetry of a CIF: operations, Hall symbols, names, settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from cif_text import HEAD, ONE, OPS, Read, loop, reader


@pytest.fixture
def read(tmp_path: Path) -> Read:
    return reader(tmp_path)


@pytest.mark.parametrize(
    ("symmetry", "group"),
    [
        (loop(OPS, "x,y,z", "'-x, y+1/2, 1/2-z'", "-X,-Y,-Z", "x,.5-y,z+0.5"), "P 1 21/c 1"),
        (
            loop("_symmetry_equiv_pos_site_id _symmetry_equiv_pos_as_xyz", "1 x,y,z", "2 -x,-y,-z"),
            "P -1",
        ),
        (
            loop("_space_group_symop.id _space_group_symop.operation_xyz", "1 x,y,z", "2 -x,-y,-z"),
            "P -1",
        ),
        (loop(OPS, "-x,-y,-z"), "P -1"),  # the identity goes without saying
        (f"{OPS} x,y,z\n", "P 1"),
        ("_symmetry_space_group_name_Hall '-P 2yn'\n", "P 1 21/n 1"),
        ("_symmetry_space_group_name_H-M 'P2(1)/n'\n", "P 1 21/n 1"),
        ("_symmetry_space_group_name_H-M P21/c\n", "P 1 21/c 1"),
        ("_SPACE_GROUP_NAME_H-M_ALT 'P -1'\n", "P -1"),
        ("_space_group.name_H-M_alt 'P -1'\n", "P -1"),
        ("_symmetry_space_group_name_H-M '?'\n_symmetry_space_group_name_Hall '-P 1'\n", "P -1"),
    ],
)
def test_symmetry_in_every_form(read: Read, symmetry: str, group: str) -> None:
    assert read(HEAD + symmetry + ONE).spacegroup == group


@pytest.mark.parametrize(
    ("name", "cell", "group"),
    [
        ("R -3 m", (5, 5, 14, 90, 90, 120), "R -3 m:H"),
        ("R -3 m", (5, 5, 5, 66, 66, 66), "R -3 m:R"),
        ("R -3 m R", (5, 5, 5, 66, 66, 66), "R -3 m:R"),
        ("R-3m:H", (5, 5, 14, 90, 90, 120), "R -3 m:H"),
        ("F d -3 m :2", (8, 8, 8, 90, 90, 90), "F d -3 m:2"),
        ("F d -3 m Z", (8, 8, 8, 90, 90, 90), "F d -3 m:2"),
    ],
)
def test_settings_by_name(read: Read, name: str, cell: tuple[int, ...], group: str) -> None:
    tags = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    text = "data_x\n" + "".join(
        f"_cell_{tag} {value}\n" for tag, value in zip(tags, cell, strict=True)
    )
    assert read(f"{text}_symmetry_space_group_name_H-M '{name}'\n{ONE}").spacegroup == group
