"""Helpers of all rules: which files they read, and what of them is measured."""

from snakemake.io import strip_wildcard_constraints

from workflow_scripts.lib.datasets import is_made, is_object, raw_location

RAW = config["raw_dir"]


def raw_path(accession, file):
    """Where a registered raw file is, or will be, on this machine."""
    return f"{RAW}/{accession}/{file}"


def raw_name(wildcards):
    """The registry's name of a raw file."""
    return f"{wildcards.accession}/{wildcards.file}"


def given_file(path):
    """A file that no rule makes, an object where its address says so, else of this machine, whatever holds the results."""
    return storage(path) if is_object(path) else local(path)


def raw_file(name):
    """Input of a file that a dataset block names: registered, simulated, or the user's own."""
    path = raw_location(name, config, ROOT)
    return path if is_made(name, config, ROOT) else given_file(path)


def project_file(name):
    """A file of the project, wherever the workflow runs."""
    return local(str(ROOT / name))


def unmeasure_cached_rules():
    """Take the benchmark from rules whose output the cache may give: Snakemake refuses the two together."""
    for one in workflow.rules:
        if one.cache.output:
            one._benchmark = None


def benchmark_files(wildcards):
    """By rule, a regular expression of its benchmark files, and with the same wildcards its runtime.json, if any."""
    return {
        one.name: [one.benchmark.regex().pattern, strip_wildcard_constraints(one.output.get("runtime", ""))]
        for one in workflow.rules
        # Its own is written after it has read the others'; what lies there is an earlier run's.
        if one.benchmark and one.name != "gather_benchmarks"
    }
