"""What this process calls of AWS, by whichever client."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from django_offload.aws import clients
from django_offload.aws.lean import Client
from django_offload.aws.lean.call import Call

SERVICES = ("dynamodb", "sqs", "lambda", "s3", "sts", "cloudwatch")
# A service, the name of a call as AWS writes it, its arguments.
type Noting = Callable[[str, str, Mapping[str, Any]], object]


@contextmanager
def watched(begins: Noting, ended: Callable[[str], object] = lambda name: None) -> Iterator[None]:
    """Tell of every call, before it is sent; and of its name, once it succeeded."""

    def before(params: Mapping[str, Any], model: Any, **kwargs: object) -> None:
        begins(model.service_model.service_name, model.name, params)

    def after(model: Any, **kwargs: object) -> None:
        ended(model.name)

    begin, result = Client.begin, Call.result

    def begun(client: Client, name: str, **arguments: Any) -> Call:
        begins(client.service.name, client.service.operations[name], arguments)
        return begin(client, name, **arguments)

    def resulted(call: Call) -> Any:
        found = result(call)
        ended(call._request.operation)
        return found

    watching = (("provide-client-params.*.*", before), ("after-call.*.*", after))
    buses = [clients.client(service).meta.events for service in SERVICES]
    for bus in buses:
        for event, method in watching:
            bus.register(event, method, unique_id=f"watched {event}")
    try:
        with patch.object(Client, "begin", begun), patch.object(Call, "result", resulted):
            yield
    finally:
        for bus in buses:
            for event, method in watching:
                bus.unregister(event, method, unique_id=f"watched {event}")
