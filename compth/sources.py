"""Every bibliographic record, once. Objects cite `sources.DIANA.at("Thm 2")`.

A record is as the publisher has it: titles and author lists are copied from the paper's page, never shortened.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

JOURNALS = ("JMLR", "Mathematical Programming")


@dataclass(frozen=True)
class Source:
    """A work, and optionally the place in it (theorem, lemma, section).

    authors: as BibTeX wants them, "Family, Given and Family, Given", in the order of the paper; a body that is no
    person stands in braces. venue: where it appeared, with the year of that meeting or volume ("ICML 2021").
    """

    key: str
    authors: str
    title: str
    year: int
    arxiv: str = ""
    venue: str = ""
    where: str = ""
    doi: str = ""

    def at(self, where: str) -> Source:
        """The same work, at a theorem, lemma or section."""
        return replace(self, where=where)

    @property
    def families(self) -> tuple[str, ...]:
        """The authors' family names, in the order of the paper."""
        return tuple(person.split(",")[0].strip("{}") for person in self.authors.split(" and "))

    def __str__(self) -> str:
        """Short form: authors year [arXiv], place."""
        *others, last = self.families
        people = f"{', '.join(others)} and {last}" if others else last
        work = f"{people} {self.year}" + (f" (arXiv {self.arxiv})" if self.arxiv else "")
        return work + (f", {self.where}" if self.where else "")

    @property
    def url(self) -> str:
        """Address of the work: its arXiv page, else its DOI, else nothing."""
        if self.arxiv:
            return f"https://arxiv.org/abs/{self.arxiv}"
        return f"https://doi.org/{self.doi}" if self.doi else ""

    def bibtex(self) -> str:
        """BibTeX entry of the work: the kind of publication, every author, DOI or arXiv identifier."""
        kind, venue = self._publication()
        # capitals in a title are kept: styles lower what is not in braces
        fields = {
            "author": self.authors,
            "title": f"{{{_escaped(self.title)}}}",
            **venue,
            "year": str(self.year),
        }
        if self.arxiv:
            fields |= {"eprint": self.arxiv, "archiveprefix": "arXiv"}
        fields |= {"doi": self.doi, "url": self.url}
        body = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items() if value)
        return f"@{kind}{{{self.key},\n{body}\n}}"

    def _publication(self) -> tuple[str, dict[str, str]]:
        if not self.venue:
            return "misc", {}
        if self.venue.startswith(JOURNALS):
            return "article", {"journal": self.venue.rsplit(" ", 1)[0]}
        return "inproceedings", {"booktitle": self.venue}


def _escaped(title: str) -> str:
    """A title with the characters that TeX reads as commands made plain."""
    return title.replace("%", r"\%").replace("&", r"\&")


