"""Exact dynamics of methods written as one body: the operator from the trace, its rates and its limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.linalg import eigh
from scipy.sparse.linalg import LinearOperator, gmres

from compth.compressors import as_fleet
from compth.compressors.identity import Identity
from compth.dynamics.blocks import Blocks
from compth.dynamics.forms import Sketches
from compth.dynamics.lowered import lowered
from compth.dynamics.normal import exact_program
from compth.dynamics.schemes import normal_form, sketches_of, spoken_noise
from compth.dynamics.solvers import arnoldi
from compth.dynamics.system import Data, Moments
from compth.errors import Unsupported
from compth.methods import Method, Theorem
from compth.methods.core.body import BodyMethod, runs_its_body
from compth.methods.core.centre import Centre, centre_of
from compth.methods.core.vectors import MESSAGE, SPOKEN
from compth.problems.oracle import noise_of

Array = Any
LARGEST = 4_000_000
"""Most numbers that the second moments of a traced method may have."""


def fits(method: Method) -> bool:
    """True for a body without the form of a Scheme; Unsupported where a body's class runs something besides."""
    if not isinstance(method, BodyMethod):
        return False
    if not runs_its_body(type(method)):
        raise Unsupported(
            f"{type(method).__name__} changes what its body says: no exact dynamics, simulate it"
        )
    return normal_form(method) is None


