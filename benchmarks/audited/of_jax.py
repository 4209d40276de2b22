"""jax: stochastic rounding to integers with a key."""

import jax
import jax.numpy as jnp


def rounded(x, key):
    low = jnp.floor(x)
    return low + (jax.random.uniform(key, x.shape) < x - low)