COMPTH = Source(
    "compth", "{The compth developers}", "compth: the referee of communication-compression theory", 2026
)
INDUCED = Source(
    "induced",
    "Horváth, Samuel and Richtárik, Peter",
    "A Better Alternative to Error Feedback for Communication-Efficient Distributed Learning",
    2021,
    "2006.11077",
    "ICLR 2021",
)
IST = Source(
    "ist",
    "Shulgin, Egor and Richtárik, Peter",
    "Towards a Better Theoretical Understanding of Independent Subnetwork Training",
    2024,
    "2306.16484",
    "ICML 2024",
)
CAT = Source(
    "cat",
    "Khirirat, Sarit and Magnússon, Sindri and Aytekin, Arda and Johansson, Mikael",
    "A Flexible Framework for Communication-Efficient Machine Learning",
    2021,
    "2003.06377",
    "AAAI 2021",
)
ATOMO = Source(
    "atomo",
    "Wang, Hongyi and Sievert, Scott and Liu, Shengchao and Charles, Zachary and Papailiopoulos, Dimitris and Wright, Stephen",
    "ATOMO: Communication-efficient Learning via Atomic Sparsification",
    2018,
    "1806.04090",
    "NeurIPS 2018",
)
UNIFIED = Source(
    "unified_sgd",
    "Gorbunov, Eduard and Hanzely, Filip and Richtárik, Peter",
    "A Unified Theory of SGD: Variance Reduction, Sampling, Quantization and Coordinate Descent",
    2020,
    "1905.11261",
    "AISTATS 2020",
)
NATURAL = Source(
    "natural",
    "Horváth, Samuel and Ho, Chen-Yu and Horváth, Ľudovít and Sahu, Atal Narayan and Canini, Marco and Richtárik, Peter",
    "Natural Compression for Distributed Deep Learning",
    2022,
    "1905.10988",
    "MSML 2022",
)
SWITCHML = Source(
    "switchml",
    "Sapio, Amedeo and Canini, Marco and Ho, Chen-Yu and Nelson, Jacob and Kalnis, Panos and Kim, Changhoon and Krishnamurthy, Arvind and Moshref, Masoud and Ports, Dan R. K. and Richtárik, Peter",
    "Scaling Distributed Machine Learning with In-Network Aggregation",
    2021,
    "1903.06701",
    "NSDI 2021",
)
IBCD = Source(
    "ibcd",
    "Mishchenko, Konstantin and Hanzely, Filip and Richtárik, Peter",
    "99% of Worker-Master Communication in Distributed Optimization Is Not Needed",
    2020,
    "1901.09437",
    "UAI 2020",
)
DIANA = Source(
    "diana",
    "Mishchenko, Konstantin and Gorbunov, Eduard and Takáč, Martin and Richtárik, Peter",
    "Distributed Learning with Compressed Gradient Differences",
    2019,
    "1901.09269",
)
DIANA_OMEGA = Source(
    "diana_omega",
    "Horváth, Samuel and Kovalev, Dmitry and Mishchenko, Konstantin and Stich, Sebastian and Richtárik, Peter",
    "Stochastic Distributed Learning with Gradient Quantization and Variance Reduction",
    2019,
    "1904.05115",
)
RDME = Source(
    "rdme",
    "Konečný, Jakub and Richtárik, Peter",
    "Randomized Distributed Mean Estimation: Accuracy vs Communication",
    2018,
    "1611.07555",
)
QSGD = Source(
    "qsgd",
    "Alistarh, Dan and Grubic, Demjan and Li, Jerry and Tomioka, Ryota and Vojnović, Milan",
    "QSGD: Communication-Efficient SGD via Gradient Quantization and Encoding",
    2017,
    "1610.02132",
    "NeurIPS 2017",
)
TERNGRAD = Source(
    "terngrad",
    "Wen, Wei and Xu, Cong and Yan, Feng and Wu, Chunpeng and Wang, Yandan and Chen, Yiran and Li, Hai",
    "TernGrad: Ternary Gradients to Reduce Communication in Distributed Deep Learning",
    2017,
    "1705.07878",
    "NeurIPS 2017",
)
WANGNI = Source(
    "wangni",
    "Wangni, Jianqiao and Wang, Jialei and Liu, Ji and Zhang, Tong",
    "Gradient Sparsification for Communication-Efficient Distributed Optimization",
    2018,
    "1710.09854",
    "NeurIPS 2018",
)
EF14 = Source(
    "ef14",
    "Seide, Frank and Fu, Hao and Droppo, Jasha and Li, Gang and Yu, Dong",
    "1-Bit Stochastic Gradient Descent and its Application to Data-Parallel Distributed Training of Speech DNNs",
    2014,
    venue="Interspeech 2014",
    doi="10.21437/Interspeech.2014-274",
)
SIGNEF = Source(
    "signef",
    "Karimireddy, Sai Praneeth and Rebjock, Quentin and Stich, Sebastian U. and Jaggi, Martin",
    "Error Feedback Fixes SignSGD and other Gradient Compression Schemes",
    2019,
    "1901.09847",
    "ICML 2019",
)
STICH = Source(
    "stich",
    "Stich, Sebastian U.",
    "Unified Optimal Analysis of the (Stochastic) Gradient Method",
    2019,
    "1907.04232",
)
BIASED = Source(
    "biased",
    "Beznosikov, Aleksandr and Horváth, Samuel and Richtárik, Peter and Safaryan, Mher",
    "On Biased Compression for Distributed Learning",
    2023,
    "2002.12410",
    "JMLR 2023",
)
EF21 = Source(
    "ef21",
    "Richtárik, Peter and Sokolov, Igor and Fatkhullin, Ilyas",
    "EF21: A New, Simpler, Theoretically Better, and Practically Faster Error Feedback",
    2021,
    "2106.05203",
    "NeurIPS 2021",
)
THREE_PC = Source(
    "3pc",
    "Richtárik, Peter and Sokolov, Igor and Fatkhullin, Ilyas and Gasanov, Elnur and Li, Zhize and Gorbunov, Eduard",
    "3PC: Three Point Compressors for Communication-Efficient Distributed Training",
    2022,
    "2202.00998",
    "ICML 2022",
)
EFBV = Source(
    "efbv",
    "Condat, Laurent and Yi, Kai and Richtárik, Peter",
    "EF-BV: A Unified Theory of Error Feedback and Variance Reduction Mechanisms",
    2022,
    "2205.04180",
    "NeurIPS 2022",
)
MARINA = Source(
    "marina",
    "Gorbunov, Eduard and Burlachenko, Konstantin and Li, Zhize and Richtárik, Peter",
    "MARINA: Faster Non-Convex Distributed Learning with Compression",
    2021,
    "2102.07845",
    "ICML 2021",
)
PERMK = Source(
    "permk",
    "Szlendak, Rafał and Tyurin, Alexander and Richtárik, Peter",
    "Permutation Compressors for Provably Faster Distributed Nonconvex Optimization",
    2022,
    "2110.03300",
    "ICLR 2022",
)
MURANA = Source(
    "murana",
    "Condat, Laurent and Richtárik, Peter",
    "MURANA: A Generic Framework for Stochastic Variance-Reduced Optimization",
    2022,
    "2106.03056",
)
UNCERTAINTY = Source(
    "uncertainty",
    "Safaryan, Mher and Shulgin, Egor and Richtárik, Peter",
    "Uncertainty Principle for Communication Compression in Distributed and Federated Learning and the Search for an Optimal Compressor",
    2022,
    "2002.08958",
)
GDCI = Source(
    "gdci",
    "Khaled, Ahmed and Richtárik, Peter",
    "Gradient Descent with Compressed Iterates",
    2019,
    "1909.04716",
)
ADIANA = Source(
    "adiana",
    "Li, Zhize and Kovalev, Dmitry and Qian, Xun and Richtárik, Peter",
    "Acceleration for Compressed Gradient Descent in Distributed and Federated Optimization",
    2020,
    "2002.11364",
    "ICML 2020",
)
POWERSGD = Source(
    "powersgd",
    "Vogels, Thijs and Karimireddy, Sai Praneeth and Jaggi, Martin",
    "PowerSGD: Practical Low-Rank Gradient Compression for Distributed Optimization",
    2019,
    "1905.13727",
    "NeurIPS 2019",
)
TIGHT_ONE = Source(
    "tight_one",
    "Berg Thomsen, Daniel and Taylor, Adrien and Dieuleveut, Aymeric",
    "Tight analyses of first-order methods with error feedback",
    2025,
    "2506.05271",
    "NeurIPS 2025",
)
TIGHT_N = Source(
    "tight_n",
    "Berg Thomsen, Daniel and Taylor, Adrien and Dieuleveut, Aymeric",
    "A Tight Theory of Error Feedback Algorithms in Distributed Optimization",
    2026,
    "2605.31594",
    "ICML 2026",
)
SAGA = Source(
    "saga",
    "Defazio, Aaron and Bach, Francis and Lacoste-Julien, Simon",
    "SAGA: A Fast Incremental Gradient Method With Support for Non-Strongly Convex Composite Objectives",
    2014,
    "1407.0202",
    "NeurIPS 2014",
)
L_SVRG = Source(
    "l_svrg",
    "Kovalev, Dmitry and Horváth, Samuel and Richtárik, Peter",
    "Don't Jump Through Hoops and Remove Those Loops: SVRG and Katyusha are Better Without the Outer Loop",
    2020,
    "1901.08689",
    "ALT 2020",
)
SEGA = Source(
    "sega",
    "Hanzely, Filip and Mishchenko, Konstantin and Richtárik, Peter",
    "SEGA: Variance Reduction via Gradient Sketching",
    2018,
    "1809.03054",
    "NeurIPS 2018",
)
JACSKETCH = Source(
    "jacsketch",
    "Gower, Robert M. and Richtárik, Peter and Bach, Francis",
    "Stochastic Quasi-Gradient Methods: Variance Reduction via Jacobian Sketching",
    2021,
    "1805.02632",
    "Mathematical Programming 2021",
)
ECONTROL = Source(
    "econtrol",
    "Gao, Yuan and Islamov, Rustem and Stich, Sebastian U.",
    "EControl: Fast Distributed Optimization with Compression and Error Control",
    2023,
    "2311.05645",
    "ICLR 2024",
)
EF21_SGDM = Source(
    "ef21_sgdm",
    "Fatkhullin, Ilyas and Tyurin, Alexander and Richtárik, Peter",
    "Momentum Provably Improves Error Feedback!",
    2023,
    "2305.15155",
    "NeurIPS 2023",
)
EF21_BELLS = Source(
    "ef21_bells",
    "Fatkhullin, Ilyas and Sokolov, Igor and Gorbunov, Eduard and Li, Zhize and Richtárik, Peter",
    "EF21 with Bells & Whistles: Practical Algorithmic Extensions of Modern Error Feedback",
    2021,
    "2110.03294",
)
EF21_P = Source(
    "ef21_p",
    "Gruntkowska, Kaja and Tyurin, Alexander and Richtárik, Peter",
    "EF21-P and Friends: Improved Theoretical Communication Complexity for Distributed Optimization with Bidirectional Compression",
    2022,
    "2209.15218",
    "ICML 2023",
)
EF21_W = Source(
    "ef21_w",
    "Richtárik, Peter and Gasanov, Elnur and Burlachenko, Konstantin",
    "Error Feedback Reloaded: From Quadratic to Arithmetic Mean of Smoothness Constants",
    2024,
    "2402.10774",
    "ICLR 2024",
)
MARINA_P = Source(
    "marina_p",
    "Gruntkowska, Kaja and Tyurin, Alexander and Richtárik, Peter",
    "Improving the Worst-Case Bidirectional Communication Complexity for Nonconvex Distributed Optimization under Function Similarity",
    2024,
    "2402.06412",
    "NeurIPS 2024",
)
SHIFTED = Source(
    "shifted",
    "Shulgin, Egor and Richtárik, Peter",
    "Shifted Compression Framework: Generalizations and Improvements",
    2022,
    "2206.10452",
    "UAI 2022",
)
DASHA = Source(
    "dasha",
    "Tyurin, Alexander and Richtárik, Peter",
    "DASHA: Distributed Nonconvex Optimization with Communication Compression and Optimal Oracle Complexity",
    2022,
    "2202.01268",
    "ICLR 2023",
)
PAGE = Source(
    "page",
    "Li, Zhize and Bao, Hongyan and Zhang, Xiangliang and Richtárik, Peter",
    "PAGE: A Simple and Optimal Probabilistic Gradient Estimator for Nonconvex Optimization",
    2020,
    "2008.10898",
    "ICML 2021",
)
SCAFFNEW_C = Source(
    "compressed_scaffnew",
    "Condat, Laurent and Agarský, Ivan and Richtárik, Peter",
    "CompressedScaffnew: The First Theoretical Double Acceleration of Communication in Federated Learning",
    2022,
    "2210.13277",
)
LOCODL = Source(
    "locodl",
    "Condat, Laurent and Maranjyan, Artavazd and Richtárik, Peter",
    "LoCoDL: Communication-Efficient Distributed Learning with Local Training and Compression",
    2024,
    "2403.04348",
    "ICLR 2025",
)
ARTEMIS = Source(
    "artemis",
    "Philippenko, Constantin and Dieuleveut, Aymeric",
    "Bidirectional compression in heterogeneous settings for distributed or federated learning with partial participation: tight convergence guarantees",
    2020,
    "2006.14591",
)
MCM = Source(
    "mcm",
    "Philippenko, Constantin and Dieuleveut, Aymeric",
    "Preserved central model for faster bidirectional compression in distributed settings",
    2021,
    "2102.12528",
    "NeurIPS 2021",
)
MAST = Source(
    "mast",
    "Demidovich, Yury and Malinovsky, Grigory and Shulgin, Egor and Richtárik, Peter",
    "MAST: Model-Agnostic Sparsified Training",
    2023,
    "2311.16086",
)
LAG = Source(
    "lag",
    "Chen, Tianyi and Giannakis, Georgios B. and Sun, Tao and Yin, Wotao",
    "LAG: Lazily Aggregated Gradient for Communication-Efficient Distributed Learning",
    2018,
    "1805.09965",
    "NeurIPS 2018",
)
ADIANA_REFINED = Source(
    "adiana_refined",
    "He, Yutong and Huang, Xinmeng and Yuan, Kun",
    "Unbiased Compression Saves Communication in Distributed Optimization: When and How Much?",
    2023,
    "2305.16297",
    "NeurIPS 2023",
)
