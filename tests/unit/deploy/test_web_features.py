"""What only Zappa's handler does, and what deploying says of it."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from django_offload.deploy.errors import ChecksFailed
from django_offload.deploy.scaffold import checks
from django_offload.deploy.web_features import REFUSED, handler_warning, refused_features
from django_offload.management.commands import offload_deploy
from django_offload.stack.layout import Layout
from django_offload.stack.stage_environment import StageEnvironment

OURS = {"lambda_handler": "lambdas.web.handler", "keep_warm": False}
USED: dict[str, Any] = {
    "events": [{"function": "cakes.bake", "expression": "rate(1 hour)"}],
    "bot_events": [{"function": "cakes.chat"}],
    "cognito": {"triggers": []},
    "authorizer": {"function": "cakes.may"},
    "websocket_handler_module": "cakes.sockets",
    "alb_enabled": True,
    "app_type": "asgi",
    "slim_handler": True,
    "async_response_table": "cakes",
    "remote_env": "s3://cakes/env.json",
    "exception_handler": "cakes.report",
    "keep_warm": True,
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_setting_that_only_zappas_handler_serves_is_refused_by_name(name: str) -> None:
    ((problem, remedy),) = refused_features({**OURS, name: USED[name]}, "dev")

    assert f"zappa_settings.json sets {name} in the stage 'dev'" in problem
    assert remedy == REFUSED[name]


def test_keep_warm_is_zappas_default() -> None:
    ((problem, _),) = refused_features({"lambda_handler": "lambdas.web.handler"}, "dev")

    assert "sets keep_warm (Zappa's default) in the stage 'dev'" in problem


@pytest.mark.parametrize(
    "settings",
    [
        {"events": [], "cognito": None, "slim_handler": False},
        {"authorizer": {"arn": "arn:aws:lambda:::function:may"}},
        {"app_type": "wsgi"},
        {"context_header_mappings": {"X-User": "authorizer.sub"}, "base_path": "shop"},
    ],
)
def test_what_isnt_used_or_is_served_is_not_refused(settings: dict[str, Any]) -> None:
    assert list(refused_features(OURS | settings, "dev")) == []


@pytest.mark.parametrize(
    "settings",
    [{}, *({"lambda_handler": f"{module}.lambda_handler"} for module in ("handler", "zappa.handler"))],
)
def test_a_stage_that_keeps_zappas_handler_keeps_its_features_and_is_warned(settings: dict[str, Any]) -> None:
    assert list(refused_features(USED | settings, "dev")) == []
    warning = handler_warning(settings, "dev")
    assert warning is not None
    assert "runs whatever an event names" in warning[0]
    assert handler_warning(OURS, "dev") is None


def test_the_check_names_every_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stages = {"dev": {**OURS, "events": USED["events"]}, "prod": {"project_name": "cakes"}}
    (tmp_path / "zappa_settings.json").write_text(json.dumps(stages))
    layout = Layout(root=tmp_path, source=tmp_path, settings_module="cakes.settings")
    monkeypatch.setattr("django_offload.stack.layout.layout", lambda: layout)

    messages = checks.check_web()

    assert [message.id for message in messages] == ["django_offload.E036", "django_offload.W036"]
    assert "the stage 'dev'" in messages[0].msg
    assert "the stage 'prod'" in messages[1].msg


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Return a function that checks a stage's settings as offload_deploy does, and returns what it prints."""
    monkeypatch.setattr(offload_deploy, "check", lambda *arguments, **options: [])
    stage = SimpleNamespace(name="dev", stage_environment=StageEnvironment())

    def check(settings: dict[str, Any]) -> str:
        (tmp_path / "zappa_settings.json").write_text(json.dumps({"dev": settings}))
        printed: list[str] = []
        made = offload_deploy.Command()
        monkeypatch.setattr(made, "announce", printed.append, raising=False)
        made.check_settings(stage, SimpleNamespace(root=tmp_path), web=True)  # type: ignore[arg-type]
        return "\n".join(printed)

    return check


@pytest.mark.parametrize("name", REFUSED)
def test_a_deployment_is_refused_before_anything_is_packaged(command: Any, name: str) -> None:
    with pytest.raises(ChecksFailed) as caught:
        command({**OURS, name: USED[name]})

    assert f"sets {name} in the stage 'dev'" in str(caught.value)
    assert REFUSED[name] in str(caught.value)


def test_a_deployment_with_zappas_handler_goes_on_with_a_warning(command: Any) -> None:
    assert "runs whatever an event names" in command(USED)
    assert "runs whatever" not in command(OURS)
