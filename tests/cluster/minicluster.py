"""A real SLURM of one node in one folder, without systemd or files under /etc.

`python tests/cluster/minicluster.py FOLDER COMMAND...` starts one, runs the command in its environment and stops it.
"""

from __future__ import annotations

import getpass
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch")
ACCOUNTING_PROGRAMS = ("slurmdbd", "mariadbd", "mariadb-install-db", "mariadb")
STARTED, STOPPED = 30.0, 20.0
"""Seconds that a daemon may take."""

SLURM_CONF = """\
ClusterName=mini
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={run}/munge.sock
CredType=cred/munge
MpiDefault=none
# Neither cgroups nor systemd: memory is followed through /proc. As with cgroups, a step ends with its first process.
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
SwitchType=switch/none
ReturnToService=2
# The node may say that it has more cores than the machine.
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0,sched_min_interval=100000
GresTypes=gpu
DefMemPerCPU=100
# Ended jobs stay visible to scontrol and squeue.
MinJobAge=3600
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmctldTimeout=30
SlurmdTimeout=30
InactiveLimit=0
KillWait={kill_wait}
Waittime=0
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={run}/slurmctld.daemon
SlurmdPidFile={run}/slurmd.daemon
SlurmctldLogFile={log}/slurmctld.log
SlurmdLogFile={log}/slurmd.log
JobCompType=jobcomp/filetxt
JobCompLoc={log}/jobcomp.txt
PlugStackConfig=/dev/null
{accounting}
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} Boards=1 SocketsPerBoard=1 CoresPerSocket={cpus} ThreadsPerCore=1 \
RealMemory={memory} Gres=gpu:{gpus} State=UNKNOWN
PartitionName=cpu Nodes={host} Default=YES MaxTime=INFINITE DefaultTime=10 State=UP OverSubscribe=NO
PartitionName=gpu Nodes={host} MaxTime=INFINITE DefaultTime=10 State=UP OverSubscribe=NO
"""
ACCOUNTING = """\
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=localhost
AccountingStoragePort={port}
AccountingStoragePass={run}/munge.sock
AccountingStoreFlags=job_comment
AccountingStorageTRES=gres/gpu"""
SLURMDBD_CONF = """\
AuthType=auth/munge
AuthInfo=socket={run}/munge.sock
DbdHost=localhost
DbdPort={port}
SlurmUser={user}
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={storage_port}
StorageUser=slurm
StoragePass={password}
StorageLoc=slurm_acct_db
LogFile={log}/slurmdbd.log
PidFile={run}/slurmdbd.daemon
"""


def missing_programs(accounting: bool = False) -> list[str]:
    """Names of the programs that are not on PATH."""
    wanted = PROGRAMS + (ACCOUNTING_PROGRAMS if accounting else ())
    return [name for name in wanted if shutil.which(name, path=_path()) is None]


