# Raw files from where they are published, into the raw folder.


rule fetch_raw:
    input:
        # A new row must not fetch every other file again.
        registry=ancient(project_file("resources/datasets.tsv")),
    output:
        raw_path("{accession}", "{file}"),
    wildcard_constraints:
        # Unpacked matrices lie beside the accessions.
        accession=r"(?!unpacked/)[^/]+",
        # A download's own files lie beside its output.
        file=r"(?!\.)(?!.*\.(?:part|part\.json|sha256)$).+",
    log:
        "results/logs/fetch_raw/{accession}/{file}.log",
    benchmark:
        "results/benchmarks/fetch_raw/{accession}/{file}.tsv"
    conda:
        "../envs/python.yaml"
    cache: workflow.enable_cache
    retries: 3
    threads: 1
    resources:
        mem_mb=memory(500),
        runtime=minutes(240),
    params:
        file=raw_name,
        dataset_caches=config["dataset_caches"],
        code=code_digest("fetch/fetch_raw"),
    message:
        "Fetching {wildcards.accession}/{wildcards.file}"
    script:
        "../workflow_scripts/fetch/fetch_raw.py"
