"""A deployment's look ahead, and what it may change."""

import json
from types import SimpleNamespace

import pytest

from django_offload.deploy import change_set, deployment
from django_offload.deploy.deployment import Deployment
from django_offload.deploy.errors import BadStage, NotDeployed


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


def test_a_web_side_that_zappa_would_put_in_the_place_of_the_stack_is_refused(tmp_path):
    (tmp_path / "zappa_settings.json").write_text(json.dumps({"dev": {"project_name": "Shop"}}))
    stage = SimpleNamespace(name="dev", stack="shop-dev")
    aws = SimpleNamespace(client=lambda service: None)

    with pytest.raises(BadStage) as caught:
        Deployment(aws, stage, SimpleNamespace(root=tmp_path), print)

    assert "'dev' 'shop-dev', as the stack of the tasks is named" in str(caught.value)
    assert 'Set "project_name": "Shop-web" in zappa_settings.json' in str(caught.value)
