"""Helpers of all rules; the only file with functions."""

from functools import cache as memoise
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import validate

from workflow_scripts.lib.code import code_digest as digest_of
from workflow_scripts.lib.config import ConfigProblem, active_bulk_datasets, check_config, gpu_visible, raw_location

# The project's own files do not depend on the working directory; results lie in it.
ROOT = Path(str(workflow.current_basedir)).resolve().parent

try:
    check_config(config, ROOT)
except ConfigProblem as problem:
    raise WorkflowError(f"latentome: error: {problem}") from None
validate(config, "../resources/schemas/config.schema.yaml")

REGISTRY = str(ROOT / "resources/datasets.tsv")
RAW = config["raw_dir"]
BULK = config["bulk"]
DEMO = BULK["demo"]


@memoise
def code_digest(name):
    """Digest of a script's import closure, so that an edited lib file reruns the rules that use it."""
    return digest_of(ROOT / "workflow_scripts" / f"{name}.py")


def memory(base):
    """Memory in MB that grows with the attempt."""

    def mem_mb(wildcards, attempt):
        return base * attempt

    return mem_mb


def gpu_count(wildcards):
    """One GPU when the config asks for CUDA; for `auto` only where a local one is visible; else no key at all."""
    if config["device"] == "cuda":
        return 1
    if config["device"] == "auto" and gpu_visible():
        return 1
    return None


def raw_path(accession, file):
    """Where a registered raw file is, or will be, on this machine."""
    return f"{RAW}/{accession}/{file}"


def raw_name(wildcards):
    """The registry's name of a raw file."""
    return f"{wildcards.accession}/{wildcards.file}"


def raw_file(name):
    """Path of a file that a dataset block names: registered, simulated, or the user's own."""
    return raw_location(name, config, ROOT)


@memoise
def bulk_datasets():
    """Names of the bulk datasets that run."""
    if "bulk" not in config["studies"]:
        return []
    try:
        return active_bulk_datasets(config, ROOT)
    except ConfigProblem as problem:
        raise WorkflowError(f"latentome: error: {problem}") from None


def block(wildcards):
    """The config block of a bulk dataset."""
    name = wildcards if isinstance(wildcards, str) else wildcards.dataset
    blocks = config["datasets"]["bulk"]
    if name not in blocks:
        raise WorkflowError(f"latentome: error: dataset {name!r} is not in the config (datasets: bulk: ...)")
    return blocks[name]


def is_simulated(wildcards):
    """Whether a dataset is simulated; figures then say so."""
    return block(wildcards).get("simulated", False)


def bulk_contrasts(wildcards):
    """Names of a dataset's contrasts."""
    return list(block(wildcards)["contrasts"])


def contrast_of(wildcards):
    """One contrast's block."""
    return block(wildcards)["contrasts"][wildcards.contrast]


def bulk_file(key):
    """Input function: the path under a key of the dataset's block, or nothing."""

    def path(wildcards):
        name = block(wildcards).get(key)
        return raw_file(name) if name else []

    return path


def bulk_gene_sets(wildcards):
    """Paths of a dataset's gene sets."""
    return [raw_file(name) for name in block(wildcards).get("gene_sets", {}).values()]


def bulk_collections(wildcards):
    """Names of a dataset's gene set collections, in the order of `bulk_gene_sets`."""
    return list(block(wildcards).get("gene_sets", {}))


def bulk_factors(wildcards):
    """Columns of the sample sheet that a dataset's designs, batches and markers name."""
    from workflow_scripts.lib.stats.formula import parse_formula

    own = block(wildcards)
    names = [name for c in own["contrasts"].values() for name in parse_formula(c["design"]).names]
    names += [*own.get("batch", []), *own.get("markers", {})]
    return list(dict.fromkeys(names))


def bulk_de(method):
    """Input function: the tables of a method for all contrasts of a dataset."""

    def tables(wildcards):
        folder = f"results/bulk/{wildcards.dataset}/de/{method}"
        return [f"{folder}/{contrast}.tsv" for contrast in bulk_contrasts(wildcards)]

    return tables


def bulk_option(key, default):
    """Param function: a key of the dataset's block, or a default."""

    def option(wildcards):
        return block(wildcards).get(key, default)

    return option


