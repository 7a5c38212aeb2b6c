"""The workflow through a real SLURM: what was asked for, what the jobs saw, and that the bytes are a laptop's."""

import re
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
from runs import REPO, digests, good, run
from submitted import MODEL, ended, jobs_of, submit

# A file of every training rule, and three figures. The whole demo goes through SLURM in test-slow.
TARGETS = [
    "results/bulk/simulation.tsv",
    "results/bulk/demo/models/nbvae/seed0/model.safetensors",
    "results/bulk/demo/models/scvi/seed0/metrics.json",
    "results/l1000/demo/models/vae/seed0/model.safetensors",
    "results/molecules/demo_digits/ceilings.tsv",
    "results/molecules/demo_digits/models/biaae/seed0/model.safetensors",
    "results/molecules/demo_pairs/to_molecule/biaae/seed0/model.safetensors",
    "results/spatial/demo_visium/domains/seed0.tsv",
    "results/spatial/demo_visium/held_out/seed0.tsv",
    "results/spatial/demo_visium/held_out/scvi_seed0.tsv",
    "results/spatial/demo_visium/masked.tsv",
    "results/spatial/demo_visium/autocorrelation.tsv",
    "results/figures/l1000/demo/dataset_overview.svg",
    "results/figures/l1000/demo/expression_pca.svg",
    "results/figures/l1000/demo/model_architectures.svg",
]
GPU_RULES = sorted(
    name
    for path in sorted((REPO / "rules").glob("*.smk"))
    for name, body in re.findall(
        r"^rule (\w+):\n(.*?)(?=^rule |\Z)", path.read_text(encoding="utf-8"), re.M | re.S
    )
    if "gpu=gpu_count" in body
)
# Its images are no part of the demo.
TRAINED = [rule for rule in GPU_RULES if rule != "train_mnist"]


# What SLURM makes anew: the L1000 study from its splits on, and all that a training of the others makes.
ANEW = [
    "results/l1000/demo/splits.tsv",
    "results/l1000/demo/models",
    "results/figures",
    "results/logs",
    "results/bulk/demo/models",
    "results/molecules/smiles_vae",
    "results/molecules/demo_digits/models",
    "results/molecules/demo_pairs/to_molecule",
    "results/spatial/demo_visium/models",
    *TARGETS,
]


PARTITIONS = [
    "--slurm-partition-config",
    str(REPO / "profiles/slurm/partitions.yaml"),
    "--forcerun",
    "split_signatures",
    "--set-resources",
    "train_model:mem_mb=7000",
]


@pytest.fixture(scope="module")
def smaller(cluster, prepared, tmp_path_factory):
    """Two more runs, which wait for SLURM while the others compute: a function that gives a run by its name."""

    def go(name, *words, **how):
        folder = tmp_path_factory.mktemp(name) / "run"
        shutil.copytree(prepared, folder, symlinks=True)
        return pool.submit(lambda: good(ended(submit(cluster, folder, MODEL, *words, **how), folder)))

    with ThreadPoolExecutor() as pool:
        runs = {"gres": go("gres", profile="slurm-gres"), "partitions": go("partitions", *PARTITIONS)}
        yield lambda name: runs[name].result()


@pytest.fixture(scope="module")
def local(smaller, tmp_path_factory):
    return good(run(tmp_path_factory.mktemp("local"), *TARGETS))


@pytest.fixture(scope="module")
def through_slurm(cluster, local, tmp_path_factory):
    folder = tmp_path_factory.mktemp("slurm") / "run"
    shutil.copytree(local.folder, folder, symlinks=True)
    for path in map(folder.joinpath, ANEW):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    return good(ended(submit(cluster, folder, *TARGETS), folder))


def test_same_bytes_as_locally(through_slurm, local):
    there, here = digests(through_slurm.folder), digests(local.folder)
    assert there.keys() == here.keys() and len(here) > 40
    assert not [name for name in here if there[name] != here[name]]


