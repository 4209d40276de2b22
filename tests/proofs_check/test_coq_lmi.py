"""Rational certificates of rates as Coq files: what is written is the certificate, and Coq refuses a spoiled one."""

import copy
import json
import re
from fractions import Fraction

import pytest

import compth as ct
from compth.certificates import encode
from proofs_check.coq import build, lmi
from proofs_check.coq.texts import NoExport
from tests.thorough import thorough, tries

from .needs_coq import NEEDS_COQ

CASES = {
    "DCGD": {"omega": Fraction(3)},
    "EF": {"delta": Fraction(1, 4)},
    "EF21": {"delta": Fraction(1, 4), "n": 2},
    "DIANA": {"omega": Fraction(3), "n": 4},
    "MARINA": {"omega": Fraction(3), "n": 4, "p": Fraction(1, 4), "gamma": Fraction(1, 100)},
}


def certificate(method):
    """As a report has it: JSON."""
    found = ct.tight_rate(method, mu=1, L=10, **CASES[method]).certificate
    return json.loads(json.dumps(found.to_dict()))


@pytest.fixture(scope="module", params=CASES)
def data(request):
    return certificate(request.param)


def lists_in(text, name):
    """The matrices of a definition in a file, as Fractions."""
    found = re.search(rf"^Definition {name} : qform := of_lists (.*?)%Q\.$", text, flags=re.M)
    return json.loads(re.sub(r"\((-?\d+) # (\d+)\)", r'"\1/\2"', found[1]).replace(";", ","))


def numbers(matrices):
    return [[[Fraction(x) for x in row] for row in m] for m in matrices]


def test_a_file_has_the_certificates_numbers(data):
    rate = lmi.Rate(data, "rate")
    text = rate.text()
    for key in ("now", "after", "known"):
        for k, form in enumerate(data[key].values()):
            wanted = numbers([form.get(block, []) for block in rate.blocks])
            assert numbers(lists_in(text, f"rate_{key}_{k}")) == wanted
    assert f"rho := {lmi.q(Fraction(data['rho']))}" in text
    assert f"<= Q2R {lmi.q(Fraction(data['rho']))} * weighted" in text


def test_a_matrix_is_l_d_l_transposed():
    m = [
        [Fraction(4), Fraction(2), Fraction(0)],
        [Fraction(2), Fraction(1), Fraction(0)],
        [Fraction(0), Fraction(0), Fraction(3)],
    ]
    left, d = lmi.ldl(m)
    size = range(3)
    assert [[sum(left[i][k] * d[k] * left[j][k] for k in size) for j in size] for i in size] == m
    for spoiled in ([[Fraction(-1)]], [[Fraction(0), Fraction(1)], [Fraction(1), Fraction(5)]]):
        with pytest.raises(NoExport, match="semidefinite"):
            lmi.ldl(spoiled)


def spoiled(data, how):
    data = copy.deepcopy(data)
    name = next(iter(data["multipliers"]))
    if how == "rate":
        data["rho"] = str(Fraction(data["rho"]) - Fraction(1, 1000))
    elif how == "multiplier":
        data["multipliers"][name] = str(-abs(Fraction(data["multipliers"][name])) - 1)
    elif how == "no multipliers":
        data["multipliers"] = dict.fromkeys(data["multipliers"], "0")
    elif how == "scale":
        data["scale"] = str(10**6 * (1 + Fraction(data["scale"])))
    elif how == "name":
        data["multipliers"]["more"] = "0"
    elif how == "size":
        data["normal"]["mean"] = data["normal"]["mean"][:-1]
    return data


@pytest.mark.parametrize("how", ["rate", "multiplier", "no multipliers", "scale", "name", "size"])
def test_a_spoiled_certificate_is_not_written(data, how):
    with pytest.raises(NoExport):
        lmi.Rate(spoiled(data, how), "rate").text()


def test_certificates_are_found_in_reports(data):
    assert lmi.certificates_in({"certificates": [{"details": {"proof": data}}, {}]}) == [data]
    assert lmi.certificates_in([data, {"more": data}]) == [data, data]
    assert lmi.certificates_in({"certificates": [{"rho": "1/2"}]}) == []


@ct.method
def Shifted(w, x, h: ct.Worker, *, gamma, alpha):
    """A method of one's own: DIANA's shift with a server that forgets a fifth of it."""
    c = w.compress(w.gradient(x) - h)
    return dict(x=x - gamma * w.mean(h + c), h=h * (1 - alpha / 5) + alpha * c)


def test_an_analysis_has_the_certificate_of_a_derived_rate():
    given = {"gamma": Fraction(1, 100), "params": {"alpha": Fraction(1, 8)}}
    found = ct.analyse(Shifted, mu=1, L=10, omega=Fraction(3), n=4, **given)
    [data] = lmi.certificates_in(json.loads(json.dumps(encode(found.to_dict()))))
    assert "Theorem rate_decreases" in lmi.Rate(data, "rate").text()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"rho": 1}', "no json"])
def test_what_is_no_certificate_is_told_in_a_line(text, tmp_path, capsys):
    path = tmp_path / "cert.json"
    path.write_text(text)
    assert lmi.main([str(path), str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lmi")
    lmi.written(certificate("DCGD"), folder, "certified")
    assert lmi.checked(folder, "certified") == ""
    return folder


class TestCoq:
    pytestmark = NEEDS_COQ

    @thorough
    @pytest.mark.parametrize("method", list(CASES)[: tries(2, None)])
    def test_coq_accepts_a_certificate(self, method, out):
        (out / f"{method}.v").write_text(lmi.Rate(certificate(method), method).text())
        printed, error = build.coqc(out, method)
        assert error == ""
        [found] = build.assumptions(printed)
        assert set(found) <= build.WHITELIST

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (r"rho := \((\d+) # (\d+)\)", r"rho := (0 # 1)"),
            (r"(Q2R \()(\d+)( # \d+\) \* weighted)", r"\g<1>1\g<3>"),
            (r"(known := \[\()\((\d+) # ", r"\g<1>(-\2 # "),
            (r"(decrease_factors := \[\(\[\[.*?\]\], \[\()(-?\d+)", r"\g<1>99\2"),
            (r"(certified_after_0 : qform := of_lists \[\[\[\()(-?\d+)", r"\g<1>99\2"),
            (r"(certified_there : list qblock := \[QVectors \[)[^;]*;", r"\g<1>(0 # 1);"),
        ],
    )
    def test_coq_refuses_a_change(self, old, new, out):
        text = (out / "certified.v").read_text()
        changed = re.sub(old, new, text)
        assert changed != text
        (out / "changed.v").write_text(changed.replace("certified", "changed"))
        assert build.coqc(out, "changed")[1]