def _path() -> str:
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class MiniCluster:
    """One node with made-up GPUs, its controller and, on request, its accounting database.

    Parameters
    ----------
    folder
        Of everything: keys, configuration, state, logs and the daemons' process ids. A short path: munged's socket
        takes 107 characters.
    gpus, cpus
        That the node says it has.
    memory
        In MB, of the node; None: the machine's.
    accounting
        Run slurmdbd on a MariaDB too, so that sacct answers.
    """

    def __init__(
        self,
        folder: Path,
        *,
        gpus: int = 2,
        cpus: int = 8,
        memory: int | None = None,
        accounting: bool = False,
    ) -> None:
        self.folder, self.gpus, self.cpus, self.accounting = Path(folder).resolve(), gpus, cpus, accounting
        self.memory = memory or os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
        self.run, self.etc, self.log = self.folder / "run", self.folder / "etc", self.folder / "log"
        self.host = socket.gethostname().split(".")[0]
        self.processes: dict[str, subprocess.Popen] = {}

    @property
    def environment(self) -> dict[str, str]:
        """Variables with which SLURM's commands, and Snakemake, find this cluster."""
        return {"SLURM_CONF": str(self.etc / "slurm.conf"), "PATH": f"{self.folder}/bin:{_path()}"}

    def start(self) -> None:
        """Start the daemons and wait until the node is idle; a failure stops what was started and says why."""
        try:
            self._prepare()
            self._start_munge()
            if self.accounting:
                self._start_accounting()
            self.start_daemon("slurmctld")
            self.start_daemon("slurmd")
            self._wait("the node idle", lambda: self.node_state().startswith(("IDLE", "MIXED", "ALLOC")))
            if self.accounting:
                self._register_user()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Cancel all jobs and end the daemons."""
        with suppress(OSError, subprocess.SubprocessError):
            self.ask("scancel", "--state=RUNNING,PENDING,SUSPENDED", f"--user={getpass.getuser()}")
            time.sleep(0.5)
        for name in ("slurmd", "slurmctld", "slurmdbd", "mariadbd", "munged"):
            self.stop_daemon(name)

    def start_daemon(self, name: str) -> None:
        """Start slurmctld, slurmd or slurmdbd."""
        self._spawn(name, [name, "-D"])

    def stop_daemon(self, name: str) -> None:
        """End a daemon, gently first; does nothing if it does not run."""
        process = self.processes.pop(name, None)
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOPPED)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        (self.run / f"{name}.pid").unlink(missing_ok=True)

    def ask(self, *words: str) -> str:
        """What one of SLURM's commands printed.

        Raises
        ------
        subprocess.CalledProcessError
            If it failed.
        """
        done = subprocess.run(
            words, env={**os.environ, **self.environment}, capture_output=True, text=True, timeout=60, check=True
        )  # fmt: skip
        return done.stdout

    def node_state(self) -> str:
        """The node's state as scontrol spells it; empty while the controller does not answer."""
        try:
            found = re.search(r"\bState=(\S+)", self.ask("scontrol", "show", "node", self.host))
        except (subprocess.SubprocessError, OSError):
            return ""
        return found.group(1) if found else ""

    def jobs(self) -> list[dict[str, str]]:
        """All jobs that the controller remembers, as scontrol tells of them."""
        text = self.ask("scontrol", "--oneliner", "show", "job")
        lines = [line for line in text.splitlines() if line.startswith("JobId=")]
        return [dict(re.findall(r"(\w+(?:/\w+)?)=(\S*)", line)) for line in lines]

    # ---- start ---------------------------------------------------------------------------------
    def _prepare(self) -> None:
        for name in ("run", "etc", "log", "state", "spool", "dev", "bin"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for path in (self.folder, self.run, self.etc):
            path.chmod(0o755)
        # munged refuses what others may write.
        self.log.chmod(0o700)
        # A GPU is a character device whose name ends in its number, which becomes CUDA_VISIBLE_DEVICES.
        for number in range(self.gpus):
            with suppress(FileExistsError):
                (self.folder / f"dev/gpu{number}").symlink_to("/dev/null")
        # The executor's job step drops SLURM_CONF before its srun, which on a site finds /etc/slurm.
        srun = self.folder / "bin/srun"
        real = shutil.which("srun", path=_path())
        srun.write_text(f'#!/bin/sh\nexport SLURM_CONF="{self.etc}/slurm.conf"\nexec {real} "$@"\n')
        srun.chmod(0o755)
        self.ports = {"dbd": _free_port(), "storage": _free_port()}
        self._write_configuration()

    def _write_configuration(self, kill_wait: int = 5) -> None:
        places = {"folder": self.folder, "run": self.run, "log": self.log, "user": getpass.getuser()}
        accounting = "AccountingStorageType=accounting_storage/none"
        if self.accounting:
            accounting = ACCOUNTING.format(port=self.ports["dbd"], **places)
        (self.etc / "slurm.conf").write_text(
            SLURM_CONF.format(
                host=self.host, cpus=self.cpus, gpus=self.gpus, memory=self.memory, accounting=accounting,
                controller_port=_free_port(), node_port=_free_port(), kill_wait=kill_wait, **places,
            )
        )  # fmt: skip
        (self.etc / "gres.conf").write_text(
            f"NodeName={self.host} Name=gpu File={self.folder}/dev/gpu[0-{self.gpus - 1}]\n"
        )
        (self.etc / "cgroup.conf").write_text(
            "CgroupPlugin=cgroup/v1\nConstrainCores=no\nConstrainRAMSpace=no\nConstrainDevices=no\n"
        )

    def _start_munge(self) -> None:
        key = self.etc / "munge.key"
        if not key.exists():
            key.write_bytes(secrets.token_bytes(128))
            key.chmod(0o600)
        self._spawn(
            "munged",
            ["munged", "--foreground", "--force", "--num-threads=2", f"--key-file={key}",
             f"--socket={self.run}/munge.sock", f"--pid-file={self.run}/munged.daemon",
             f"--log-file={self.log}/munged.log", f"--seed-file={self.run}/munge.seed"],
        )  # fmt: skip
        self._wait("munged's socket", (self.run / "munge.sock").exists)

    def _start_accounting(self) -> None:
        data, place = self.folder / "mysql", self.run / "mysql"
        for path in (data, place):
            path.mkdir(exist_ok=True)
            if os.geteuid() == 0:
                shutil.chown(path, "mysql", "mysql")
        user = ["--user=mysql"] if os.geteuid() == 0 else []
        if not (data / "mysql").is_dir():
            self.ask(
                "mariadb-install-db", "--no-defaults", *user, f"--datadir={data}", "--skip-test-db",
                "--auth-root-authentication-method=socket",
            )  # fmt: skip
        database = place / "s.sock"
        self._spawn(
            "mariadbd",
            ["mariadbd", "--no-defaults", *user, f"--datadir={data}", f"--socket={database}",
             f"--pid-file={place}/p.pid", "--bind-address=127.0.0.1", f"--port={self.ports['storage']}",
             "--innodb-buffer-pool-size=64M", "--innodb-lock-wait-timeout=900", "--performance-schema=0"],
        )  # fmt: skip
        self._wait("MariaDB's socket", database.exists)
        password = secrets.token_hex(8)
        self._wait(
            "MariaDB",
            lambda: not self.ask(
                "mariadb", "--no-defaults", f"--socket={database}", "--execute",
                "CREATE DATABASE IF NOT EXISTS slurm_acct_db;"
                f"CREATE OR REPLACE USER 'slurm'@'127.0.0.1' IDENTIFIED BY '{password}';"
                "GRANT ALL ON slurm_acct_db.* TO 'slurm'@'127.0.0.1';",
            ),
        )  # fmt: skip
        path = self.etc / "slurmdbd.conf"
        path.touch(mode=0o600)
        path.write_text(
            SLURMDBD_CONF.format(
                run=self.run, log=self.log, user=getpass.getuser(), port=self.ports["dbd"],
                storage_port=self.ports["storage"], password=password,
            )
        )  # fmt: skip
        self.start_daemon("slurmdbd")
        self._wait(
            "slurmdbd", lambda: "ClusterName" not in self.ask("sacctmgr", "-n", "show", "stats") or True
        )

    def _register_user(self) -> None:
        for words in (["account", "default", "Cluster=mini"], ["user", getpass.getuser(), "Account=default"]):
            # It fails where the entry is there already.
            with suppress(subprocess.CalledProcessError):
                self.ask("sacctmgr", "-n", "-i", "add", *words)

    def _spawn(self, name: str, command: list[str]) -> None:
        with (self.log / f"{name}.out").open("ab") as output:
            process = subprocess.Popen(
                command, env={**os.environ, **self.environment}, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True, cwd=self.folder,
            )  # fmt: skip
        self.processes[name] = process
        (self.run / f"{name}.pid").write_text(f"{process.pid}\n")

    def _wait(self, what: str, ready) -> None:
        end = time.monotonic() + STARTED
        while time.monotonic() < end:
            for name, process in self.processes.items():
                if process.poll() is not None:
                    raise RuntimeError(f"{name} ended with status {process.returncode}\n{self._logs(name)}")
            with suppress(subprocess.SubprocessError, OSError):
                if ready():
                    return
            time.sleep(0.2)
        raise RuntimeError(
            f"{what}: not there after {STARTED:.0f} s\n" + "".join(map(self._logs, self.processes))
        )

    def _logs(self, name: str) -> str:
        found = ""
        for path in (self.log / f"{name}.out", self.log / f"{name}.log"):
            if path.is_file():
                found += f"--- {path}\n{path.read_text(errors='replace')[-1500:]}\n"
        return found


def main() -> None:
    folder, *command = sys.argv[1:]
    cluster = MiniCluster(Path(folder))
    cluster.start()
    try:
        print(f"SLURM_CONF={cluster.environment['SLURM_CONF']}", flush=True)
        code = subprocess.run(command, env={**os.environ, **cluster.environment}, check=False).returncode
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        cluster.stop()
    raise SystemExit(code)


if __name__ == "__main__":
    main()
