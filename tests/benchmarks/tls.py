"""A certificate for localhost that is its own root."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
NAMED = ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]


@contextmanager
def certificate() -> Iterator[Path]:
    """Yield a PEM file with a key and its certificate. Raise FileNotFoundError without openssl."""
    openssl = shutil.which("openssl")
    if openssl is None:
        raise FileNotFoundError("openssl makes the certificate of the stand-in for AWS: install it.")
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        pem = Path(folder, "localhost.pem")
        made = ["req", "-x509", *CURVE, *NAMED, "-keyout", str(pem), "-out", f"{pem}.certificate"]
        subprocess.run([openssl, *made], check=True, capture_output=True)
        with pem.open("a") as file:
            file.write(Path(f"{pem}.certificate").read_text("ascii"))
        yield pem
