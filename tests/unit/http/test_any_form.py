"""Whatever is sent to a view with a form, the answer is 202 or 400, and no field raises anything else."""

import json
from functools import cache
from inspect import isclass

import pytest
from django import forms
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.utils.http import urlencode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_offload.http.openapi import openapi_document
from tests.openapi.conformance import Conformance
from tests.unit.http.site_of_fields import EveryField

SITE = "tests.unit.http.site_of_fields"
pytestmark = pytest.mark.urls(SITE)

JSON, FORM = "application/json", "application/x-www-form-urlencoded"

FIELDS = sorted(EveryField.base_fields)
# Those of a widget with several inputs, too.
NAMES = [
    *FIELDS,
    *(f"{name}_{part}" for name in ("split", "hidden_split") for part in (0, 1)),
    *(f"selected_date_{part}" for part in ("year", "month", "day")),
]
HOSTILE = [
    *(
        "9" * 5_000,
        "-" + "9" * 4_300,
        "1e999999",
        "-1e-999999",
        "1e400",
        "nan",
        "Infinity",
        "sNaN",
        "0x1",
        "١",
    ),
    *("0000-01-01", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "99999-1-1", "25:61:61"),
    *("P" + "9" * 400 + "D", "9" * 400 + " 00:00:00", "-999999999 00:00:00", "P1Y", "PT1E9S", "1:1:1:1:1"),
    *(
        "\x00",
        "\ud800",
        "a\r\nb",
        "[" * 101,
        "[" * 50_000,
        "{",
        "NaN",
        "{" * 99,
        "{}",
        "[1e400]",
        '"\\ud800"',
    ),
    *("::ffff:1.2.3.4", "::" * 40, "fe80::1%eth0", "1.2.3", "http://[", "http://[::1", "a@[", "ftp://\xad.é"),
    *("{" + "f" * 40 + "}", "urn:uuid:" + "0" * 32, "0" * 32, "../../etc/passwd", "1", "2", "true", "", " "),
    *("1" * 19, "9" * 19, "-1", "1.5", "1,5", "1_000", "12:00", "2026-03-01", "2026-02-30 12:00"),
]
TEXTS = st.sampled_from(HOSTILE) | st.text(max_size=20)
NUMBERS = (
    st.sampled_from([0, 1, -1, 2**63, 10**400, -(10**4_000), 0.5, 1e308, -0.0]) | st.integers() | st.floats()
)
VALUES = st.recursive(
    TEXTS | NUMBERS | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
# What JSON alone can say.
STRANGE = [
    0,
    2**63,
    10**400,
    -(10**4_000),
    1e308,
    None,
    True,
    [],
    {},
    [[]],
    ["1"],
    {"a": 1},
    [None],
    [10**400],
]


@cache
def conformance():
    """Return what holds answers against the site's OpenAPI document."""
    return Conformance(openapi_document(SITE))


def asked(body, content_type, accept):
    answer = Client().generic(
        "POST", "/every-field/", body, content_type=content_type, headers={"Accept": accept}
    )
    assert answer.status_code in {202, 400}
    assert conformance().problems("POST", "/every-field/", answer) == []
    return answer


def test_the_form_has_every_field_of_django():
    found = {kind for kind in vars(forms).values() if isclass(kind) and issubclass(kind, forms.Field)}
    left_out = {forms.Field, forms.MultiValueField}  # Of which others are made.

    assert {type(field) for field in EveryField.base_fields.values()} == found - left_out


def encodable(value):
    """Return a text, or a list of texts, as far as a form can have it."""
    if isinstance(value, list):
        return [*map(encodable, value)]
    return str(value).encode("utf-8", "replace").decode()


def body_in(way, values):
    """Return a request's body with these values, and its type."""
    if way == JSON:
        return json.dumps(values), JSON
    values = {name: encodable(value) for name, value in values.items()}
    if way == FORM:
        return urlencode(values, doseq=True), FORM
    return encode_multipart(BOUNDARY, values), MULTIPART_CONTENT


@pytest.mark.parametrize("way", [JSON, FORM, MULTIPART_CONTENT])
def test_no_value_in_every_field_is_an_error_of_the_server(ours, offload, db, way):
    for number, value in enumerate([*HOSTILE, *STRANGE]):
        asked(*body_in(way, dict.fromkeys(NAMES, value)), "text/html" if number % 4 == 0 else JSON)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    values=st.dictionaries(st.sampled_from(NAMES), VALUES, min_size=1, max_size=3),
    way=st.sampled_from([JSON, JSON, FORM, MULTIPART_CONTENT]),
    page=st.integers(0, 7),
)
def test_no_values_of_a_form_are_an_error_of_the_server(ours, offload, db, values, way, page):
    asked(*body_in(way, values), "text/html" if page == 7 else JSON)
