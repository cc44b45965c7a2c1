"""A deployed template spells out the names of what outlives its stack."""

from types import SimpleNamespace

from django_offload.deploy.release import change_set, deployed_stack, deployment
from django_offload.deploy.release.deployment import Deployment
from django_offload.stack import Place, Surroundings


def test_names_are_spelled_out_so_that_what_was_kept_comes_back(monkeypatch):
    made, places = Deployment.__new__(Deployment), []
    made.announce = print
    monkeypatch.setattr(deployed_stack, "stack_status", lambda aws, stack: None)
    monkeypatch.setattr(change_set, "create", lambda *args, **asked: None)
    made.aws = SimpleNamespace(account="123456789012", region="eu-west-1", is_local=False)
    made.stage = SimpleNamespace(name="dev", stack="shop-dev", surroundings=Surroundings(), parameters={})
    made.check_package = lambda package: None
    made.web = SimpleNamespace(function="shop-web-dev")
    kept = {"make_bucket": None, "current": None, "new_id": "1", "put_template": "template"}
    made.releases = SimpleNamespace(
        bucket="code",
        url=str,
        **{name: lambda *given, value=value: value for name, value in kept.items()},
    )
    monkeypatch.setattr(
        deployment, "template_of", lambda stack, *, surroundings: places.append(surroundings.place) or ""
    )

    made.prepare(SimpleNamespace(sha256="0" * 64))

    assert places == [Place(account="123456789012", region="eu-west-1", web_function="shop-web-dev")]
