"""Names, labels and values that a shell, Snakemake or matplotlib would read as more than text; secrets that stay so."""

import csv
import zipfile

import own_data
import own_spots
import pandas as pd
import pytest
from own_data import count_rows, sheet_rows
from runs import good, run

# No / is in them: they are names of files as well.
SHELL = 'it\'s "so"; $(touch hit) `touch hit` | & > # * ~ \\ é漢'
LEVELS = [f"{SHELL} a", f"<b>{{x}}</b> $x_1$ %s {SHELL}"]
NEWLINE = "two\nlines $(touch hit).tsv"
DE = "results/bulk/mine/de/deseq2/shifted.tsv"
FIGURES = [f"results/figures/{name}" for name in ("bulk/mine/sample_sanity", "spatial/mine/tissue_overview")]
SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "hush-1",
    "SNAKEMAKE_STORAGE_S3_SECRET_KEY": "hush-2",
    "HTTPS_PROXY": "http://me:hush-3@127.0.0.1:9",
}
pytestmark = pytest.mark.needs_r


def write_rows(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",").writerows(rows)


def blocks(folder):
    """Both data sets, in files whose names a shell would run."""
    samples = dict(zip(own_data.SAMPLES, (f"{SHELL} {i}" for i in range(6)), strict=True))
    groups = dict(zip(("old-fed", "2 young"), LEVELS, strict=True))
    head, *genes = count_rows()
    write_rows(folder / NEWLINE, [["gene", *samples.values()], *genes])
    head, *sheet = sheet_rows()
    write_rows(folder / f"{SHELL}.csv", [head, *([samples[s], groups[g], *more] for s, g, *more in sheet)])
    spots = own_spots.write_folder(folder, SHELL)
    labels = [LEVELS[side == "right"] for side in own_spots.sides()]
    write_rows(
        folder / f"labels {SHELL}.csv", [["spot", "label"], *zip(own_spots.BARCODES, labels, strict=True)]
    )
    spots["labels"] = {"file": f"labels {SHELL}.csv", "barcode": "spot", "label": "label"}
    contrast = {"design": "~ group", "contrast": ["group", *reversed(LEVELS)]}
    bulk = {"counts": NEWLINE, "samples": f"{SHELL}.csv", "title": SHELL, "contrasts": {"shifted": contrast}}
    return {"bulk": {"mine": bulk}, "spatial": {"mine": {**spots, "title": SHELL}}}


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("odd") / SHELL
    folder.mkdir()
    overlay = {
        **{study: {"datasets": ["mine"]} for study in ("bulk", "spatial")},
        "studies": ["bulk", "spatial"],
        "datasets": blocks(folder),
    }
    targets = [DE, *(f"{name}.svg" for name in FIGURES)]
    words = ("--config", f"mirror={SHELL}\n{SHELL}")
    how = {"overlays": ("test", overlay), "env": SECRETS}
    ended = good(run(folder, *targets, *words, **how))
    good(run(folder, *targets, "--report", "results/report.zip", *words, **how))
    return ended


def read(done, name):
    return pd.read_csv(done.folder / name, sep="\t", dtype=str, keep_default_na=False)


def test_nothing_of_a_name_is_run(done):
    assert not list(done.folder.parent.rglob("hit"))


def test_labels_are_text_in_tables(done):
    assert (pd.to_numeric(read(done, DE).log2FoldChange)[:5] > 1).all()
    for figure in FIGURES:
        cells = set(read(done, f"{figure}.tsv").to_numpy().ravel())
        found = [level for level in LEVELS if any(level in cell for cell in cells)]
        assert found == LEVELS, figure


def test_secrets_of_the_environment_are_nowhere(done):
    files = [path for path in done.folder.rglob("*") if path.is_file()]
    assert {"report.zip", "sample_sanity.svg"} <= {path.name for path in files}
    texts = {str(path): path.read_bytes() for path in files}
    with zipfile.ZipFile(done.folder / "results/report.zip") as report:
        texts |= {name: report.read(name) for name in report.namelist()}
    assert [name for name, text in texts.items() if b"hush" in text] == []
    assert "hush" not in done.text


def refused(folder, *words, **how):
    ended = run(folder, "results/config.yaml", *words, **how)
    assert ended.code and "Traceback" not in ended.text
    (line,) = [line for line in ended.text.splitlines() if "latentome: error:" in line]
    assert not (folder / "results/config.yaml").exists() and not list(folder.rglob("hit"))
    return line, ended


def test_an_address_with_a_password_is_refused_without_it(tmp_path):
    overlay = {"raw_dir": "https://me:hush@data.invalid/raw"}
    line, ended = refused(tmp_path, overlays=("test", overlay))
    assert "raw_dir" in line and "data.invalid" in line and "hush" not in ended.text
    logs = [path for path in (tmp_path / ".snakemake").rglob("*") if path.is_file()]
    assert [path for path in logs if b"hush" in path.read_bytes()] == []


@pytest.mark.parametrize("value", ["it's $(touch hit)", "two\nlines"])
def test_a_value_that_a_submitted_jobs_shell_would_read_is_refused(tmp_path, value):
    pytest.importorskip("snakemake_executor_plugin_slurm")
    line, _ = refused(tmp_path, "--executor", "slurm", "--jobs", "1", "--config", f"mirror={value}")
    assert "--config mirror=" in line and "--configfile" in line
    assert not list((tmp_path / ".snakemake").glob("locks/*"))
