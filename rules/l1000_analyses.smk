"""L1000 study: what the models explain, what their latent units mean, what they generate."""


rule score_reconstruction:
    input:
        signatures="results/l1000/{dataset}/signatures.h5ad",
        splits="results/l1000/{dataset}/splits.tsv",
        models=of_l1000("every_model"),
    output:
        "results/l1000/{dataset}/reconstruction.tsv",
    log:
        "results/logs/score_reconstruction/{dataset}.log",
    benchmark:
        "results/benchmarks/score_reconstruction/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=minutes(60),
    params:
        code=code_digest("l1000/score_reconstruction"),
    message:
        "Explained variance of held-out perturbagens of {wildcards.dataset}"
    script:
        "../workflow_scripts/l1000/score_reconstruction.py"


rule score_latents:
    input:
        signatures="results/l1000/{dataset}/signatures.h5ad",
        splits="results/l1000/{dataset}/splits.tsv",
        models=of_l1000("vaes"),
        truth=l1000_file("truth"),
    output:
        units="results/l1000/{dataset}/latent_units.tsv",
        sample="results/l1000/{dataset}/latent_sample.tsv",
        classes="results/l1000/{dataset}/class_nodes.tsv",
        programmes="results/l1000/{dataset}/programmes.tsv",
    log:
        "results/logs/score_latents/{dataset}.log",
    benchmark:
        "results/benchmarks/score_latents/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=minutes(60),
    params:
        code=code_digest("l1000/score_latents"),
        min_signatures=of_l1000("min_signatures"),
    message:
        "Latent units of the models of {wildcards.dataset}"
    script:
        "../workflow_scripts/l1000/score_latents.py"


rule generate_signatures:
    input:
        signatures="results/l1000/{dataset}/signatures.h5ad",
        splits="results/l1000/{dataset}/splits.tsv",
        models=of_l1000("vaes"),
    output:
        scores="results/l1000/{dataset}/generated.tsv",
        points="results/l1000/{dataset}/generated_points.tsv",
    log:
        "results/logs/generate_signatures/{dataset}.log",
    benchmark:
        "results/benchmarks/generate_signatures/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=minutes(60),
    params:
        code=code_digest("l1000/generate_signatures"),
        most=L1000["generated"],
        seed=0,
    message:
        "Generated against real signatures of {wildcards.dataset}"
    script:
        "../workflow_scripts/l1000/generate_signatures.py"


rule score_published:
    input:
        svqvae="results/l1000/published/weights_svqvae/model.safetensors",
        vaes=published_vaes,
        gene_info=published_genes,
    output:
        units="results/l1000/{dataset}/units.tsv",
        decoded="results/l1000/{dataset}/decoded.tsv",
    log:
        "results/logs/score_published/{dataset}.log",
    benchmark:
        "results/benchmarks/score_published/{dataset}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(10),
    params:
        code=code_digest("l1000/score_published"),
    message:
        "Active units and decoded classes of the published weights"
    script:
        "../workflow_scripts/l1000/score_published.py"
