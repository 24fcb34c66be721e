"""Bytes of files, and files that appear complete or not at all."""

from __future__ import annotations

import gzip
import os
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import argand
from argand.errors import ArgandError, MemoryLimitError
from argand.files import (
    decode_text,
    locked_folder,
    read_bytes,
    read_text,
    replacing,
    write_text,
)
from argand.io import write_crystal, write_hklf4, write_map, write_reflections


def test_bytes_come_as_they_are_or_unpacked(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"\x00\xff")
    (tmp_path / "packed").write_bytes(gzip.compress(b"\x00\xff"))
    assert read_bytes(tmp_path / "plain") == read_bytes(tmp_path / "packed") == b"\x00\xff"


def test_a_damaged_gzip_file_is_named(tmp_path: Path) -> None:
    whole = gzip.compress(b"content" * 100)
    path = tmp_path / "x.gz"
    for damaged in (whole[:-9], whole[:20] + b"\xff" * 8 + whole[28:]):
        path.write_bytes(damaged)
        with pytest.raises(ArgandError, match=r"x\.gz: (broken gzip file|cannot be read): "):
            read_bytes(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArgandError, match="missing: cannot be read: No such file or directory"):
        read_bytes(tmp_path / "missing")
    with pytest.raises(ArgandError, match="cannot be read: Is a directory"):
        read_bytes(tmp_path)
    with pytest.raises(ArgandError, match="cannot be read"):
        read_bytes("a\x00b")


def test_pipes_and_devices_are_refused_before_they_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.cif")
    with pytest.raises(ArgandError, match=r"pipe\.cif: cannot be read: a pipe, needs"):
        read_bytes(tmp_path / "pipe.cif")
    with pytest.raises(ArgandError, match="/dev/zero: cannot be read: a device"):
        read_bytes("/dev/zero")
    (tmp_path / "link.cif").symlink_to("/dev/zero")
    with pytest.raises(ArgandError, match=r"link\.cif: cannot be read: a device"):
        read_bytes(tmp_path / "link.cif")


def test_a_file_beyond_the_memory_limit_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("argand._memory._limit", 2**20)
    (tmp_path / "large.cif").write_bytes(bytes(2**21))
    with pytest.raises(MemoryLimitError, match=r"large\.cif: the file needs .* of memory"):
        read_bytes(tmp_path / "large.cif")