class TracedSystem(Blocks):
    """The second moments of a body on a problem at a step."""

    def __init__(
        self,
        method: BodyMethod,
        data: Data,
        gamma: Any,
        params: Mapping[str, Any],
        sketches: Sketches,
        affine: bool = True,
    ) -> None:
        self.method = method
        self.program = exact_program(method, gamma, params, data.n, data.d)
        self.centre: Centre = centre_of(self.program, sketches.delta)
        noise = _gradient_noise(method, data)
        if noise is not None:
            draws = [op.draw for op in self.program.ops if op.kind == "gradient"]
            if len(set(draws)) < len(draws):
                raise Unsupported(
                    f"{method.label}: gradients that share an oracle's draw have no exact dynamics: simulate it"
                )
        low = lowered(self.program, self.centre, sketches.delta, noise is not None)
        super().__init__(data, low, sketches, affine, noise)
        self.width = data.d
        entries = self.size**2 + data.n * self.M * data.d * (self.size + self.M * data.d)
        if entries > LARGEST:
            raise Unsupported(f"{method.label}: {entries} moments, more than {LARGEST}: simulate it")
        self.shapes = [v.shape for v in self._parts(self.interior())]

    @staticmethod
    def _parts(m: Moments) -> list[Array]:
        return [v for v in (m.C, m.D, m.E) if v is not None]

    def pack(self, m: Moments) -> Array:
        """As one vector."""
        return np.concatenate([np.ravel(v) for v in self._parts(m)])

    def unpack(self, v: Array) -> Moments:
        """From one vector."""
        out, at = [], 0
        for shape in self.shapes:
            size = int(np.prod(shape))
            out.append(v[at : at + size].reshape(shape))
            at += size
        return Moments(*out)

    def apply(self, v: Array) -> Array:
        """T on vectors."""
        return self.pack(self(self.unpack(v)))

    def begin(self, x0: Array) -> Moments:
        """Moments of the method's state at t = 0."""
        data, program = self.data, self.program
        gradients = np.matmul(data.A, x0 - data.x_star) + data.s

        def first(name: str) -> Array:
            kind, own = program.start.get(name, "zero"), name in program.worker
            if kind == "gradient":
                value = gradients if own else gradients.mean(axis=0)
            else:
                value = (x0 if kind == "x0" else np.zeros(data.d)) * np.ones((data.n, 1) if own else ())
            return value - self._rest(name)

        servers = [x0 - data.x_star, *(first(k) for k in program.server[1:])]
        if data.n == 1:
            return self.start([*servers, *(first(k)[0] for k in program.worker)], [])
        return self.start(servers, [first(k) for k in program.worker])

    def _rest(self, name: str) -> Array:
        """Where a vector rests: (d,) or (n, d)."""
        if name in self.program.server:
            return float(self.centre.server[name]) * self.data.x_star
        a, b = self.centre.worker[name]
        return float(a) * self.data.x_star + float(b) * self.data.s

    def quantities(self, m: Moments) -> Array:
        """E||x - x*||^2, E f - f*, E||grad f||^2."""
        z, a = self.square(m), self.data.mean
        az = a @ z
        return np.array([np.trace(z), np.trace(az) / 2, (az * a).sum()])

    def square(self, m: Moments) -> Array:
        """E (x-x*)(x-x*)'."""
        return m.C[: self.width, : self.width]

    def mean(self, m: Moments) -> Array:
        """E x."""
        return self.data.x_star + m.C[: self.width, -1]

    # -- rates

    def mean_radius(self) -> float:
        """Spectral radius of the means' map."""
        return float(np.abs(np.linalg.eigvals(self.mean_map())).max())

    @property
    def driven(self) -> bool:
        """True where the mean enters the second moments: the operator with its constant, on a state of mean alone."""
        stochastic = self.noise is not None and np.abs(self.noise.G[..., -1]).max() > 0
        if not (self.low.affine or stochastic):
            return False
        whole = self if self.affine else self._with_constant()
        c = np.zeros((whole.size, whole.size))
        probe = np.random.default_rng(20240).standard_normal(whole.size - 1)
        c[-1, :-1] = c[:-1, -1] = probe
        zero = whole.unpack(np.zeros(sum(int(np.prod(s)) for s in whole.shapes)))
        after = whole(Moments(c, zero.D, zero.E))
        scale = np.abs(self.data.A).max() * max(np.abs(self.data.s).max(), np.abs(self.data.x_star).max())
        if stochastic:
            scale = max(scale, float(np.abs(self.noise.G[..., -1]).max() * np.abs(self.data.A).max()))
        seen = max(
            float(np.abs(after.C[:-1, :-1]).max()), 0.0 if after.E is None else float(np.abs(after.E).max())
        )
        return seen > 1e-12 * max(float(scale), 1e-300)

    def _with_constant(self) -> TracedSystem:
        out = object.__new__(TracedSystem)
        out.__dict__.update(self.__dict__)
        out.affine, out.size = True, self.size + 1
        out.shapes = [v.shape for v in out._parts(out.interior())]
        return out

    def value(self) -> float:
        """Spectral radius of the linear part by Arnoldi from moments of some state, without an enclosure."""
        return self._found(1e-10)[0]

    def _found(self, tol: float = 1e-14) -> tuple[float, Array, Array]:
        inside = self.pack(self.interior())
        return (*arnoldi(self.apply, inside.size, inside, tol=tol), inside)

    def radius(self) -> tuple[float, tuple[float, float]]:
        """(spectral radius of the linear part, enclosure): Arnoldi, then Collatz-Wielandt near its vector."""
        value, vector, inside = self._found()
        vector = vector * (np.sign(np.trace(self.unpack(vector).C)) or 1.0) / (np.linalg.norm(vector) or 1.0)
        mean = max(self.mean_radius(), self.own_radius())
        low, high = mean * mean, np.inf
        for rounds in (0, 10, 100) if self.kept_cone else ():
            for _ in range(rounds):
                vector = self.apply(vector)
                vector = vector / (np.linalg.norm(vector) or 1.0)
            for eta in (0.0, 1e-14, 1e-12, 1e-10, 1e-8, 1e-6):
                a, b = self._extremes(self.unpack(vector + eta * inside))
                low, high = max(low, a), min(high, b)
            if high - low <= 1e-3 * abs(1 - high):
                break
        return (min(max(value, low), high) if np.isfinite(high) else value), (low, high)

    def _blocks(self, m: Moments) -> list[Array]:
        basis = np.eye(self.size)
        if self.data.projector is not None:
            values, vectors = np.linalg.eigh(self.data.mean)
            inside = vectors[:, np.abs(values) > 1e-12 * np.abs(values).max()]
            head = np.zeros((self.size, inside.shape[1]))
            head[: self.width] = inside
            basis = np.concatenate([head, basis[:, self.width :]], axis=1)
        c = basis.T @ m.C @ basis
        if m.D is None or m.E is None:
            return [c]
        return [np.block([[c, (d @ basis).T], [d @ basis, e]]) for d, e in zip(m.D, m.E, strict=True)]

    def _extremes(self, m: Moments) -> tuple[float, float]:
        """Extreme generalised eigenvalues of (T m, m) over the workers; (0, inf) for m outside the cone."""
        low, high = np.inf, -np.inf
        for after, before in zip(self._blocks(self(m)), self._blocks(m), strict=True):
            size = np.diag(before)
            if not (size > 0).all():
                return 0.0, np.inf
            outer = np.outer(size**-0.5, size**-0.5)
            try:
                values = eigh(after * outer, before * outer, eigvals_only=True)
            except np.linalg.LinAlgError:
                return 0.0, np.inf
            low, high = min(low, float(values[0])), max(high, float(values[-1]))
        return low, high

    def stationary(self) -> Moments | None:
        """The moments that a step leaves alone, the constant held at 1; None where the solver did not find them."""
        zero = np.zeros(self.data.d)
        base = self.pack(
            self.start([zero] * (self.K - self.M), [np.zeros((self.data.n, self.data.d))] * self.M)
        )
        source = self.apply(base) - base
        corner = self.size * self.size - 1

        def matvec(v: Array) -> Array:
            out = v - self.apply(v)
            out[corner] += v[corner]
            return out

        if not np.any(source):
            return self.unpack(base)
        matrix = LinearOperator((base.size, base.size), matvec=matvec, dtype=float)
        x, code = gmres(matrix, source, rtol=1e-12, atol=0.0, restart=100, maxiter=20)
        residual = np.linalg.norm(matvec(x) - source) / np.linalg.norm(source)
        return self.unpack(base + x) if code == 0 or residual < 1e-9 else None

    def form(self, theorem: Theorem, problem: Any, plan: Any) -> Array | None:
        """w with E metric = w . features(moments); None when the theorem bounds the squared distance."""
        rng = np.random.default_rng(20240)
        data, names = self.data, self.program.names
        missing = [k for k in (*self.method.form.server[1:], *self.method.form.worker) if k not in names]
        if missing:
            raise Unsupported(
                f"{self.method.label}: {missing[0]} is a copy of other vectors: its metrics are not known exactly"
            )
        count = 2 * len(self.features(self.interior())) + 12
        x = data.x_star + rng.standard_normal((count, data.d))
        made = self.method.init(problem, x, plan)
        free = {k: rng.standard_normal(getattr(made, k).shape) for k in names if k != "x"}
        observed = theorem.observe(problem, replace(made, **free), plan)
        if observed is None:
            return None
        rows = []
        for r in range(count):
            servers = [x[r] - data.x_star] + [free[k][r] - self._rest(k) for k in self.program.server[1:]]
            workers = [free[k][r] - self._rest(k) for k in self.program.worker]
            single = data.n == 1
            m = self.start(
                [*servers, *(v[0] for v in workers)] if single else servers, [] if single else workers
            )
            rows.append(self.features(m))
        table = np.array(rows)
        cut = count - 8
        sizes = np.abs(table).max(axis=0)
        sizes[sizes == 0] = 1.0
        weights = np.linalg.lstsq(table[:cut] / sizes, observed[:cut], rcond=1e-11)[0] / sizes
        if np.abs(table[cut:] @ weights - observed[cut:]).max() > 1e-8 * np.abs(observed).max():
            raise Unsupported(
                f"{theorem.id}'s metric is no combination of the exactly known moments: simulate it instead"
            )
        return np.asarray(weights)

    def features(self, m: Moments) -> Array:
        """Traces of the known moments, alone and with the Hessians: what metrics are made of."""
        d, a = self.data.d, self.data.mean
        out = []
        for i in range(self.K):
            for j in range(i, self.K):
                block = m.C[self.slot(i), self.slot(j)]
                moved = a @ block
                out += [np.trace(block), np.trace(moved), (moved * a).sum()]
                out.append((self.data.A * np.matmul(self.data.A, block)).sum() / self.data.n)
        if m.D is None or m.E is None:
            return np.array(out)
        for i in range(self.M):
            mine = slice(i * d, (i + 1) * d)
            out += [
                np.einsum("ijj->", m.E[:, mine, j * d : (j + 1) * d]) / self.data.n for j in range(i, self.M)
            ]
            out += [(self.data.A * m.D[:, mine, self.slot(k)]).sum() / self.data.n for k in range(self.K)]
            out += [
                np.einsum("ijj->", m.D[:, mine, self.slot(k)]) / self.data.n for k in range(self.low.servers)
            ]
        return np.array(out)


def _gradient_noise(method: BodyMethod, data: Data) -> Any:
    oracle = method.estimator
    return None if oracle is None or oracle.exact else noise_of(data.problem, oracle)


def system_of(
    method: Any, data: Data, gamma: Any, params: Mapping[str, Any], mode: str = "exact", affine: bool = True
) -> TracedSystem:
    """The operator of a body; Unsupported for Fractions, and where the fleet's moments are not known."""
    if data.A.dtype == object:
        raise Unsupported(f"{method.label}: the dynamics of a body are in floating point: leave rational out")
    kinds = {op.kind for op in exact_program(method, gamma, params, data.n, data.d).ops}
    fleet = method.fleet if MESSAGE in kinds else as_fleet(Identity())
    sketches = sketches_of(fleet, data.n, data.d, mode)
    if SPOKEN in kinds:
        sketches = replace(sketches, down=spoken_noise(method, method.downlink, data.d, mode))
    return TracedSystem(method, data, gamma, params, sketches, affine)
