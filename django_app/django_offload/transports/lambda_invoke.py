"""Messages straight to the worker function, by asynchronous invocations."""

from collections.abc import Callable
from datetime import timedelta

from ..aws import client, under_way
from ..conf import Options
from ..exceptions import ResourceMissing
from .base import Delivery, Transport


class LambdaTransport(Transport):
    """Invokes the worker function of the queue, with the message as the payload."""

    def __init__(self, options: Options) -> None:
        self.options = options

    def prepare(self, queue: str) -> None:
        """Do nothing, because the options determine the function's name."""

    def send(self, queue: str, text: str, delay: timedelta, group: str | None = None) -> None:
        self.begin_send(queue, text, delay)()

    def begin_send(
        self, queue: str, text: str, delay: timedelta, group: str | None = None
    ) -> Callable[[], None]:
        function = self.options.invoked_function(queue)
        awslambda = client("lambda", self.options.client)
        wait = under_way(
            awslambda, "invoke", FunctionName=function, InvocationType="Event", Payload=text.encode("ascii")
        )

        def finish() -> None:
            try:
                result = wait()
            except awslambda.exceptions.ResourceNotFoundException as exc:
                raise ResourceMissing(self.options.alias, "function", function) from exc
            result["Payload"].read()  # Otherwise the connection could not be used again.

        return finish

    def give_back(self, delivery: Delivery, delay: timedelta) -> None:
        """Do nothing, because the sweeper sends the message again when the record is due."""
