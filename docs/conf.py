"""The site of this folder: its pages, and the reference from the stubs in $MPYKDUMP_STUBS."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

project = html_title = "mpykdump"
extensions = ["myst_parser", "sphinx.ext.autodoc", "fromstubs"]
html_theme = "alabaster"
html_theme_options = {"fixed_sidebar": True, "page_width": "75em", "sidebar_width": "18em"}
html_show_copyright = False
html_copy_source = False
myst_heading_anchors = 3
smartquotes = False
# A name of the API is described there and where it is at home: a type's name leads to the first.
suppress_warnings = ["ref.python"]
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "undoc-members": True, "show-inheritance": True}
