"""
Write the SBOM of what is deployed, as CycloneDX 1.6: sbom.py FILE

It lists every package of lambdas/requirements.lock, which web and workers run from one zip. AWS's runtime
adds boto3. The same lock file makes the same bytes, because there is no time and no serial number in it.
"""

import json
import sys
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from locks import DEPLOYED, ROOT, LockError, Package, read
from packageurl import PackageURL
from packaging.markers import Marker

SCHEMA = SchemaVersion.V1_6
PYTHON = "3.13"
# What markers are evaluated for: a function of AWS Lambda.
FUNCTION = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": f"{PYTHON}.0",
    "python_version": PYTHON,
    "sys_platform": "linux",
}


def purl(name: str, version: str) -> str:
    """Return the address of a release, as scanners know it."""
    return PackageURL("pypi", name=name, version=version).to_string()


def component(package: Package) -> dict[str, Any]:
    """
    Return a package as a component.

    It has a hash for every file that may be installed, because the lock file is for every processor. The
    scope of a package that a marker keeps off the functions is "excluded".
    """
    installed = not package.marker or Marker(package.marker).evaluate(FUNCTION)
    address = purl(package.name, package.version)
    return {
        "type": "library",
        "bom-ref": address,
        "name": package.name,
        "version": package.version,
        "scope": "required" if installed else "excluded",
        "hashes": [{"alg": "SHA-256", "content": content} for content in sorted(package.hashes)],
        "purl": address,
    }


def library() -> dict[str, Any]:
    """Return django-offload itself, which the zip has as the project's own code."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    address = purl(project["name"], project["version"])
    return {
        "type": "application",
        "bom-ref": address,
        "name": project["name"],
        "version": project["version"],
        "licenses": [{"license": {"id": project["license"]}}],
        "purl": address,
    }


def dependencies(packages: Sequence[Package], root: str) -> Iterable[dict[str, Any]]:
    """Yield what each package asks for, as the lock file says."""
    refs = {one.name: purl(one.name, one.version) for one in packages}
    direct = [refs[one.name] for one in packages if any(by.startswith("-r") for by in one.asked_by)]
    yield {"ref": root, "dependsOn": sorted(direct)}
    for asking in packages:
        asked = sorted(refs[one.name] for one in packages if asking.name in one.asked_by)
        yield {"ref": refs[asking.name], **({"dependsOn": asked} if asked else {})}


def sbom(lock: Path = DEPLOYED) -> str:
    """Return the SBOM of a lock file. Raise LockError if it has something without a version and a hash."""
    packages = sorted(read(lock), key=lambda one: (one.name, one.version))
    deployed = library()
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SCHEMA.to_version(),
        "version": 1,
        "metadata": {"component": deployed},
        "components": [component(package) for package in packages],
        "dependencies": list(dependencies(packages, deployed["bom-ref"])),
    }
    return json.dumps(document, indent=2) + "\n"


def main(output: str) -> int:
    """Write the SBOM and return the exit code."""
    try:
        text = sbom()
    except LockError as exc:
        print(exc)
        return 1
    error = JsonStrictValidator(SCHEMA).validate_str(text)
    if error is not None:
        print(f"The SBOM isn't valid CycloneDX: {error}")
        return 1
    path = ROOT / output
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    print(f"{output}: {len(json.loads(text)['components'])} packages, CycloneDX {SCHEMA.to_version()}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