@pytest.mark.slow
@pytest.mark.timeout(2 * 3600)
def test_the_whole_demo_has_the_same_bytes(cluster, tmp_path):
    there = good(ended(submit(cluster, tmp_path / "slurm", overlays=()), tmp_path / "slurm", timeout=5400))
    here = good(run(tmp_path / "local", overlays=(), timeout=3600))
    assert digests(there.folder) == digests(here.folder)


@pytest.mark.parametrize("rule", TRAINED)
def test_a_training_has_a_gpu_and_sees_it_alone(cluster, through_slurm, rule):
    jobs = jobs_of(cluster, rule, through_slurm.folder)
    assert jobs and all(job["JobState"] == "COMPLETED" for job in jobs)
    assert all(job["TresPerJob"] == "gres:gpu:1" for job in jobs)
    place = through_slurm.folder / "results/logs"
    logs = [*(place / rule).rglob("*.log"), *place.glob(f"{rule}.log")]
    assert len(logs) == len(jobs)
    for path in logs:
        text = path.read_text(encoding="utf-8")
        assert re.search(r"CUDA_VISIBLE_DEVICES: [01]$", text, re.M), path
        # Domains of counts come from the model that train_spots made.
        assert rule == "assign_domains" or "this job was given a GPU, but torch cannot use it" in text


def test_a_job_on_the_cpu_asks_for_no_gpu(cluster, through_slurm):
    ours = jobs_of(cluster, "", through_slurm.folder)
    jobs = [job for job in ours if not job["Comment"].startswith(tuple(f"rule_{rule}" for rule in GPU_RULES))]
    assert len(jobs) > 3
    assert not [job["Comment"] for job in jobs if "gpu" in str(job)]


def test_figures_go_several_in_a_job(cluster, through_slurm):
    groups = [job for job in cluster.jobs() if job.get("Comment", "").startswith("rule_l1000_figures")]
    drawn = len(list((through_slurm.folder / "results/figures/l1000").rglob("*.svg")))
    assert len(groups) == 1 and drawn == 3


def test_sites_that_want_gres(cluster, smaller):
    done = smaller("gres")
    (job,) = jobs_of(cluster, "train_model", done.folder)
    assert job["TresPerNode"] == "gres:gpu:1"
    log = (done.folder / "results/logs/train_model/demo/vae-0.log").read_text(encoding="utf-8")
    assert re.search(r"CUDA_VISIBLE_DEVICES: [01]$", log, re.M)


def test_partitions_by_what_a_job_asks_for_and_memory_beyond_the_limit_of_groups(cluster, smaller):
    done = smaller("partitions")
    (training,) = jobs_of(cluster, "train_model", done.folder)
    assert training["Partition"] == "gpu" and re.search(r"mem=7000M", training["TRES"])
    assert {job["Partition"] for job in jobs_of(cluster, "split_signatures", done.folder)} == {"cpu"}


@pytest.mark.parametrize("profile", ["slurm-gres", "kubernetes"])
def test_profiles_know_every_rule_that_may_use_a_gpu(profile):
    text = (REPO / "profiles" / profile / "profile.yaml").read_text(encoding="utf-8")
    block = re.search(r"^set-resources:\n((?:  .*\n)+)", text, re.M).group(1)
    assert re.findall(r"^  (\w+):", block, re.M) == GPU_RULES


def test_profiles_of_the_two_kinds_of_slurm_differ_in_gpus_alone():
    one, other = (
        (REPO / "profiles" / name / "profile.yaml").read_text(encoding="utf-8").splitlines()[2:]
        for name in ("slurm", "slurm-gres")
    )
    added = [line for line in other if line not in one]
    assert not [line for line in one if line not in other]
    assert all(re.match(r"  \w+: \{gpu: 0|#|set-resources:", line) for line in added)


def test_every_rule_that_computes_on_the_configs_device_asks_for_its_gpu():
    text = "\n".join(path.read_text(encoding="utf-8") for path in (REPO / "rules").glob("*.smk"))
    bodies = dict(re.findall(r"^rule (\w+):\n(.*?)(?=^rule |\Z)", text, re.M | re.S))
    computing = sorted(name for name, body in bodies.items() if 'device=config["device"]' in body)
    assert computing == GPU_RULES
