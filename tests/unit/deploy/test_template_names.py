"""The deployed template spells out the names of resources that outlive the stack."""

from types import SimpleNamespace

from django_offload.deploy.release import change_set, deployed_stack
from django_offload.deploy.release import deployment as deployment_module
from django_offload.deploy.release.deployment import Deployment
from django_offload.stack import DeploymentTarget, StageEnvironment


def test_the_template_names_the_account_region_and_web_function(monkeypatch):
    deployment, targets = Deployment.__new__(Deployment), []
    deployment.announce = print
    monkeypatch.setattr(deployed_stack, "stack_status", lambda aws, stack: None)
    monkeypatch.setattr(change_set, "create", lambda *args, **options: None)
    deployment.aws = SimpleNamespace(account="123456789012", region="eu-west-1", is_local=False)
    deployment.stage = SimpleNamespace(
        name="dev", stack="shop-dev", stage_environment=StageEnvironment(), parameters={}
    )
    deployment.check_package = lambda package: None
    deployment.table = lambda: None
    deployment.web = SimpleNamespace(function="shop-web-dev")
    results = {"make_bucket": None, "current": None, "new_id": "1", "put_template": "template"}
    deployment.releases = SimpleNamespace(
        bucket="code",
        url=str,
        **{name: lambda *arguments, value=value: value for name, value in results.items()},
    )
    monkeypatch.setattr(
        deployment_module,
        "template_of",
        lambda stack, *, stage_environment: targets.append(stage_environment.target) or "",
    )

    deployment.prepare(SimpleNamespace(sha256="0" * 64))

    assert targets == [
        DeploymentTarget(account="123456789012", region="eu-west-1", web_function="shop-web-dev")
    ]
