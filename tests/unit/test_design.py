"""Designs: what a formula may say, R's own model matrices, the faults of a design, and contrasts."""

import itertools
import logging

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.stats.design import check_design, contrast_vector, model_matrix, parse_formula

STATUS = ["virgin", "pregnant", "lactating"]


@pytest.fixture
def samples():
    rows = list(itertools.product(["luminal", "basal"], STATUS, "12"))
    frame = pd.DataFrame(rows, columns=["cell_type", "status", "rep"], index=[f"s{i}" for i in range(12)])
    frame["lane"] = frame["cell_type"].map({"luminal": "L001", "basal": "L002"})
    frame["group"] = frame["cell_type"] + " " + frame["status"]
    frame["age"] = [f"{v:.2f}" for v in np.random.default_rng(1).uniform(20, 60, 12)]
    frame["batch"] = list("abbaababbaab")
    frame.attrs["source"] = "sheet.csv"
    return frame


def refusal(call, *words):
    with pytest.raises(LatentomeError) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message and "expected" in message
    for word in words:
        assert word in message, message


@pytest.mark.parametrize(
    "text, written",
    [
        ("~ a + b", "~ 1 + a + b"),
        ("a*b", "~ 1 + a + b + a:b"),
        ("~a*b*c", "~ 1 + a + b + c + a:b + a:c + b:c + a:b:c"),
        ("0 + (a + b):c", "~ 0 + a:c + b:c"),
        ("a:b*c", "~ 1 + c + a:b + a:b:c"),
        ("a + b + b:a + a:a", "~ 1 + a + b + a:b"),
        ("~ a - 1", "~ 0 + a"),
        ("-1 + a", "~ 0 + a"),
        ("a + 0", "~ 0 + a"),
        ("a + 0 + 1", "~ 1 + a"),
        ("~ 1", "~ 1"),
        (" ~\tcell_type.x +(status)", "~ 1 + cell_type.x + status"),
    ],
)
def test_formulas(text, written):
    assert str(parse_formula(text)) == written
    again = parse_formula(written)
    assert again.intercept == parse_formula(text).intercept
    assert set(map(frozenset, again.terms)) == set(map(frozenset, parse_formula(text).terms))


@pytest.mark.parametrize(
    "text, column, words",
    [
        ("~ a + I(b)", 8, "function calls such as I()"),
        ("~ log(a)", 6, "function calls"),
        ("~ system('touch x')", 10, "is not allowed"),
        ("~ system(touch)", 9, "function calls such as system()"),
        ("~ `a b`", 3, '"`" is not allowed'),
        ("~ (a + b)^2", 10, '"^" is not allowed'),
        ("~ a %in% b", 5, '"%" is not allowed'),
        ("~ a / b", 5, '"/" is not allowed'),
        ("~ a | b", 5, '"|" is not allowed'),
        ("~ .", 3, '"." is not allowed'),
        ("~ __import__", 3, '"_" is not allowed'),
        ("~ a; b", 4, '";" is not allowed'),
        ("~ a\n@b", 5, '"@" is not allowed'),
        ("~ é", 3, "is not allowed"),
        ("~ a + 2", 7, 'number "2" is not allowed'),
        ("~ 0.5 + a", 4, '"." is not allowed'),
        ("~ 1:a", 4, "0 and 1 cannot interact"),
        ("~ a:1", 5, "0 and 1 cannot interact"),
        ("~ a - b", 7, "only 1 can be taken out"),
        ("~ a - 0", 7, "- 0 is unclear"),
        ("~ a + (1 + b)", 8, "inside parentheses"),
        ("~ a + -1", 7, "a column name is needed"),
        ("~ a + TRUE", 7, "reserved word"),
        ("y ~ a", 3, '"~" is not expected'),
        ("~ a b", 5, "not expected"),
        ("~ (a + b", 9, "not closed"),
        ("~ a)", 4, "not expected"),
        ("~ a +", 6, "ends where"),
        ("", 1, "empty"),
        ("~ 0", 4, "no term"),
        ("(" * 50 + "a", 22, "parentheses"),
        ("~" + "*".join("abcdefghij"), 19, "more than 256 terms"),
    ],
)
def test_refused_formulas(text, column, words):
    refusal(lambda: parse_formula(text), f"column {column}:", words, "~ batch + condition")


def test_refused_values():
    refusal(lambda: parse_formula("a" * 2000), "1000 characters")
    refusal(lambda: parse_formula(None), "design formula")


@given(st.text("ab:*+-01()~ ^%`'", max_size=12))
def test_any_text_parses_or_is_refused(text):
    try:
        formula = parse_formula(text)
    except LatentomeError:
        return
    assert set(formula.names) <= {"a", "b", "ab", "ba"} or formula.names


