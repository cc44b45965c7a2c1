"""URLs of a site that has none."""

urlpatterns: list[object] = []
