"""How Sphinx builds the site."""

from docutils import nodes

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


def name_cells(app, doctree, page):
    """
    Repeat the heading of its column in each cell of a table of three columns or more.

    In a narrow window the cells of a row stand below each other, without the headings; pages.css shows these
    then, and hides them otherwise.
    """
    for table in doctree.findall(nodes.tgroup):
        (head,) = table.findall(nodes.thead)
        headings = [entry.astext() for entry in head.findall(nodes.entry)]
        if len(headings) < 3:
            continue
        for body in table.findall(nodes.tbody):
            for row in body.findall(nodes.row):
                for entry, heading in list(zip(row.findall(nodes.entry), headings, strict=False))[1:]:
                    if heading and entry.children:
                        entry[0].insert(0, nodes.inline("", f"{heading}: ", classes=["heading"]))


def setup(app):
    app.connect("doctree-resolved", name_cells)