FORMULAS = [
    "~ status",
    "~ cell_type + status",
    "~ 0 + group",
    "~ cell_type * status",
    "~ batch + cell_type:status + cell_type",
    "~ 0 + batch + status",
    "~ 0 + cell_type:status",
    "~ age + status",
    "~ status * age",
    "~ (cell_type + batch) * age",
    "~ 1",
    "~ batch * cell_type + age:status",
    "~ 0 + age",
    "~ rep + rep:cell_type:status",
]


@pytest.mark.needs_r
@pytest.mark.parametrize(
    "reference", [{}, {"status": "virgin", "cell_type": "luminal", "group": "luminal virgin"}]
)
@pytest.mark.parametrize("formula", FORMULAS)
def test_matrices_are_those_of_r(samples, formula, reference):
    import rpy2.robjects as ro

    ours = model_matrix(formula, samples, reference, numeric=["age"])
    columns = {}
    for name in parse_formula(formula).names:
        if name == "age":
            columns[name] = ro.FloatVector(samples[name].astype(float))
        else:
            levels = sorted(set(samples[name]), key=lambda level: (level != reference.get(name), level))
            columns[name] = ro.FactorVector(ro.StrVector(samples[name]), levels=ro.StrVector(levels))
    columns["row"] = ro.StrVector(samples.index)
    made = ro.r("model.matrix")(ro.Formula(formula), data=ro.DataFrame(columns))
    theirs = np.array(made).reshape(12, -1)
    names = ["".join(f"{n}{level or ''}:" for n, level in pairs)[:-1] or "(Intercept)"
             for pairs in ours.attrs["coefficients"].values()]  # fmt: skip
    if formula == "~ rep + rep:cell_type:status":  # R's is not of full rank; ours spans the same
        rank = np.linalg.matrix_rank(theirs)
        assert ours.shape[1] == rank == np.linalg.matrix_rank(np.hstack([ours, theirs]))
        return
    assert names == list(ro.r("colnames")(made))
    np.testing.assert_array_equal(ours.to_numpy(), theirs)
    assert ours.index.equals(samples.index)


def test_names_are_those_of_deseq2(samples):
    matrix = model_matrix("~ cell_type * status", samples, {"status": "virgin"})
    assert list(matrix) == [
        "Intercept", "cell_type_luminal_vs_basal", "status_lactating_vs_virgin", "status_pregnant_vs_virgin",
        "cell_typeluminal.statuslactating", "cell_typeluminal.statuspregnant",
    ]  # fmt: skip
    assert matrix.attrs["coefficients"]["status_lactating_vs_virgin"] == (("status", "lactating"),)
    assert list(model_matrix("~ 0 + group", samples))[0] == "groupbasal_lactating"
    odd = samples.assign(status=samples["status"].replace({"virgin": "2-day", "pregnant": "naïve; x"}))
    assert list(model_matrix("~status", odd))[1:] == [
        "status_lactating_vs_x2_day",
        "status_naive_x_vs_x2_day",
    ]


def test_numbers_are_factors_unless_listed(samples):
    assert list(model_matrix("~ rep", samples)) == ["Intercept", "rep_x2_vs_x1"]
    assert list(model_matrix("~ rep", samples, numeric=["rep"])) == ["Intercept", "rep"]


def test_categories_of_h5ad_are_taken(samples):
    same = model_matrix("~ status", samples.astype("category"))
    pd.testing.assert_frame_equal(same, model_matrix("~ status", samples))


def test_yaml_reference(samples):
    samples["treated"] = ["NO", "YES"] * 6
    assert list(model_matrix("~ treated", samples, {"treated": True}))[1] == "treated_NO_vs_YES"


def test_a_good_design(samples):
    assert check_design("~ cell_type + status", samples).shape == (12, 4)
    assert check_design("~ cell_type * status", samples).shape == (12, 6)
    many = samples.assign(age=samples["age"].astype(float).mul(1e9).astype(str))
    assert check_design("~ age + status", many, numeric=["age"]).shape == (12, 4)


def test_faults_of_columns(samples):
    def fault(formula, *words, **options):
        refusal(lambda: check_design(formula, samples, **options), "sheet.csv", *words)

    fault("~ statis", 'column "statis" does not exist', 'did you mean "status"')
    fault("~ status", 'column "agee"', numeric=["agee"])
    fault("~ status", 'reference factor "statis"', reference={"statis": "virgin"})
    fault("~ age", 'reference factor "age"', reference={"age": "1"}, numeric=["age"])
    fault("~ status", 'reference level of "status", "virgn"', 'mean "virgin"', reference={"status": "virgn"})
    fault("~ status", 'numeric column "status", sample "s0": "virgin"', numeric=["status"])
    samples.loc["s3", "batch"] = ""
    fault("~ batch", 'column "batch"', 'sample "s3"')
    samples["batch"] = "a"
    fault("~ batch + status", 'factor "batch" has one level only, "a"')


