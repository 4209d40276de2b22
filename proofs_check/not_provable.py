"""What has no script, each with the reason; the table prints it. Claims go by class, kind and label (`_coverage`)."""

# outside the kernel's language: no finite polynomial identity over the reals
OUTSIDE = {
    "dcsgd.horizon": "weights u^2 outgrow what steps 2/(mu u) let telescope: no one-step claim; bounds an exponential",
    "cat.workers": "logarithms, and Jensen's inequality for a convex function of f - f* (one worker: cat.single)",
    "cat.packets": "packet costs: maximisers over integers of functions with ceilings (affine: cat.quasi_concave)",
    "uncertainty": "a volume argument in R^d (its algebra, alpha = omega/(1+omega): calculus.scaling)",
    "atomo.active_set": "that sorting finds the saturated set: an argument over a varying set (one set: atomo.kkt)",
    "LpQuantization.Unbiased": "1 < p < 2 only: norms with a general exponent are no polynomials (others: lp_moments)",
    **dict.fromkeys(
        ("cgd.b1", "cgd.b2"),
        "two inequalities on <E C(v), v>: the kernel has an axiom for contractions, none for the classes B1 and B2",
    ),
    **dict.fromkeys(
        ("PowerSGD.Contractive", "PowerSGD.B1", "PowerSGD.B2"),
        "the mean of a Gaussian projection: that leverages grow with their weights is no polynomial identity",
    ),
}
# nothing to prove
DEFINITIONS = {
    "LAGMap": "LAG's rule bounds the error it leaves: its inequality is its definition",
    "PermK.JointVariance": "d = 1 only: workers send their numbers, both sides are 0 (d > 1: permk.joint, permk.few)",
}
# within the kernel's language, but only derived so far
UNWRITTEN = dict.fromkeys(
    (
        "ef.noisy",
        "ef21.noisy",
        "econtrol.pl",
        "ef21sgdm.pl",
        "ef21sgdm.noisy",
        "randdiana.linear",
        "dasha.pl",
        "dasha.nonconvex",
        "ef21p.exact",
        "ef21p.diana",
        "ef21bc.pl",
        "relaxed_gdci.neighbourhood",
        "vrgdci.linear",
        "page.pl",
        "marinap.pl",
        "locodl.linear",
        "compressed_scaffnew.linear",
        "ef21w.pl",
        "lag.pl",
        "clag.pl",
    ),
    "derived in its docstring and held against exact curves; the script is not written",
)
UNWRITTEN["artemis.linear"] = (
    "diana.bidirectional's statement, whose script follows DIANA's body; not written for this one"
)
REASONS = {**OUTSIDE, **DEFINITIONS, **UNWRITTEN}
