"""Settings for `<method>.certified`: functions of the class, compressors at its edge, all outcomes of a step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from types import MappingProxyType
from unittest.mock import patch

import numpy as np

import compth as ct
from compth.errors import NoGuarantee
from compth.methods import catalogue
from compth.methods.core import body as running
from compth.methods.core.running import Running
from compth.worst_case.bodies import constants_of
from compth.worst_case.certified_theorem import Certified

KINDS = ("GD", "DCGD", "EF", "EF21", "DIANA", "MARINA", "EFBV", "IASGD", "ISEGA")
GIVEN = {"ISEGA": {"alpha": 0.5}, "IASGD": {"tau": 0.5}}
SLOW = "ADIANA"
"""Two compressions and four points a step: some five seconds a certificate."""
CONTRACTIVE = {"EF", "EF21"}


class Functions:
    """n functions in d dimensions with mu <= f_i'' <= L, quadratic or not, with one minimiser or several.

    Quadratic: random eigenvalues, the extreme ones among them. Else mu |x - c|^2/2 and (L - mu) sum log cosh of
    coordinates in a random basis, whose curvature falls from L to mu.
    """

    def __init__(self, rng, n, d, mu, L, quadratic, shared):
        self.n, self.d, self.mu_min, self.L_max = n, d, mu, L
        self._quadratic, self._mu, self._L = quadratic, mu, L
        centres = rng.standard_normal((n, d))
        self._centres = np.repeat(centres[:1], n, axis=0) if shared else centres
        self._bases = np.linalg.qr(rng.standard_normal((n, d, d)))[0]
        values = rng.uniform(mu, L, (n, d))
        edge = rng.random((n, d))
        values = np.where(edge < 0.4, mu, np.where(edge > 0.6, L, values))
        self._values = values if quadratic else np.full((n, d), L - mu)
        self.x_star = self._centres[0].copy()
        for _ in range(200 if not shared else 0):
            x = self.x_star
            self.x_star = x - np.linalg.solve(self._hessian(x), self.gradients(x[None])[0].mean(axis=0))
        self.gradients_at_star = self.gradients(self.x_star[None])[0]

    def _moved(self, x):
        """Coordinates of x - c_i in worker i's basis."""
        return np.einsum("nij,...nj->...ni", self._bases, x - self._centres)

    def _hessian(self, x):
        y = self._moved(x[None].repeat(self.n, axis=0))
        bent = self._values if self._quadratic else self._mu + self._values / np.cosh(y) ** 2
        return np.einsum("nij,ni,nik->njk", self._bases, bent, self._bases).mean(axis=0)

    def gradients_at(self, x):
        y = self._moved(x)
        slope = self._values * y if self._quadratic else self._mu * y + self._values * np.tanh(y)
        return np.einsum("nji,...nj->...ni", self._bases, slope)

    def gradients(self, x):
        return self.gradients_at(np.repeat(x[:, None], self.n, axis=1))

    def gradient(self, x):
        return self.gradients(x).mean(axis=1)

    def _f(self, x):
        y = self._moved(np.repeat(x[:, None], self.n, axis=1))
        if self._quadratic:
            return (self._values * y**2 / 2).sum(axis=-1).mean(axis=-1)
        return (self._mu * y**2 / 2 + self._values * np.logaddexp(y, -y)).sum(axis=-1).mean(axis=-1)

    def gap(self, x):
        return self._f(x) - self._f(self.x_star[None])

    def distance_squared(self, x):
        return ((x - self.x_star) ** 2).sum(axis=-1)


@dataclass(frozen=True)
class Outcomes:
    """Rows of one step: which workers' messages and which broadcasts are kept, and how the coin falls."""

    bits: np.ndarray
    heard: np.ndarray
    coin: np.ndarray
    chance: np.ndarray


