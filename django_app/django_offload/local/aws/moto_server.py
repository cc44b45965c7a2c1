"""moto's server: SQS, DynamoDB, S3, CloudFormation and other interfaces of AWS, on 127.0.0.1."""

import logging
import os
import threading
import urllib.request
from typing import Any

from ...aws.loopback import LOOPBACK
from ..environment import DEFAULT_REGION, refuse_other_aws, variables
from ..errors import PackageMissing
from ..loopback import Tracked, refuse_taken_port
from .resource_import import importing


class MotoServer:
    """
    AWS's interfaces on this machine; start one per process, since moto keeps its state in the process.

    Raise NotThisMachine if the environment already names another AWS, PackageMissing without moto, PortTaken
    if `port` (0 for any) is not free.
    """

    def __init__(self, port: int = 0, region: str | None = None) -> None:
        self.port = port
        self.region = region or os.environ.get("AWS_DEFAULT_REGION") or DEFAULT_REGION
        self._server: Any = None
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    def start(self) -> "MotoServer":
        refuse_other_aws(os.environ)
        if self.port:
            refuse_taken_port(self.port, "AWS on this machine", "Choose another with --aws-port.")
        self._server = _server(self.port)
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
        """What every other process needs to reach this server."""
        return variables(self.endpoint, region=self.region)

    def reset(self) -> None:
        """Forget everything: queues, tables, buckets, stacks."""
        request = urllib.request.Request(f"{self.endpoint}/moto-api/reset", method="POST")  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
            response.read()

    def code_of(self, function: str) -> bytes:
        """Return the package that a function was last deployed with; the server must run in this process."""
        from moto.awslambda.utils import get_backend
        from moto.core.models import DEFAULT_ACCOUNT_ID

        code: bytes = get_backend(DEFAULT_ACCOUNT_ID, self.region).get_function(function).code_bytes
        return code

    def client(self, service: str) -> Any:
        """Return a boto3 client that reaches this server whatever the environment says."""
        # Making a client is not safe across threads; using one is.
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._make_client(service)
            return self._clients[service]

    def _make_client(self, service: str) -> Any:
        import boto3
        from botocore.config import Config

        ours = self.environment
        session = boto3.Session(
            aws_access_key_id=ours["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=ours["AWS_SECRET_ACCESS_KEY"],
            region_name=self.region,
        )
        # One connection for each thread that polls; no retries: a server that stopped stays stopped.
        config = Config(
            max_pool_connections=64, retries={"max_attempts": 0}, read_timeout=30, connect_timeout=5
        )
        return session.client(service, endpoint_url=self.endpoint, config=config)


def _server(port: int) -> Any:
    """Return moto's server, not yet serving. Raise PackageMissing without moto."""
    try:
        from moto.core.config import default_user_config
        from moto.moto_server.werkzeug_app import (
            DomainDispatcherApplication,
            MotoRequestHandler,
            create_backend_app,
        )
        from werkzeug.serving import ThreadedWSGIServer
    except ImportError as exc:
        raise PackageMissing("moto[server]") from exc
    # A line for every call would bury what the workers say.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    # moto shall never look for Docker: functions are run by this package.
    default_user_config["lambda"] = {"use_docker": False}
    # ThreadedMotoServer hangs where its port is taken and leaves its connections open at the end.
    server_class = type("MotoHTTPServer", (Tracked, ThreadedWSGIServer), {})
    application = _one_write_at_a_time(importing(DomainDispatcherApplication(create_backend_app)))
    # Headers and body are two writes: otherwise the second waits 40 ms for the first's acknowledgement.
    handler = type("MotoHandler", (MotoRequestHandler,), {"disable_nagle_algorithm": True})
    return server_class(LOOPBACK, port, application, handler)


def _one_write_at_a_time(application: Any) -> Any:
    """
    Return `application` with DynamoDB's calls one after the other.

    moto looks at an item and writes it in two steps: of two conditional writes at once, both could win.
    """
    lock = threading.Lock()

    def serve(environ: dict[str, Any], start_response: Any) -> Any:
        if not environ.get("HTTP_X_AMZ_TARGET", "").startswith("DynamoDB_"):
            return application(environ, start_response)
        with lock:
            return list(application(environ, start_response))

    return serve
