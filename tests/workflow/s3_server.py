"""An S3 server on loopback, whose buckets live as long as the process."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
from moto.server import ThreadedMotoServer
from runs import VOLATILE

KEY = "any key will do"


class Bucket:
    """One bucket of such a server, and the variables with which Snakemake finds it."""

    def __init__(self, url: str, name: str) -> None:
        self.name, self.url = name, url
        self.environment = {
            "SNAKEMAKE_STORAGE_S3_ENDPOINT_URL": url,
            "SNAKEMAKE_STORAGE_S3_ACCESS_KEY": KEY,
            "SNAKEMAKE_STORAGE_S3_SECRET_KEY": KEY,
        }
        self.s3 = boto3.resource(
            "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id=KEY, aws_secret_access_key=KEY
        ).create_bucket(Bucket=name)

    def words(self, prefix: str) -> tuple[str, ...]:
        """Options with which a run keeps its files in this bucket."""
        return (
            "--default-storage-provider", "s3", "--default-storage-prefix", f"s3://{self.name}/{prefix}", "--"
        )  # fmt: skip

    def put(self, key: str, data: bytes) -> str:
        """Store an object; returns its address."""
        self.s3.put_object(Key=key, Body=data)
        return f"s3://{self.name}/{key}"

    def keys(self, prefix: str) -> set[str]:
        """Names of the objects below a prefix, without it."""
        return {one.key.removeprefix(f"{prefix}/") for one in self.s3.objects.filter(Prefix=f"{prefix}/")}

    def digests(self, prefix: str) -> dict[str, str]:
        """SHA-256 of the results below a prefix, as `runs.digests` gives them of a folder."""
        names = {key.removeprefix("results/"): key for key in self.keys(prefix) if key.startswith("results/")}
        return {
            name: hashlib.sha256(self.s3.Object(f"{prefix}/{key}").get()["Body"].read()).hexdigest()
            for name, key in names.items()
            if not VOLATILE.search(name)
        }


@contextmanager
def s3_bucket(name: str = "lab") -> Iterator[Bucket]:
    """A bucket of a server of its own."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield Bucket("http://{}:{}".format(*server.get_host_and_port()), name)
    finally:
        server.stop()
