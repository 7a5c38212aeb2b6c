"""The config's errors in words, and which data sets run."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from workflow_scripts.lib.config import (
    ConfigProblem,
    check_config,
    check_passed_on,
    check_places,
)
from workflow_scripts.lib.datasets import active_datasets, is_made, raw_location

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
    assert active_datasets(given, ROOT, "bulk") == []
    given["bulk"] = {**config["bulk"], "datasets": ["gse60450"]}
    with pytest.raises(ConfigProblem, match="gse60450: needs GSE60450/GSE60450_Lactation"):
        active_datasets(given, ROOT, "bulk")


def test_a_users_own_data_run_with_every_source(config, tmp_path):
    counts, sheet = tmp_path / "counts.csv", tmp_path / "sheet.csv"
    counts.touch(), sheet.touch()
    own = {
        "counts": str(counts),
        "samples": str(sheet),
        "contrasts": {"a": {"design": "~ x", "contrast": ["x", "b", "a"]}},
    }
    config["datasets"]["bulk"]["mine"] = own
    assert active_datasets(config, ROOT, "bulk") == ["demo", "mine"]
    sheet.unlink()
    with pytest.raises(ConfigProblem, match="mine: needs .*sheet.csv, which does not exist"):
        active_datasets(config, ROOT, "bulk")


def own_block(tmp_path, **more):
    counts, sheet = tmp_path / "own_counts.csv", tmp_path / "own_sheet.csv"
    counts.touch(), sheet.touch()
    contrasts = {"a": {"design": "~ x", "contrast": ["x", "b", "a"]}}
    return {"counts": str(counts), "samples": str(sheet), "contrasts": contrasts, **more}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"contrasts": {}}, ["contrasts"]),
        ({"contrasts": {"a": {"design": "x + y", "contrast": ["x", "b", "a"]}}}, ["design", "x + y"]),
        ({"contrasts": {"a": {"design": "~ log(x)", "contrast": ["x", "b", "a"]}}}, ["function calls"]),
        ({"contrasts": {"a": {"design": "~ x"}}}, ["contrasts: a", "'contrast' is missing"]),
        ({"contrasts": {"a": {"design": "~ x", "contrast": ["x", "b"]}}}, ["contrasts: a", "'b'"]),
        ({"size_factors": "median"}, ["size_factors", "median", "ratio, poscounts"]),
        ({"altered_ids": True}, ["altered_ids", "True", "refuse, keep"]),
        ({"min_count": -1}, ["min_count", "-1"]),
        ({"min_samples_share": 1.5}, ["min_samples_share", "1.5"]),
        ({"seeds": [1, 1]}, ["seeds", "[1, 1]"]),
        ({"seeds": []}, ["seeds", "[]"]),
        ({"batch": "lane"}, ["batch", "'lane'", "array"]),
        ({"nbvae": {"latent": 0}}, ["nbvae: latent", "0"]),
        ({"count": "x"}, ["unknown key 'count'", "did you mean", "counts_object"]),
        ({"counts": None}, ["counts", "None", "string"]),
    ],
)
def test_a_wrong_block_is_named_with_its_place(config, tmp_path, more, words):
    config["datasets"]["bulk"]["mine"] = own_block(tmp_path, **more)
    with pytest.raises(ConfigProblem) as caught:
        check_config(config, ROOT)
    message = str(caught.value)
    assert "\n" not in message and message.startswith("config, ")
    assert all(word in message for word in ["mine", *words]), message


@pytest.mark.parametrize("study", ["bulk", "l1000", "spatial", "molecules"])
@pytest.mark.parametrize(
    "name", ["a b", "it's", 'a"b', "a;b", "$(touch x)", "a\n", "\na", "é", "a/b", "..", "{a}", ""]
)
def test_names_are_wildcards_and_so_plain(config, tmp_path, study, name):
    config["datasets"][study][name] = own_block(tmp_path) if study == "bulk" else {}
    with pytest.raises(ConfigProblem) as caught:
        check_config(config, ROOT)
    message = str(caught.value)
    assert f"{name!r} is not allowed; expected a name of small letters, digits and _" in message
    assert message.startswith(f"config, datasets: {study}: ") and "\n" not in message


@pytest.mark.parametrize("key", ["contrasts", "gene_sets"])
@pytest.mark.parametrize("name", ["a b", "a\n", "$(touch x)", "a/b", "{a}"])
def test_names_of_contrasts_and_gene_sets_too(config, tmp_path, key, name):
    own = own_block(tmp_path)
    own[key] = {name: own["contrasts"]["a"] if key == "contrasts" else "go.gmt"}
    config["datasets"]["bulk"]["mine"] = own
    with pytest.raises(ConfigProblem, match="expected a name of letters, digits and _"):
        check_config(config, ROOT)


def test_a_brace_in_a_path_is_refused_in_words(config, tmp_path):
    for key in ("raw_dir", "mirror"):
        with pytest.raises(
            ConfigProblem, match=rf"config, {key}: 'a{{b}}' is not allowed; expected a path without"
        ):
            check_config({**config, key: "a{b}"}, ROOT)
    config["datasets"]["bulk"]["mine"] = own_block(tmp_path, gene_info="a{dataset}.tsv")
    with pytest.raises(ConfigProblem, match="mine: gene_info: .*without { and }; rename it"):
        check_config(config, ROOT)


@pytest.mark.parametrize(
    "address", ["https://me:hush@data.invalid/x", "s3://hush@bucket/x", "x http://a:hush@[::1]/"]
)
def test_an_address_with_a_password_is_refused_and_not_shown(config, address):
    config["datasets"]["bulk"]["demo"]["title"] = address
    with pytest.raises(
        ConfigProblem, match=r"datasets: bulk: demo: title: .*user name or a password"
    ) as caught:
        check_config(config, ROOT)
    assert "hush" not in str(caught.value)


def test_an_address_without_one_is_text(config):
    config["datasets"]["bulk"]["demo"]["title"] = (
        "https://a.invalid/b@c?d=e@f, me@a.invalid, http://a.invalid"
    )
    check_config(config, ROOT)


@pytest.mark.parametrize("value", ["it's", "$(touch x)", "`touch x`", "a\nb", "a\\b", "a\x1b", "a\u2028b"])
def test_words_that_a_jobs_shell_would_read_again_are_refused(value):
    with pytest.raises(ConfigProblem, match=r"--config mirror=.* write the key into a file") as caught:
        check_passed_on(["source=mirror", f"mirror={value}"])
    assert str(caught.value).isprintable()


def test_words_that_are_passed_on_arrive_as_they_are():
    """Python's repr, as Snakemake writes them, is a shell's word for the same text."""
    words = ["source=mirror", "mirror=/data/a b; c & é漢 #|<>*?[x]~!", 'bulk={datasets: ["a", "b"]}']
    check_passed_on(words)
    line = "printf '%s\\0' " + " ".join(map(repr, words))
    wrapped = line.replace('"', '\\"')  # as an argument of sbatch
    for command in (line, f'sh -c "{wrapped}"'):
        shown = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout
        assert shown.split("\0")[:-1] == words


@pytest.mark.parametrize("name", ["a$b", "a`b", "a'b", 'a"b', "a\\b", "a\nb"])
def test_folders_whose_names_a_submitted_jobs_shell_would_read_otherwise(tmp_path, name):
    check_places([tmp_path, Path("/data/a b; c & é (1)")])
    with pytest.raises(ConfigProblem, match="rename it, or work in another"):
        check_places([tmp_path, tmp_path / name])


@pytest.mark.parametrize("key", ["source", "studies", "datasets"])
def test_a_missing_key_is_named(config, key):
    del config[key]
    with pytest.raises(ConfigProblem, match=f"the key '{key}' is missing"):
        check_config(config, ROOT)


def test_each_source_has_its_data_sets(config, tmp_path):
    real = [name for name, block in config["datasets"]["bulk"].items() if not block.get("simulated")]
    assert active_datasets(config, ROOT, "bulk") == ["demo"]
    assert active_datasets({**config, "source": "geo"}, ROOT, "bulk") == real
    path = tmp_path / "pasilla" / "pasilla_gene_counts.tsv"
    path.parent.mkdir()
    path.touch()
    mirror = {**config, "source": "mirror", "mirror": str(tmp_path)}
    assert active_datasets(mirror, ROOT, "bulk") == ["pasilla"]
    config["datasets"]["bulk"]["mine"] = own_block(tmp_path)
    assert active_datasets(mirror, ROOT, "bulk") == ["pasilla", "mine"]


@pytest.mark.parametrize(
    ("source", "name", "expected"),
    [("geo", "demo", ["demo"]), ("demo", "pasilla", None), ("geo", "mine", ["mine"])],
)
def test_a_data_set_asked_for_by_name(config, tmp_path, source, name, expected):
    config["datasets"]["bulk"]["mine"] = own_block(tmp_path)
    config["bulk"]["datasets"] = [name]
    config["source"] = source
    if expected is not None:
        assert active_datasets(config, ROOT, "bulk") == expected
        return
    with pytest.raises(ConfigProblem, match="pasilla: is real data; it needs source: mirror or source: geo"):
        active_datasets(config, ROOT, "bulk")


def test_places_of_raw_files(config, tmp_path):
    mirror = {**config, "source": "mirror", "mirror": str(tmp_path)}
    name = "pasilla/pasilla_gene_counts.tsv"
    assert raw_location(name, {**config, "source": "geo"}, ROOT) == f"resources/raw/{name}"
    assert raw_location(name, mirror, ROOT) == f"{tmp_path}/{name}"
    assert raw_location("demo/counts.txt.gz", mirror, ROOT) == "results/raw/demo/counts.txt.gz"
    assert raw_location("mine/counts.txt", mirror, ROOT) == "mine/counts.txt"
    # a file of the mirror that is not registered, of a dataset given by config alone
    (tmp_path / "spatial").mkdir()
    (tmp_path / "spatial/other.h5ad").write_bytes(b"")
    assert raw_location("spatial/other.h5ad", mirror, ROOT) == f"{tmp_path}/spatial/other.h5ad"
    assert raw_location("spatial/other.h5ad", {**config, "source": "geo"}, ROOT) == "spatial/other.h5ad"
    sheet = raw_location("resources/samples/pasilla.tsv", mirror, ROOT)
    assert (ROOT / sheet).is_file()


def test_what_the_workflow_makes_and_what_is_given(config, tmp_path):
    name, mirror = "pasilla/pasilla_gene_counts.tsv", {**config, "source": "mirror", "mirror": str(tmp_path)}
    assert is_made("demo/counts.txt.gz", mirror, ROOT)
    assert is_made(name, {**config, "source": "geo"}, ROOT) and not is_made(name, mirror, ROOT)
    assert not is_made("mine/counts.txt", config, ROOT)


def test_an_address_is_taken_as_it_is(config):
    address = "s3://lab/counts.csv"
    assert raw_location(address, config, ROOT) == address and not is_made(address, config, ROOT)
    block = {
        "counts": address,
        "samples": "s3://lab/s.csv",
        "pretrained": "s3://lab/weights",
        "contrasts": {},
    }
    own = {**config, "datasets": {"bulk": {"mine": block}}}
    assert active_datasets(own, ROOT, "bulk") == ["mine"]
    block["samples"] = "s3.csv"
    with pytest.raises(ConfigProblem, match=r"s3\.csv, which does not exist"):
        active_datasets(own, ROOT, "bulk")


def keys_of(schema):
    """Every property name of a schema, however deep."""
    if isinstance(schema, list):
        return set().union(*map(keys_of, schema)) if schema else set()
    if not isinstance(schema, dict):
        return set()
    found = set(schema.get("properties", {}))
    return found.union(*map(keys_of, schema.values()))


def test_every_key_is_explained():
    schema = yaml.safe_load((ROOT / "resources/schemas/config.schema.yaml").read_text())
    text = (ROOT / "config/README.md").read_text()
    keys = keys_of(schema)
    assert {"source", "held_out_fraction", "gsea_permutations", "size_factor_genes"} <= keys
    unexplained = sorted(key for key in keys if not re.search(rf"`([a-z ]+: )*{key}`", text))
    assert unexplained == []
