"""URLs that can't be imported."""

raise RuntimeError("These URLs are broken")
