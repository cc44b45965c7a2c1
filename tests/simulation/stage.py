"""What the bodies of tasks act upon: the world that runs them at the moment."""

from typing import Any, Protocol


class Setting(Protocol):
    """What a world offers to the bodies of its tasks."""

    def effect(self, task_id: str, value: Any) -> Any:
        """Do something that must happen once; return `value`."""

    def step(self, task_id: str, key: str, value: Any) -> Any:
        """Do what a step does; return `value`."""

    def work(self, seconds: float) -> None:
        """Take time."""

    def alone(self, task_id: str, key: str) -> str:
        """Run while no other task of this key does; return the key."""


class Stage:
    """Hands what a body does to the world of the moment."""

    world: Setting

    def effect(self, task_id: str, value: Any) -> Any:
        return self.world.effect(task_id, value)

    def step(self, task_id: str, key: str, value: Any) -> Any:
        return self.world.step(task_id, key, value)

    def work(self, seconds: float) -> None:
        self.world.work(seconds)

    def alone(self, task_id: str, key: str) -> str:
        return self.world.alone(task_id, key)


stage = Stage()
