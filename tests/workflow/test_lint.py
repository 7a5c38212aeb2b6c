"""The workflow's form: linters, sizes, the parts of every rule, and that every target can be planned."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from runs import REPO, SNAKEMAKE, good, run

SMK = sorted((REPO / "rules").glob("*.smk"))
# They have no job of their own, as the targets in the Snakefile.
TARGETS = ("claims", "benchmarks", "site")
RULES = {
    name: (path, body)
    for path in SMK
    for name, body in re.findall(
        r"^rule (\w+):\n(.*?)(?=^rule |\Z)", path.read_text(encoding="utf-8"), re.M | re.S
    )
    if name not in TARGETS
}
HEAVY = ("torch", "lightning", "scanpy", "scvi", "rpy2")
# The scripts that train or draw from a network, and those that run R.
MAY = {
    "train_nbvae": HEAVY[:2],
    "train_published": HEAVY[:2],
    "train_scvi": HEAVY[:4],
    "de_nbvae": HEAVY[:2],
    "permute_labels": HEAVY,
    "benchmark_simulation": HEAVY,
    "run_deseq2": ("rpy2",),
    **dict.fromkeys(("train_model", "train_mnist"), HEAVY[:2]),
    # They encode signatures with the trained models.
    **dict.fromkeys(
        (
            *("convert_published", "score_reconstruction", "score_latents", "score_codes", "score_published"),
            *("generate_signatures", "generate_classes", "classify_signatures", "rank_targets"),
            "build_class_network",
        ),
        HEAVY[:2],
    ),
    # They train or read the GMM-VGAE; the published network's genes and Leiden need scanpy.
    **dict.fromkeys(
        (
            *("train_spots", "impute_spots", "score_rates", "score_masked", "score_autocorrelation"),
            *("score_truth", "assign_domains", "run_published"),
        ),
        HEAVY[:3],
    ),
    "score_scvi": HEAVY[:4],
    **dict.fromkeys(
        (
            *("train_classifiers", "train_image_model", "score_image_model"),
            *("pretrain_smiles", "train_pair_model", "score_pair_model", "score_pair_baselines"),
            *("score_ligands", "score_ligand_baselines", "compare_with_pretraining"),
        ),
        HEAVY[:2],
    ),
}


def test_snakemake_lint():
    done = subprocess.run([*SNAKEMAKE, "--lint"], cwd=REPO, capture_output=True, text=True)
    assert done.returncode == 0 and "Lints for" not in done.stdout + done.stderr, done.stdout + done.stderr


def test_snakefmt():
    line = [sys.executable, "-m", "snakefmt", "--check", "Snakefile", "rules", "workflow/Snakefile"]
    done = subprocess.run(line, cwd=REPO, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", [REPO / "Snakefile", *SMK], ids=lambda path: path.name)
def test_files_are_short(path):
    most = {"Snakefile": 80, "common.smk": 300}.get(path.name, 200)
    assert len(path.read_text(encoding="utf-8").splitlines()) <= most


def test_functions_live_in_common():
    with_functions = [p.name for p in SMK if re.search(r"^\s*def ", p.read_text(encoding="utf-8"), re.M)]
    assert all(name.startswith("common") for name in with_functions)
    assert not [
        p.name for p in SMK if p.name.startswith("common") and "\nrule " in p.read_text(encoding="utf-8")
    ]
    assert not [name for name, (_, body) in RULES.items() if "lambda" in body]


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_whole(rule):
    _, body = RULES[rule]
    wanted = {"output", "log", "benchmark", "conda", "threads", "resources", "params", "message", "script"}
    parts = re.findall(r"^    (\w+):", body, re.M)
    assert wanted <= set(parts)
    assert re.search(rf'"results/logs/{rule}[/.]', body)
    assert re.search(rf'"results/benchmarks/{rule}[/.]', body)
    assert re.search(rf'script:\n\s+"\.\./workflow_scripts/\w+/{rule}\.py"', body)
    assert re.search(rf'code=code_digest\("\w+/{rule}"\)', body)
    assert re.search(r"mem_mb=memory\(\d+(, \d+)?\)", body) and "runtime=" in body


def test_every_script_has_its_rule():
    folders = [path for path in (REPO / "workflow_scripts").iterdir() if path.is_dir() and path.name != "lib"]
    scripts = {path.stem for folder in folders for path in folder.glob("*.py")} - {"__init__"}
    assert scripts == set(RULES)


def test_scripts_are_thin():
    long = {
        p.name: len(p.read_text(encoding="utf-8").splitlines())
        for p in (REPO / "workflow_scripts").glob("*/*.py")
        if p.parent.name != "lib"
    }
    assert not {name: lines for name, lines in long.items() if lines > 120}


def test_light_scripts_import_nothing_heavy():
    """One process imports all scripts, the lightest first, and tells what each brought in."""
    names = sorted(RULES, key=lambda name: (len(MAY.get(name, ())), name))
    modules = {n: re.search(r"workflow_scripts/(\w+)/", RULES[n][1]).group(1) for n in names}
    code = (
        "import importlib, json, sys\nheavy, found = set(sys.argv[1].split(',')), {}\n"
        "for name in sys.argv[2:]:\n"
        "    importlib.import_module('workflow_scripts.' + name)\n"
        "    found[name] = sorted(heavy & {key.split('.')[0] for key in sys.modules})\n"
        "print(json.dumps(found))"
    )
    light = [n for n in names if n not in MAY]
    line = [sys.executable, "-c", code, ",".join(HEAVY), *(f"{modules[n]}.{n}" for n in light)]
    done = subprocess.run(line, capture_output=True, text=True, cwd=REPO)
    assert done.returncode == 0, done.stderr[-2000:]
    assert not {name: heavy for name, heavy in json.loads(done.stdout).items() if heavy}
    assert len(light) >= 20


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    """Plans by key, each made once: `-n` with some words and overlays."""
    folder, made = tmp_path_factory.mktemp("plans"), {}

    def plan(*words, overlays=(), snakefile="Snakefile"):
        key = (words, overlays, snakefile)
        if key not in made:
            made[key] = good(run(folder, *words, "-n", overlays=overlays, snakefile=snakefile)).jobs()
        return made[key]

    return plan


def test_default_target_is_everything(planned):
    everything = planned()
    assert {"join_claims", "gather_benchmarks", "write_config", "plot_volcano", "audit_bulk_claims"} <= set(
        everything
    )
    assert sum(everything.values()) <= 250


def test_named_targets(planned):
    named = ("figures", "bulk", "l1000", "spatial", "claims", "benchmarks")
    assert {*named, "plot_ma_plot", "plot_spatial_domains"} <= set(planned(*named))


@pytest.mark.parametrize("overlay", ["test", "real", "paper"])
def test_overlays(planned, overlay):
    assert planned(overlays=(overlay,))["plot_volcano"] == 1


def test_real_sources_fetch_what_is_registered(planned):
    jobs = planned("--config", "source=geo")
    assert jobs["prepare_counts"] == 4 and jobs["fetch_raw"] >= 6 and "simulate_counts" not in jobs


def test_catalogue_shim_plans_the_same(planned):
    shim = planned(snakefile="workflow/Snakefile")
    assert shim.pop("default") == 1
    root = dict(planned())
    assert root.pop("all") == 1
    assert shim == root


def test_plans_leave_nothing_in_the_repository():
    assert not list(REPO.glob("overlay*.yaml")) and not Path(REPO / "workflow/results").exists()
