"""moto's server: SQS, DynamoDB, S3, CloudFormation and other AWS services on 127.0.0.1."""

import logging
import os
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

from ...aws.loopback import LOOPBACK
from ..environment import DEFAULT_REGION, refuse_other_aws, variables
from ..errors import PackageMissing
from ..guard import authorization, new_access_key
from ..loopback import StoppableServer, refuse_taken_port
from .resource_import import with_resource_import

# A slow machine takes long to import a service and to create a stack. Stopping the server ends each call.
PATIENCE_SECONDS = 300
# An access key where none is required.
ANY_KEY = "local"


class MotoServer:
    """
    A server for AWS services. Start only one per process, because moto keeps its state in the process.

    Raise NotThisMachine on start if the environment names another AWS, PackageMissing if moto isn't
    installed, and PortTaken if `port` isn't free (0 means any port).
    """

    def __init__(self, port: int = 0, region: str | None = None, *, requires_key: bool = True) -> None:
        self.port = port
        # The key that each request must be signed with, or None.
        self.required_key = new_access_key() if requires_key else None
        self.access_key = self.required_key or ANY_KEY
        self.region = region or os.environ.get("AWS_DEFAULT_REGION") or DEFAULT_REGION
        self._server: Any = None
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    def start(self) -> "MotoServer":
        refuse_other_aws(os.environ)
        if self.port:
            refuse_taken_port(self.port, "AWS on this machine", "Choose another with --aws-port.")
        self._server = create_server(self.port, self.required_key)
        self.port = self._server.port
        self._server.start()
        return self

    def stop(self) -> None:
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        if self._server is not None:
            self._server.stop()
            self._server = None

    def __enter__(self) -> "MotoServer":
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    @property
    def endpoint(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that lead any process to this server."""
        return variables(self.endpoint, region=self.region, access_key=self.access_key)

    def reset(self) -> None:
        """Delete all queues, tables, buckets, stacks and other resources."""
        headers = {"Authorization": authorization(self.access_key)}
        request = urllib.request.Request(  # noqa: S310
            f"{self.endpoint}/moto-api/reset", headers=headers, method="POST"
        )
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
            response.read()

    def package_of(self, function: str) -> bytes:
        """Return the latest package of a function. The server must run in this process."""
        from moto.awslambda.utils import get_backend
        from moto.core.models import DEFAULT_ACCOUNT_ID

        package: bytes = get_backend(DEFAULT_ACCOUNT_ID, self.region).get_function(function).code_bytes
        return package

    def records(self, table: str) -> Iterator[Mapping[str, Any]]:
        """Yield the attributes of each record of a table. The server must have run in this process."""
        from moto.core.models import DEFAULT_ACCOUNT_ID
        from moto.dynamodb.models import dynamodb_backends

        tables = dynamodb_backends[DEFAULT_ACCOUNT_ID][self.region].tables
        # Lists, because requests change the dictionaries at the same time.
        for parts in list(tables[table].items.values()) if table in tables else ():
            for item in list(parts.values()):
                if "status" in item.attrs:
                    yield item.attrs

    def message_count(self, queue: str) -> int:
        """Return how many messages of a queue no worker has. The server must have run in this process."""
        from moto.core.models import DEFAULT_ACCOUNT_ID
        from moto.sqs.models import sqs_backends

        found = sqs_backends[DEFAULT_ACCOUNT_ID][self.region].queues.get(queue)
        return (
            0
            if found is None
            else int(found.approximate_number_of_messages + found.approximate_number_of_messages_delayed)
        )

    def client(self, service: str) -> Any:
        """Return a boto3 client that calls this server whatever the environment says."""
        import boto3
        from botocore.config import Config

        # Using a client is safe across threads, but creating one isn't.
        with self._lock:
            if service not in self._clients:
                environment = self.environment
                session = boto3.Session(
                    aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
                    aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
                    region_name=self.region,
                )
                # Each polling thread needs a connection. A stopped server doesn't return, so don't retry.
                config = Config(
                    max_pool_connections=64,
                    retries={"max_attempts": 0},
                    read_timeout=PATIENCE_SECONDS,
                    connect_timeout=PATIENCE_SECONDS,
                )
                self._clients[service] = session.client(service, endpoint_url=self.endpoint, config=config)
            return self._clients[service]


def create_server(port: int, access_key: str | None) -> Any:
    """
    Return moto's server without starting it. With `access_key` it serves only requests signed with it.

    Raise PackageMissing if moto isn't installed.
    """
    try:
        from moto.core.config import default_user_config
        from moto.moto_server.werkzeug_app import (
            DomainDispatcherApplication,
            create_backend_app,
        )
        from werkzeug.serving import ThreadedWSGIServer

        from .api_gateway import import_api_gateway
        from .fair_queues import make_queues_fair
        from .moto_requests import MotoRequests, with_direct_calls
        from .moto_speed import make_moto_faster
    except ImportError as exc:
        raise PackageMissing(exc.name or "moto") from exc
    # A log line for every call would hide the output of the workers.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    # This package runs the functions, so moto must not look for Docker.
    default_user_config["lambda"] = {"use_docker": False}
    import_api_gateway()
    make_moto_faster()
    make_queues_fair()
    # ThreadedMotoServer hangs if its port is taken, and leaves its connections open when it stops.
    server_class = type("MotoHTTPServer", (StoppableServer, ThreadedWSGIServer), {})
    application = with_resource_import(DomainDispatcherApplication(create_backend_app))
    application = with_serial_dynamodb(with_direct_calls(application))
    server = server_class(LOOPBACK, port, application, MotoRequests)
    server.access_key = access_key
    return server


def with_serial_dynamodb(application: Any) -> Any:
    """
    Return `application` with DynamoDB calls that run one at a time.

    moto checks an item and writes it in two steps. Without the lock, two conditional writes at the same
    time could both succeed.
    """
    lock = threading.Lock()

    def serve(environ: dict[str, Any], start_response: Any) -> Any:
        if not environ.get("HTTP_X_AMZ_TARGET", "").startswith("DynamoDB_"):
            return application(environ, start_response)
        with lock:
            return list(application(environ, start_response))

    return serve
