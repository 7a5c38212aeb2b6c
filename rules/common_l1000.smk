"""Helpers of the L1000 study's rules."""

from workflow_scripts.lib.datasets import given_weights
from workflow_scripts.lib.l1000_study import L1000Dataset

L1000 = config["l1000"]


@memoise
def published_weights():
    """Files of each published L1000 model that the source can give."""
    return given_weights(config, ROOT)


def l1000_named(name):
    """An L1000 dataset's plan."""
    parts = {"svqvae": 3}
    whole = [model for model, files in published_weights().items() if len(files) == parts.get(model[8:], 4)]
    return L1000Dataset(name, block_of("l1000", name), L1000, whole)


def of_l1000(attribute, *arguments):
    """Input or param function: an attribute or method of the dataset's plan, see lib/l1000_study.py."""

    def value(wildcards):
        found = getattr(l1000_named(wildcards.dataset), attribute)
        return found(*arguments) if arguments else found

    return value


def l1000_option(key, default):
    """Param function: a key of the dataset's block, or a default."""

    def option(wildcards):
        return l1000_named(wildcards.dataset).block.get(key, default)

    return option


def l1000_file(key):
    """Input function: the path under a key of the dataset's block, or nothing."""

    def path(wildcards):
        name = l1000_named(wildcards.dataset).block.get(key)
        return raw_file(name) if name else []

    return path


def l1000_sources(key):
    """Input function: paths of the sources' matrices or sheets; a gzipped GCTX is unpacked first."""

    def paths(wildcards):
        found = [part[key] for part in l1000_named(wildcards.dataset).block["sources"] if part.get(key)]
        return [unpacked_matrix(name) if name.endswith(".gctx.gz") else raw_file(name) for name in found]

    return paths


def unpacked_matrix(name):
    """Where a gzipped GCTX is unpacked to, beside the downloads."""
    if Path(name).is_absolute() or ".." in Path(name).parts or is_object(name):
        raise WorkflowError(
            f"latentome: error: {name}: a gzipped GCTX outside the working folder is not unpacked; unpack it with gunzip "
            "and name the .gctx, or name it relative to the working folder"
        )
    return f"{RAW}/unpacked/{name[:-3]}"


def packed_matrix(wildcards):
    """The gzipped GCTX of an unpacked one."""
    return raw_file(f"{wildcards.name}.gctx.gz")


def mnist_train(wildcards):
    """Training images and labels of the MNIST tutorial."""
    return [raw_file(name) for name in l1000_named(wildcards.dataset).block["images"]["train"]]


def mnist_test(wildcards):
    """Its test images and labels."""
    return [raw_file(name) for name in l1000_named(wildcards.dataset).block["images"]["test"]]


def mnist_settings(wildcards):
    """Epochs and number of training images."""
    return l1000_named(wildcards.dataset).training["mnist"]


def model_settings(wildcards):
    """Settings of one L1000 model: ours, or the published ones."""
    found = l1000_named(wildcards.dataset).training
    kind = "svqvae" if wildcards.model.startswith("svqvae") else "vae"
    if "published" in wildcards.model:
        return {"epochs": found["published"][f"{kind}_epochs"]}
    return found[kind]


def l1000_pretrained(wildcards):
    """Weights and card that an L1000 block's `pretrained` names, or nothing."""
    folder = l1000_named(wildcards.dataset).block.get("pretrained")
    names = ("model.safetensors", "model.json")
    return [given_file(f"{folder}/{wildcards.model}/seed{wildcards.seed}/{name}") for name in names if folder]


def published_files(wildcards):
    """Files of a published L1000 model that there are."""
    return [raw_file(name) for name in published_weights()[wildcards.model]]


def published_genes(wildcards):
    """gene_info of the published models."""
    return raw_file("GSE70138/GSE70138_Broad_LINCS_gene_info_2017-03-06.txt.gz")


def published_vaes(wildcards):
    """Converted weights of the published VAEs of which there are any."""
    given = published_weights()
    return [
        f"results/l1000/published/{name}/model.safetensors"
        for name in given
        if name != "weights_svqvae" and given[name]
    ]


def l1000_represented(wildcards):
    """Weights of the VAEs whose latent spaces are compared: our first seeds, and the published weights if there are any."""
    plan = l1000_named(wildcards.dataset)
    own = [plan.of_seeds(model, "model.safetensors")[0] for model in ("vae", "vae_published")]
    return own + [path for path in plan.converted if "svqvae" not in path]


def network_weights(wildcards):
    """Weights of the S-VQ-VAE whose codes make a network: the published ones, or the first seed of one trained here."""
    if wildcards.model.startswith("weights_"):
        return f"results/l1000/published/{wildcards.model}/model.safetensors"
    return l1000_named(wildcards.dataset).of_seeds(wildcards.model, "model.safetensors")[0]


def network_signatures(wildcards):
    """Signatures whose classes are counted on the nodes; none for the published weights."""
    found = f"results/l1000/{wildcards.dataset}/signatures.h5ad"
    return [] if wildcards.model.startswith("weights_") else found


def l1000_claim_datasets(wildcards):
    """Tables of each dataset that has claims, by name."""
    return {plan.name: plan.claim_inputs for plan in l1000_plans()}


def l1000_plans():
    """Plans of the L1000 datasets that run."""
    return [l1000_named(name) for name in datasets_of("l1000")]


def l1000_claim_inputs(wildcards):
    """Tables that the audit of the L1000 claims reads."""
    return [path for plan in l1000_plans() for paths in plan.claim_inputs.values() for path in paths]


def l1000_tables():
    """All tables of the L1000 study that are not a figure's input."""
    plans = l1000_plans()
    return [path for plan in plans for path in plan.tables] + (["results/l1000/claims.tsv"] if plans else [])


l1000_simulated = of_l1000("simulated")
l1000_note = of_l1000("note")
l1000_history = of_l1000("of_models", "history.tsv")
l1000_cards = of_l1000("first_of_models", "model.json")
