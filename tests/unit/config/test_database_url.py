"""A database's settings in one address."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.database import from_url


def test_every_part_of_an_address_is_read() -> None:
    database = from_url(
        "postgresql://ada:p%40ss%2Fword@db.example:5433/shop%20one?sslmode=require&options=-csearch_path%3Dx"
    )

    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert (database["USER"], database["PASSWORD"], database["HOST"], database["PORT"]) == (
        "ada",
        "p@ss/word",
        "db.example",
        5433,
    )
    assert database["NAME"] == "shop one"
    assert database["OPTIONS"] == {"sslmode": "require", "options": "-csearch_path=x"}


@pytest.mark.parametrize(
    "url", ["sqlite:///x", "postgresql://host", "db.example/shop", "", "postgresql://u:secret@h:port/x"]
)
def test_a_malformed_address_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        from_url(url)

    assert "secret" not in str(caught.value)
    assert "DATABASE_URL" in str(caught.value)