def outcomes(n, probe, omega, omega_down):
    """All of them: a message is (1 + omega) times its mean with probability 1/(1 + omega), else 0."""
    flips = (True, False)
    rows = list(
        product(
            product(flips, repeat=n * probe.messages) if omega else [(True,) * (n * probe.messages)],
            product(flips, repeat=probe.broadcasts) if omega_down else [(True,) * probe.broadcasts],
            flips if probe.coins else (True,),
        )
    )
    size = len(rows)
    bits = np.array([r[0] for r in rows], bool).reshape(size, probe.messages, n)
    heard = np.array([r[1] for r in rows], bool).reshape(size, probe.broadcasts)
    came = np.array([r[2] for r in rows])
    chance = np.where(came, probe.p, 1 - probe.p) if probe.coins else np.ones(size)
    for kept, variance in ((bits, omega), (heard, omega_down)):
        keep = 1 / (1 + variance)
        chance = chance * (np.where(kept, keep, 1 - keep) if variance else kept).reshape(size, -1).prod(
            axis=1
        )
    return Outcomes(bits, heard, came, chance)


def expected_after(kind, method, problem, state, plan, claim, turns):
    """(the states after every outcome, their probabilities) of one step from one state."""
    form = kind.signature
    eta = np.sqrt(1 - claim["delta"]) if "delta" in claim else claim.get("eta", 0.0)
    omega = claim.get("omega", 0.0)
    eta_down, omega_down = np.sqrt(1 - claim.get("delta_down", 1.0)), claim.get("omega_down", 0.0)
    probe = _Count()
    _step(kind, method, problem, state, plan, probe.listen())
    rows = outcomes(problem.n, probe, omega, omega_down)
    many = {k: np.repeat(getattr(state, k), len(rows.chance), axis=0) for k in (*form.server, *form.worker)}

    class Enumerated(Running):
        messages = broadcasts = 0

        def broadcast(self, v):
            kept = rows.heard[:, self.broadcasts, None, None]
            self.broadcasts += 1
            return ((1 + omega_down) * kept if omega_down else 1.0) * v + eta_down * v @ turns[0].T

        def compress(self, u):
            u = self._each(u)
            mean = u + eta * np.einsum("nij,rnj->rni", turns, u)
            kept = rows.bits[:, self.messages, :, None]
            noise = (1 + omega) * kept - 1.0 if "eta" not in claim else 0.0
            self.messages += 1
            spread = noise * (mean if "eta" not in claim else 0)
            return self._sent(mean + spread)

        def coin(self, p, yes, no):
            self.coins.append(rows.coin)
            if isinstance(yes, tuple):
                return tuple(self._picked(rows.coin, a, b) for a, b in zip(yes, no, strict=True))
            return self._picked(rows.coin, yes, no)

    out = _step(kind, method, problem, method.state_class(**many), plan, Enumerated)
    return out, rows.chance


class _Count:
    def __init__(self):
        self.messages, self.broadcasts, self.coins, self.p = 0, 0, 0, 0.5

    def listen(self):
        counted = self

        class Counting(Running):
            def compress(self, u):
                counted.messages += 1
                return self._sent(self._each(u))

            def broadcast(self, v):
                counted.broadcasts += 1
                return v

            def coin(self, p, yes, no):
                counted.coins += 1
                counted.p = float(p)
                return super().coin(p, yes, no)

        return Counting


def _step(kind, method, problem, state, plan, w):
    with patch.object(running, "Running", w):
        return method.step(problem, state, np.random.default_rng(0), plan, 1)


@dataclass(frozen=True)
class Setting:
    """One of the judged settings."""

    name: str
    n: int
    d: int
    mu: float
    L: float
    claim: dict
    quadratic: bool
    shared: bool
    share: float
    seed: int


def draw(seed, name=None):
    """A random setting."""
    rng = np.random.default_rng(seed)
    name = name or (SLOW if seed % 50 == 49 else KINDS[seed % len(KINDS)])
    n, d = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    L = float(10.0 ** rng.integers(-2, 3))
    kappa = float(rng.choice([1.0, 1.001, 2, 10, 100, 1000]))
    if name in CONTRACTIVE or (name == "DCGD" and n == 1 and rng.random() < 0.5):
        claim = {"delta": float(rng.choice([1.0, 0.9, 0.5, 0.1]))}
    elif name == "GD":
        claim = {"omega": 0.0}
    else:
        claim = {"omega": float(rng.choice([0.0, 0.5, 1.0, 4.0, 20.0]))}
    if name in ("ISEGA", "IASGD"):
        claim = {"omega": 1.0}
    return Setting(
        name, n, d, L / kappa, L, claim, bool(rng.random() < 0.6), bool(rng.random() < 0.5),
        float(rng.choice([1.0, 0.99, 0.3, 0.01])), seed,
    )  # fmt: skip


