"""Collect the valid files from which inputs are made, and write those without an example."""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

_TESTS = Path(__file__).parents[1]
_DATA = _TESTS / "data"
_GOLDEN = _TESTS / "golden"

# Larger seeds make a campaign slow, and have nothing that smaller ones lack.
_LARGEST = 9000

# Bytes of the seeds of lists of reflections: a list is as well cut after some lines.
_LARGEST_LIST = 3000

_LIST = "".join(
    f"{h:4d}{k:4d}{l:4d}{100.0 / (1 + h + k + l):8.2f}{1.5:8.2f}{1:4d}\n"
    for h in range(3)
    for k in range(3)
    for l in range(3)
)

HEAD = """data_x
_cell_length_a 5
_cell_length_b 6.0(2)
_cell_length_c 7
_cell_angle_alpha 90
_cell_angle_beta 97.5(1)
_cell_angle_gamma 90
_space_group_name_H-M_alt 'P 1 21/c 1'
_diffrn_radiation_wavelength 0.71073
"""

SITES = """_chemical_formula_sum 'C2 H4 O1'
_cell_formula_units_Z 4
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_U_iso_or_equiv
_atom_site_occupancy
_atom_site_disorder_group
C1 C 0.1 0.2(1) 0.3 0.04(1) 1 .
O1 O2- 0.4 0.5 0.6 0.05 0.5 1
H1 H 0 0.5 0 0.05 0.5 2
loop_
_atom_site_aniso_label
_atom_site_aniso_U_11
_atom_site_aniso_U_22
_atom_site_aniso_U_33
_atom_site_aniso_U_12
_atom_site_aniso_U_13
_atom_site_aniso_U_23
C1 0.04 0.05 0.03 0 0.01 0.001
"""

_REFLN = """loop_
_refln_index_h
_refln_index_k
_refln_index_l
_refln_F_squared_meas
_refln_F_squared_sigma
_refln_F_calc
_refln_phase_calc
_refln_observed_status
1 0 0 5.0 1 2.2 180.0 o
0 1 0 2 0.5 1.4 0 o
0 0 2 20.5(3) 1.5 4.5 90.5 <
1 1 1 -0.5 0.7 0.1 -12 o
"""

INSTRUCTIONS = """TITL x in P2(1)/c
CELL 0.71073 5 6 7 90 97.5 90
ZERR 4 0.001 0.001 0.001 0 0.01 0
LATT 1
SYMM -X, 0.5+Y, 0.5-Z
SFAC C H O
UNIT 8 16 4
L.S. 4
TWIN -1 0 0 0 -1 0 0 0 1 2
BASF 0.3
EXTI 0.01
WGHT 0.05 0.2
FVAR 0.5 0.7
C1 1 0.1 0.2 0.3 11.0 0.04 0.05 0.03 =
 0.001 0.01 0.0
AFIX 43
H1 2 0.15 0.2 0.3 21.0 -1.2
AFIX 0
O1 3 0.5 0.5 0.5 10.5 0.05
HKLF 4 1 1 0 0 0 1 0 0 0 1
END
"""

_XDS = """!FORMAT=XDS_ASCII    MERGE=FALSE    FRIEDEL'S_LAW=FALSE
!SPACE_GROUP_NUMBER=    4
!UNIT_CELL_CONSTANTS=     5.0     6.0     7.0  90.000  97.500  90.000
!X-RAY_WAVELENGTH=  0.71073
!NUMBER_OF_ITEMS_IN_EACH_DATA_RECORD=12
!ITEM_H=1
!ITEM_K=2
!ITEM_L=3
!ITEM_IOBS=4
!ITEM_SIGMA(IOBS)=5
!ITEM_XD=6
!ITEM_YD=7
!ITEM_ZD=8
!ITEM_RLP=9
!ITEM_PEAK=10
!ITEM_CORR=11
!ITEM_PSI=12
!END_OFHEADER
     0     0     2  3.05E+01  1.2E+00   1024.1   998.1    12.3 0.01  99  20   10.1
     0     0    -2  3.15E+01 -1.2E+00   1024.1   998.1    52.3 0.01  99  20   10.1
     1     0     2  1.05E+01  0.2E+00   1024.1   998.1    92.3 0.01  99  20   10.1
!END_OF_DATA
"""

_NAMED = "h,k,l,F,sigF\n1,0,0,3.0,0.1\n0,1,0,2.5,0.2\n0,0,3,1.5,0.1\n"

