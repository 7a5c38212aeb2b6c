"""Helpers of the results page's rule: which studies were built."""


def bulk_plans():
    """Plans of the bulk datasets that run."""
    return [dataset_named(name) for name in datasets_of("bulk")]


def plans_of(study):
    """Plans of a study's datasets that run."""
    plans = {"bulk": bulk_plans, "l1000": l1000_plans, "spatial": spatial_plans, "molecules": molecules_plans}
    return plans[study]()


@memoise
def built_figures():
    """Figures by study and dataset, of the studies of which every figure is there when the run is planned."""
    found = {}
    for study in config["studies"]:
        plans = plans_of(study)
        files = figure_files(study, plans)
        if files and all(Path(path).is_file() for path in files):
            found[study] = {plan.name: list(plan.figures) for plan in plans}
    return found


def site_plan(wildcards):
    """Param function: figures by study and dataset."""
    return built_figures()


def site_figures(wildcards):
    """Files of these figures.

    They are inputs: what is out of date is made again before the page is.
    """
    if not built_figures():
        raise WorkflowError(
            "latentome: error: results/figures: no study has all its figures, so there is nothing to show; "
            "run make figures (or one study, such as snakemake --cores all bulk) with the same --config and --configfile"
        )
    return [path for study in built_figures() for path in figure_files(study, plans_of(study))]


def site_tables(wildcards):
    """Tables and claims of the studies that were built; what all studies share only if all were built."""
    of_study = {"bulk": bulk_tables, "l1000": l1000_tables, "spatial": spatial_tables, "molecules": molecules_tables}
    tables = [path for study in built_figures() for path in of_study[study]()]
    complete = set(built_figures()) == set(config["studies"])
    return tables + (["results/claims.tsv", "results/benchmarks.tsv"] if complete else [])


def project_files(folder, pattern):
    """Files of the project that a pattern fits."""
    found = sorted(path.relative_to(ROOT) for path in (ROOT / folder).glob(pattern) if path.is_file())
    return [project_file(str(path)) for path in found]
