"""What exact answers take on a user's word stands in their text and in their LaTeX."""

import pytest

import compth as ct


class Mine(ct.Minibatch):
    """An oracle that states the noise of half of what it draws."""

    def second(self, problem):
        return super().second(problem) / 2


PROBLEM = ct.problems.random_finite_sum(n=2, m=3, d=3, kappa=4, seed=0)
ANSWERS = {
    "exact_rate": lambda m: ct.exact_rate(m, PROBLEM),
    "stationary": lambda m: ct.stationary(m, PROBLEM),
    "exact": lambda m: ct.exact(m, PROBLEM, 3),
    "max_stable_step": lambda m: ct.max_stable_step(ct.DCGD(m.compressor, oracle=m.oracle), PROBLEM),
    "best_step": lambda m: ct.best_step(ct.DCGD(m.compressor, oracle=m.oracle), PROBLEM),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_users_oracle_is_named(name):
    for oracle, assumed in ((Mine(), True), (ct.Minibatch(), False)):
        found = ANSWERS[name](ct.DCGD(ct.RandK(k=1), gamma=0.01, oracle=oracle))
        said = {"text": str(found), "page": found._repr_html_()}
        if isinstance(found, float):  # prints as the number that it is
            said.pop("text")
        for text in said.values():
            assert ("draws with the noise that it states" in " ".join(text.split())) is assumed
        assert ("Assumed: " in found.to_latex()) is assumed
