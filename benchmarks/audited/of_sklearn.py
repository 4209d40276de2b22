"""scikit-learn: S'S with a Gaussian random projection to 16 numbers, made anew by a factory's seed."""

from sklearn.random_projection import GaussianRandomProjection


def projected(x, rng):
    s = GaussianRandomProjection(16, random_state=int(rng.integers(1 << 31))).fit(x[None]).components_
    return s.T @ (s @ x)
