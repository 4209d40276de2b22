"""Steps 2/(mu t + theta): the induction step of the lemma that turns a noisy contraction into C/((mu/theta) t + 1).

With the start a_0 <= C, induction over t gives the bound at every t.
"""

from compth.methods._schedules import harmonic_bound, harmonic_step, noise_constant
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

mu, theta, N, C, t = symbols("mu theta N C t")
GAMMA = text(harmonic_step(mu, theta, t))
HERE, NEXT = (text(harmonic_bound(C, mu / theta, k)) for k in (t, t + 1))
LARGE = f"C >= {text(noise_constant(mu, theta, N))}"
STATEMENT = {
    "name": "schedule.harmonic",
    "params": "mu theta N C t a b",
    "domain": ["mu > 0", "theta >= 2*mu", "N >= 0", "t >= 0", "theta > 0", LARGE],
    "let": {"ga": GAMMA},
    "given": {"here": f"order(a, {HERE})", "step": "order(b, (1 - ga*mu)*a + ga**2*N)"},
    "claim": [f"b <= {NEXT}"],
}
CLAIM = STATEMENT["claim"][0]
D = "(mu*t + theta)"
STEPS = [
    step("C >= 0", {LARGE: "1"}, ["4*N/(mu*theta)"]),
    step("mu*t + theta - 2*mu >= 0", {"theta >= 2*mu": "1"}, ["mu*t"]),
    step(
        CLAIM,
        {"step": "1", "here": f"(mu*t + theta - 2*mu)/{D}", LARGE: f"mu*theta/{D}**2"},
        [f"C*theta*mu**2/({D}**2*(mu*t + theta + mu))"],
    ),
]


def at(a, b, **params):
    """Numbers: mu = 1, theta = 4, t = 2, so that gamma = 1/3."""
    return model({"mu": 1, "theta": 4, "N": 4, "C": 4, "t": 2, "a": a, "b": b, **params})


SCRIPT = Script(
    "schedule.harmonic",
    "Decreasing steps: the induction step from a noisy contraction to 1/t",
    [
        Part(
            STATEMENT,
            STEPS,
            at(2, 1, C=5),
            [
                # a at its bound 8/3, b = (2/3) a + N/9
                ({"claim": [f"b <= 9/10*{NEXT}"]}, at("8/3", "20/9")),
                ({"domain": [d for d in STATEMENT["domain"] if d != LARGE]}, at("2/3", "8/9", C=1)),
                ({"given": {"here": None}}, at(6, 4)),
                ({"given": {"step": None}}, at(2, 4)),
            ],
            "induction step",
        )
    ],
)
