from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.training.export import (
    load_model,
    names_digest,
    save_model,
    write_json,
    write_runtime,
)

CARD = {
    "model": "vae",
    "architecture": {"latent": 2, "hidden": [4, 3]},
    "features": names_digest(["A", "B"]),
    "data_sha256": "00",
    "seed": 1,
}


def network() -> torch.nn.Module:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2), torch.nn.Linear(2, 3))
    model[2].weight = torch.nn.Parameter(model[0].weight.detach().T)
    return model


def test_weights_and_card_come_back(tmp_path):
    model = network()
    save_model(tmp_path / "new" / "folder", model.state_dict(), CARD)
    state, card = load_model(
        tmp_path / "new" / "folder", expect={"model": "vae", "architecture": CARD["architecture"]}
    )
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert set(state) == set(model.state_dict())
    network().load_state_dict(state)
    assert {key: card[key] for key in CARD} == CARD
    assert card["versions"]["torch"].startswith(torch.__version__.partition("+")[0])
    assert card["format_version"] == 1


def test_same_model_same_bytes_whatever_the_order_of_the_card(tmp_path):
    save_model(tmp_path / "a", network().state_dict(), CARD)
    save_model(tmp_path / "b", network().state_dict(), dict(reversed(CARD.items())))
    for name in ("model.safetensors", "model.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["model.json", "model.safetensors"]


def test_tied_weights_are_written(tmp_path):
    weight = torch.rand(2, 2)
    save_model(tmp_path, {"a": weight, "b": weight}, CARD)
    state, _ = load_model(tmp_path)
    assert torch.equal(state["a"], weight) and torch.equal(state["b"], weight)


@pytest.mark.parametrize("name", ["model.safetensors", "model.json"])
def test_a_missing_file_is_named(tmp_path, name):
    save_model(tmp_path, network().state_dict(), CARD)
    (tmp_path / name).unlink()
    with pytest.raises(LatentomeError, match=f"{name} is missing; expected .* or mend config key pretrained"):
        load_model(tmp_path)


@pytest.mark.parametrize("text, found", [('{"format_version": 2}', "2"), ("{}", "None"), ("[]", "None")])
def test_an_unknown_format_version_is_named(tmp_path, text, found):
    save_model(tmp_path, network().state_dict(), CARD)
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(LatentomeError, match=f"has format_version {found}; expected 1"):
        load_model(tmp_path)


def test_a_card_that_is_not_json_is_an_error(tmp_path):
    save_model(tmp_path, network().state_dict(), CARD)
    (tmp_path / "model.json").write_text("{")
    with pytest.raises(LatentomeError, match="is not JSON"):
        load_model(tmp_path)


def test_weights_of_another_run_or_damaged_do_not_fit_the_card(tmp_path):
    save_model(tmp_path / "a", network().state_dict(), CARD)
    save_model(tmp_path / "b", {name: value + 1 for name, value in network().state_dict().items()}, CARD)
    (tmp_path / "b" / "model.safetensors").replace(tmp_path / "a" / "model.safetensors")
    with pytest.raises(LatentomeError, match="is not the file that .* describes"):
        load_model(tmp_path / "a")


def test_a_card_for_other_data_is_refused(tmp_path):
    save_model(tmp_path, network().state_dict(), CARD)
    with pytest.raises(
        LatentomeError, match="model.json: features is '.*'; expected '.*'; use a model trained"
    ):
        load_model(tmp_path, expect={"features": names_digest(["B", "A"])})
    with pytest.raises(LatentomeError, match="model.json: kind is None; expected 3"):
        load_model(tmp_path, expect={"kind": 3})


def test_a_card_with_a_foreign_value_leaves_no_file(tmp_path):
    with pytest.raises(LatentomeError, match="model.json: data is a PosixPath; expected a JSON value"):
        save_model(tmp_path, network().state_dict(), {**CARD, "data": tmp_path})
    assert list(tmp_path.iterdir()) == []


def test_json_is_sorted_plain_and_the_same_bytes(tmp_path):
    value = {
        "b": np.float32(0.5),
        "a": [np.int64(2), float("nan"), None, True],
        "c": {"x": torch.tensor([1.5])},
    }
    write_json(tmp_path / "metrics.json", value)
    text = (tmp_path / "metrics.json").read_text()
    assert json.loads(text) == {"a": [2, None, None, True], "b": 0.5, "c": {"x": [1.5]}}
    assert text.index('"a"') < text.index('"b"') and text.endswith("}\n")
    write_json(tmp_path / "again.json", dict(reversed(value.items())))
    assert (tmp_path / "again.json").read_text() == text


def test_json_refuses_infinity_by_its_place(tmp_path):
    with pytest.raises(LatentomeError, match=r"metrics.json: scores\[1\] is inf; expected a finite number"):
        write_json(tmp_path / "metrics.json", {"scores": [0.0, float("inf")]})
    assert not (tmp_path / "metrics.json").exists()


def test_runtime_has_device_seconds_and_memory(tmp_path):
    write_runtime(tmp_path / "runtime.json", "cpu (x86_64)", 1.5, 200.0, epochs=3)
    content = json.loads((tmp_path / "runtime.json").read_text())
    assert (content["device"], content["seconds"], content["samples_per_second"]) == (
        "cpu (x86_64)",
        1.5,
        200.0,
    )
    assert content["epochs"] == 3 and content["peak_gpu_bytes"] is None
    assert 50e6 < content["peak_host_bytes"] < 500e9


def test_names_digest_tells_order_and_boundaries():
    assert names_digest(["A", "B"]) == names_digest(iter(["A", "B"]))
    assert len({names_digest(names) for names in (["A", "B"], ["B", "A"], ["AB"], ["A\nB"], [])}) == 5


def test_json_can_be_written_without_torch():
    code = "import sys, workflow_scripts.lib.files; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