def build(s):
    """(kind, theorem, plan, problem, method) of a setting; NoGuarantee where there is none."""
    kind = catalogue()[s.name]
    c = constants_of(s.mu, s.L, s.n, s.claim.get("delta"), s.claim.get("omega"))
    apart = 0 if s.shared or s.n == 1 else 1
    c = replace(c, params=GIVEN.get(s.name, {}), zeta2_star=apart)
    theorem = Certified(kind)
    gamma = edge(theorem, c, first_step(theorem, c, s)) * s.share
    plan = theorem.plan(c, gamma)
    problem = Functions(np.random.default_rng(s.seed + 10**6), s.n, s.d, s.mu, s.L, s.quadratic, s.shared)
    method = (
        kind(tau=0.5, gamma=gamma)
        if not kind.takes_compressor and s.name != "GD"
        else kind(gamma=gamma)
        if s.name == "GD"
        else kind(ct.Identity(), gamma=gamma)
    )
    return kind, theorem, plan, problem, method


def first_step(theorem, c, s):
    """The best certified step in closed form, else the first of some that is certified: a search takes long."""
    if theorem.kind.known:
        return float(theorem.plan(c).gamma)
    for step in (0.5, 0.1, 0.02, 0.004):
        try:
            return float(theorem.plan(c, step / s.L).gamma)
        except NoGuarantee as problem:
            reason = problem
    raise reason


def edge(theorem, c, gamma, looks=4):
    """Nearly the largest certified step above gamma, by doubling and bisection."""
    low, high = gamma, None
    for _ in range(looks):
        middle = 1.5 * low if high is None else (low + high) / 2
        try:
            theorem.plan(c, middle)
            low = middle
        except NoGuarantee:
            high = middle
    return low


def worst_ratio(s, states=6, rho_share=0.0, built=None, uneven=False):
    """The largest E V+/(rho V) over random states; for a V that sees the last step, of the bound over three rounds.

    uneven: vectors of a state differ in size, which brings states nearer to the worst.
    """
    kind, theorem, plan, problem, method = build(s) if built is None else built
    rng = np.random.default_rng(s.seed)
    form, shape = kind.signature, (1, s.n, s.d)
    turns = np.linalg.qr(rng.standard_normal((s.n, s.d, s.d)))[0] * rng.choice([-1.0, 1.0], (s.n, 1, 1))
    if s.d == 1 or rng.random() < 0.5:
        turns = np.sign(rng.standard_normal((s.n, 1, 1))) * np.eye(s.d)
    rho = float(plan.rho) - rho_share * (1 - float(plan.rho))
    worst = 0.0
    for _ in range(states):
        size = 10.0 ** rng.integers(-3, 4)
        vectors = {
            k: rng.standard_normal(shape if k in form.worker else (1, s.d)) * size
            for k in (*form.server, *form.worker)
        }
        if uneven:
            vectors = {k: v * 10.0 ** rng.uniform(-1.5, 1.5) for k, v in vectors.items()}
        vectors["x"] = problem.x_star + vectors["x"]
        for k in form.server[1:]:
            if k in ("z", "w", "v"):
                vectors[k] = problem.x_star + vectors[k]
        if theorem.start_only:
            worst = max(
                worst, _three_rounds(kind, theorem, plan, problem, method, vectors, s.claim, turns, rho)
            )
            continue
        state = method.state_class(**vectors)
        after, chance = expected_after(kind, method, problem, state, plan, s.claim, turns)
        now = float(theorem.observe(problem, state, plan)[0])
        then = float(chance @ theorem.observe(problem, after, plan))
        assert now >= (1 - 1e-9) * float(problem.distance_squared(state.x)[0]), "V < ||x - x*||^2"
        worst = max(worst, then / (rho * now))
    return worst


