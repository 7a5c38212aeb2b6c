"""Spatial study: from raw files of every platform to spots and their neighbours; its other stages are included here."""


include: "spatial_models.smk"
include: "spatial_scores.smk"
include: "spatial_analyses.smk"
include: "spatial_published.smk"
include: "spatial_figures.smk"


rule simulate_spots:
    output:
        visium="results/raw/demo/spatial/visium/filtered_feature_bc_matrix.h5",
        visium_positions="results/raw/demo/spatial/visium/tissue_positions.csv",
        visium_scalefactors="results/raw/demo/spatial/visium/scalefactors_json.json",
        visium_labels="results/raw/demo/spatial/visium/labels.tsv",
        visium_truth="results/raw/demo/spatial/truth_visium.h5ad",
        slideseq="results/raw/demo/spatial/slideseq/digital_expression.txt.gz",
        slideseq_positions="results/raw/demo/spatial/slideseq/bead_locations.csv",
        slideseq_labels="results/raw/demo/spatial/slideseq/labels.tsv",
        slideseq_truth="results/raw/demo/spatial/truth_slideseq.h5ad",
        stereo="results/raw/demo/spatial/stereo.gem.gz",
        stereo_labels="results/raw/demo/spatial/stereo_labels.tsv",
        stereo_truth="results/raw/demo/spatial/truth_stereo.h5ad",
    log:
        "results/logs/simulate_spots.log",
    benchmark:
        "results/benchmarks/simulate_spots.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(1500),
        runtime=minutes(10),
    params:
        code=code_digest("spatial/simulate_spots"),
        spots=SPATIAL["demo"].get("spots", {}),
        seed=SPATIAL["demo"]["seed"],
    message:
        "Simulating the demo's tissue as three platforms measure it"
    script:
        "../workflow_scripts/spatial/simulate_spots.py"


rule prepare_spots:
    input:
        counts=spatial_file("counts"),
        positions=spatial_file("positions"),
        scalefactors=spatial_file("scalefactors"),
        barcodes=spatial_file("barcodes"),
        labels=spatial_file("labels"),
    output:
        spots="results/spatial/{dataset}/spots.h5ad",
        summary="results/spatial/{dataset}/summary.tsv",
    log:
        "results/logs/prepare_spots/{dataset}.log",
    benchmark:
        "results/benchmarks/prepare_spots/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    cache: workflow.enable_cache
    threads: 1
    resources:
        mem_mb=memory(2000, 20),
        runtime=minutes(60),
    params:
        code=code_digest("spatial/prepare_spots"),
        spots=spatial_option("spots", {}),
        labels=spatial_option("labels", None),
        min_spots=spatial_option("min_spots", 1),
        min_counts=spatial_option("min_counts", 1),
        platform=spatial_option("platform", None),
    message:
        "Reading the spots of {wildcards.dataset}"
    script:
        "../workflow_scripts/spatial/prepare_spots.py"


rule build_graph:
    input:
        spots="results/spatial/{dataset}/spots.h5ad",
    output:
        graph="results/spatial/{dataset}/graph.npz",
        facts="results/spatial/{dataset}/graph.tsv",
        degrees="results/spatial/{dataset}/degrees.tsv",
        edges="results/spatial/{dataset}/edges.tsv",
    log:
        "results/logs/build_graph/{dataset}.log",
    benchmark:
        "results/benchmarks/build_graph/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000, 20),
        runtime=minutes(20),
    params:
        code=code_digest("spatial/build_graph"),
        graph=of_spatial("graph"),
    message:
        "Neighbours of the spots of {wildcards.dataset}"
    script:
        "../workflow_scripts/spatial/build_graph.py"
