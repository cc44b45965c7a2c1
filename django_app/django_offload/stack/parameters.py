"""What whoever deploys the template decides: its parameters, and the condition made of one."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from troposphere import If, Template

CODE_BUCKET, CODE_KEY, ARCHITECTURE = "CodeBucket", "CodeKey", "Architecture"
MAPPINGS_ENABLED, LOG_RETENTION = "MappingsEnabled", "LogRetentionDays"
_RUNS = "MappingsRun"


def add_parameters(template: "Template") -> None:
    from troposphere import Equals, Parameter, Ref

    said: dict[str, dict[str, object]] = {
        CODE_BUCKET: {"Description": "Bucket that holds the code of the functions, as one zip."},
        CODE_KEY: {
            "Description": "Key of that zip, named after its contents: a new key updates the functions."
        },
        ARCHITECTURE: {
            "Description": "Processor of the functions; the zip's compiled packages must be built for it.",
            "Default": "x86_64",
            "AllowedValues": ["x86_64", "arm64"],
        },
        MAPPINGS_ENABLED: {
            "Description": "Whether queues feed their functions and the sweeper runs on its schedule.",
            "Default": "true",
            "AllowedValues": ["true", "false"],
        },
    }
    for name, properties in said.items():
        template.add_parameter(Parameter(name, Type="String", **properties))
    template.add_parameter(
        Parameter(
            LOG_RETENTION,
            Type="Number",
            Description="Days that the functions' logs are kept.",
            Default=30,
            AllowedValues=[1, 3, 7, 14, 30, 60, 90, 180, 365],
        )
    )
    template.add_condition(_RUNS, Equals(Ref(MAPPINGS_ENABLED), "true"))


def if_enabled(yes: object, no: object) -> "If":
    """Return `yes` where the mappings are enabled, `no` where they are not."""
    from troposphere import If

    return If(_RUNS, yes, no)