def _three_rounds(kind, theorem, plan, problem, method, vectors, claim, turns, rho):
    state = method.state_class(**vectors)
    start = float(theorem.begin(problem, state, plan)[0])
    weights, worst = np.ones(1), float(problem.distance_squared(state.x)[0]) / start
    names = (*kind.signature.server, *kind.signature.worker)
    for t in (1, 2, 3):
        if len(weights) > 600:
            break
        parts, chances = [], []
        for r, w in enumerate(weights):
            one = method.state_class(**{k: getattr(state, k)[r : r + 1] for k in names})
            after, chance = expected_after(kind, method, problem, one, plan, claim, turns)
            parts.append(after)
            chances.append(w * chance)
        state = method.state_class(**{k: np.concatenate([getattr(p, k) for p in parts]) for k in names})
        weights = np.concatenate(chances)
        worst = max(worst, float(weights @ problem.distance_squared(state.x)) / (rho ** (t + 1) * start))
    return worst


NEWER = {
    "EControl": {"eta": 0.05},
    "EF21SGDM": {"eta": 0.5},
    "EF21W": {},
    "EF21P": {"alpha": 0.5},
    "EF21BC": {},
    "Artemis": {"alpha": 0.5},
    "DASHA": {"a": 1 / 3},
    "RandDIANA": {"p": 0.5},
    "VRGDCI": {"eta": 0.25, "alpha": 0.5},
    "MCM": {"alpha": 0.5, "alpha_down": 0.5},
    "DIANAMomentum": {"alpha": 0.5, "beta": 0.1},
}
"""The field's newer methods of which a worst case is derived, with parameters at which one certificate serves all."""
MU, L = 0.1, 1.0


STEPS = (1.0, 0.5, 0.25, 0.1, 0.03)


HEARD = {
    "EF21P": {"delta_down": 0.5},
    "EF21BC": {"delta_down": 0.5},
    "DCGD": {"omega_down": 1.0},
    "DIANA": {"omega_down": 1.0},
    "Artemis": {"omega_down": 1.0},
    "MCM": {"omega_down": 1.0},
    "EF21": {"omega_down": 1.0},
    "MARINA": {"delta_down": 0.5},
    "MARINAP": {},
    "LoCoDL": {},
}
"""Broadcasts that are compressed and gradients at workers' own points, of which a worst case is bounded."""
PARAMS = NEWER | {
    "DCGD": {},
    "DIANA": {"alpha": 0.5},
    "Artemis": {"alpha": 0.5, "alpha_down": 0.25},
    "EF21": {},
    "MARINA": {"p": 0.5},
    "MARINAP": {"p": 0.5},
    "LoCoDL": {"p": 0.5, "mix": 2 / 3, "lift": 2 / 9, "ridge": 0.05},
}


def proved(name, heard=MappingProxyType({}), shared=False):
    """(kind, theorem, plan, claim, method) of one class, at the longest of STEPS that is certified."""
    kind = catalogue()[name] if isinstance(name, str) else name
    claim = {"delta": 0.5} if ct.Contractive in kind.requires else {"omega": 1.0}
    c = constants_of(MU, L, 2, claim.get("delta"), claim.get("omega"))
    given = PARAMS.get(name, {})
    c, theorem = replace(c, params=given, zeta2_star=0 if shared else 1), Certified(kind)
    if "delta_down" in heard:
        c = replace(c, omega_down=float("inf"), delta_down=heard["delta_down"])
    elif heard:
        c = replace(c, omega_down=heard["omega_down"], delta_down=0)
    plan = next(found for gamma in STEPS if (found := _plan(theorem, c, gamma)))
    given = {k: v for k, v in given.items() if k in kind.__dataclass_fields__}
    return kind, theorem, plan, claim | heard, kind(ct.Identity(), gamma=plan.gamma, **given)


def many(name, count, rho_share=0.0, states=2, heard=MappingProxyType({}), shared=False):
    """Ratios of `count` settings of one class: other functions, other states, one certificate."""
    shared = shared or name == "DCGD"
    kind, theorem, plan, claim, method = proved(name, dict(heard), shared)
    for seed in range(count):
        apart = not (shared or seed % 3 == 0)
        s = Setting(name, 2, 1 + seed % 2, MU, L, claim, seed % 5 < 3, not apart, 1.0, seed)
        problem = Functions(np.random.default_rng(seed + 10**6), s.n, s.d, MU, L, s.quadratic, s.shared)
        yield worst_ratio(s, states, rho_share, (kind, theorem, plan, problem, method), states > 2)


def _plan(theorem, c, gamma):
    try:
        return theorem.plan(c, gamma)
    except NoGuarantee:
        return None
