"""Helpers of the molecules study's rules."""

from workflow_scripts.lib.molecules_study import MoleculesDataset

MOLECULES = config["molecules"]
SMILES_MODEL = "results/molecules/smiles_vae"
PRETRAINING = f"{SMILES_MODEL}/molecules.tsv.gz"


def molecules_named(name):
    """A molecules dataset's plan."""
    return MoleculesDataset(name, block_of("molecules", name), MOLECULES)


def of_molecules(attribute, *arguments):
    """Input or param function: an attribute or method of the dataset's plan, see lib/molecules_study.py."""

    def value(wildcards):
        found = getattr(molecules_named(wildcards.dataset), attribute)
        return found(*arguments) if arguments else found

    return value


def image_files(split):
    """Input function: images and labels of the dataset's `train` or `test`."""

    def paths(wildcards):
        block = molecules_named(wildcards.dataset).block
        if "images" not in block:
            # A target of the wrong kind: its path is asked for by hand, for no rule names it.
            place = f"results/molecules/{wildcards.dataset}"
            problem = f"{wildcards.dataset} has no images; its models are {place}/DIRECTION/MODEL/seedN"
            raise WorkflowError(f"latentome: error: datasets: molecules: {problem}")
        return [raw_file(name) for name in block["images"][split]]

    return paths


def image_setting(key):
    """Param function: a setting of the dataset's image pairs."""

    def value(wildcards):
        return molecules_named(wildcards.dataset).settings[key]

    return value


def image_model(wildcards):
    """Settings of a model of image pairs."""
    return molecules_named(wildcards.dataset).model(wildcards.model)


def raw_matrix(name):
    """Path of a file of wells; a gzipped GCTX is unpacked first."""
    return unpacked_matrix(name) if name.endswith(".gctx.gz") else raw_file(name)


def molecules_file(key):
    """Input function: the dataset's file of a kind, or none."""

    def path(wildcards):
        name = molecules_named(wildcards.dataset).block.get(key)
        return [raw_file(name)] if name else []

    return path


def well_files(wildcards):
    """Files of the dataset's wells."""
    return [raw_matrix(part["file"]) for part in molecules_named(wildcards.dataset).wells]


def well_sheets(wildcards):
    """Tables of the wells whose files have none."""
    wells = molecules_named(wildcards.dataset).wells
    return [raw_file(part["inst_info"]) for part in wells if part.get("inst_info")]


def ready_pairs(wildcards):
    """Files of pairs that their authors have matched."""
    return [raw_file(name) for name in molecules_named(wildcards.dataset).block.get("ready_pairs", [])]


def signature_files(wildcards):
    """Files of the dataset's level-5 signatures, each with its table after it."""
    found = molecules_named(wildcards.dataset).block.get("level5", [])
    return [path for one in found for path in (raw_matrix(one["matrix"]), raw_file(one["sig_info"]))]


def pretraining_of(wildcards):
    """Molecules of the pretraining; none beside a simulated dataset, which needs no file from elsewhere."""
    return [] if molecules_named(wildcards.dataset).simulated else [PRETRAINING]


def molecules_to_leave_out(wildcards):
    """Molecules of the pretraining, if those of the dataset among them are left out."""
    return [PRETRAINING] if pair_settings(wildcards)["without_pretrained"] else []


def pair_model(wildcards, direction=None):
    """Settings of a model of molecules and expression changes."""
    plan = molecules_named(wildcards.dataset)
    return plan.pair_model(direction or wildcards.direction, wildcards.model)


def generating_model(wildcards):
    """Settings of a model that generates molecules."""
    return pair_model(wildcards, "to_molecule")


def ligand_files(key):
    """Input function: files of the dataset's targets, of the kind `key`."""

    def paths(wildcards):
        return [raw_file(files[key]) for files in molecules_named(wildcards.dataset).ligands.values()]

    return paths


def ligand_targets(wildcards):
    """Names of the dataset's targets."""
    return list(molecules_named(wildcards.dataset).ligands)


def both_directions(file):
    """Input function: one file of every model of both directions."""

    def paths(wildcards):
        plan = molecules_named(wildcards.dataset)
        return plan.of_pair_models("to_molecule", file) + plan.of_pair_models("to_expression", file)

    return paths


def smiles_files():
    """Molecules that the autoencoder of SMILES is trained on and tested with, if it is trained."""
    folder = MOLECULES["smiles"]["pretrained"]
    if folder:
        names = ("model.safetensors", "model.json", "scores.tsv", "runtime.json", "history.tsv")
        return {"pretrained": [raw_file(f"{folder}/{name}") for name in names]}
    return {part: raw_file(MOLECULES["smiles"][part]) for part in ("train", "test")}


def molecules_plans():
    """Plans of the molecules datasets that run."""
    return [molecules_named(name) for name in datasets_of("molecules")]


def molecules_tables():
    """All tables of the molecules study that are not a figure's input."""
    plans = molecules_plans()
    return [path for plan in plans for path in plan.tables] + (["results/molecules/claims.tsv"] if plans else [])


def molecules_claim_datasets(wildcards):
    """Tables that the audit of claims reads, of each dataset by name."""
    return {plan.name: plan.claim_inputs for plan in molecules_plans()}


def molecules_claim_inputs(wildcards):
    """Tables that the audit of the molecules study's claims reads."""
    return [path for plan in molecules_plans() for paths in plan.claim_inputs.values() for path in paths]


molecules_note = of_molecules("note")
pair_settings = of_molecules("settings")
pair_note = of_molecules("pair_note")
ligand_scores = of_molecules("ligand_scores")
molecules_simulated = of_molecules("simulated")