_MMCIF = (
    HEAD.replace("_cell_", "_cell.")
    .replace("angle_", "angle_")
    .replace("_space_group_name_H-M_alt", "_symmetry.space_group_name_H-M")
    + """loop_
_refln.index_h
_refln.index_k
_refln.index_l
_refln.status
_refln.F_meas_au
_refln.F_meas_sigma_au
_refln.pdbx_FWT
_refln.pdbx_PHWT
1 0 0 o 5.0 1 5.2 180.0
0 1 0 f 2.5 1 2.2 10.0
"""
)

_MATES = (
    _MMCIF[: _MMCIF.index("loop_")]
    + """loop_
_refln.index_h
_refln.index_k
_refln.index_l
_refln.intensity_meas
_refln.intensity_sigma
_refln.pdbx_I_plus
_refln.pdbx_I_plus_sigma
_refln.pdbx_I_minus
_refln.pdbx_I_minus_sigma
1 0 0 5.0 1 5.2 1.4 4.8 1.3
0 1 0 2.5 1 2.2 1.2 ? ?
"""
)

_YAML = (
    "model: mlp\nloss: invariant\nhkl_max: 2\nsteps: 10\nlr: 0.001\nmetals: [Al, Fe]\n"
    "held_out: [Fe]\nhyper: {width: 8}\nprogress: false\nseed: 3\nspread: 0.05\n"
)


def texts(pattern: str, largest: int = _LARGEST) -> list[bytes]:
    """Return the small files of the test data that match a pattern."""
    paths = sorted(_DATA.rglob(pattern))
    return [path.read_bytes() for path in paths if path.stat().st_size <= largest]


def lists(pattern: str) -> list[bytes]:
    """Return the beginnings of the files of the test data that match a pattern."""
    contents = [path.read_bytes() for path in sorted(_DATA.rglob(pattern))]
    return [
        content[: content.rfind(b"\n", 0, _LARGEST_LIST) + 1] or content for content in contents
    ]


@cache
def structures() -> list[bytes]:
    """Return CIFs of structures."""
    return [(HEAD + SITES).encode(), *texts("*.cif")]


@cache
def instructions() -> list[bytes]:
    """Return SHELX instructions with atoms."""
    return [INSTRUCTIONS.encode(), *texts("*.res")]


@cache
def columns() -> list[bytes]:
    """Return lists of reflections in columns: SHELX, XDS, named, and those of the test data."""
    ends = "   0   0   0    0.00    0.00   0\n\n"
    twin = _LIST.replace("   1\n", "  -2\n", 4).encode()
    written = [_LIST + ends, _LIST + ends + INSTRUCTIONS, _XDS, _NAMED]
    return [*(text.encode() for text in written), twin, *lists("*.hkl"), *lists("*.csv")]


@cache
def cif_reflections() -> list[bytes]:
    """Return CIFs with reflections: in loops, and as SHELX lists."""
    embedded = f"{HEAD}_shelx_hkl_file\n;\n{_LIST};\n_shelx_res_file\n;\n{INSTRUCTIONS};\n"
    written = [HEAD + _REFLN, HEAD + SITES + _REFLN, embedded, _MMCIF, _MATES]
    return [*(text.encode() for text in written), *texts("*.fcf")]


