"""Messages straight to the worker function, invoked asynchronously."""

from collections.abc import Callable
from datetime import timedelta

from ..aws import client, under_way
from ..conf import Options
from ..exceptions import ResourceMissing
from .base import Delivery, Transport


class LambdaTransport(Transport):
    """The message is the payload of an asynchronous invocation of the queue's worker function."""

    def __init__(self, options: Options) -> None:
        self.options = options

    def prepare(self, queue: str) -> None:
        """Nothing is looked up: the function's name follows from the options."""

    def send(self, queue: str, text: str, delay: timedelta) -> None:
        self.begin_send(queue, text, delay)()

    def begin_send(self, queue: str, text: str, delay: timedelta) -> Callable[[], None]:
        function = self.options.invoked_function(queue)
        awslambda = client("lambda", self.options.client)
        wait = under_way(
            awslambda, "invoke", FunctionName=function, InvocationType="Event", Payload=text.encode("ascii")
        )

        def sent() -> None:
            try:
                answer = wait()
            except awslambda.exceptions.ResourceNotFoundException as exc:
                raise ResourceMissing(self.options.alias, "function", function) from exc
            answer["Payload"].read()  # Unread, the connection could not be used again.

        return sent

    def give_back(self, delivery: Delivery, delay: timedelta) -> None:
        """Do nothing: the record says when it is due, and the sweeper sends it again."""
