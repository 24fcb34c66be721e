"""List the words of text formats, which are put into changed texts."""

from __future__ import annotations

__all__ = ["CIF_WORDS", "COLUMN_WORDS", "SHELX_WORDS", "YAML_WORDS"]


def _split(words: str) -> list[str]:
    """Split words between semicolons."""
    return words.split(";")


#: Words of CIFs
CIF_WORDS = _split(
    "loop_;data_y;save_;_cell_length_a;_atom_site_occupancy;_atom_site_U_11;Uani"
    ";_symmetry_equiv_pos_as_xyz;'x,y,z';'-x,1/2+y,z';'R -3 m';D;C4-;Cval;dum;_refln_F_meas"
    ";_refln_phase_calc;_atom_site_B_iso_or_equiv;_atom_site_fract_x;O2-;_shelx_hkl_file"
    ";_atom_site_disorder_group;_cell_formula_units_Z;'P 21/c';hello"
)

#: Words of SHELX instructions
SHELX_WORDS = _split(
    "CELL;LATT;SYMM;SFAC;UNIT;FVAR;PART;AFIX;RESI;HKLF;END;TITL;MOVE;FRAG;SUMP;EQIV;TWIN;BASF"
    ";EXTI;WGHT;SAME;REM;=;10.5;Q1;DISP;NEUT;ANIS;SPEC;LIST;OMIT;SHEL;31;-21.5;X,Y,Z"
    ";-X+1/2,Y,Z"
)

#: Words of lists in columns
COLUMN_WORDS = _split(
    "h;k;l;I;F;sigI;0 0 0;!UNIT_CELL_CONSTANTS=;!ITEM_H=9;#;F2;phi;!SPACE_GROUP_NUMBER=;CELL"
    ";HKLF 4;END;1,2,3;-1;   0   0   0;!END_OF_DATA"
)

#: Words of YAML
YAML_WORDS = _split(
    "&a;*a;!!python/object/apply:os.getcwd [];!!float;---;<<: *a;hyper: {x: [;|;steps:;lr:"
    ";metals: [Xx];config: x.yaml;- 1;{;};2001-01-01;0o17;~"
)
