"""Figures that an example holds by a name: results return a matplotlib Figure, which pyplot does not know."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst


def scrape(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Pictures of the figures that this block made, in the order of their names."""
    known = block_vars.setdefault("figures_shown", [])
    of_pyplot = {id(plt.figure(number)) for number in plt.get_fignums()}
    paths = []
    for value in dict(block_vars["example_globals"]).values():
        if not isinstance(value, Figure) or id(value) in of_pyplot or any(value is one for one in known):
            continue
        known.append(value)
        if not getattr(value, "number", None):  # pyplot's own were taken when they were open
            path = next(block_vars["image_path_iterator"])
            value.savefig(path, dpi=150)
            paths.append(path)
    return figure_rst(paths, gallery_conf["src_dir"]) if paths else ""


def _get_sg_image_scraper() -> Any:
    """What sphinx-gallery asks of a module that is named as a scraper."""
    return scrape
