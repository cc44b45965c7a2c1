"""A deployed template spells out the names of what outlives its stack."""

from types import SimpleNamespace

from django_offload.deploy.release import change_set, deployment
from django_offload.deploy.release.deployment import Deployment
from django_offload.stack import DeploymentTarget, StageEnvironment


def test_names_are_spelled_out_so_that_what_was_kept_comes_back(monkeypatch):
    made, places = Deployment.__new__(Deployment), []
    made._say = print
    monkeypatch.setattr(change_set, "status_of", lambda aws, stack: None)
    monkeypatch.setattr(change_set, "make", lambda *args, **asked: None)
    made.aws = SimpleNamespace(account="123456789012", region="eu-west-1", is_this_machine=False)
    made.stage = SimpleNamespace(name="dev", stack="shop-dev", surroundings=StageEnvironment(), parameters={})
    made._check_package = lambda package: None
    made.web = SimpleNamespace(function="shop-web-dev")
    kept = {"make_bucket": None, "current": None, "new_id": "1", "put_template": "template"}
    made.releases = SimpleNamespace(
        bucket="code",
        url=str,
        **{name: lambda *given, value=value: value for name, value in kept.items()},
    )
    monkeypatch.setattr(
        deployment,
        "template_of",
        lambda stack, *, stage_environment: places.append(stage_environment.target) or "",
    )

    made.prepare(SimpleNamespace(sha256="0" * 64))

    assert places == [
        DeploymentTarget(account="123456789012", region="eu-west-1", web_function="shop-web-dev")
    ]
