"""Legacy .pth files are read as data: the weights of known modules, and a refusal of everything else."""

import io
import os
import pickle
import subprocess

import numpy as np
import pytest
import torch
from torch import nn

from workflow_scripts.lib.data.legacy_weights import MAGIC_NUMBER, PROTOCOL_VERSION, read_legacy_weights
from workflow_scripts.lib.data.module_pickle import Refused, read_pickle


def saved(value, path):
    torch.save(value, path, _use_new_zipfile_serialization=False)
    return path


@pytest.mark.parametrize(
    "network",
    [
        nn.Linear(5, 3),
        nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Sequential(nn.Linear(4, 2), nn.ReLU())),
        nn.Embedding(7, 3),
        nn.Linear(4, 2).double(),
    ],
    ids=["linear", "nested", "embedding", "double"],
)
def test_weights_of_torchs_own_legacy_files_are_the_networks(tmp_path, network):
    found = read_legacy_weights(saved(network.state_dict(), tmp_path / "w.pth"))
    wanted = {name: value.numpy() for name, value in network.state_dict().items()}
    assert set(found) == set(wanted)
    for name, value in wanted.items():
        assert found[name].dtype == value.dtype
        np.testing.assert_array_equal(found[name], value)


def test_a_transposed_view_keeps_its_order(tmp_path):
    value = torch.arange(12.0).reshape(3, 4)
    found = read_legacy_weights(saved({"w": value.t()}, tmp_path / "w.pth"))
    np.testing.assert_array_equal(found["w"], value.t().numpy())


class Runs:
    """A pickle that calls something when it is loaded."""

    def __init__(self, call, *words):
        self.call, self.words = call, words

    def __reduce__(self):
        return self.call, self.words


class SetsState:
    """A pickle that sets attributes of a parameter."""

    def __reduce__(self):
        return nn.Parameter, (torch.zeros(2), True), {"a": 1}


EVIL = {
    "os.system": lambda marker: Runs(os.system, f"touch {marker}"),
    "eval": lambda marker: Runs(eval, f"open({str(marker)!r}, 'w')"),
    "exec": lambda marker: Runs(exec, f"open({str(marker)!r}, 'w')"),
    "subprocess": lambda marker: Runs(subprocess.Popen, ["touch", str(marker)]),
    "getattr": lambda marker: Runs(getattr, nn.Linear, "forward"),
    "a module with arguments": lambda marker: Runs(nn.Linear, 2, 3),
    "a state set on a parameter": lambda marker: SetsState(),
}


@pytest.mark.parametrize("protocol", [0, 1, 2, 4])
@pytest.mark.parametrize("evil", EVIL)
def test_what_a_pickle_would_run_is_refused_and_not_run(tmp_path, evil, protocol):
    marker = tmp_path / "ran"
    path = tmp_path / "w.pth"
    with path.open("wb") as handle:
        for value in (MAGIC_NUMBER, PROTOCOL_VERSION, {"little_endian": True}):
            pickle.dump(value, handle, protocol=2)
        pickle.dump({"weight": EVIL[evil](marker)}, handle, protocol=protocol)
        pickle.dump([], handle, protocol=2)
    with pytest.raises(Refused, match="nothing of it was executed"):
        read_legacy_weights(path)
    assert not marker.exists()


def test_every_cut_of_a_file_is_refused(tmp_path):
    whole = saved(nn.Linear(3, 2).state_dict(), tmp_path / "w.pth").read_bytes()
    cut = tmp_path / "cut.pth"
    for size in range(0, len(whole), 7):
        cut.write_bytes(whole[:size])
        with pytest.raises(Refused):
            read_legacy_weights(cut)


@pytest.mark.parametrize("seed", range(400))
def test_flipped_bytes_give_weights_or_a_refusal(tmp_path, seed):
    rng = np.random.default_rng(seed)
    path = saved(nn.Linear(3, 2).state_dict(), tmp_path / "w.pth")
    data = bytearray(path.read_bytes())
    for place in rng.integers(0, len(data), 3):
        data[place] = rng.integers(0, 256)
    path.write_bytes(bytes(data))
    try:
        found = read_legacy_weights(path)
    except Refused:
        return
    assert all(isinstance(value, np.ndarray) for value in found.values())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"\x80\x02e.", "takes more than it has put"),
        (b"\x80\x02}h\x05.", "reference to nothing"),
        (b"\x80\x02]}.", "more or less than one object"),
        (b"\x80\x02cposix\nsystem\n.", "the name 'posix.system'"),
        (b"\x80\x02\x82\x01.", "the opcode EXT1"),
    ],
)
def test_pickles_that_are_no_data_say_why(text, why):
    with pytest.raises(Refused, match=why):
        read_pickle(io.BytesIO(text))


def test_a_tensor_beyond_its_storage_is_refused(tmp_path):
    value = torch.arange(6.0)
    path = saved({"w": value}, tmp_path / "w.pth")
    # K\x06 is BININT1 6, the tensor's length; the storage's is a LONG.
    data = path.read_bytes()
    assert data.count(b"K\x06\x85") == 1
    path.write_bytes(data.replace(b"K\x06\x85", b"K\x60\x85"))
    with pytest.raises(Refused, match="beyond its storage"):
        read_legacy_weights(path)


def test_a_zip_archive_names_the_other_reader(tmp_path):
    path = tmp_path / "w.pth"
    torch.save(nn.Linear(2, 2).state_dict(), path)
    with pytest.raises(Refused, match="weights_only=True"):
        read_legacy_weights(path)