def published_files(file):
    """Input function: one file of every seed of the as-published model, if the dataset has a published contrast."""

    def files(wildcards):
        own = block(wildcards)
        seeds = own.get("published_seeds", BULK["published"]["seeds"]) if own.get("published") else []
        return [f"results/bulk/{wildcards.dataset}/models/published/seed{seed}/{file}" for seed in seeds]

    return files


published_lfc = published_files("lfc.tsv")


def published_contrast(wildcards):
    """Config of the contrast that the as-published model compares."""
    own = block(wildcards)
    return own["contrasts"][own["published"]]


def bulk_published_factor(wildcards):
    """Column of the published labels, or None."""
    return published_contrast(wildcards)["contrast"][0] if block(wildcards).get("published") else None


def bulk_enrichment(wildcards):
    """Enrichment tables of all contrasts of a dataset."""
    return [f"results/bulk/{wildcards.dataset}/enrichment/{name}.tsv" for name in bulk_contrasts(wildcards)]


def bulk_published(wildcards):
    """The as-published model's table, for a dataset that has a published contrast."""
    published = block(wildcards).get("published")
    return [f"results/bulk/{wildcards.dataset}/de/published/{published}.tsv"] if published else []


def published_if_contrast(wildcards):
    """The as-published model's table where this contrast is the published one."""
    return bulk_published(wildcards) if block(wildcards).get("published") == wildcards.contrast else []


def published_deseq2(wildcards):
    """DESeq2's table of the published contrast, whose gene order the published model has."""
    return f"results/bulk/{wildcards.dataset}/de/deseq2/{block(wildcards)['published']}.tsv"


def nbvae_seeds(wildcards):
    """Seeds of our NB-VAE."""
    return block(wildcards).get("seeds", BULK["seeds"])


def nbvae_settings(wildcards):
    """Settings of our NB-VAE, the dataset's own on top."""
    return {**BULK["nbvae"], **block(wildcards).get("nbvae", {})}


def latent_factors(wildcards):
    """Residual latent factors beside the design."""
    return nbvae_settings(wildcards)["latent_factors"]


def bulk_trained(file):
    """Input function: one file of every trained model and seed of a dataset."""

    def files(wildcards):
        folder = f"results/bulk/{wildcards.dataset}/models"
        seeds = {"nbvae": nbvae_seeds(wildcards), **dict.fromkeys(RIVALS, BULK["rival_seeds"])}
        ours = [f"{folder}/{model}/seed{seed}/{file}" for model, each in seeds.items() for seed in each]
        return ours + published_files(file)(wildcards)

    return files


bulk_history = bulk_trained("history.tsv")
bulk_latent = bulk_trained("latent.tsv")


def nbvae_weights(wildcards):
    """Weights of our NB-VAE, one file a seed."""
    folder = f"results/bulk/{wildcards.dataset}/models/nbvae"
    return [f"{folder}/seed{seed}/model.safetensors" for seed in nbvae_seeds(wildcards)]


def held_out_metrics(wildcards):
    """Metrics of every model that is scored on held-out counts."""
    folder = f"results/bulk/{wildcards.dataset}/models"
    rivals = [f"{folder}/{m}/seed{s}/metrics.json" for m in (*RIVALS, "scvi") for s in BULK["rival_seeds"]]
    return [path.replace("model.safetensors", "metrics.json") for path in nbvae_weights(wildcards)] + rivals


def pretrained_weights(wildcards):
    """Weights and card that a block's `pretrained` names, or nothing."""
    folder = block(wildcards).get("pretrained")
    names = ("model.safetensors", "model.json")
    return [f"{folder}/{wildcards.model}/seed{wildcards.seed}/{name}" for name in names] if folder else []


def deseq2_options(wildcards):
    """What of a dataset's block DESeq2 depends on."""
    return {key: value for key, value in block(wildcards).items() if key in ("numeric", "size_factors", "biocparallel")}


def deseq2_workers(wildcards):
    """Threads of DESeq2: two with `biocparallel`, which cohorts need."""
    return 2 if block(wildcards).get("biocparallel") else 1


