"""What a machine does to a run: a full disk, a folder that cannot be written, a wrong clock, a second driver."""

import os
import shutil
import subprocess
import time

import own_signatures
import pytest
from runs import command, digests, environment, good, mounted, run, wait_for

TARGETS = ["results/l1000/demo/models/vae/seed0/model.safetensors"]
MINE = "results/l1000/mine/signatures.h5ad"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The same run on a machine that does as it is told."""
    return good(run(tmp_path_factory.mktemp("undisturbed"), *TARGETS)).folder


def intact(folder, undisturbed) -> None:
    """A rerun ends with the undisturbed run's bytes and leaves nothing behind."""
    good(run(folder, *TARGETS))
    assert digests(folder) == digests(undisturbed)
    left = [path for path in (folder / "results").rglob("*") if {".part", ".tmp"} & set(path.suffixes)]
    assert not left
    assert not list((folder / ".snakemake").glob("locks/*"))


def remount(folder, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def size_of(folder) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def test_full_disk(tmp_path, undisturbed):
    enough = size_of(undisturbed)
    with mounted(tmp_path / "disk", f"size={enough // 2}") as disk:
        if disk is None:
            # No file may grow beyond half of the largest: the same error, from write() itself.
            most = max(path.stat().st_size for path in (undisturbed / "results").rglob("*")) // 2
            folder = tmp_path / "limited"
            folder.mkdir()
            line = ["prlimit", f"--fsize={most}", *command(folder, *TARGETS)]
            done = subprocess.run(
                line, env=environment(), cwd=folder, capture_output=True, text=True, check=False
            )
            assert done.returncode and "File too large" in done.stdout + done.stderr
            intact(folder, undisturbed)
            return
        done = run(disk / "work", *TARGETS)
        assert done.code and "No space left on device" in done.text, done.text[-3000:]
        assert not [path for path in (disk / "work/results").rglob("*.part") if path.is_file()]
        remount(disk, f"size={8 * enough}")
        intact(disk / "work", undisturbed)


def test_results_that_cannot_be_written(tmp_path, undisturbed):
    folder = tmp_path / "work"
    with mounted(folder / "results", "ro") as disk:
        if disk is None:
            (folder / "results").chmod(0o555)
        done = run(folder, *TARGETS)
        assert done.code
        said = [
            line
            for line in done.text.splitlines()
            if "Read-only file system" in line or "Permission denied" in line
        ]
        assert said and any("results" in line for line in said), done.text[-3000:]
        if disk is None:
            (folder / "results").chmod(0o755)
        else:
            remount(disk, "rw")
        intact(folder, undisturbed)


def own_data(folder) -> dict:
    own_signatures.put(folder)
    block = {"sources": [{"matrix": "mine.gctx", "sig_info": "sig_info.txt"}], "gene_info": "gene_info.txt"}
    return {"l1000": {"datasets": ["mine"]}, "datasets": {"l1000": {"mine": block}}}


def test_inputs_from_the_future(tmp_path):
    """A file server's clock that is ahead: the run stops and says what it saw, and goes on once the times are right."""
    overlay = own_data(tmp_path)
    ahead = time.time() + 7200
    names = ("mine.gctx", "sig_info.txt", "gene_info.txt")
    for name in names:
        os.utime(tmp_path / name, (ahead, ahead))
    done = run(tmp_path, MINE, overlays=("test", overlay))
    assert done.code and "clock skew" in done.text, done.text[-3000:]
    assert [name for name in names if name in done.text]
    assert not (tmp_path / MINE).exists()
    for name in names:
        os.utime(tmp_path / name)
    good(run(tmp_path, MINE, overlays=("test", overlay)))
    assert "Nothing to be done" in good(run(tmp_path, MINE, overlays=("test", overlay))).text


def test_a_second_driver_is_refused(tmp_path, undisturbed):
    line = command(tmp_path, *TARGETS)
    first = subprocess.Popen(
        line, env=environment(), cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wait_for(lambda: list((tmp_path / ".snakemake/locks").glob("*")), "lock")
    second = run(tmp_path, *TARGETS)
    assert second.code and "cannot be locked" in second.text and "--unlock" in second.text
    assert first.wait(timeout=300) == 0
    intact(tmp_path, undisturbed)


def test_a_folder_that_was_moved(tmp_path, undisturbed):
    """Results name no place on the machine: a copy is taken for done."""
    shutil.copytree(undisturbed, tmp_path / "moved", symlinks=True)
    done = good(run(tmp_path / "moved", *TARGETS))
    assert "Nothing to be done" in done.text
