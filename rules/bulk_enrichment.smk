"""Bulk study: enriched gene sets."""


rule enrich_genes:
    input:
        deseq2="results/bulk/{dataset}/de/deseq2/{contrast}.tsv",
        nbvae="results/bulk/{dataset}/de/nbvae/{contrast}.tsv",
        published=published_if_contrast,
        gene_info=bulk_file("gene_info"),
        obo=bulk_file("obo"),
        sets=bulk_gene_sets,
    output:
        "results/bulk/{dataset}/enrichment/{contrast}.tsv",
    log:
        "results/logs/enrich_genes/{dataset}/{contrast}.log",
    benchmark:
        "results/benchmarks/enrich_genes/{dataset}/{contrast}.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=minutes(60),
    params:
        code=code_digest("bulk/enrich_genes"),
        collections=of_dataset("collections"),
        padj_cut=BULK["padj"],
        lfc_cut=BULK["lfc_cut"],
        min_size=BULK["enrichment"]["min_size"],
        max_size=BULK["enrichment"]["max_size"],
        gsea_permutations=BULK["enrichment"]["gsea_permutations"],
        seed=0,
    message:
        "Enrichment on {wildcards.dataset}, contrast {wildcards.contrast}"
    script:
        "../workflow_scripts/bulk/enrich_genes.py"
