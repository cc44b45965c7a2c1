"""What looks like a credential, by its name and its value, and what only looks a little like one."""

import secrets
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_offload.deploy.likely_credentials import (
    credentials_in,
    is_credential,
    looks_secret,
    places_in,
)

RANDOM = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
BY_NAME = [
    *("PASSWORD", "DB_PASSWORD", "EMAIL_HOST_PASSWORD", "DbPassword", "PGPASSWORD", "MYSQL_PWD", "smtp_pass"),
    *("DB_PASSWORD_PROD", "DB_PASSWORD_2", "ADMIN_PASSPHRASE", "redis-password", "SECRET", "CLIENT_SECRET"),
    *("DJANGO_SECRET", "SECRET_KEY", "SECRET_KEY_FALLBACKS", "API_KEY", "STRIPE_API_KEY", "apiKey", "APIKEY"),
    *("API_TOKEN", "ACCESS_TOKEN", "GITHUB_TOKEN", "AUTH_TOKEN", "PRIVATE_KEY", "SIGNING_KEY", "JWT_KEY"),
    *("secret_key_base", "CRYPT_KEY", "AES_KEY", "STORAGE_KEY"),
    *("ENCRYPTION_KEY", "FIELD_ENCRYPTION_KEY", "AWS_SECRET_ACCESS_KEY", "LDAP_CREDENTIALS", "HASHIDS_SALT"),
]
BY_VALUE = [
    "postgresql://shop:pw@db/shop",
    "postgresql://shop:p/w@db/shop",
    "redis://:pw@cache:6379/0",
    "mongodb+srv://user:p%40ss@cluster.example/db",
    "amqps://shop:pw@queue:5671/",
    "https://shop:pw@index.example/simple",
    "host=db user=shop password=pw",
    "Server=db;User Id=shop;Pwd=pw;",
    "AccountName=shop;AccountKey=YWJjZGVm;",
    '{"user": "shop", "password": "pw"}',
    "AKIAIOSFODNN7EXAMPLE",
    "key AKIAIOSFODNN7EXAMPLE of the shop",
    "ASIAIOSFODNN7EXAMPLE",
    "-----BEGIN PRIVATE KEY-----\nMIIE",
    "-----BEGIN RSA PRIVATE KEY-----",
    "-----BEGIN OPENSSH PRIVATE KEY-----",
    "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
    "rk_test_4eC39HqLyjWDarjtT1zdp7dc",
    "whsec_4eC39HqLyjWDarjtT1zdp7dc",
    "sk-proj-4eC39HqLyjWDarjtT1zdp7dc",
    "ghp_4eC39HqLyjWDarjtT1zdp7dc4eC39HqLyjWD",
    "github_pat_4eC39HqLyjWDarjtT1zdp7dc",
    "glpat-4eC39HqLyjWDarjtT1zd",
    "xoxb-123456789012-abcdefghijkl",
    "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    "SG.4eC39HqLyjWDarjtT1zdp7.4eC39HqLyjWDarjtT1zdp7dc4eC39HqLy",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
    "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXX",
    "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",
    "secret_4eC39HqLyjWDarjtT1zdp7dc4eC39HqLyjWDarjt",
    "AGE-SECRET-KEY-1QQPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
    "123456789:AAE4eC39HqLyjWDarjtT1zdp7dc4eC39Hq1",
    "Basic c2hvcDpwdw==",
    "Authorization: Bearer 4eC39HqLyjWDarjtT1zdp7dc",
    "https://api.example/pies?token=4eC39HqL",
    "https://shop.blob.example/c?sv=2026&sig=4eC39HqLyjWD%3D",
    "https://4f2c1d3e5a6b7c8d9e0f4f2c1d3e5a6b@o1.ingest.example/1",
    "django-insecure-3v!k2",
    RANDOM,
]
# Names and values that are no credentials.
HARMLESS = [
    ("PASSWORD_RESET_TIMEOUT", "3600"),
    ("AUTH_PASSWORD_VALIDATORS", "django.contrib.auth.password_validation.MinimumLengthValidator"),
    ("PASSWORD_HASHERS", "argon2"),
    ("PASSWORD_MIN_LENGTH", "12"),
    ("CSRF_COOKIE_SECURE", "true"),
    ("CSRF_TRUSTED_ORIGINS", "https://*.shop.example"),
    ("SECRET_KEY", ""),
    ("SECRET_KEY", "  "),
    ("TOKEN_URL", "https://auth.example/token"),
    ("TOKEN_TTL", "60"),
    ("TOKEN_HEADER", "Authorization"),
    ("MAX_TOKENS", "4096"),
    ("REFRESH_TOKEN_ROTATION", "true"),
    ("USE_TOKEN", "yes"),
    ("API_KEY_HEADER", "x-api-key"),
    ("DATABASE_URL", "postgresql://db/shop"),
    ("DATABASE_URL", "postgresql://shop@db/shop"),
    ("SITE", "https://shop.example:8000/pies"),
    ("EMAIL_URL", "smtp://mail.example:25"),
    ("DB_PASSWORD", "ssm:/shop/prod/password"),
    ("DB_PASSWORD", "secretsmanager:shop/db:password"),
    ("DB_PASSWORD", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop"),
    ("DB_PASSWORD", "{{resolve:ssm:/shop/password}}"),
    ("DB_PASSWORD", "${DB_PASSWORD}"),
    ("DB_PASSWORD", "<password>"),
    ("DB_PASSWORD", "********"),
    ("DATABASE_URL", "postgresql://shop:${PASSWORD}@db/shop"),
    ("DB_PASSWORD_FILE", "/run/secrets/db"),
    ("SECRET_NAME", "shop/prod/db"),
    ("CodeKey", "packages/4eC39HqLyjWDarjtT1zdp7dc.zip"),
    ("KmsKeyArn", "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
    ("STRIPE_PUBLIC_KEY", "pk_live_4eC39HqLyjWDarjtT1zdp7dc"),
    ("RECAPTCHA_SITE_KEY", "6LeIxAcTAAAAAJcZVRqyHh71UMIEGNQ"),
    ("CACHE_KEY_PREFIX", "shop"),
    ("CACHE_KEY", "shop"),
    ("PRIMARY_KEY", "id"),
    ("GIT_COMMIT", "4f2c1d3e5a6b7c8d9e0f4f2c1d3e5a6b7c8d9e0f"),
    ("OIDC_CLIENT_ID", "a8Zk3Qm1X9pL0vB7nT5rY2wE6uJ4iH8gF1dS3aQ0"),
    ("AWS_STORAGE_BUCKET_NAME", "shop-media-123456789012-eu-central-1"),
    ("SUBNETS", "subnet-0123456789abcdef0,subnet-0123456789abcdef1"),
    ("DJANGO_SETTINGS_MODULE", "shop.settings.production"),
    ("SECURE_PROXY_SSL_HEADER", "HTTP_X_FORWARDED_PROTO"),
    ("SCHEME", "Basic authentication"),
    ("SCHEME", "Bearer tokens"),
    ("SEARCH", "https://shop.example/?signature=no&token={{ token }}"),
    ("SESSION_KEY_PREFIX", "shop"),
    ("COMPASS", "north"),
    ("BYPASS", "always"),
    ("MONKEY", "banana"),
    ("PYTHONPATH", "/var/task/django_app"),
]


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("STRIPE_KEY", "1", True),
        ("DB_PASSWORD", "1", True),
        ("DB_PWD", "1", True),
        ("google_credentials", "1", True),
        ("DATABASE_URL", "postgresql://shop:pw@db/shop", True),
        ("DATABASE_URL", "postgresql://shop:p/w@db/shop", True),
        ("DATABASE", "host=db password=pw", True),
        ("SIGNER", "-----BEGIN RSA PRIVATE KEY-----", True),
        ("SITE", "https://shop.example:8000/pies", False),
        ("DATABASE_URL", "postgresql://db/shop", False),
        ("ALLOWED_HOSTS", "shop.example", False),
    ],
)
def test_looks_secret_judges_name_and_value(name: str, value: str, secret: bool) -> None:
    assert looks_secret(name, value) is secret


