"""The run of the whole tiny workflow, for the files of this folder."""

from runs import demo  # noqa: F401
