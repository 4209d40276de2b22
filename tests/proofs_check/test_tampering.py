"""Stored certificates with one thing changed, by stratum: statement, hypothesis, index, certificate, controls, parts.

A careless change leaves every hash as it was; a diligent one writes the statement's hash into the certificate and the
controls, and seals the certificate and the index again. All are refused.
"""

import copy
import json
from collections import Counter

import pytest

from compth.proof import identity
from proofs_check import recheck
from proofs_check._command import CERTIFICATES, INDEX

SHORT = (
    "dcgd.interpolation",
    "gd.contraction",
    "ef21.pl",
    "terngrad.omega",
    "scaled_sign.delta",
    "three_point.ef21",
)
MODULES = recheck.load()
WHOLE = json.loads(INDEX.read_text())
STORED = {name: json.loads((CERTIFICATES / f"{name}.json").read_text()) for name in SHORT}


def index_of(data):
    """An index of this certificate alone, as a diligent forger would write it."""
    theorem = data["theorem"]
    kept = {k: WHOLE[k] for k in recheck.HASHED}
    hashes = [identity(json.dumps(part["statement"])) for part in data["parts"]]
    lists = {
        "proved": {theorem: hashes},
        "solver_signed": {},
        "sealed": {theorem: recheck.sealed(data)},
        "stated": [],
    }
    lists["attained"] = {theorem: names} if (names := recheck.attained(data)) else {}
    return {**kept, **lists, "index": recheck.sealed({**kept, **lists})}


def rehashed(data):
    """Every statement's hash written again wherever it stands."""
    for part in data["parts"]:
        digest = identity(json.dumps(part["statement"]))
        part["certificate"]["statement"] = digest
        for control in part["controls"]:
            control["of"] = digest
    return data


def refusal(data, index, folder):
    """What recheck says against these files, "" when it has nothing to say."""
    path = folder / f"{data['theorem']}.json"
    path.write_text(json.dumps(data))
    found = recheck.objections(index)
    try:
        recheck.recheck(path, *MODULES, index)
    except Exception as error:
        found.append(f"{type(error).__name__}: {error}")
    finally:
        path.unlink()
    listed = set(index.get("proved", {})) | set(index.get("solver_signed", {}))
    return "; ".join([*found, *(f"{t}: no certificate" for t in listed - {data["theorem"]})])


def claims(statement):
    """Every claim stronger, or empty."""
    for k, claim in enumerate(statement["claim"]):
        stronger = claim.replace(" <= ", " <= 1/2*(", 1) + ")" if " <= " in claim else f"2*({claim[:5]}) == 7"
        for new in (
            stronger,
            "1 >= 0",
            f"0*({claim.split(' <= ')[0]}) >= 1" if " <= " in claim else "0 == 1",
        ):
            changed = copy.deepcopy(statement)
            changed["claim"][k] = new
            yield f"claim {k}: {new[:20]}", changed


def statements(statement):
    """(what changed, the statement): claims, names, runs."""
    yield from claims(statement)
    for key in ("name", "title", "of"):
        yield key, {**statement, key: "another"}
    yield "an unknown field", {**statement, "note": "checked"}
    if "run" in statement:
        run = statement["run"]
        yield "a faster run", {**statement, "run": {**run, "rate": f"({run['rate']})**2"}}
        yield "less noise", {**statement, "run": {**run, "noise": "0 - 1"}}
        still = {k: k for k in run["next"]}
        yield "a run that stays", {**statement, "run": {**run, "next": still}}


def hypotheses(statement):
    """(what changed, the statement): each dropped; others in their place; the domain."""
    for name in statement.get("given", {}):
        rest = {k: v for k, v in statement["given"].items() if k != name}
        yield f"without {name}", {**statement, "given": rest}
        yield f"{name} another", {**statement, "given": {**rest, name: "order(0, 1)"}}
        yield f"{name} a relation", {**statement, "given": {**rest, name: statement["claim"][0]}}
    extra = {**statement.get("given", {}), "more": "order(1, 0)"}
    yield "a contradiction more", {**statement, "given": extra}
    yield "an empty domain", {**statement, "domain": [*statement.get("domain", []), "1 <= 0"]}
    yield "no domain", {**statement, "domain": []}


def certificates(proof):
    """(what changed, the certificate)."""
    for k, step in enumerate(proof["steps"]):
        for name in step["use"]:
            for factor in ("2", "0", "-1"):
                changed = copy.deepcopy(proof)
                changed["steps"][k]["use"][name] = f"{factor}*({step['use'][name]})"
                yield f"step {k}: {factor} times {name}", changed
        for t in range(len(step["terms"])):
            changed = copy.deepcopy(proof)
            del changed["steps"][k]["terms"][t]
            yield f"step {k} without term {t}", changed
    last = copy.deepcopy(proof)
    last["steps"][-1]["terms"].append("0 - 1")
    yield "a negative term", last
    yield "no last step", {**proof, "steps": proof["steps"][:-1]}
    yield "no steps", {**proof, "steps": []}
    yield "a field more", {**proof, "checked": True}


OTHER = STORED["gd.contraction"]["parts"][0]["controls"][0]


