"""The config's errors in words, and which data sets run."""

from pathlib import Path

import pytest
import yaml

from workflow_scripts.lib.config import ConfigProblem, active_bulk_datasets, check_config

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def config():
    return yaml.safe_load((ROOT / "config.yaml").read_text())


def test_config_and_overlays_are_valid(config):
    check_config(config, ROOT)
    for overlay in ("test", "real", "paper"):
        merged = yaml.safe_load((ROOT / f"config/{overlay}.yaml").read_text())
        check_config({**config, "bulk": {**config["bulk"], **merged["bulk"]}}, ROOT)


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("sorce",), "demo", ["sorce", 'did you mean "source"']),
        (("source",), "dmo", ["source", "dmo", "demo, mirror, geo"]),
        (("bulk", "padj"), 2, ["bulk: padj", "2"]),
        (("bulk", "seeds"), "0", ["bulk: seeds", "'0'", "array"]),
        (("bulk", "nbvae", "epoch"), 3, ["bulk: nbvae", "epoch", "epochs"]),
        (("datasets", "bulk", "gse60450", "published"), "nothing", ["gse60450", "nothing", "as_published"]),
        (("bulk", "datasets"), ["gse1"], ["gse1", "there are", "gse60450"]),
    ],
)
def test_a_wrong_key_or_value_is_named_with_what_is_allowed(config, place, value, words):
    inside = config
    for key in place[:-1]:
        inside = inside[key]
    inside[place[-1]] = value
    with pytest.raises(ConfigProblem) as caught:
        check_config(config, ROOT)
    message = str(caught.value)
    assert "\n" not in message
    assert all(word in message for word in words), message


def test_mirror_must_be_there(config, tmp_path):
    with pytest.raises(ConfigProblem, match="mirror: null"):
        check_config({**config, "source": "mirror"}, ROOT)
    with pytest.raises(ConfigProblem, match="does not exist"):
        check_config({**config, "source": "mirror", "mirror": str(tmp_path / "no")}, ROOT)
    given = {**config, "source": "mirror", "mirror": str(tmp_path)}
    assert active_bulk_datasets(given, ROOT) == []
    given["bulk"] = {**config["bulk"], "datasets": ["gse60450"]}
    with pytest.raises(ConfigProblem, match="gse60450: needs GSE60450/GSE60450_Lactation"):
        active_bulk_datasets(given, ROOT)


def test_a_users_own_data_run_with_every_source(config, tmp_path):
    counts, sheet = tmp_path / "counts.csv", tmp_path / "sheet.csv"
    counts.touch(), sheet.touch()
    own = {
        "counts": str(counts),
        "samples": str(sheet),
        "contrasts": {"a": {"design": "~ x", "contrast": ["x", "b", "a"]}},
    }
    config["datasets"]["bulk"]["mine"] = own
    assert active_bulk_datasets(config, ROOT) == ["demo", "mine"]
    sheet.unlink()
    with pytest.raises(ConfigProblem, match="mine: needs .*sheet.csv, which does not exist"):
        active_bulk_datasets(config, ROOT)
