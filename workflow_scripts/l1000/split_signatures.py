"""Split a data set's perturbagens into training, validation and test, once and on disk."""

import logging

from workflow_scripts.lib.data.l1000 import read_signatures, unit_of
from workflow_scripts.lib.data.splits import split_units
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.tables import write_table

log = logging.getLogger("latentome")


def main(snakemake) -> None:
    params = snakemake.params
    sheet = read_signatures(snakemake.input[0]).sheet
    unit = unit_of(sheet)
    strata = sheet.pcl_id.where(sheet.pcl_id != "", sheet.pert_type)
    # Controls are no perturbagen that a model could be asked to predict.
    control = sheet.pert_type.str.startswith("ctl").to_numpy()
    table = sheet[["pert_id"]].assign(unit=unit, part="train").reset_index()
    drawn = split_units(unit[~control].tolist(), params.shares, params.seed, strata[~control].tolist())
    table.loc[~control, "part"] = drawn.to_numpy()
    log.info("perturbagens a part: %s", table.groupby("part").unit.nunique().to_dict())
    write_table(table[["sig_id", "unit", "part"]], snakemake.output[0])


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("numpy", "pandas"), seed=snakemake.params.seed):
        main(snakemake)
