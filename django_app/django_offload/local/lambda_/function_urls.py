"""The one route of Lambda's function URLs that moto lacks: ListFunctionUrlConfigs."""

import json
import re

from ..aws.moto_server import MotoServer

_LISTING = re.compile(r"/2021-10-31/functions/([^/]+)/urls")
_SHOWN = ("FunctionUrl", "FunctionArn", "AuthType", "CreationTime", "LastModifiedTime")


def listed_function(path: str) -> str | None:
    """Return the function whose URLs a path asks for, None where it asks for something else."""
    found = _LISTING.fullmatch(path)
    return found[1] if found else None


def listing(server: MotoServer, function: str) -> bytes:
    """Return the answer: the one URL that moto keeps for a function, or none."""
    client = server.client("lambda")
    try:
        said = client.get_function_url_config(FunctionName=function)
    except client.exceptions.ResourceNotFoundException:
        found = []
    else:
        found = [{key: str(said[key]) for key in _SHOWN if key in said}]
    return json.dumps({"FunctionUrlConfigs": found}).encode()
