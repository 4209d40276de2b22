"""Every bibliographic record, once. Objects cite `sources.DIANA.at("Thm 2")`."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Source:
    """A work, and optionally the place in it (theorem, lemma, section)."""

    key: str
    authors: str
    title: str
    year: int
    arxiv: str = ""
    venue: str = ""
    where: str = ""

    def at(self, where: str) -> Source:
        """The same work, at a theorem, lemma or section."""
        return replace(self, where=where)

    def __str__(self) -> str:
        """Short form: authors year [arXiv], place."""
        work = f"{self.authors} {self.year}" + (f" (arXiv {self.arxiv})" if self.arxiv else "")
        return work + (f", {self.where}" if self.where else "")

    def bibtex(self) -> str:
        """BibTeX entry of the work."""
        fields = {"author": self.authors, "title": self.title, "year": str(self.year), "note": self.venue}
        if self.arxiv:
            fields |= {"eprint": self.arxiv, "archiveprefix": "arXiv"}
        body = ",\n".join(f"  {k} = {{{v}}}" for k, v in fields.items() if v)
        return f"@misc{{{self.key},\n{body}\n}}"


COMPTH = Source(
    "compth", "The compth developers", "compth: the referee of communication-compression theory", 2026
)
INDUCED = Source(
    "induced",
    "Horváth and Richtárik",
    "A Better Alternative to Error Feedback for Communication-Efficient Distributed Learning",
    2021,
    "2006.11077",
    "ICLR 2021",
)
IST = Source(
    "ist",
    "Shulgin and Richtárik",
    "Towards a Better Theoretical Understanding of Independent Subnetwork Training",
    2024,
    "2306.16484",
    "ICML 2024",
)
CAT = Source(
    "cat",
    "Khirirat, Magnússon, Aytekin and Johansson",
    "A Flexible Framework for Communication-Efficient Machine Learning",
    2021,
    "2003.06377",
    "AAAI 2021",
)
ATOMO = Source(
    "atomo",
    "Wang, Sievert, Liu, Charles, Papailiopoulos and Wright",
    "ATOMO: Communication-efficient Learning via Atomic Sparsification",
    2018,
    "1806.04090",
    "NeurIPS 2018",
)
UNIFIED = Source(
    "unified_sgd",
    "Gorbunov, Hanzely and Richtárik",
    "A Unified Theory of SGD: Variance Reduction, Sampling, Quantization and Coordinate Descent",
    2020,
    "1905.11261",
    "AISTATS 2020",
)
NATURAL = Source(
    "natural",
    "Horváth, Ho, Horváth, Sahu, Canini and Richtárik",
    "Natural Compression for Distributed Deep Learning",
    2022,
    "1905.10988",
    "MSML 2022",
)
SWITCHML = Source(
    "switchml",
    "Sapio, Canini, Ho, Nelson, Kalnis, Kim, Krishnamurthy, Moshref, Ports and Richtárik",
    "Scaling Distributed Machine Learning with In-Network Aggregation",
    2021,
    "1903.06701",
    "NSDI 2021",
)
IBCD = Source(
    "ibcd",
    "Mishchenko, Hanzely and Richtárik",
    "99% of Worker-Master Communication in Distributed Optimization Is Not Needed",
    2020,
    "1901.09437",
    "UAI 2020",
)
DIANA = Source(
    "diana",
    "Mishchenko, Gorbunov, Takáč and Richtárik",
    "Distributed Learning with Compressed Gradient Differences",
    2019,
    "1901.09269",
)
DIANA_OMEGA = Source(
    "diana_omega",
    "Horváth, Kovalev, Mishchenko, Stich and Richtárik",
    "Stochastic Distributed Learning with Gradient Quantization and Variance Reduction",
    2019,
    "1904.05115",
)
RDME = Source(
    "rdme",
    "Konečný and Richtárik",
    "Randomized Distributed Mean Estimation: Accuracy vs Communication",
    2018,
    "1611.07555",
)
QSGD = Source(
    "qsgd",
    "Alistarh, Grubic, Li, Tomioka and Vojnović",
    "QSGD: Communication-Efficient SGD via Gradient Quantization and Encoding",
    2017,
    "1610.02132",
    "NeurIPS 2017",
)
TERNGRAD = Source(
    "terngrad",
    "Wen, Xu, Yan, Wu, Wang, Chen and Li",
    "TernGrad: Ternary Gradients to Reduce Communication in Distributed Deep Learning",
    2017,
    "1705.07878",
    "NeurIPS 2017",
)
WANGNI = Source(
    "wangni",
    "Wangni, Wang, Liu and Zhang",
    "Gradient Sparsification for Communication-Efficient Distributed Optimization",
    2018,
    "1710.09854",
    "NeurIPS 2018",
)
EF14 = Source(
    "ef14",
    "Seide, Fu, Droppo, Li and Yu",
    "1-Bit Stochastic Gradient Descent and its Application to Data-Parallel Distributed Training of Speech DNNs",
    2014,
    "",
    "Interspeech 2014",
)
SIGNEF = Source(
    "signef",
    "Karimireddy, Rebjock, Stich and Jaggi",
    "Error Feedback Fixes SignSGD and other Gradient Compression Schemes",
    2019,
    "1901.09847",
    "ICML 2019",
)
STICH = Source(
    "stich", "Stich", "Unified Optimal Analysis of the (Stochastic) Gradient Method", 2019, "1907.04232"
)
BIASED = Source(
    "biased",
    "Beznosikov, Horváth, Richtárik and Safaryan",
    "On Biased Compression for Distributed Learning",
    2023,
    "2002.12410",
    "JMLR 2023",
)
EF21 = Source(
    "ef21",
    "Richtárik, Sokolov and Fatkhullin",
    "EF21: A New, Simpler, Theoretically Better, and Practically Faster Error Feedback",
    2021,
    "2106.05203",
    "NeurIPS 2021",
)
THREE_PC = Source(
    "3pc",
    "Richtárik, Sokolov, Fatkhullin, Gasanov, Li and Gorbunov",
    "3PC: Three Point Compressors for Communication-Efficient Distributed Training",
    2022,
    "2202.00998",
    "ICML 2022",
)
EFBV = Source(
    "efbv",
    "Condat, Yi and Richtárik",
    "EF-BV: A Unified Theory of Error Feedback and Variance Reduction Mechanisms",
    2022,
    "2205.04180",
    "NeurIPS 2022",
)
MARINA = Source(
    "marina",
    "Gorbunov, Burlachenko, Li and Richtárik",
    "MARINA: Faster Non-Convex Distributed Learning with Compression",
    2021,
    "2102.07845",
    "ICML 2021",
)
PERMK = Source(
    "permk",
    "Szlendak, Tyurin and Richtárik",
    "Permutation Compressors for Provably Faster Distributed Nonconvex Optimization",
    2022,
    "2110.03300",
    "ICLR 2022",
)
MURANA = Source(
    "murana",
    "Condat and Richtárik",
    "MURANA: A Generic Framework for Stochastic Variance-Reduced Optimization",
    2022,
    "2106.03056",
)
UNCERTAINTY = Source(
    "uncertainty",
    "Safaryan, Shulgin and Richtárik",
    "Uncertainty Principle for Communication Compression in Distributed and Federated Learning and the Search for an Optimal Compressor",
    2022,
    "2002.08958",
)
GDCI = Source("gdci", "Khaled and Richtárik", "Gradient Descent with Compressed Iterates", 2019, "1909.04716")
ADIANA = Source(
    "adiana",
    "Li, Kovalev, Qian and Richtárik",
    "Acceleration for Compressed Gradient Descent in Distributed and Federated Optimization",
    2020,
    "2002.11364",
    "ICML 2020",
)
POWERSGD = Source(
    "powersgd",
    "Vogels, Karimireddy and Jaggi",
    "PowerSGD: Practical Low-Rank Gradient Compression for Distributed Optimization",
    2019,
    "1905.13727",
    "NeurIPS 2019",
)
TIGHT_ONE = Source(
    "tight_one", "arXiv 2506.05271", "(title not confirmed; read through its public code)", 2025, "2506.05271"
)
TIGHT_N = Source(
    "tight_n", "arXiv 2605.31594", "(title not confirmed; read through its public code)", 2026, "2605.31594"
)
SAGA = Source(
    "saga",
    "Defazio, Bach and Lacoste-Julien",
    "SAGA: A Fast Incremental Gradient Method With Support for Non-Strongly Convex Composite Objectives",
    2014,
    "1407.0202",
    "NeurIPS 2014",
)
L_SVRG = Source(
    "l_svrg",
    "Kovalev, Horváth and Richtárik",
    "Don't Jump Through Hoops and Remove Those Loops: SVRG and Katyusha are Better Without the Outer Loop",
    2020,
    "1901.08689",
    "ALT 2020",
)
SEGA = Source(
    "sega",
    "Hanzely, Mishchenko and Richtárik",
    "SEGA: Variance Reduction via Gradient Sketching",
    2018,
    "1809.03054",
    "NeurIPS 2018",
)
JACSKETCH = Source(
    "jacsketch",
    "Gower, Richtárik and Bach",
    "Stochastic Quasi-Gradient Methods: Variance Reduction via Jacobian Sketching",
    2021,
    "1805.02632",
    "Mathematical Programming 2021",
)