@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize("value", ["hunter2", "correct horse", "x" * 50])
def test_a_name_of_a_credential_makes_any_text_one(name: str, value: str) -> None:
    assert is_credential(name, value)


@pytest.mark.parametrize("value", BY_VALUE)
@pytest.mark.parametrize("name", ["THING", "DATABASE", "site_url", "Where"])
def test_a_value_that_is_a_credential_is_one_under_any_name(name: str, value: str) -> None:
    assert is_credential(name, value)


@pytest.mark.parametrize(("name", "value"), HARMLESS)
def test_what_only_sounds_like_a_credential_is_none(name: str, value: str) -> None:
    assert not is_credential(name, value)


@pytest.mark.parametrize("value", [3600, 1.5, True, None, [], {}, object()])
def test_only_texts_are_credentials(value: object) -> None:
    assert not is_credential("DB_PASSWORD", value)


def test_a_password_may_be_a_number_and_a_key_may_not() -> None:
    assert is_credential("DB_PASSWORD", "123456")
    assert not is_credential("DB_PASSWORD", "1")
    assert not is_credential("API_KEY", "123456")


def test_a_key_without_another_word_counts_if_it_looks_random() -> None:
    assert is_credential("STRIPE_KEY", "4eC39HqLyjWDarjtT1zdp7dc")
    assert not is_credential("MAP_KEY", "europe-west")


def test_sentrys_address_has_a_user_that_is_a_key() -> None:
    assert is_credential("SENTRY_DSN", "https://4f2c1d3e5a6b@o1.ingest.sentry.io/1")
    assert not is_credential("DATABASE_DSN", "postgresql://db/shop")


def test_most_random_texts_are_found_under_any_name() -> None:
    alphabet = string.ascii_letters + string.digits + "+/"
    drawn = ["".join(secrets.choice(alphabet) for _ in range(60)) for _ in range(200)]

    assert sum(is_credential("THING", text) for text in drawn) > 150


def test_places_are_named_as_in_python_and_each_once() -> None:
    values = {
        "environment": {"DB_PASSWORD": "a", "OVEN": "hot", "API_KEYS": ["b", "c"]},
        "TASKS": {"default": {"OPTIONS": {"queue_urls": {"default": "https://a:b@sqs.example/1/q"}}}},
    }

    assert places_in(values) == [
        "environment['DB_PASSWORD']",
        "environment['API_KEYS']",
        "TASKS['default']['OPTIONS']['queue_urls']['default']",
    ]


def test_values_that_contain_themselves_end() -> None:
    values: dict[str, object] = {"PASSWORD": "a"}
    values["again"] = values

    assert places_in({"x": values})[0] == "x['PASSWORD']"


@given(st.text(), st.text() | st.binary() | st.none() | st.floats())
def test_any_name_and_value_are_judged(name: str, value: object) -> None:
    assert is_credential(name, value) in {True, False}
    assert len(list(credentials_in({name: value}))) <= 1