def test_faults_of_the_whole(samples):
    def fault(formula, *words, rows=range(12), **options):
        kept = samples.iloc[list(rows)]
        refusal(lambda: check_design(formula, kept, **options), f"sheet.csv, design {formula}", *words)

    fault(
        "~ 1 + lane + cell_type",
        "confounded: cell_type_luminal_vs_basal follows from Intercept, lane_L002_vs_L001",
        'factors "lane" and "cell_type" are the same split of the samples',
    )
    fault("~ 1 + status + lane + cell_type", '"lane" and "cell_type" are the same split')
    fault("~ 1 + cell_type + group", 'each level of "group" lies within one level of "cell_type"')
    fault(
        "~ 1 + cell_type + status + cell_type:status",
        "cell_typeluminal.statuspregnant cannot be estimated",
        "no sample has cell_type = luminal and status = pregnant",
        rows=[0, 1, 4, 5, 6, 7, 8, 9, 10, 11],
    )
    fault("~ 1 + group + batch", "3 samples for", rows=[0, 2, 9])
    fault("~ 1 + status", "3 samples for 3 coefficients leave no residual", "one replicate", rows=[0, 2, 4])
    samples["age"] = "3"
    fault("~ 1 + status + age", "age follows from Intercept", numeric=["age"])


def weights(formula, samples, contrast, **options):
    vector = contrast_vector(formula, samples, contrast, **options)
    columns = model_matrix(formula, samples, options.get("reference"), numeric=options.get("numeric", ()))
    return {name: w for name, w in zip(columns, vector, strict=True) if w}


def test_contrasts(samples):
    virgin = {"reference": {"status": "virgin"}}
    additive = "~ cell_type + status"
    assert weights(additive, samples, ["status", "lactating", "virgin"], **virgin) == {
        "status_lactating_vs_virgin": 1
    }
    assert weights(additive, samples, ["status", "lactating", "pregnant"], **virgin) == {
        "status_lactating_vs_virgin": 1,
        "status_pregnant_vs_virgin": -1,
    }
    assert weights(additive, samples, ["status", "virgin", "lactating"], **virgin) == {
        "status_lactating_vs_virgin": -1
    }
    assert weights("~ 0 + group", samples, ["group", "luminal lactating", "luminal virgin"]) == {
        "groupluminal_lactating": 1,
        "groupluminal_virgin": -1,
    }
    assert weights("~ 0 + batch + status", samples, ["status", "pregnant", "lactating"]) == {
        "status_pregnant_vs_lactating": 1
    }
    interaction = "cell_typeluminal.statuslactating"
    assert weights("~ cell_type * status", samples, {interaction: 1, "Intercept": 0}, **virgin) == {
        interaction: 1
    }
    assert weights(additive, samples, "status_lactating_vs_virgin", **virgin) == {
        "status_lactating_vs_virgin": 1
    }
    assert weights("~ age", samples, {"age": 2.5}, numeric=["age"]) == {"age": 2.5}
    samples["treated"] = ["NO", "YES"] * 6
    assert weights("~ treated", samples, ["treated", True, False]) == {"treated_YES_vs_NO": 1}


def test_a_contrast_within_an_interaction_is_explained(samples, caplog):
    caplog.set_level(logging.WARNING)
    found = weights(
        "~ cell_type * status + status:age",
        samples,
        ["status", "lactating", "virgin"],
        reference={"status": "virgin"},
        numeric=["age"],
    )
    assert found == {"status_lactating_vs_virgin": 1}
    assert '"status" interacts, so this is its effect at cell_type = basal, age = 0' in caplog.text
    cells = weights("~ 0 + cell_type:status", samples, ["status", "lactating", "virgin"])
    assert cells == {"cell_typebasal.statuslactating": 1, "cell_typebasal.statusvirgin": -1}


def test_refused_contrasts(samples):
    def fault(contrast, *words, formula="~ status + age"):
        call = lambda: contrast_vector(formula, samples, contrast, numeric=["age"])  # noqa: E731
        refusal(call, "sheet.csv, design ~ 1 + status", "contrast", *words)

    fault(
        ["statis", "a", "b"],
        'factor "statis" does not exist (did you mean "status"?); expected one of: "status"',
    )
    fault(["cell_type", "luminal", "basal"], 'factor "cell_type" does not exist', '"status"')
    fault(["age", "1", "2"], 'factor "age" does not exist')
    fault(
        ["status", "lactate", "virgin"], 'level of "status", "lactate"', '"lactating", "pregnant", "virgin"'
    )
    fault(["status", "virgin", "virgin"], "are the same")
    fault([["status"], "a", "b"], "factor")
    fault(["status", "virgin"], "[factor, numerator, denominator]")
    fault({"status_x": 1}, 'coefficient "status_x" does not exist', '"age"')
    fault({"age": "2"}, 'weight of "age" is "2"')
    fault({"age": True}, 'weight of "age"')
    fault({"age": float("nan")}, 'weight of "age"')
    fault({"age": 0}, "every weight is 0")
    refusal(lambda: contrast_vector("~ status", samples, ["status", True, "virgin"]), '"status"', "in quotes")
