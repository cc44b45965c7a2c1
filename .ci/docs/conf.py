"""How Sphinx builds the site."""

project = "django-offload"
author = copyright = "The django-offload authors"  # noqa: A001, Sphinx's name
extensions = ["myst_parser"]
root_doc = "index"
language = "en"

# Links to headings are those of GitHub.
myst_heading_anchors = 3
# A block that names no language is a drawing.
highlight_language = "text"

# Two hyphens are an option's, not a dash.
smartquotes = False

html_theme = "furo"
html_title = project
html_static_path = ["static"]
html_css_files = ["pages.css"]
# Nothing is in the index of names: the search finds them.
html_use_index = False
# The pages are built from copies, and nobody needs those.
html_copy_source = html_show_sourcelink = False
