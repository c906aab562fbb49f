"""Files that are written whole: who may read and write them stays as it was, at every moment."""

import os
import stat
from pathlib import Path

import pytest

from micrograd_plus import Value, draw
from micrograd_plus.cli.gallery import write_gallery
from micrograd_plus.nn import MLP, save
from micrograd_plus.support import files
from micrograd_plus.support.files import write_whole

posix = pytest.mark.skipif(
    os.name != "posix", reason="modes and owners of files are those of POSIX"
)
as_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give files away"
)
not_as_root = pytest.mark.skipif(
    hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everything"
)
MODES = [0o600, 0o640, 0o644, 0o660, 0o664, 0o666, 0o700, 0o755, 0o777, 0o602, 0o606]


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def readers(mode):
    """Who may read: of owner, group and everyone."""
    return mode & 0o444


@pytest.fixture
def mask():
    """A function that sets what the process masks in the modes of new files."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


@pytest.fixture
def moments(monkeypatch):
    """The modes a draft has had, after each thing that is done to it."""
    seen = []

    def watch(name):
        do = getattr(Path, name)

        def watched(path, *given, **named):
            do(path, *given, **named)
            seen.append(mode_of(path))

        monkeypatch.setattr(Path, name, watched)

    for name in ("touch", "write_bytes", "chmod"):
        watch(name)
    return seen


# Modes. -------------------------------------------------------------------------------------------
@posix
@pytest.mark.parametrize("mode", MODES, ids=oct)
@pytest.mark.parametrize("masked", [0o000, 0o022, 0o077], ids=oct)
def test_a_file_keeps_its_mode_and_its_draft_is_never_more_readable(
    mode, masked, tmp_path, mask, moments
):
    path = tmp_path / "model.json"
    path.write_text("old")
    os.chmod(path, mode)
    mask(masked)
    moments.clear()
    write_whole(path, b"new")
    assert (path.read_bytes(), mode_of(path)) == (b"new", mode)
    assert moments
    for moment in moments:
        assert not readers(moment) & ~(readers(mode) | stat.S_IRUSR)
    assert os.listdir(tmp_path) == ["model.json"]


@posix
@pytest.mark.parametrize("masked", [0o000, 0o022, 0o027, 0o077], ids=oct)
def test_a_new_file_has_the_mode_of_new_files(masked, tmp_path, mask, moments):
    mask(masked)
    (tmp_path / "plain").write_bytes(b"")
    moments.clear()
    write_whole(tmp_path / "model.json", b"new")
    assert mode_of(tmp_path / "model.json") == mode_of(tmp_path / "plain") == 0o666 & ~masked
    assert {*moments} == {0o666 & ~masked}


@posix
def test_bits_that_make_a_program_run_as_its_owner_are_not_kept(tmp_path):
    path = tmp_path / "model.json"
    path.write_text("old")
    os.chmod(path, 0o6755 | stat.S_ISVTX)
    write_whole(path, b"new")
    assert mode_of(path) == 0o755


@posix
def test_what_a_link_leads_to_keeps_its_mode_and_the_link_stays(tmp_path):
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "model.json", tmp_path / "link.json"
    target.write_text("old")
    os.chmod(target, 0o600)
    link.symlink_to(target)
    assert write_whole(link, b"new") == link
    assert (target.read_bytes(), mode_of(target), link.is_symlink()) == (b"new", 0o600, True)
    target.unlink()
    write_whole(link, b"newer")
    assert (target.read_bytes(), link.is_symlink()) == (b"newer", True)
    assert os.listdir(tmp_path / "there") == ["model.json"]


@posix
def test_models_pictures_and_galleries_keep_the_modes_of_their_files(tmp_path):
    x = Value(2.0, label="x")
    writers = {
        "model.json": lambda path: save(MLP(1, [1]), path),
        "graph.svg": lambda path: draw(x * x).save(path),
        "index.html": lambda path: write_gallery(path.parent),
    }
    for name, write in writers.items():
        path = tmp_path / name
        path.write_text("old")
        os.chmod(path, 0o600)
        write(path)
        assert mode_of(path) == 0o600
        assert path.stat().st_size > 10


# Files that may not be written. -------------------------------------------------------------------
def test_a_file_that_may_only_be_read_is_left_alone(tmp_path, monkeypatch):
    path = tmp_path / "model.json"
    path.write_text("old")
    os.chmod(path, 0o444)
    # what others than root are told
    monkeypatch.setattr(os, "access", lambda path, kind: False)
    with pytest.raises(PermissionError, match="may only be read"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["model.json"]
    os.chmod(path, 0o644)


@posix
@not_as_root
def test_a_mark_that_says_so_is_heeded(tmp_path):
    path = tmp_path / "model.json"
    path.write_text("old")
    os.chmod(path, 0o444)
    with pytest.raises(PermissionError, match="may only be read"):
        write_whole(path, b"new")


@posix
@as_root
def test_root_may_write_a_file_that_others_may_only_read_and_leaves_it_so(tmp_path):
    path = tmp_path / "model.json"
    path.write_text("old")
    os.chmod(path, 0o444)
    write_whole(path, b"new")
    assert (path.read_bytes(), mode_of(path)) == (b"new", 0o444)


# Owners. ------------------------------------------------------------------------------------------
@posix
@as_root
def test_a_file_of_another_stays_his(tmp_path):
    path = tmp_path / "model.json"
    path.write_text("old")
    os.chown(path, 12345, 54321)
    os.chmod(path, 0o640)
    write_whole(path, b"new")
    found = path.stat()
    assert (found.st_uid, found.st_gid, mode_of(path)) == (12345, 54321, 0o640)


@posix
@as_root
@pytest.mark.parametrize(
    ("mode", "left"),
    [(0o660, 0o600), (0o664, 0o644), (0o666, 0o666), (0o640, 0o600), (0o604, 0o604)],
    ids=oct,
)
def test_where_the_group_cannot_stay_the_new_one_gets_no_more_than_everyone(
    mode, left, tmp_path, monkeypatch
):
    path = tmp_path / "model.json"
    path.write_text("old")
    os.chown(path, 12345, 54321)
    os.chmod(path, mode)

    def refused(path, uid, gid):
        raise PermissionError(1, "not yours to give")

    monkeypatch.setattr(files.os, "chown", refused)
    write_whole(path, b"new")
    assert (path.read_bytes(), mode_of(path)) == (b"new", left)


# Failures. ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("step", ["touch", "write_bytes", "chmod", "replace"])
@pytest.mark.parametrize(
    "error", [OSError(28, "no space left"), KeyboardInterrupt()], ids=["full", "Ctrl-C"]
)
def test_whatever_fails_the_old_file_stands_as_it_was(step, error, tmp_path, monkeypatch):
    path = tmp_path / "model.json"
    path.write_text("old")
    os.chmod(path, 0o640)

    def failing(*given, **named):
        raise error

    monkeypatch.setattr(Path, step, failing)
    with pytest.raises(type(error)):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert mode_of(path) == 0o640 or os.name != "posix"
    assert os.listdir(tmp_path) == ["model.json"]
