"""Files that are packaged although they look like secrets are named, and no value of them is."""

import base64
import shutil
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from django_offload.deploy.package.build import Recipe, copy_project
from django_offload.deploy.package.likely_secrets import likely_secrets

from .repositories import git, write

# Written in parts, so that no scanner of this repository takes them for real.
ACCESS_KEY = "AKIA" + "QYLPMN5HHHFPZAM2"
PRIVATE_KEY = "-----BEGIN {}PRIVATE KEY-----\n" + base64.b64encode(bytes(range(48))).decode() + "\n"
IN_TEXT = {
    "shop/settings.py": f"AWS_KEY = '{ACCESS_KEY}'",
    "shop/fixtures/keys.json": '{"private_key": "' + PRIVATE_KEY.format("").replace("\n", "\\n") + '"}',
    "shop/jwt": PRIVATE_KEY.format("RSA "),
    "shop/ssh": PRIVATE_KEY.format("OPENSSH "),
    "shop/aws.ini": f"[default]\naws_secret_access_key = {'abcd/' * 8}\n",
    "shop/pay.toml": "key = 'sk_" + "live_51HxAbCdEfGhIjKlMnOpQrSt'",
    "shop/chat.yaml": "token: xox" + "b-123456789012-abcdefghijkl",
    "shop/build.cfg": "ghp_" + "a1B2" * 9,
    "shop/lab.yaml": "token: glpat" + "-a1B2a1B2a1B2a1B2a1B2",
    "shop/npm.txt": "//index/:_authToken=npm" + "_" + "a1B2" * 9,
    "shop/map.json": '{"key": "AIza' + "SyA1234567890abcdefghijklmnopqrstuv" + '"}',
    "shop/chat.ini": "key = sk-" + "proj-" + "a1B2" * 12,
    "shop/mail.txt": "SG." + "a" * 22 + "." + "b" * 43,
    "shop/config.yaml": "database: postgresql://shop:" + "hunter2@db.internal/shop",
    "shop/cache.json": '{"broker": "rediss://:' + 'hunter2@cache.internal:6379"}',
}
BY_NAME = [
    *("shop/credentials.json", "shop/aws_credentials", "shop/client_secret_12.json", "shop/secrets.yaml"),
    *(
        "shop/passwords.txt",
        "shop/service-account.json",
        "shop/push.p8",
        "shop/terraform.tfstate",
        "shop/prod.env.local",
    ),
    *("shop/backup.sql.gz", "shop/cache.rdb", "shop/server.pem.bak", "shop/db.sqlite3.old"),
]
HARMLESS = {
    "shop/views/credentials.py": "def credentials(): ...",
    "shop/templates/registration/password_reset_email.txt": "Reset your password",
    "shop/static/shop/password.svg": "<svg/>",
    "shop/pem.py": 'BEGIN = "-----BEGIN PRIVATE KEY-----"',
    "shop/certificate.txt": "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUJ\n",
    "shop/docs.txt": "AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "shop/environment.json": "{}",
    "shop/databases.yaml": "a: postgresql://shop:${PASSWORD}@db/shop\nb: redis://:pw@cache/0\nc: amqp://db/x@y\n"
    "d: mysql://shop:hunter2@localhost/shop\ne: postgresql://user:hunter2@db.example/shop\n",
}


def test_t15_what_looks_like_a_secret_is_named_without_its_value(tmp_path: Path) -> None:
    write(tmp_path, {**IN_TEXT, **dict.fromkeys(BY_NAME, "x")})
    (tmp_path / "shop" / "prices.bin").write_bytes(b"SQLite format 3\0" + bytes(84))

    paths = [*IN_TEXT, *BY_NAME, "shop/prices.bin"]
    named = list(likely_secrets(tmp_path, map(PurePosixPath, paths)))

    assert [one.partition(" (")[0] for one in named] == paths
    assert {one.partition(" (")[2] for one in named} == {
        *("a private key)", "an access key of AWS)", "a secret key of AWS)", "a key of Stripe)"),
        *("a token of Slack)", "a token of GitHub)", "a database)", "by its name)"),
        *("a token of GitLab)", "a token of a package index)", "a key of Google)", "a key of SendGrid)"),
        *("a key of a language model)", "a password in an address)"),
    }


def test_code_pages_and_certificates_are_no_secrets(tmp_path: Path) -> None:
    write(tmp_path, HARMLESS)

    assert list(likely_secrets(tmp_path, map(PurePosixPath, HARMLESS))) == []


@pytest.mark.parametrize("in_repository", [True, False])
def test_t15_the_package_leaves_secrets_out_and_names_those_that_it_has(
    tmp_path: Path, repository: Path, *, in_repository: bool
) -> None:
    left_out = [
        *("shop/.env", "shop/production.env", "shop/server.pem", "shop/id_rsa", "shop/db.sqlite3"),
        *(
            "shop/.aws/credentials",
            "shop/credentials",
            "shop/.git-credentials",
            "shop/.npmrc",
            "shop/tls.key",
        ),
    ]
    write(repository, {**dict.fromkeys(left_out, "hunter2"), "shop/credentials.json": "hunter2"})
    git(repository, "add", "--force", ".")
    if not in_repository:
        shutil.rmtree(repository / ".git")
    announced: list[str] = []
    recipe = Recipe(
        root=repository,
        stage="prod",
        settings_module="shop.settings",
        source_root=".",
        requirements=repository / "requirements.txt",
        architecture="x86_64",
        python="3.13",
    )

    copy_project(recipe, tmp_path / "task", [], announced.append)

    found = subprocess.run(
        ["grep", "-rl", "hunter2", "."],  # noqa: S607
        cwd=tmp_path / "task",
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == "./shop/credentials.json\n"
    assert (
        "  packaged, but looks like a secret: shop/credentials.json (by its name). "
        'Name secrets in infra/prod.json, and the file in "exclude" of zappa_settings.json.'
    ) in announced
    assert "hunter2" not in "".join(announced)
