"""The workflow through a real SLURM: what was asked for, what the jobs saw, and that the bytes are a laptop's."""

import re

import pytest
from runs import REPO, digests, good, run
from submitted import MODEL, command, ended, jobs_of, submit

# Trains on 15 of the rules; these are of the smallest study but one, and each has its own shape of job.
TARGETS = ["l1000"]
GPU_RULES = sorted(
    name
    for path in sorted((REPO / "rules").glob("*.smk"))
    for name, body in re.findall(
        r"^rule (\w+):\n(.*?)(?=^rule |\Z)", path.read_text(encoding="utf-8"), re.M | re.S
    )
    if "gpu=gpu_count" in body
)


@pytest.fixture(scope="module")
def through_slurm(cluster, tmp_path_factory):
    folder = tmp_path_factory.mktemp("slurm")
    return good(ended(submit(cluster, folder, *TARGETS), folder))


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    return good(run(tmp_path_factory.mktemp("local"), *TARGETS))


def test_same_bytes_as_locally(through_slurm, local):
    there, here = digests(through_slurm.folder), digests(local.folder)
    assert there.keys() == here.keys() and len(here) > 40
    assert not [name for name in here if there[name] != here[name]]


@pytest.mark.parametrize("rule", ["train_model", "train_mnist"])
def test_a_training_has_a_gpu_and_sees_it_alone(cluster, through_slurm, rule):
    jobs = jobs_of(cluster, rule, through_slurm.folder)
    assert jobs and all(job["JobState"] == "COMPLETED" for job in jobs)
    assert all(job["TresPerJob"] == "gres:gpu:1" for job in jobs)
    logs = sorted((through_slurm.folder / "results/logs" / rule).rglob("*.log"))
    assert len(logs) == len(jobs)
    for path in logs:
        text = path.read_text(encoding="utf-8")
        assert re.search(r"CUDA_VISIBLE_DEVICES: [01]$", text, re.M), path
        assert "this job was given a GPU, but torch cannot use it" in text


def test_a_job_on_the_cpu_asks_for_no_gpu(cluster, through_slurm):
    jobs = [job for job in jobs_of(cluster, "", through_slurm.folder) if "train_" not in job["Comment"]]
    assert len(jobs) > 5
    assert not [job["Comment"] for job in jobs if "gpu" in str(job)]


def test_figures_go_several_in_a_job(cluster, through_slurm):
    groups = [job for job in cluster.jobs() if job.get("Comment", "").startswith("rule_l1000_figures")]
    drawn = len(list((through_slurm.folder / "results/figures/l1000").rglob("*.svg")))
    assert 1 <= len(groups) <= drawn / 3


def test_sites_that_want_gres(cluster, prepared):
    done = good(ended(submit(cluster, prepared, MODEL, profile="slurm-gres"), prepared))
    (job,) = jobs_of(cluster, "train_model", done.folder)
    assert job["TresPerNode"] == "gres:gpu:1"
    log = (prepared / "results/logs/train_model/demo/vae-0.log").read_text(encoding="utf-8")
    assert re.search(r"CUDA_VISIBLE_DEVICES: [01]$", log, re.M)


def test_partitions_by_what_a_job_asks_for(cluster, tmp_path):
    words = ("--slurm-partition-config", str(REPO / "profiles/slurm/partitions.yaml"))
    done = good(ended(submit(cluster, tmp_path, MODEL, *words), tmp_path))
    assert {job["Partition"] for job in jobs_of(cluster, "train_model", done.folder)} == {"gpu"}
    assert {job["Partition"] for job in jobs_of(cluster, "prepare_signatures", done.folder)} == {"cpu"}


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


def test_command_line_holds_no_config(tmp_path):
    """What this file runs is the profile as it is shipped, but for the words that speed the test up."""
    assert "device=auto" in command(tmp_path)
