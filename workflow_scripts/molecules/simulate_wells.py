"""Simulate the demo's level-3 wells, in the form that such wells come in."""

from workflow_scripts.lib.data.simulate_wells import simulate_wells
from workflow_scripts.lib.files import replacing, write_atomic
from workflow_scripts.lib.logs import job_log


def main(snakemake) -> None:
    params, output = snakemake.params, snakemake.output
    found = simulate_wells(params.molecules, params.seed)
    for data, path in ((found.wells, output.wells), (found.truth, output.truth)):
        with replacing(path) as part:
            data.write_h5ad(part)
    with replacing(output.gene_info) as part:
        found.gene_info.to_csv(part, sep="\t", index=False)
    for target, change in found.knock_downs.iterrows():
        lines = [
            ",".join(f"hsa:{gene}" for gene in change.index),
            ",".join(f"{value:.4f}" for value in change),
        ]
        write_atomic(output[f"knock_down_{target}"], "\n".join(lines) + "\n")
        write_atomic(output[f"ligands_{target}"], "\n".join(found.ligands[target]) + "\n")


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("numpy", "rdkit", "anndata"), seed=snakemake.params.seed):
        main(snakemake)