def test_unpacking_stops_at_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bomb.cif.gz"
    path.write_bytes(gzip.compress(bytes(5 * 2**20)))
    assert len(read_bytes(path)) == 5 * 2**20
    monkeypatch.setattr("argand.files._LARGEST_UNPACKED", 3 * 2**20)
    with pytest.raises(ArgandError, match=r"bomb\.cif\.gz: unpacks to more than 3"):
        read_bytes(path)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("Å".encode(), "Å"),
        ("Å".encode("utf-8-sig"), "Å"),
        ("Å".encode("latin-1"), "Å"),
    ],
    ids=["utf-8", "byte order mark", "latin-1"],
)
def test_encodings(data: bytes, text: str) -> None:
    assert decode_text(data, "x") == text


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"", "the file is empty"), (b" \n\t", "the file is empty"), (b"a\x00", "a binary file")],
)
def test_what_is_no_text(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    with pytest.raises(ArgandError, match=words) as error:
        read_text(path)
    assert str(error.value).startswith(f"{path}: ")


def test_a_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    with replacing(path) as temporary:
        # In the same folder, where renaming is atomic, with the same suffix.
        assert Path(temporary).parent == tmp_path
        assert temporary.endswith(".txt")
        Path(temporary).write_text("half")
        assert not path.exists()
    assert path.read_text() == "half"
    assert [file.name for file in tmp_path.iterdir()] == ["x.txt"]


def test_a_new_file_has_the_permissions_of_new_files(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    write_text(tmp_path / "replaced", "")
    plain, replaced = (
        stat.S_IMODE(os.stat(tmp_path / name).st_mode) for name in ("plain", "replaced")
    )
    assert replaced == plain


def write_half(path: Path, error: BaseException) -> None:
    """Fail after half of a file was written."""
    with replacing(path) as temporary:
        Path(temporary).write_text("half")
        raise error


@pytest.mark.parametrize("error", [RuntimeError("disk full"), OSError("disk full")])
def test_an_error_of_the_writer_leaves_the_old_file(tmp_path: Path, error: Exception) -> None:
    path = tmp_path / "x"
    path.write_text("old")
    with pytest.raises(ArgandError, match="x: cannot be written: disk full"):
        write_half(path, error)
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_an_interruption_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_half(path, KeyboardInterrupt())
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    with pytest.raises(ArgandError, match="cannot be written: No such file or directory"):
        write_text(tmp_path / "missing" / "x", "")
    with pytest.raises(ArgandError, match="cannot be written"):
        write_text(tmp_path, "")
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_replaced_and_its_target_stays(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "x").symlink_to(tmp_path / "precious")
    write_text(tmp_path / "x", "new")
    assert (tmp_path / "precious").read_text() == "precious"
    assert not (tmp_path / "x").is_symlink()
    assert (tmp_path / "x").read_text() == "new"


def test_the_longest_name_of_a_file_system_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 251 + ".txt")
    write_text(path, "new")
    assert path.read_text() == "new"


def test_content_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is flushed before it is renamed, its folder afterwards."""
    events: list[str] = []
    fsync, replace = os.fsync, os.replace

    def note_fsync(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        events.append("folder" if is_folder else "file")
        fsync(descriptor)

    def note_replace(source: str, target: Path) -> None:
        events.append("renamed")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(os, "replace", note_replace)
    write_text(tmp_path / "x", "new")
    assert events == ["file", "renamed", "folder"]


def test_a_locked_folder_is_refused_until_it_is_free(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    refusal = pytest.raises(ArgandError, match="folder: another process is at work")
    with locked_folder(folder), refusal, locked_folder(folder):
        pass
    with locked_folder(folder):
        pass
    assert list(folder.iterdir()) == []


def test_a_lock_follows_no_link_and_removes_only_temporary_files(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("precious")
    folder = tmp_path / "folder"
    (folder / ".ipynb_checkpoints").mkdir(parents=True)
    (folder / ".argand-folder").mkdir()
    (folder / ".keep").write_text("")
    (folder / ".argand-link").symlink_to(precious)
    (folder / ".argand-12345678.json").write_text("half")
    names = {".ipynb_checkpoints", ".argand-folder", ".keep", ".argand-link"}
    with locked_folder(folder):
        pass
    assert {path.name for path in folder.iterdir()} == names
    (folder / ".argand.lock").symlink_to(precious)
    with pytest.raises(ArgandError, match="folder: cannot be written"), locked_folder(folder):
        pass
    assert precious.read_text() == "precious"


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    """A limit on the size of files fails as a full disk does: in the middle of writing."""
    resource = pytest.importorskip("resource")
    path = tmp_path / "x"
    path.write_text("old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(ArgandError, match=r"x: cannot be written: .*File too large"):
            write_text(path, "x" * 2000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["x"]


def test_every_writer_notices_a_full_disk(tmp_path: Path) -> None:
    """Nothing appears under its name that is not whole."""
    resource = pytest.importorskip("resource")
    crystal = argand.Crystal(
        cell=(5, 6, 7, 90, 90, 90), types=("C",), frac=np.array([[0.1, 0.2, 0.3]])
    )
    hkl = argand.hkl_cube(4)
    f = argand.structure_factors(crystal, hkl)
    density = np.zeros((20, 20, 20), np.float32)
    writers: dict[str, Callable[[Path], object]] = {
        "x.cif": lambda path: write_crystal(path, crystal),
        "x.mtz": lambda path: write_reflections(path, hkl, f, cell=crystal.cell, spacegroup="P 1"),
        "x.ccp4": lambda path: write_map(path, density, crystal.cell, "P 1"),
        "x.hkl": lambda path: write_hklf4(path, hkl, abs(f) ** 2, abs(f)),
    }
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    for name, write in writers.items():
        path = tmp_path / name
        resource.setrlimit(resource.RLIMIT_FSIZE, (300, limits[1]))
        try:
            with pytest.raises(ArgandError, match=f"{name}: cannot be written: "):
                write(path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert list(tmp_path.iterdir()) == []
        write(path)
        assert path.stat().st_size > 300
        path.unlink()
