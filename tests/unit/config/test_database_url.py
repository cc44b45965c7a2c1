"""A database as one address."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.database import from_url


def test_every_part_of_an_address_is_read() -> None:
    found = from_url(
        "postgresql://ada:p%40ss%2Fword@db.example:5433/shop%20one?sslmode=require&options=-csearch_path%3Dx"
    )

    assert found["ENGINE"] == "django.db.backends.postgresql"
    assert (found["USER"], found["PASSWORD"], found["HOST"], found["PORT"]) == (
        "ada",
        "p@ss/word",
        "db.example",
        5433,
    )
    assert found["NAME"] == "shop one"
    assert found["OPTIONS"] == {"sslmode": "require", "options": "-csearch_path=x"}


@pytest.mark.parametrize(
    "url", ["sqlite:///x", "postgresql://host", "db.example/shop", "", "postgresql://u:secret@h:port/x"]
)
def test_what_is_no_address_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        from_url(url)

    assert "secret" not in str(caught.value)
    assert str(caught.value).startswith("DATABASE_URL ")