def main_contrast_name(wildcards):
    """The contrast of the permutation null: the first whose labels are not the published ones."""
    own = block(wildcards)
    names = list(own["contrasts"])
    return next((name for name in names if name != own.get("published")), names[0])


def main_contrast(wildcards):
    """Config of the contrast of the permutation null."""
    return block(wildcards)["contrasts"][main_contrast_name(wildcards)]


def deseq2_in_null(wildcards):
    """Whether DESeq2 is refitted for every permutation; for a cohort that takes hours."""
    return not block(wildcards).get("biocparallel", False)


def bulk_claims():
    """The dataset whose published claims are audited, or None."""
    return next((name for name in bulk_datasets() if block(name).get("published")), None)


def bulk_claim_inputs(wildcards):
    """Tables that the audit of the bulk claims reads."""
    name = bulk_claims()
    folder, own = f"results/bulk/{name}", block(name)
    contrasts = [own["published"], main_contrast_name(name)]
    return {
        "benchmark": f"{folder}/benchmark.tsv",
        "samples": f"{folder}/samples.tsv",
        "markers": [f"{folder}/markers_lfc.tsv"] if own.get("markers") else [],
        "latent": published_latent(name),
        "published": f"{folder}/de/published/{own['published']}.tsv",
        "deseq2": [f"{folder}/de/deseq2/{contrast}.tsv" for contrast in contrasts],
        "others": [f"{folder}/de/deseq2/{contrast}.tsv" for contrast in claim_others(wildcards)],
        "nbvae": [f"{folder}/de/nbvae/{contrast}.tsv" for contrast in contrasts],
        "enrichment": [f"{folder}/enrichment/{contrast}.tsv" for contrast in contrasts],
    }


def claim_others(wildcards):
    """Contrasts that the published one is compared with; the published one itself if it is the only one."""
    own = block(bulk_claims())
    return [name for name in own["contrasts"] if name != own["published"]] or [own["published"]]


def claim_factor(wildcards):
    """The factor of the published contrast."""
    own = block(bulk_claims())
    return own["contrasts"][own["published"]]["contrast"][0]


def claim_simulated(wildcards):
    """Whether the claims are audited on simulated data."""
    return block(bulk_claims()).get("simulated", False)


def claim_contrasts(wildcards):
    """The published contrast and the one of the true design."""
    name = bulk_claims()
    return [block(name)["published"], main_contrast_name(name)]


def published_latent(name):
    """Latent tables of the as-published model."""
    seeds = block(name).get("published_seeds", BULK["published"]["seeds"])
    return [f"results/bulk/{name}/models/published/seed{seed}/latent.tsv" for seed in seeds]


DRAWN = ("GO_BP", "KEGG")
RIVALS = ("nbvae_linear", "nbvae_zinb")
BULK_FIGURES = [
    *("sample_sanity", "loss_curves", "latent_space", "lfc_scatter", "volcano", "ma_plot", "tested_vs_na"),
    *("calibration", "held_out", "concordance_bins"),
]


def figure_names(dataset):
    """Figures of a bulk dataset; some need gene sets, a truth or markers."""
    own = block(dataset)
    names = list(BULK_FIGURES)
    names += [f"enrichment_{c.lower().removesuffix('_bp')}" for c in own.get("gene_sets", {}) if c in DRAWN]
    names += ["spike_in"] if own.get("truth") and not own.get("simulated") else []
    names += ["published_contrast"] if own.get("markers") else []
    return names


def bulk_figures():
    """All figures of the bulk study."""
    return [
        f"results/figures/bulk/{dataset}/{name}.{kind}"
        for dataset in bulk_datasets()
        for name in figure_names(dataset)
        for kind in ("svg", "png", "tsv")
    ]


def bulk_tables():
    """All tables of the bulk study that are not a figure's input."""
    tables = [f"results/bulk/{name}/benchmark.tsv" for name in bulk_datasets()]
    return tables + (["results/bulk/claims.tsv"] if bulk_claims() else [])


def study_targets(kind):
    """Figures or tables of every study."""
    return bulk_figures() if kind == "figures" else bulk_tables()


def study_claims():
    """Claims tables of every study."""
    return ["results/bulk/claims.tsv"] if bulk_claims() else []
