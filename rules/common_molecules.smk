"""Helpers of the molecules study's rules."""

from workflow_scripts.lib.molecules_study import MoleculesDataset

MOLECULES = config["molecules"]


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
        return [raw_file(name) for name in molecules_named(wildcards.dataset).block["images"][split]]

    return paths


def image_setting(key):
    """Param function: a setting of the dataset's image pairs."""

    def value(wildcards):
        return molecules_named(wildcards.dataset).settings[key]

    return value


def image_model(wildcards):
    """Settings of a model of image pairs."""
    return molecules_named(wildcards.dataset).model(wildcards.model)


def molecules_plans():
    """Plans of the molecules datasets that run."""
    return [molecules_named(name) for name in datasets_of("molecules")]


def molecules_tables():
    """All tables of the molecules study that are not a figure's input."""
    return [path for plan in molecules_plans() for path in plan.tables]


molecules_note = of_molecules("note")
molecules_simulated = of_molecules("simulated")
