"""Sample sheets: read as text, joined by name, levels restored from YAML and made safe for R."""

import datetime
import logging
import re

import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from workflow_scripts.lib.data.samples import (
    join_samples,
    keep_samples,
    level_text,
    read_samples,
    require_levels,
    safe_levels,
)
from workflow_scripts.lib.errors import LatentomeError

SHEET = "sample,status,dose\ns1,virgin,1\ns2,lactating,2\ns3,virgin,10\n"


@pytest.fixture
def put(tmp_path):
    def write(text, name="sheet.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.fixture
def sheet(put):
    return read_samples(put(SHEET))


def counts(*names):
    return pd.DataFrame([[1] * len(names)], index=["g"], columns=list(names))


def refusal(call, *words):
    with pytest.raises(LatentomeError) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message and "expected" in message
    for word in words:
        assert word in message, message
    return message


@pytest.mark.parametrize(
    "text",
    [
        SHEET,
        SHEET.replace(",", ";"),
        SHEET.replace(",", "\t"),
        "\ufeff" + SHEET.replace("\n", "\r\n"),
        SHEET.replace("sample", "file"),
        SHEET.replace("sample", ""),
        SHEET.replace("sample,", ""),
        '"sample", "status" ,"dose"\n s1 ,"virgin",1\ns2,lactating , 2\ns3,virgin,10\n,,\n',
    ],
)
def test_good_sheets(put, text):
    path = put(text)
    samples = read_samples(path)
    assert samples.index.tolist() == ["s1", "s2", "s3"]
    assert samples["status"].tolist() == ["virgin", "lactating", "virgin"]
    assert samples["dose"].tolist() == ["1", "2", "10"]
    assert samples.attrs["source"] == str(path)


def test_sample_column(put):
    path = put("gsm,run,status\nG1,r1,a\nG2,r2,b\n")
    assert read_samples(path).index.tolist() == ["G1", "G2"]
    samples = read_samples(path, sample_column="run")
    assert samples.index.tolist() == ["r1", "r2"] and samples["gsm"].tolist() == ["G1", "G2"]
    refusal(lambda: read_samples(path, sample_column="rum"), str(path), "line 1", 'did you mean "run"')


@pytest.mark.parametrize(
    "text, words",
    [
        (SHEET + "s1,x,1\n", ["line 2", 'sample "s1" stands 2 times', "line 5"]),
        (SHEET + ",x,1\n", ["line 5", 'column "sample"', "empty"]),
        (SHEET + "s4,x\n", ["line 5", "2 fields"]),
        (SHEET + "s4,x,1,2\n", ["line 5", "4 fields"]),
        ("sample,dose,dose\ns1,1,1\n", ["line 1", '"dose" stands more than once']),
        ("sample\ns1\n", ["one column"]),
        ("", ["empty"]),
        ("a,b\n", ["no rows"]),
        (SHEET.replace("virgin", "jungfr\xe4ulich").encode("latin-1"), ["line 2", "UTF-8"]),
    ],
)
def test_bad_sheets(put, text, words):
    path = put(text)
    refusal(lambda: read_samples(path), str(path), *words)


def test_join_is_by_name(sheet):
    joined = join_samples(counts("s3", "s1", "s2"), sheet, columns=["status"])
    assert joined.index.tolist() == ["s3", "s1", "s2"] and joined["dose"].tolist() == ["10", "1", "2"]


def test_join_misses(sheet):
    where = sheet.attrs["source"]
    refusal(
        lambda: join_samples(counts("s1", "s2", "s3", "s11"), sheet),
        where, "1 of the counts' 4 samples is not in the sheet", '"s11"', 'did you mean "s1"',
    )  # fmt: skip
    many = [f"x{i}" for i in range(8)]
    refusal(lambda: join_samples(counts(*many), sheet), '"x4" and 3 more')
    refusal(
        lambda: join_samples(counts("s1", "s2"), sheet),
        where, "1 of the sheet's 3 samples has no column in the counts", '"s3"', "mark the line excluded",
    )  # fmt: skip


def test_join_suggests_the_column(put):
    sheet = read_samples(put("gsm,run,status\nG1,r1,a\nG2,r2,b\n"))
    refusal(lambda: join_samples(counts("r2", "r1"), sheet), "set sample_column: run")


def test_excluded_and_subset(put, caplog):
    caplog.set_level(logging.INFO)
    sheet = read_samples(put("s,status,Exclude\ns1,NO,\ns2,on,no\ns3,on,yes\ns4,off,\n"))
    joined = join_samples(counts("s4", "s3", "s2", "s1"), sheet)
    assert joined.index.tolist() == ["s4", "s2", "s1"] and '"s3"' in caplog.text
    assert joined.attrs["source"] == sheet.attrs["source"]
    # An excluded sample need not have counts; one outside the subset neither.
    assert join_samples(counts("s2", "s1"), sheet, subset={"status": ["NO", True]}).shape == (2, 2)
    assert keep_samples(sheet, {"status": "off"}).index.tolist() == ["s4"]
    refusal(lambda: keep_samples(sheet, {"statis": ["on"]}), 'did you mean "status"', sheet.attrs["source"])
    refusal(lambda: keep_samples(sheet, {"status": ["onn"]}), 'subset level in column "status"', '"NO"')
    refusal(lambda: keep_samples(sheet, {"status": [False]}), 'column "status"', "in quotes")
    refusal(lambda: keep_samples(sheet[2:3]), "no sample is left")
    odd = read_samples(put("s,exclude\ns1,perhaps\n"))
    refusal(lambda: keep_samples(odd), 'column "exclude"', 'sample "s1"', '"perhaps"')


@pytest.mark.parametrize("missing", ["", "NA", "NaN"])
def test_missing_levels(put, missing):
    sheet = read_samples(put(SHEET.replace("lactating", missing)))
    where = ['column "status"', 'sample "s2"', sheet.attrs["source"]]
    refusal(lambda: join_samples(counts("s1", "s2", "s3"), sheet, columns=["status"]), *where)
    assert len(join_samples(counts("s1", "s2", "s3"), sheet)) == 3
    refusal(lambda: require_levels(sheet, ["dos"]), 'did you mean "dose"')


def test_levels_through_yaml():
    def restored(text, levels):
        return level_text(yaml.safe_load(text), "status", levels)

    assert restored("NO", ["NO", "YES"]) == "NO" and restored("on", ["on", "off"]) == "on"
    assert restored("'NO'", None) == "NO" and restored("virgin", None) == "virgin"
    assert restored("1", ["1", "2"]) == "1" and restored("1.0", ["1", "2"]) == "1"
    assert restored("1.0", ["1.0", "2"]) == "1.0" and restored("7", None) == "7"
    assert level_text(datetime.date(2015, 1, 2), "day") == "2015-01-02"
    quote = 'write the level in quotes, such as "NO"'
    refusal(lambda: restored("no", None), 'column "status"', "YAML read False", "no", quote)
    refusal(lambda: restored("no", ["no", "off"]), '"no", "off"', quote)
    refusal(lambda: restored("yes", ["a", "b"]), "YAML read True", quote)
    refusal(lambda: restored("", ["a"]), "YAML read None", quote)
    refusal(lambda: restored("[a]", ["a"]), quote)


SAFE = {
    "18.5 day": "x18_5_day",
    "2-day": "x2_day",
    "ok_1": "ok_1",
    "a_b": "a_b",
    "a b": "a_b_2",
    "a-b": "a_b_3",
    "CD4+": "CD4_pos",
    "CD4-": "CD4_neg",
    "naïve": "naive",
    "β": "x",
}


def test_safe_levels():
    safe, back = safe_levels(["a-b", *SAFE])
    assert safe == SAFE
    assert all(back[name] == level for level, name in safe.items())


@given(st.lists(st.text(max_size=8)))
def test_safe_levels_always(levels):
    safe, back = safe_levels(levels)
    assert set(safe) == set(levels) and len(back) == len(safe)
    assert all(re.fullmatch("[A-Za-z][A-Za-z0-9_]*", name) and back[name] == k for k, name in safe.items())


NAMES = st.text("abcXYZ019_-. é", min_size=1, max_size=6).map(lambda name: f"n{name.strip()}")


@given(names=st.lists(NAMES, min_size=1, max_size=6, unique=True), order=st.randoms())
def test_join_follows_the_counts(names, order):
    shuffled = list(names)
    order.shuffle(shuffled)
    samples = pd.DataFrame({"own": shuffled}, index=shuffled)
    joined = join_samples(counts(*names), samples)
    assert joined.index.tolist() == joined["own"].tolist() == names
