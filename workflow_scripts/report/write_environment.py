"""What this run was computed with: Python, every package, the machine's kind and the code's revision."""

import platform
import subprocess
from importlib.metadata import distributions

from workflow_scripts.lib.files import write_json
from workflow_scripts.lib.logs import job_log


def r_version() -> str | None:
    """First line of `R --version`, or None where there is no R."""
    try:
        done = subprocess.run(["R", "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.splitlines()[0]


def main(snakemake) -> None:
    packages = {found.metadata["Name"]: found.version for found in distributions()}
    write_json(
        snakemake.output[0],
        {
            "python": platform.python_version(),
            "platform": f"{platform.system()} {platform.machine()}",
            "r": r_version(),
            "packages": dict(sorted(packages.items(), key=lambda item: item[0].lower())),
            "revision": snakemake.params.revision,
            "changed": snakemake.params.changed,
        },
    )


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(snakemake)
