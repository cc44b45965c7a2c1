"""A deployment's look ahead, and what it may change."""

from types import SimpleNamespace

import pytest

from django_offload.deploy import change_set, deployment
from django_offload.deploy.deployment import Deployment
from django_offload.deploy.errors import NotDeployed


@pytest.fixture
def undone(monkeypatch):
    """Return a deployment of a stack whose creation was undone, and what it deletes."""
    made, deleted = Deployment.__new__(Deployment), []
    made.aws, made.stage, made._say = SimpleNamespace(), SimpleNamespace(stack="shop-dev"), print
    made.releases = SimpleNamespace(url=lambda key: f"https://{key}")
    monkeypatch.setattr(made, "_delete_stack", lambda: deleted.append("shop-dev"))
    monkeypatch.setattr(change_set, "status_of", lambda aws, stack: "ROLLBACK_COMPLETE")
    monkeypatch.setattr(change_set, "make", lambda *args, **asked: None)
    return made, deleted


RELEASE = deployment.Release(id="1", stage="dev", code_key="code", template_key="template")


def test_a_look_deletes_nothing(undone):
    made, deleted = undone

    with pytest.raises(NotDeployed, match=r"undone creation left\. Deploy without --dry-run"):
        made.change(RELEASE, look=True)
    assert deleted == []


def test_a_deployment_makes_an_undone_stack_anew(undone):
    made, deleted = undone
    made.stage.name = "dev"

    made.change(RELEASE)

    assert deleted == ["shop-dev"]