@cache
def mtz_files() -> list[bytes]:
    """Return MTZ files: merged, with coefficients of maps, with mates and means, and unmerged."""
    from argand.io import write_reflections

    paths = [_GOLDEN / "reflections.mtz", _DATA / "field" / "e16_unmerged_no_batches.mtz"]
    contents = [path.read_bytes() for path in paths]
    hkl = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 2], [1, 1, 1]])
    values = np.array([5.0, 4.0, 3.0, 2.0])
    mates = {"I(+)": values, "SIGI(+)": values / 10, "I(-)": values, "SIGI(-)": values / 10}
    both = {"I": values, "SIGI": values / 20, **mates}
    maps = {"FWT": values * 1j, "F": values, "SIGF": values / 20, "FC": values * (1 + 1j)}
    cell = (5.0, 6.0, 7.0, 90.0, 97.5, 90.0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.mtz"
        for further in (mates, both, maps):
            write_reflections(path, hkl, cell=cell, spacegroup="P 1 21/c 1", **further)
            contents.append(path.read_bytes())
    return contents


@cache
def map_files() -> list[bytes]:
    """Return CCP4 maps."""
    return [(_GOLDEN / "density.ccp4").read_bytes()]


@cache
def npz_files() -> list[bytes]:
    """Return archives of samples."""
    return [(_GOLDEN / "simulate" / "samples.npz").read_bytes()]


@cache
def npy_files() -> list[bytes]:
    """Return arrays of displacement patterns (modes, sites, 3)."""
    contents = []
    for dtype in ("float64", "float32", "int32"):
        file = io.BytesIO()
        np.save(file, np.arange(12.0).reshape(2, 2, 3).astype(dtype))
        contents.append(file.getvalue())
    return contents


@cache
def adaptations() -> list[dict[str, bytes]]:
    """Return the two files of an adaptation, with the digest of its arrays and without."""
    folder = _GOLDEN / "adapt"
    arrays = (folder / "adaptation.safetensors").read_bytes()
    folders = []
    # Without the digest changed arrays are read.
    for digest in ("", hashlib.sha256(arrays).hexdigest()):
        content = json.loads((folder / "adaptation.json").read_bytes())
        content["arrays_digest"] = digest
        text = json.dumps(content).encode()
        folders.append({"adaptation.json": text, "adaptation.safetensors": arrays})
    return folders


@cache
def weights() -> list[dict[str, bytes]]:
    """Return networks of phases, each of two files, with the digest of the weights and without."""
    networks = []
    for folder in (_GOLDEN / "learn", _GOLDEN / "learn" / "training"):
        arrays = (folder / "weights.safetensors").read_bytes()
        for digest in ("", hashlib.sha256(arrays).hexdigest()):
            settings = json.loads((folder / "weights.json").read_bytes())
            settings["arrays_digest"] = digest
            text = json.dumps(settings).encode()
            networks.append({"weights.json": text, "weights.safetensors": arrays})
    return networks


@cache
def training() -> dict[str, bytes]:
    """Return the files of a finished training."""
    folder = _GOLDEN / "learn" / "training"
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@cache
def checkpoint() -> bytes:
    """Return a checkpoint of a training, without the digest that refuses any change."""
    import torch
    from safetensors.torch import save

    tree = {
        "epoch": 0,
        "state_dict": {"weight": {"__tensor__": "0"}, "bias": {"__tensor__": "1"}},
        "loops": {"fit": [1, 2.5, None, True, {"__tuple__": [1, 2]}]},
        "optimizer_states": [{"state": {"__pairs__": [[0, {"step": {"__tensor__": "1"}}]]}}],
    }
    tensors = {"0": torch.ones(2, 3), "1": torch.zeros(2)}
    return bytes(save(tensors, {"checkpoint": json.dumps(tree)}))


@cache
def records() -> list[bytes]:
    """Return records of the files of a series."""
    return [path.read_bytes() for path in sorted((_GOLDEN / "series" / "results").iterdir())]


@cache
def series() -> bytes:
    """Return the settings of a series."""
    return (_GOLDEN / "series" / "series.json").read_bytes()


@cache
def solve_records() -> list[bytes]:
    """Return records of the crystals of a folder that were solved: one with results, one not."""
    record = json.loads((_GOLDEN / "solve" / "records" / "sample_0001.json").read_bytes())
    failed = {**record, "error": "holds no reflections", "verdict": "", "probability": None}
    rich = {**record, "r1": 0.05, "outputs": [["solutions/sample_0001/sample_0001.cif", 100]]}
    return [json.dumps(content).encode() for content in (record, failed, rich)]


@cache
def sample_folder() -> bytes:
    """Return the file that says what a folder of samples holds."""
    return (_GOLDEN / "simulate" / "series" / "simulation.json").read_bytes()


@cache
def solve_options() -> bytes:
    """Return the options with which the crystals of a folder were solved."""
    return (_GOLDEN / "solve" / "solve.json").read_bytes()


@cache
def descriptions() -> list[bytes]:
    """Return descriptions of what is simulated."""
    path = _GOLDEN / "simulate" / "series" / "simulation.json"
    content = json.loads(path.read_bytes())
    rich = json.loads(path.read_bytes())
    rich["perturbation"]["displacements"] = [
        {"kind": "waves", "rms": 0.1, "harmonics": 1, "atoms": None},
        {"kind": "modes", "patterns": [[[0.1, 0, 0], [0, 0.2, 0]]], "rms": [0.1, 0.2]},
        {"kind": "directions", "rms": 0.1},
    ]
    rich["measurement"]["counts"] = 1000.0
    return [json.dumps(content).encode(), json.dumps(rich).encode()]


def yaml_files() -> list[bytes]:
    """Return files of options."""
    aliases = "a: &a [1, 2]\nsteps: *a\n"
    return [_YAML.encode(), (_YAML + aliases).encode()]
