"""Helpers of the spatial study's rules."""

from workflow_scripts.lib.spatial_study import SpatialDataset

SPATIAL = config["spatial"]


def spatial_named(name):
    """A spatial dataset's plan."""
    return SpatialDataset(name, block_of("spatial", name), SPATIAL)


def of_spatial(attribute, *arguments):
    """Input or param function: an attribute or method of the dataset's plan, see lib/spatial_study.py."""

    def value(wildcards):
        found = getattr(spatial_named(wildcards.dataset), attribute)
        return found(*arguments) if arguments else found

    return value


def spatial_option(key, default):
    """Param function: a key of the dataset's block, or a default."""

    def option(wildcards):
        return spatial_named(wildcards.dataset).block.get(key, default)

    return option


def spatial_file(key):
    """Input function: the path under a key of the dataset's spots, or of its labels; nothing without."""

    def path(wildcards):
        block = spatial_named(wildcards.dataset).block
        name = block.get("labels", {}).get("file") if key == "labels" else block["spots"].get(key)
        return raw_file(name) if name else []

    return path


def spatial_truth(wildcards):
    """Noise-free rates of a simulated dataset, or nothing."""
    name = spatial_named(wildcards.dataset).block.get("truth")
    return raw_file(name) if name else []


def spatial_pretrained(wildcards):
    """Weights and card that a spatial block's `pretrained` names, or nothing."""
    folder = spatial_named(wildcards.dataset).block.get("pretrained")
    names = ("model.safetensors", "model.json")
    return [given_file(f"{folder}/gmm_vgae/seed{wildcards.seed}/{name}") for name in names if folder]


def spatial_first_model(wildcards):
    """Weights and card of the first seed."""
    plan = spatial_named(wildcards.dataset)
    return [plan.of_seeds(name)[0] for name in ("model.safetensors", "model.json")]


def spatial_model(wildcards):
    """Weights and card of a seed; none for stored features, on which each section has a model of its own."""
    plan = spatial_named(wildcards.dataset)
    if plan.kind == "features":
        return []
    folder = f"{plan.folder}/models/gmm_vgae/seed{wildcards.seed}"
    return [f"{folder}/model.safetensors", f"{folder}/model.json"]


def spatial_plans():
    """Plans of the spatial datasets that run."""
    return [spatial_named(name) for name in datasets_of("spatial")]


def spatial_claim_datasets(wildcards):
    """Tables of each dataset that has claims, by name."""
    return {plan.name: plan.claim_inputs for plan in spatial_plans()}


def spatial_claim_inputs(wildcards):
    """Tables that the audit of the spatial claims reads."""
    return [path for plan in spatial_plans() for paths in plan.claim_inputs.values() for path in paths]


def spatial_tables():
    """All tables of the spatial study that are not a figure's input."""
    plans = spatial_plans()
    return [path for plan in plans for path in plan.tables] + (["results/spatial/claims.tsv"] if plans else [])


spatial_simulated = of_spatial("simulated")
spatial_note = of_spatial("note")
spatial_histories = of_spatial("of_seeds", "history.tsv")
spatial_symbols = spatial_option("symbols", [])
