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

html_theme = "furo"
html_title = project
# The pages are built from copies, and nobody needs those.
html_copy_source = html_show_sourcelink = False
