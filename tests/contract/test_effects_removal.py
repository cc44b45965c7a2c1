"""Markers are removed when no attempt can need them any more, on SQLite and PostgreSQL."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections

from django_offload.definition.offload_task import task
from django_offload.effects import removal
from django_offload.effects.models import Effect
from django_offload.protocol.record import RECORD_LIFE
from django_offload.worker import effect_cleanup
from django_offload.worker import sweep as sweeping
from tests.contract.setup import tasks_setting

MODULES = ["tests.contract.effect_tasks"]


@pytest.fixture
def site(settings, database, request):
    settings.TASKS = tasks_setting(modules=MODULES)
    return request.getfixturevalue("offload")


def create_markers(count, at):
    Effect.objects.bulk_create(
        Effect(id=f"{at:%Y%m%d%H%M}{number:022d}:x", result="1") for number in range(count)
    )
    Effect.objects.filter(id__startswith=f"{at:%Y%m%d%H%M}").update(created_at=at)


def test_the_sweeper_removes_only_markers_older_than_their_tasks(site):
    now = datetime.now(UTC)
    old, young = (
        now - effect_cleanup.marker_life() - timedelta(days=1),
        now - effect_cleanup.marker_life() + timedelta(days=1),
    )
    create_markers(2_500, old)
    create_markers(3, young)

    assert sweeping.sweep(lambda: now, lambda: 60.0) == {"forgotten": 2_500}

    assert {effect.created_at for effect in Effect.objects.all()} == {young}
    assert sweeping.sweep(lambda: now, lambda: 60.0) == {}


def test_removal_stops_if_no_time_is_left(site):
    create_markers(3, datetime(2020, 1, 1, tzinfo=UTC))

    assert removal.remove(datetime.now(UTC), lambda: 0.5) == 0
    assert Effect.objects.count() == 3


def test_a_marker_outlives_two_lives_of_the_longest_task(site, settings):
    assert effect_cleanup.marker_life() == 4 * RECORD_LIFE

    settings.TASKS = tasks_setting(modules=MODULES, result_ttl=timedelta(days=90))

    assert effect_cleanup.marker_life() == 2 * (RECORD_LIFE + timedelta(days=90))


def test_a_task_that_keeps_its_result_longer_counts_too(site, monkeypatch):
    kept = task(result_ttl=timedelta(days=200))(create_markers)
    monkeypatch.setattr(effect_cleanup.registry(), "_tasks", {"kept": kept})

    assert effect_cleanup.marker_life() == 2 * (RECORD_LIFE + timedelta(days=200))


def test_a_database_without_markers_is_left_alone(site):
    with connections["default"].schema_editor() as editor:
        editor.delete_model(Effect)

    assert sweeping.sweep(lambda: datetime.now(UTC), lambda: 60.0) == {}


def test_a_database_that_does_not_answer_does_not_stop_the_sweep(site, monkeypatch, caplog):
    monkeypatch.setattr(removal, "remove", lambda *args: 1 / 0)

    assert sweeping.sweep(lambda: datetime.now(UTC), lambda: 60.0) == {"failed": 1}
    assert "the next sweep tries again" in caplog.text
