"""Results of a run whose names try to be markup, script, formulas and paths of Vega's fields."""

import matplotlib.pyplot as plt
import pandas as pd
import yaml
from runs import REPO

from workflow_scripts.lib.plots.style import save_figure
from workflow_scripts.lib.tables import write_table

MARKUP = "</script><img src=x onerror=alert(1)>"
FORMULA = '=HYPERLINK("http://x","y")'
SEPARATORS = "a\u2028b\u2029c"
COLUMN = "image.of[0]<b>'\""
NAMES = (
    MARKUP,
    FORMULA,
    SEPARATORS,
    "<!--<script>",
    "{{ 7*7 }}",
    "datum.x",
    "__proto__",
    "-1+1",
    "@x",
    "&amp;",
)


def _volcano():
    rows = [
        {
            "contrast": "treated_vs_control",
            "method": method,
            "gene_id": f"{name}",
            "symbol": name,
            "log2FoldChange": place - 4.0,
            "minus_log10_padj": float(place),
            "called": "up" if place > 5 else "not called",
            "at_edge": False,
            "named": False,
        }
        for method in ("deseq2", "nbvae")
        for place, name in enumerate(NAMES)
    ]
    return pd.DataFrame(rows)


def _latent():
    rows = [
        {
            "sample": name,
            "x": float(place),
            "x_bar": 0.1,
            "x_axis": "z1",
            "y": float(-place),
            "y_bar": 0.1,
            "y_axis": "z2",
            "model": "nbvae",
            "seed": 0,
            COLUMN: NAMES[place % 3],
            "image": name,
            "title": MARKUP,
            "age": 20.5 + place,
        }
        for place, name in enumerate(NAMES)
    ]
    return pd.DataFrame(rows)


def _network():
    rows = [
        {
            "target": target,
            "source": source,
            "distance": 0.5,
            "weight": 0.5,
            "mutual": place == 0,
            "component": 1,
            "target_x": place,
            "target_y": 1.0,
            "source_x": place + 0.5,
            "source_y": 0.2,
        }
        for place, (target, source) in enumerate([(NAMES[0], NAMES[1]), (NAMES[2], NAMES[0])])
    ]
    return pd.DataFrame(rows)


def _grid():
    return pd.DataFrame(
        {
            "true": ["CCO", "CCO"],
            "draw": [0, 1],
            "smiles": ["c1ccccc1", MARKUP],
            "valid": [True, False],
            "tanimoto": [0.1, None],
        }
    )


def hostile_results(results):
    """Write results and return the config, and the figures by study and dataset."""
    tables = {
        ("bulk", "mine", "volcano"): _volcano(),
        ("bulk", "mine", "latent_space"): _latent(),
        ("l1000", "mine", "network_graph_svqvae"): _network(),
        ("molecules", "mine", "molecule_grid"): _grid(),
    }
    found = {}
    for (study, dataset, name), table in tables.items():
        figure, ax = plt.subplots(figsize=(4, 3))
        ax.set_title(MARKUP)
        folder = results / "figures" / study / dataset
        save_figure(figure, table, [folder / f"{name}.{kind}" for kind in ("svg", "png", "tsv")])
        plt.close(figure)
        found.setdefault(study, {}).setdefault(dataset, []).append(name)
    claims = pd.DataFrame(
        {
            "study": "bulk",
            "claim": list(NAMES),
            "as_published": MARKUP,
            "reproduced": FORMULA,
            "corrected": SEPARATORS,
            "interval": None,
            "verdict": "holds",
            "figure": "results/figures/bulk/mine/volcano.svg",
        }
    )
    write_table(claims, results / "bulk/claims.tsv")
    config = yaml.safe_load((REPO / "config.yaml").read_text(encoding="utf-8"))
    config["source"] = "mirror"
    config["mirror"] = MARKUP
    config["datasets"]["bulk"]["mine"] = {
        "title": MARKUP,
        "counts": FORMULA,
        "samples": "x",
        "contrasts": {MARKUP: FORMULA},
    }
    for study in ("l1000", "molecules"):
        config["datasets"][study]["mine"] = {"title": MARKUP}
    (results / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return config, found