def controls(part):
    """(what changed, the controls)."""
    own = part["controls"]
    yield "none", []
    yield "two", own[:2]
    yield "one three times", [own[0]] * 3
    yield "true ones", [{**c, "statement": part["statement"]} for c in own]
    yield "no models", [{**c, "model": part["witness"]} for c in own]
    yield "other margins", [{**c, "margin": "-1/7"} for c in own]
    foreign = (
        {**OTHER, "of": own[0]["of"]}
        if part["statement"]["name"] != "gd.contraction"
        else own[0] | {"of": "0"}
    )
    yield "one of another theorem", [*own, foreign]
    two = copy.deepcopy(own)
    two[0]["statement"]["claim"] = ["1 <= 0"] * len(part["statement"]["claim"])
    yield "a claim replaced", two
    both = copy.deepcopy(own)
    both[0]["statement"].update(claim=["1 <= 0"], domain=[])
    yield "two changes", both
    yield "a field less", [{k: v for k, v in c.items() if k != "of"} for c in own]


def arrangements(data):
    """(what changed, the certificate): parts left out, twice, exchanged, of another theorem."""
    parts = data["parts"]
    yield "no parts", {**data, "parts": []}
    yield "one part twice", {**data, "parts": [*parts, parts[0]]}
    yield "another name", {**data, "theorem": "diana.unified"}
    yield "a field more", {**data, "checked": True}
    yield "no witness", {**data, "parts": [{**p, "witness": {"params": {}}} for p in parts]}
    if len(parts) > 1:
        yield "the first part dropped", {**data, "parts": parts[1:]}
        yield "the last part dropped", {**data, "parts": parts[:-1]}
        yield "parts exchanged", {**data, "parts": parts[::-1]}


def with_part(data, k, **fields):
    parts = copy.deepcopy(data["parts"])
    parts[k].update(fields)
    return {**data, "parts": parts}


def careless(data):
    """(stratum, what changed, certificate): no hash is touched."""
    for k, part in enumerate(data["parts"]):
        for what, new in statements(part["statement"]):
            yield "statement", what, with_part(data, k, statement=new)
        for what, new in hypotheses(part["statement"]):
            yield "hypothesis", what, with_part(data, k, statement=new)
        for what, new in certificates(part["certificate"]):
            yield "certificate", what, with_part(data, k, certificate=new)
        for what, new in controls(part):
            if new != part["controls"]:  # the witness may serve as every control's model already
                yield "controls", what, with_part(data, k, controls=new)
    for what, new in arrangements(data):
        yield "parts", what, new


# true, though other, theorems and proofs: only the hashes tell them from what was proved
HARMLESS = {"name", "title", "no domain"}


def diligent(data):
    """The same with all hashes written again, where what is left is no theorem or does not hang together."""
    for stratum, what, new in careless(data):
        same = what in HARMLESS or ("times" in what and "0 times" not in what)
        if not same and new["theorem"] == data["theorem"]:
            yield (
                stratum,
                what,
                rehashed(copy.deepcopy(new)) if stratum in {"statement", "hypothesis"} else new,
            )


@pytest.mark.parametrize("name", SHORT)
def test_what_is_tampered_with_is_whole_before(name, tmp_path):
    assert refusal(STORED[name], index_of(STORED[name]), tmp_path) == ""


@pytest.mark.parametrize("name", SHORT)
def test_careless_tamperings_are_refused(name, tmp_path):
    index, counted = index_of(STORED[name]), Counter()
    for stratum, what, new in careless(STORED[name]):
        assert refusal(new, index, tmp_path), (stratum, what)
        counted[stratum] += 1
    assert min(counted[s] for s in ("statement", "hypothesis", "certificate", "controls", "parts")) >= 3
    assert counted.total() >= 35


@pytest.mark.slow
@pytest.mark.parametrize("name", SHORT)
def test_diligent_tamperings_are_refused(name, tmp_path):
    """The forger seals certificate and index again: the kernel, the guard, the models and the ties are left."""
    counted = 0
    for stratum, what, new in diligent(STORED[name]):
        assert refusal(new, index_of(new), tmp_path), (stratum, what)
        counted += 1
    assert counted >= 25


def indices(index, theorem):
    """(what changed, the index)."""
    [first] = [index["proved"][theorem]]
    for name in recheck.HASHED:
        yield f"another {name}", {**index, name: "0" * 64}
        yield f"no {name}", {k: v for k, v in index.items() if k != name}
    yield "nothing proved", {**index, "proved": {}}
    yield "nothing sealed", {**index, "sealed": {}}
    yield "another seal", {**index, "sealed": {theorem: "0" * 64}}
    yield "another statement", {**index, "proved": {theorem: ["0" * 64, *first[1:]]}}
    yield "a statement less", {**index, "proved": {theorem: first[:-1]}}
    yield "a statement more", {**index, "proved": {theorem: [*first, first[0]]}}
    yield "a theorem more", {**index, "proved": {**index["proved"], "free.lunch": first}}
    yield "another attainment", {**index, "attained": {theorem: ["free.lunch.attained"]}}
    yield "signed by solvers", {**index, "proved": {}, "solver_signed": {theorem: first}}
    yield "a field more", {**index, "note": "checked"}


@pytest.mark.parametrize("resealed", [False, True])
@pytest.mark.parametrize("name", ["terngrad.omega", "three_point.ef21"])
def test_tampered_indices_are_refused(name, resealed, tmp_path):
    """Also where the index carries its own hash again."""
    for what, new in indices(index_of(STORED[name]), name):
        if resealed:
            new = {**new, "index": recheck.sealed({k: v for k, v in new.items() if k != "index"})}
        assert refusal(STORED[name], new, tmp_path), what
