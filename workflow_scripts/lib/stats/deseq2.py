"""DESeq2 in R, through rpy2: any checked design, any contrast."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts.lib.data.samples import level_text, safe_levels
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.stats.design import contrast_vector, parse_formula

log = logging.getLogger("latentome")

REMEDY = (
    "install R and DESeq2: `apt-get install r-base-core r-bioc-deseq2` (Debian, Ubuntu) or "
    "`conda install -c conda-forge -c bioconda bioconductor-deseq2`"
)

R_CODE = """
function(counts, columns, design, contrast, coefficient, size_factor_type, control, shrink, workers) {
  suppressMessages(library(DESeq2))
  columns <- as.data.frame(columns, stringsAsFactors = FALSE)
  dds <- DESeqDataSetFromMatrix(counts, columns, as.formula(design))
  parallel <- workers > 1
  if (parallel) BiocParallel::register(BiocParallel::MulticoreParam(workers, RNGseed = 1))
  if (length(control) > 0) dds <- estimateSizeFactors(dds, type = size_factor_type, controlGenes = control)
  dds <- DESeq(dds, sfType = size_factor_type, quiet = FALSE, parallel = parallel)
  res <- results(dds, contrast = contrast)
  rows <- mcols(dds)
  cooks <- rows$maxCooks
  if (is.null(cooks)) cooks <- rep(NA_real_, nrow(dds))
  shrunken <- numeric(0)
  # R's normal prior knows no interactions, no design without intercept and no weights of coefficients.
  if (shrink) shrunken <- tryCatch(
    (if (coefficient > 0) lfcShrink(dds, coef = coefficient, res = res, type = "normal", quiet = TRUE)
     else lfcShrink(dds, contrast = contrast, res = res, type = "normal", quiet = TRUE))$log2FoldChange,
    error = function(e) { message("no shrunken estimate: ", conditionMessage(e)); numeric(0) })
  vst <- tryCatch(assay(varianceStabilizingTransformation(dds, blind = FALSE)),
                  error = function(e) assay(normTransform(dds)))
  trend <- dispersionFunction(dds)
  get <- function(name) { value <- rows[[name]]; if (is.null(value)) rep(NA_real_, nrow(dds)) else as.numeric(value) }
  list(baseMean = res$baseMean, log2FoldChange = res$log2FoldChange, lfcSE = res$lfcSE, stat = res$stat,
       pvalue = res$pvalue, padj = res$padj, maxCooks = as.numeric(cooks), sizeFactor = sizeFactors(dds),
       dispGeneEst = get("dispGeneEst"), dispFit = get("dispFit"), dispersion = dispersions(dds),
       dispOutlier = get("dispOutlier"), shrunken = shrunken, vst = vst,
       coefficients = coef(dds), names = resultsNames(dds),
       trend = as.numeric(attr(trend, "coefficients")), prior = as.numeric(attr(trend, "dispPriorVar")),
       filter = as.numeric(metadata(res)$filterThreshold), version = as.character(packageVersion("DESeq2")))
}
"""


@dataclass(frozen=True)
class Deseq2Result:
    """What DESeq2 said of one contrast.

    Attributes
    ----------
    table
        gene_id, baseMean, log2FoldChange, lfcSE, stat, pvalue, padj, na_reason; R's own numbers.
    dispersions
        gene_id, baseMean, dispGeneEst, dispFit, dispersion, dispOutlier, maxCooks.
    size_factors
        Indexed by sample.
    vst
        Variance-stabilised log2 counts, [genes x samples].
    coefficients
        Coefficients in natural units of DESeq2 (log2), [genes x coefficients].
    shrunken
        log2 fold changes under R's normal prior, or empty: not asked for, or R cannot (it logs why).
    facts
        Trend coefficients, prior variance, filter threshold, version.
    """

    table: pd.DataFrame
    dispersions: pd.DataFrame
    size_factors: pd.Series
    vst: pd.DataFrame
    coefficients: np.ndarray
    shrunken: np.ndarray
    facts: dict[str, Any]


def _log_r(s: str) -> None:
    if s.strip():
        log.info("R: %s", s.strip())


def _start_r() -> Any:
    # rpy2's other mode wants libraries to link against that a plain R does not bring.
    os.environ.setdefault("RPY2_CFFI_MODE", "ABI")
    try:
        import rpy2.robjects as robjects
        from rpy2.rinterface_lib import callbacks
    except Exception as error:  # noqa: BLE001 - rpy2 raises whatever the loader of libR raised
        raise LatentomeError(f"R cannot be started ({type(error).__name__}: {error}); {REMEDY}") from None
    callbacks.consolewrite_warnerror = callbacks.consolewrite_print = _log_r
    try:
        robjects.r('if (!requireNamespace("DESeq2", quietly = TRUE)) stop("no DESeq2")')
    except Exception:  # noqa: BLE001 - the class depends on rpy2's version
        raise LatentomeError(f"R has no package DESeq2; {REMEDY}") from None
    return robjects


def run_deseq2(
    counts: pd.DataFrame,
    samples: pd.DataFrame,
    formula: str,
    contrast: Any,
    *,
    reference: Mapping[str, object] | None = None,
    numeric: tuple[str, ...] = (),
    size_factor_type: str = "ratio",
    control: np.ndarray | None = None,
    shrink_normal: bool = False,
    workers: int = 1,
) -> Deseq2Result:
    """Run DESeq2 with its defaults (Wald test, parametric trend, no shrinkage of the reported estimate).

    Parameters
    ----------
    counts
        Integers, [genes x samples].
    samples
        Sample sheet in the order of the columns of `counts`; the design was checked (`design.check_design`).
    formula, contrast, reference, numeric
        As `design.contrast_vector` takes them.
    size_factor_type
        ``ratio`` or ``poscounts``.
    control
        Boolean mask over genes for the size factors.
    shrink_normal
        Whether R's ``lfcShrink(type="normal")`` is run as well; R cannot for every design.
    workers
        Processes of BiocParallel.

    Returns
    -------
    Deseq2Result

    Raises
    ------
    LatentomeError
        If R or DESeq2 is missing, or R stopped; the message is R's.
    """
    robjects = _start_r()
    parsed = parse_formula(formula)
    names, _ = safe_levels(parsed.names)
    columns, safe = {}, {}
    for name in parsed.names:
        if name in numeric:
            columns[names[name]] = robjects.FloatVector(samples[name].astype(float).tolist())
            continue
        levels = sorted(set(samples[name]))
        first = level_text(reference[name], name, levels) if reference and name in reference else levels[0]
        levels = [first, *(level for level in levels if level != first)]
        safe[name], _ = safe_levels(levels)
        columns[names[name]] = robjects.FactorVector(
            robjects.StrVector([safe[name][value] for value in samples[name]]),
            levels=robjects.StrVector([safe[name][level] for level in levels]),
        )
    vector = contrast_vector(formula, samples, contrast, reference=reference, numeric=numeric)
    # A contrast that is one coefficient is shrunken as such: R widens the model matrix for any other.
    alone = np.flatnonzero(vector)
    coefficient = int(alone[0]) + 1 if alone.size == 1 and vector[alone[0]] == 1 else 0
    if isinstance(contrast, list | tuple) and contrast[0] in safe:
        factor = contrast[0]
        ends = [safe[factor][level_text(level, factor, safe[factor])] for level in contrast[1:]]
        r_contrast = robjects.StrVector([names[factor], *ends])
    else:
        r_contrast = robjects.FloatVector(vector.tolist())
    matrix = robjects.r.matrix(
        robjects.IntVector(counts.to_numpy().ravel(order="F").tolist()), nrow=len(counts)
    )
    rows = np.flatnonzero(control) + 1 if control is not None else np.array([], dtype=int)
    try:
        found = robjects.r(R_CODE)(
            matrix, robjects.ListVector(columns), "~ " + parsed.written(names).lstrip("~ "), r_contrast,
            coefficient, size_factor_type, robjects.IntVector(rows.tolist()), shrink_normal, workers,
        )  # fmt: skip
    except Exception as error:  # noqa: BLE001 - whatever R stopped with becomes one line
        said = " ".join(str(error).split())
        raise LatentomeError(f"DESeq2 stopped for design {formula!r}: {said}") from None
    value = {str(name): np.array(item) for name, item in zip(found.names, found, strict=True)}
    return _result(value, counts, samples)


def _result(value: dict[str, np.ndarray], counts: pd.DataFrame, samples: pd.DataFrame) -> Deseq2Result:
    keys = ("baseMean", "log2FoldChange", "lfcSE", "stat", "pvalue", "padj")
    table = pd.DataFrame({"gene_id": counts.index, **{key: value[key] for key in keys}})
    no_test = table.pvalue.isna()
    table["na_reason"] = np.where(
        no_test & (table.baseMean > 0), "cooks_outlier", np.where(no_test, "all_zero", "")
    )
    table.loc[~no_test & table.padj.isna(), "na_reason"] = "low_mean"
    kept = ("dispGeneEst", "dispFit", "dispersion", "dispOutlier", "maxCooks")
    dispersions = pd.DataFrame(
        {"gene_id": counts.index, "baseMean": value["baseMean"], **{k: value[k] for k in kept}}
    )
    facts = {key: value[key].tolist() for key in ("trend", "prior", "filter", "version", "names")}
    return Deseq2Result(
        table,
        dispersions,
        pd.Series(value["sizeFactor"], index=samples.index, name="size_factor"),
        pd.DataFrame(value["vst"].reshape(counts.shape), index=counts.index, columns=counts.columns),
        value["coefficients"],
        value["shrunken"],
        facts,
    )
