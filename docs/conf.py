"""Sphinx: pages written by hand, pages generated from the objects, examples run while building; works offline."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_ext")]
os.environ.setdefault("MPLBACKEND", "Agg")
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(HERE.parent), os.environ.get("PYTHONPATH")]))

import compth  # noqa: E402  # the paths above come first

project = "compth"
author = "The compth developers"
project_copyright = author
version = release = compth.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.doctest",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
    "compth_pages",
    "terminal",
    "lesson_pages",
    "figure_pages",
    "changes",
    "looks",
]
exclude_patterns = ["_build", "_ext", "examples/*.rst", "notebooks/*.py", "benchmarks/*.rst"]
nitpicky = False
autodoc_typehints = "none"
autodoc_member_order = "bysource"
add_module_names = False
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "generated/examples",
    "filename_pattern": r"/plot_",
    "abort_on_example_error": True,
    "min_reported_time": 3,
    "download_all_examples": False,
    "remove_config_comments": True,
    "within_subsection_order": "FileNameSortKey",
    "show_signature": False,
    "image_scrapers": ("matplotlib", "figure_scraper"),
    "capture_repr": (),  # a result is printed where it is meant to be seen
    "write_computation_times": False,  # a page of seconds that asks a server for its table
}

html_theme = "pydata_sphinx_theme"
html_title = f"compth {release}"
html_static_path = ["_static"]
html_css_files = ["compth.css"]
html_show_sourcelink = False
html_theme_options = {
    "navigation_with_keys": False,
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "navbar_end": ["theme-switcher"],
    "footer_start": [],
    "footer_end": [],
    "logo": {"text": f"compth {release}"},
    "search_as_you_type": True,
    "header_links_before_dropdown": 6,
}
ALONE = (
    "index benchmarks evidence coq unequal_workers audit families papers contributing tuning genindex search"
    " generated/examples/plot_first_hour generated/errata/errata generated/licences/licences generated/api/index"
    " generated/pictures/pictures generated/changes/changes"
)
html_sidebars = {page: [] for page in ALONE.split()}
"""Pages without pages below them: an empty column beside them would only clip their code."""

mathjax_path = "mathjax/tex-svg.js"
"""Copied from the installed package at the end of the build: no page asks the network for anything."""


def copy_mathjax(app, failure):
    """One file of the installed sphinx-mathjax-offline, with all fonts inside."""
    if failure is not None or app.builder.format != "html":
        return
    found = importlib.util.find_spec("sphinx-mathjax-offline")
    source = Path(found.origin).parent / "static" / "mathjax" / "tex-svg.js"
    target = Path(app.outdir) / "_static" / mathjax_path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(source.read_bytes())


def setup(app):
    app.connect("build-finished", copy_mathjax)
