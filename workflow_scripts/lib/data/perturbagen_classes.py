"""What perturbagens are: CLUE's perturbagen classes (PCL), and the Repurposing Hub's mechanisms and targets."""

from __future__ import annotations

import re
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from workflow_scripts.lib.errors import LatentomeError

CLASS_ID = re.compile(r"(CP|KD|OE|LOF|GOF)_[A-Z0-9_]+")
ALIASES = {"CP_NOREPINEPHRINE_REPUTAKE_INHIBITOR": "CP_NOREPINEPHRINE_REUPTAKE_INHIBITOR"}
"""Spelt so in CLUE's tables; Table S7 of Subramanian et al. (2017) has the right word."""
KINDS = {"CP": "trt_cp", "KD": "trt_sh", "OE": "trt_oe"}
"""Perturbation types whose names a class of each kind may be found by, by how they begin."""
CLASS_COLUMNS = ["pert_id", "pert_iname", "pcl_id", "pcl_name"]


def read_classes(path: str | Path) -> pd.DataFrame:
    """Members of the perturbagen classes.

    CLUE's table does not quote names with commas in them; the class id, which has none, tells where they end. A
    table of two columns without a head (pert_id, class id) is read as well.

    Returns
    -------
    pandas.DataFrame
        Columns ``pert_id``, ``pert_iname``, ``pcl_id``, ``pcl_name``, one row a membership, doubles dropped.

    Raises
    ------
    LatentomeError
        If a row has no class id; the message names the line.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise LatentomeError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    rows, numbered = [], True
    for number, line in enumerate(lines, start=1):
        fields = [field.strip().strip('"') for field in line.split(",")]
        if number == 1:
            numbered = fields[0] != "pert_id"
        if not line.strip() or (number == 1 and {"pcl_id", "pert_id"} & set(fields)):
            continue
        places = [k for k, field in enumerate(fields) if CLASS_ID.fullmatch(field) and k >= 1]
        if not places:
            raise LatentomeError(
                f"{path}: line {number}: no class id such as CP_MEK_INHIBITOR in {line[:60]!r}; expected columns "
                "pert_id, pert_iname, pcl_id, pcl_name"
            )
        place = places[0]
        # CLUE's table begins with the number of the line.
        first = 0 if place == 1 or not numbered else 1
        name = ",".join(fields[first + 1 : place])
        title = ",".join(fields[place + 1 : -2] if numbered else fields[place + 1 : place + 2])
        identity = ALIASES.get(fields[place], fields[place])
        rows.append((fields[first], name, identity, title or identity))
    if not rows:
        raise LatentomeError(
            f"{path}: has no memberships; expected columns pert_id, pert_iname, pcl_id, pcl_name"
        )
    return pd.DataFrame(rows, columns=CLASS_COLUMNS).drop_duplicates(["pert_id", "pcl_id"], ignore_index=True)


def read_hub_drugs(path: str | Path) -> pd.DataFrame:
    """Repurposing Hub: mechanism and targets of each drug, by its lower-case name.

    Returns
    -------
    pandas.DataFrame
        Columns ``moa`` and ``target``, lists of text, indexed by ``pert_iname`` in lower case.
    """
    table = _read_hub(path, ["pert_iname", "moa", "target"])
    split = {
        name: table[name].map(lambda text: [part for part in text.split("|") if part])
        for name in ("moa", "target")
    }
    return pd.DataFrame(split).set_axis(table.pert_iname.str.lower()).groupby(level=0).first()


def read_hub_samples(path: str | Path) -> pd.Series:
    """Repurposing Hub: lower-case drug name of each compound, indexed by the first 13 letters of its BRD id."""
    table = _read_hub(path, ["broad_id", "pert_iname"])
    names = pd.Series(table.pert_iname.str.lower().to_numpy(), index=table.broad_id.str[:13])
    return names[~names.index.duplicated()]


def _read_hub(path: str | Path, columns: list[str]) -> pd.DataFrame:
    try:
        table = pd.read_csv(
            path, sep="\t", comment="!", dtype=str, keep_default_na=False, encoding_errors="replace"
        )
    except (OSError, EOFError, zlib.error, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise LatentomeError(f"{path}: cannot be read as a Repurposing Hub table ({error})") from error
    missing = [name for name in columns if name not in table]
    if missing:
        raise LatentomeError(
            f"{path}: columns {', '.join(missing)} are missing; expected a table of the Drug Repurposing Hub"
        )
    return table


def join_classes(signatures: pd.DataFrame, classes: pd.DataFrame, by_name: bool = True) -> pd.DataFrame:
    """Class of each signature's perturbagen: by id, then by name.

    By name only classes of the signature's own kind: compounds, knock-downs or over-expression.

    A perturbagen of several classes gets the one with the fewest members, the most specific one; `n_classes` says
    how many it had.

    Parameters
    ----------
    signatures
        With columns ``pert_id``, ``pert_iname`` and, if there is one, ``pert_type``.
    classes
        From `read_classes`.
    by_name
        Whether names are looked for at all; the published study joined by id alone.

    Returns
    -------
    pandas.DataFrame
        Columns ``pcl_id`` ("" for none), ``route`` ("pert_id", "pert_iname" or "") and ``n_classes``, indexed as
        `signatures`.
    """
    size = classes.groupby("pcl_id").pert_id.nunique()
    ranked = classes.assign(size=classes.pcl_id.map(size), name=classes.pert_iname.str.lower())
    ranked = ranked.sort_values(["size", "pcl_id"], kind="stable")
    found = pd.DataFrame({"pcl_id": "", "route": "", "n_classes": 0}, index=signatures.index)
    _assign(found, "pert_id", signatures.pert_id.astype(str), ranked.groupby("pert_id").pcl_id)
    if by_name:
        names = signatures.pert_iname.astype(str).str.lower()
        ranked = ranked[ranked.name != ""]
        for kind, part in ranked.groupby(ranked.pcl_id.str.extract(r"^([A-Z]+)_", expand=False)):
            # A gene's name is that of its knock-down's class and of its over-expression's.
            fits = signatures.get("pert_type", pd.Series("", index=signatures.index)).str.startswith(
                KINDS.get(kind, "trt_")
            )
            own = names if "pert_type" not in signatures else names.where(fits, "")
            _assign(found, "pert_iname", own, part.groupby("name").pcl_id)
    return found


def _assign(found: pd.DataFrame, route: str, key: pd.Series, groups: Any) -> None:
    """Give signatures without a class the first one of their key, and how many there are."""
    chosen, counts = groups.first(), groups.nunique()
    here = (found.route == "") & key.isin(chosen.index)
    found.loc[here, "pcl_id"] = key[here].map(chosen)
    found.loc[here, "n_classes"] = key[here].map(counts)
    found.loc[here, "route"] = route


def class_of_mechanism(moa: str, synonyms: Mapping[str, str]) -> str:
    """The class id that a mechanism's wording stands for: a synonym's, or CP_ and its words."""
    return synonyms.get(moa) or "CP_" + re.sub(r"[^A-Z0-9]+", "_", moa.upper())


def classes_by_mechanism(
    signatures: pd.DataFrame,
    drugs: pd.DataFrame,
    samples: pd.Series,
    synonyms: Mapping[str, str],
    known: Collection[str],
) -> pd.Series:
    """Classes of each signature's drug by the Repurposing Hub, which lists more drugs than CLUE's classes have.

    Parameters
    ----------
    signatures
        With columns ``pert_id`` and ``pert_iname``; the drug is looked for by id, then by name.
    drugs, samples
        From `read_hub_drugs` and `read_hub_samples`.
    synonyms
        Class id by mechanism, where its words differ.
    known
        Class ids wanted.

    Returns
    -------
    pandas.Series
        Lists of class ids in `known`, indexed as `signatures`.
    """
    names = hub_names(signatures, drugs, samples)
    found = {
        name: [c for c in dict.fromkeys(class_of_mechanism(m, synonyms) for m in moas) if c in known]
        for name, moas in drugs.moa.items()
    }
    return names.map(lambda name: found.get(name, []))


def targets_of(signatures: pd.DataFrame, drugs: pd.DataFrame, samples: pd.Series) -> pd.Series:
    """Gene symbols of each signature's drug's targets by the Repurposing Hub, lists; by id, then by name."""
    names = hub_names(signatures, drugs, samples)
    found = drugs.target.to_dict()
    return names.map(lambda name: found.get(name, []))


def hub_names(signatures: pd.DataFrame, drugs: pd.DataFrame, samples: pd.Series) -> pd.Series:
    """The Repurposing Hub's lower-case name of each signature's drug, by id, then by name; NaN for none."""
    by_id = signatures.pert_id.str[:13].map(samples)
    by_name = signatures.pert_iname.str.lower()
    return by_id.where(by_id.isin(drugs.index), by_name.where(by_name.isin(drugs.index)))
