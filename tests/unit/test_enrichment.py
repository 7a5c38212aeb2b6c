"""Enrichment against Fisher's exact test, R and GSEApy; the script of rule enrich_genes."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from workflow_scripts.bulk import enrich_genes
from workflow_scripts.lib.data.gene_sets import GeneSet
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.stats.enrichment import (
    GSEA_COLUMNS,
    ORA_COLUMNS,
    over_representation,
    preranked,
    reduce_redundancy,
)

GENES = [f"g{n:04d}" for n in range(2000)]


def random_sets(count, seed=0, genes=GENES, sizes=(5, 120)):
    rng = np.random.default_rng(seed)
    return {
        f"S{n:03d}": GeneSet(f"set {n}", frozenset(rng.choice(genes, rng.integers(*sizes), replace=False)))
        for n in range(count)
    }


@pytest.fixture(scope="module")
def sets():
    return random_sets(60)


@pytest.fixture(scope="module")
def ora(sets):
    selected = {*GENES[:150], *sorted(sets["S007"].genes)[:20], "unknown"}
    background = GENES[:1500]
    return selected, background, over_representation(selected, background, sets, 10, 60)


def test_ora_is_fishers_exact_test(ora, sets):
    selected, background, table = ora
    chosen, universe = selected & set(background), set(background)
    assert list(table.columns) == ORA_COLUMNS and table["term"].is_unique
    assert set(table["term"]) == {t for t, one in sets.items() if 10 <= len(one.genes & universe) <= 60}
    for row in table.itertuples():
        members = sets[row.term].genes & universe
        both = members & chosen
        counts = [
            [len(both), len(members - chosen)],
            [len(chosen - members), len(universe - members - chosen)],
        ]
        assert row.pvalue == pytest.approx(stats.fisher_exact(counts, "greater").pvalue, rel=1e-9)
        assert (row.size, row.overlap, row.selected) == (len(members), len(both), len(chosen))
        assert row.gene_ratio == len(both) / len(chosen) and row.genes == "/".join(sorted(both))
        assert row.name == sets[row.term].name


@pytest.mark.needs_r
def test_ora_is_what_r_says(ora):
    robjects = pytest.importorskip("rpy2.robjects")
    _, background, table = ora
    phyper, adjust = robjects.r["phyper"], robjects.r["p.adjust"]
    vector = robjects.FloatVector
    expected = phyper(
        vector(table["overlap"] - 1.0),
        vector(table["size"].astype(float)),
        vector(len(background) - table["size"].astype(float)),
        float(table["selected"][0]),
        **{"lower.tail": False},
    )
    np.testing.assert_allclose(table["pvalue"], np.array(expected), rtol=1e-9)
    np.testing.assert_allclose(table["padj"], np.array(adjust(expected, method="BH")), rtol=1e-9)


def test_ora_order_and_edges(ora, sets):
    table = ora[2]
    assert table["pvalue"].is_monotonic_increasing and table["padj"].is_monotonic_increasing
    for selected, there in [
        ([], sets),
        (["unknown"], sets),
        (GENES[:9], {}),
        (GENES[:9], random_sets(3, sizes=(2, 5))),
    ]:
        empty = over_representation(selected, GENES, there)
        assert empty.empty and list(empty.columns) == ORA_COLUMNS
    whole = over_representation(GENES, GENES, {"A": GeneSet("A", frozenset(GENES[:50]))})
    assert whole["pvalue"][0] == whole["padj"][0] == 1


@pytest.fixture(scope="module")
def scores():
    return pd.Series(np.random.default_rng(3).normal(0.2, 1, len(GENES)), index=GENES)


@pytest.fixture(scope="module")
def planted(scores, sets):
    """The sets with one more at either end of the ranking, half of it chance."""
    rng = np.random.default_rng(4)
    order = scores.sort_values().index
    ends = {"low": order[:200], "high": order[-200:]}
    extra = {
        term: GeneSet(term, frozenset(rng.choice(end, 20, False)) | frozenset(rng.choice(GENES, 20, False)))
        for term, end in ends.items()
    }
    return {**sets, **extra}


@pytest.fixture(scope="module")
def gsea(scores, planted):
    return preranked(scores, planted, 10, 100, 1000, seed=1)


def textbook_score(scores, genes):
    """Walk down the ranking, as Subramanian et al. write it."""
    ranked = scores.sort_values(ascending=False)
    hit = ranked.index.isin(genes)
    steps = np.where(hit, ranked.abs() / ranked.abs()[hit].sum(), -1 / (~hit).sum())
    walk = np.cumsum(steps)
    peak = int(np.abs(walk).argmax())
    edge = ranked.index[: peak + 1] if walk[peak] > 0 else ranked.index[peak + 1 :]
    return walk[peak], {gene for gene in edge if gene in genes}


def test_gsea_recovers_planted_sets(gsea):
    assert list(gsea.columns) == GSEA_COLUMNS and set(gsea["term"][:2]) == {"low", "high"}
    by_term = gsea.set_index("term")
    assert by_term.loc["high", "nes"] > 1.8 and by_term.loc["low", "nes"] < -1.8
    assert (by_term.loc[["low", "high"], "padj"] < 0.01).all() and (gsea["padj"][2:] > 0.05).all()
    assert gsea["pvalue"].between(1 / 1001, 1).all() and gsea["padj"].between(1e-9, 1).all()
    assert gsea["nes"].abs().is_monotonic_decreasing


def test_gsea_scores_and_leading_edges_are_the_textbooks(gsea, scores, planted):
    for row in gsea.itertuples():
        score, edge = textbook_score(scores, planted[row.term].genes)
        assert row.es == pytest.approx(score, abs=1e-9)
        assert set(row.genes.split("/")) == edge and row.overlap == len(edge)
        assert row.size == len(planted[row.term].genes) and row.gene_ratio == len(edge) / row.size


@pytest.mark.filterwarnings("ignore")
def test_gsea_agrees_with_gseapy(gsea, scores, planted):
    gseapy = pytest.importorskip("gseapy")
    own = {term: sorted(one.genes) for term, one in planted.items()}
    kwargs = {
        "min_size": 10,
        "max_size": 100,
        "permutation_num": 1000,
        "threads": 1,
        "seed": 5,
        "no_plot": True,
    }
    other = gseapy.prerank(scores.sort_values(ascending=False), own, outdir=None, **kwargs).res2d
    both = gsea.set_index("term").join(other.set_index("Term").infer_objects(), rsuffix="_")
    assert len(both) == len(other)
    np.testing.assert_allclose(both["es"], both["ES"].astype(float), atol=1e-9)
    np.testing.assert_allclose(both["nes"], both["NES"].astype(float), rtol=0.06)
    error = 5 * np.sqrt(both["pvalue"] * (1 - both["pvalue"]) / 400) + 0.01
    assert (np.abs(both["pvalue"] - both["NOM p-val"].astype(float)) < error).all()
    assert np.abs(both["padj"] - both["FDR q-val"].astype(float)).median() < 0.05


def test_gsea_same_seed_same_table(gsea, scores, planted):
    shuffled = scores.sample(frac=1, random_state=0)
    backwards = dict(reversed(planted.items()))
    pd.testing.assert_frame_equal(gsea, preranked(shuffled, backwards, 10, 100, 1000, seed=1))
    assert not gsea["pvalue"].equals(preranked(scores, planted, 10, 100, 1000, seed=2)["pvalue"])


def test_gsea_calls_nothing_where_there_is_nothing():
    pvalues, called = [], 0
    for seed in range(6):
        scores = pd.Series(np.random.default_rng(seed).normal(size=2000), index=GENES)
        table = preranked(scores, random_sets(150, 10 + seed, sizes=(10, 60)), permutations=500, seed=seed)
        pvalues += table["pvalue"].tolist()
        called += (table["padj"] < 0.05).any()
    assert stats.kstest(pvalues, "uniform").pvalue > 1e-3
    assert called <= 2


def test_gsea_of_awkward_scores(scores, sets, caplog):
    gaps = scores.copy()
    gaps.iloc[::4] = np.nan
    pd.testing.assert_frame_equal(preranked(gaps, sets), preranked(gaps.dropna(), sets))
    endless = scores.copy()
    endless[scores.nlargest(3).index] = np.inf
    endless[scores.idxmin()] = -np.inf
    table = preranked(endless, sets, permutations=100)
    assert np.isfinite(table[["es", "nes", "padj"]]).all(axis=None) and "4 scores are infinite" in caplog.text
    for nothing in (scores * 0, scores * np.nan, scores[:0], scores[:1], scores * np.inf):
        assert list(preranked(nothing, sets, 1).columns) == GSEA_COLUMNS and preranked(nothing, sets, 1).empty
    assert preranked(scores, random_sets(3, sizes=(2, 5))).empty
    assert preranked(scores, {"all": GeneSet("all", frozenset(GENES))}, max_size=5000).empty


def test_gsea_breaks_ties_at_random(sets):
    """A set of neighbouring ids must not gain from their order where most scores are tied."""
    tied = pd.Series(np.repeat([2.0, 1.0, -1.0], [100, 1800, 100]), index=GENES)
    neighbours = {"n": GeneSet("n", frozenset(GENES[1000:1040])), **sets}
    pvalues = [
        preranked(tied, neighbours, permutations=100, seed=s).set_index("term").pvalue["n"] for s in range(20)
    ]
    assert np.median(pvalues) > 0.1


def test_gsea_leaves_out_sets_without_a_null(scores, sets, caplog):
    table = preranked(scores, sets, permutations=1)
    assert 0 < len(table) < len(sets) and table.notna().all(axis=None)
    assert "sets score with a sign that no random set has; left out" in caplog.text


def test_redundant_terms_name_a_better_one():
    letters = {
        "A": "abcdefghij",
        "B": "abcdefghi",
        "C": "abcdefgh",
        "D": "xyz",
        "E": "xyzuvw",
        "F": "bcdefghijk",
    }
    there = {term: GeneSet(term, frozenset(genes)) for term, genes in letters.items()}
    table = pd.DataFrame({"term": list("BAFCDE"), "padj": 0.1}, index=[5, 1, 2, 3, 8, 9])
    found = reduce_redundancy(table, there)
    # B-A 0.9, B-F 8/11, B-C 8/9; E has half of D's genes
    assert found["representative"].tolist() == ["B", "B", "B", "B", "D", "E"]
    assert found.index.tolist() == table.index.tolist() and "representative" not in table
    assert reduce_redundancy(table, there, 1.0)["representative"].tolist() == list("BAFCDE")
    assert reduce_redundancy(table, there, 0.85)["representative"].tolist() == ["B", "B", "F", "B", "D", "E"]
    assert list(reduce_redundancy(table[:0], there).columns) == ["term", "padj", "representative"]


class Named(dict):
    """What the script uses of snakemake.input and snakemake.params."""

    __getattr__ = dict.__getitem__


@pytest.fixture
def job(tmp_path, sets):
    """A contrast with 300 genes up, those of S005 among them, and what the script needs."""
    rng = np.random.default_rng(0)
    up = np.isin(GENES, [*GENES[:250], *sets["S005"].genes])
    table = pd.DataFrame({"gene_id": GENES, "symbol": GENES, "baseMean": rng.uniform(1, 9, 2000)})
    table["log2FoldChange"] = np.where(up, 2.5, 0) + rng.normal(0, 0.5, 2000)
    table["lfcSE"], table["stat"] = 0.5, table["log2FoldChange"] / 0.5
    table["padj"] = np.where(up, 1e-3, 0.6)
    table.loc[1990:, "padj"] = np.nan
    table.to_csv(tmp_path / "deseq2.tsv", sep="\t", index=False)
    table.assign(lfcSE=np.where(table.index % 7, 0.5, 0)).drop(columns="stat").to_csv(
        tmp_path / "nbvae.tsv", sep="\t", index=False
    )
    runs = [(0, 1600, -1), (42, 800, -1), (42, 1600, 1)]
    for seed, epochs, weight in runs:
        run = table.assign(seed=seed, epochs=epochs, log2FoldChange=table["log2FoldChange"] * weight)
        run.to_csv(tmp_path / f"published{seed}_{epochs}.tsv", sep="\t", index=False)
    lines = ["\t".join([term, one.name, *sorted(one.genes)]) for term, one in sets.items()]
    (tmp_path / "sets.gmt").write_text("\n".join(lines))
    inputs = Named({name: str(tmp_path / f"{name}.tsv") for name in ("deseq2", "nbvae")})
    inputs.update(
        published=[str(tmp_path / f"published{s}_{e}.tsv") for s, e, _ in runs],
        sets=[str(tmp_path / "sets.gmt")],
    )
    params = Named(collections=["KEGG"], padj_cut=0.05, lfc_cut=1.0, min_size=10, max_size=500)
    params.update(gsea_permutations=100, seed=1)
    return SimpleNamespace(input=inputs, params=params, output=[str(tmp_path / "enriched.tsv")])


def enriched(job):
    enrich_genes.main(job)
    return pd.read_csv(job.output[0], sep="\t")


def test_script(job, tmp_path):
    table = enriched(job)
    first = (tmp_path / "enriched.tsv").read_bytes()
    assert list(table.columns) == enrich_genes.COLUMNS and first.startswith(
        b"method\tcollection\tanalysis\tterm\t"
    )
    expected = {(m, a) for m in ("deseq2", "nbvae") for a in ("ora_up", "ora_down", "gsea")}
    assert set(zip(table.method, table.analysis, strict=True)) <= expected | {
        ("published", "ora_up"),
        ("published", "ora_down"),
    }
    best = table[table["analysis"] != "ora_down"].groupby(["method", "analysis"])
    assert (best["term"].first() == "S005").all() and (best["padj"].first() < 0.01).all() and len(best) == 5
    gsea = table[table["analysis"] == "gsea"]
    assert gsea["selected"].isna().all() and gsea["nes"].notna().all()
    assert table.loc[table["analysis"] != "gsea", "nes"].isna().all()
    sizes = table[table["term"] == "S005"].groupby("method")["size"].first()
    assert sizes["deseq2"] == sizes["nbvae"] <= sizes["published"], "untested genes are no background"
    enrich_genes.main(job)
    assert (tmp_path / "enriched.tsv").read_bytes() == first


def test_script_without_sets_or_with_foreign_ones(job, tmp_path):
    foreign = tmp_path / "foreign.gmt"
    foreign.write_text("T\tx\t" + "\t".join(map(str, range(40))))
    job.input["sets"] = [str(foreign)]
    with pytest.raises(LatentomeError, match='KEGG, method deseq2: none of the 1990 .*"g0000".*"0", "1"'):
        enrich_genes.main(job)
    job.input["gene_info"] = [str(tmp_path / "gene_info")]
    (tmp_path / "gene_info").write_text(
        "GeneID\tSymbol\n" + "".join(f"{n}\t{gene}\n" for n, gene in enumerate(GENES))
    )
    assert set(enriched(job)["term"]) == {"T"}
    job.input["sets"], job.params["collections"] = [], []
    enrich_genes.main(job)
    assert (tmp_path / "enriched.tsv").read_text() == "\t".join(enrich_genes.COLUMNS) + "\n"


def test_script_where_nothing_changed(job, tmp_path):
    table = pd.read_csv(job.input.deseq2, sep="\t")
    table.assign(padj=0.9, stat=0.0).to_csv(job.input.deseq2, sep="\t", index=False)
    del job.input["published"]
    assert set(enriched(job)["method"]) == {"nbvae"}
    table.drop(columns="stat").to_csv(job.input.deseq2, sep="\t", index=False)
    with pytest.raises(LatentomeError, match='deseq2.tsv: column "stat" is missing'):
        enrich_genes.main(job)
