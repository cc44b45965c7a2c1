"""The template's parameters, which are set for each stage, and the conditions made from them."""

from typing import TYPE_CHECKING

from ..conf import aws_limits
from . import limits
from .names import logical
from .spec import StackSpec

if TYPE_CHECKING:
    from troposphere import If, Template

CODE_BUCKET, CODE_KEY, ARCHITECTURE, RUNTIME = "CodeBucket", "CodeKey", "Architecture", "Runtime"
MAPPINGS_ENABLED, PAUSED, LOG_RETENTION = "MappingsEnabled", "Paused", "LogRetentionDays"
WEB_FUNCTION, KMS_KEY, SNAP_START = "WebFunction", "KmsKeyArn", "SnapStart"
RELEASE = "Release"
ALARM_EMAIL, OLDEST_MESSAGE, OLDEST_RUNNING = "AlarmEmail", "OldestMessageSeconds", "OldestRunningSeconds"
BOARD, SECRETS_KEY = "BoardEnabled", "SecretsKmsKeyArn"
WORKER_POLICIES, WEB_POLICIES = "WorkerPolicies", "WebPolicies"
WARM_READS, WARM_WRITES = "WarmReadUnits", "WarmWriteUnits"
WIDE_INDEXES = "WideIndexes"

# The runtimes of Lambda that this library is tested with, and the default.
RUNTIMES, DEFAULT_RUNTIME = ("python3.12", "python3.13"), "python3.13"
ARCHITECTURES = ("x86_64", "arm64")

# The condition of every resource that a local stand-in for AWS can't create.
ON_AWS = "OnAWS"
RUNS, OWN_KEY, SNAPS, ALARM_MAIL, HAS_BOARD = "MappingsRun", "OwnKey", "Snaps", "AlarmMail", "HasBoard"
WIDE = "WideProjection"
SECRETS_OWN_KEY, HAS_WORKER_POLICIES, HAS_WEB_POLICIES = (
    "SecretsOwnKey",
    "HasWorkerPolicies",
    "HasWebPolicies",
)
HAS_WARM_READS, HAS_WARM_WRITES = "HasWarmReads", "HasWarmWrites"

_KEY = "arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+"
_POLICY = r"arn:[a-z-]+:iam::([0-9]{12}|aws):policy/[\w+=.@/-]+"
# A role can have ten: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_POLICIES = f"({_POLICY}(,{_POLICY}){{0,9}})?"

type ParameterProperties = dict[str, object]


def memory_parameter(queue_name: str) -> str:
    return f"Memory{logical(queue_name)}"


def timeout_parameter(queue_name: str) -> str:
    return f"Timeout{logical(queue_name)}"


def concurrency_parameter(queue_name: str) -> str:
    return f"Concurrency{logical(queue_name)}"


def if_on_aws(yes: object, no: object) -> "If":
    """Return `yes` on AWS, and `no` in a local stand-in for AWS."""
    from troposphere import If

    return If(ON_AWS, yes, no)


def if_running(yes: object, no: object) -> "If":
    """Return `yes` if mappings and schedules are enabled, and `no` if the stack is paused or not on AWS."""
    from troposphere import If

    return If(RUNS, yes, no)


def with_own_key(yes: object, no: object | None = None) -> "If":
    """Return `yes` if the stage names a key, else `no`. None leaves the property out."""
    from troposphere import If, NoValue

    return If(OWN_KEY, yes, NoValue if no is None else no)


def managed_policies(condition: str, parameter: str) -> dict[str, object]:
    """Return the property of a role that attaches the policies named by a parameter."""
    from troposphere import If, NoValue, Ref, Split

    return {"ManagedPolicyArns": If(condition, Split(",", Ref(parameter)), NoValue)}


def add_conditions(template: "Template") -> None:
    from troposphere import And, Condition, Equals, Not, Ref

    template.add_condition(ON_AWS, Equals(Ref(MAPPINGS_ENABLED), "true"))
    template.add_condition(RUNS, And(Condition(ON_AWS), Equals(Ref(PAUSED), "false")))
    template.add_condition(OWN_KEY, Not(Equals(Ref(KMS_KEY), "")))
    template.add_condition(SECRETS_OWN_KEY, Not(Equals(Ref(SECRETS_KEY), "")))
    template.add_condition(HAS_WORKER_POLICIES, Not(Equals(Ref(WORKER_POLICIES), "")))
    template.add_condition(HAS_WEB_POLICIES, Not(Equals(Ref(WEB_POLICIES), "")))
    template.add_condition(SNAPS, And(Condition(ON_AWS), Equals(Ref(SNAP_START), "true")))
    template.add_condition(ALARM_MAIL, And(Condition(ON_AWS), Not(Equals(Ref(ALARM_EMAIL), ""))))
    template.add_condition(WIDE, Equals(Ref(WIDE_INDEXES), "true"))
    template.add_condition(HAS_BOARD, Equals(Ref(BOARD), "true"))
    template.add_condition(HAS_WARM_READS, Not(Equals(Ref(WARM_READS), "")))
    template.add_condition(HAS_WARM_WRITES, Not(Equals(Ref(WARM_WRITES), "")))


def add_parameters(template: "Template", spec: StackSpec) -> None:
    from troposphere import Parameter

    parameters = {
        **code_parameters(),
        **queue_parameters(spec),
        **stack_parameters(),
        **permission_parameters(),
    }
    for name, properties in parameters.items():
        template.add_parameter(Parameter(name, **{"Type": "String", **properties}))


def code_parameters() -> dict[str, ParameterProperties]:
    return {
        CODE_BUCKET: {"Description": "Bucket that contains the code of the functions, as one zip."},
        CODE_KEY: {
            "Description": "Key of that zip, named after its contents. A new key updates the functions."
        },
        RELEASE: {
            "Description": "Name of what the functions read when they start, such as versions of secrets. "
            "A new name publishes new versions of the functions, which read everything again.",
            "Default": "none",
            "AllowedPattern": "[a-zA-Z0-9.-]{1,40}",
        },
        ARCHITECTURE: {
            "Description": "Processor of the functions. Build the zip's compiled packages for it.",
            "Default": ARCHITECTURES[0],
            "AllowedValues": list(ARCHITECTURES),
        },
        RUNTIME: {
            "Description": "Python of the functions. Build the zip's packages and bytecode for it.",
            "Default": DEFAULT_RUNTIME,
            "AllowedValues": list(RUNTIMES),
        },
        WEB_FUNCTION: {
            "Description": "Name of the web function, for its log. Zappa names it <project>-<stage>.",
            "Default": "web",
            "AllowedPattern": "[a-zA-Z0-9-_]{1,64}",
        },
        SNAP_START: switch(
            "Whether functions start from snapshots. A stored snapshot costs money by its memory.", "false"
        ),
    }


def queue_parameters(spec: StackSpec) -> dict[str, ParameterProperties]:
    """Return the parameters of each queue's worker. A stage may override the defaults, which are in TASKS."""
    parameters: dict[str, ParameterProperties] = {}
    for name, queue in spec.queues.items():
        parameters[memory_parameter(name)] = {
            "Description": f"Memory in megabytes of the worker of '{name}'.",
            **number(queue.memory, *aws_limits.FUNCTION_MEMORY),
        }
        parameters[timeout_parameter(name)] = {
            "Description": f"Seconds that an invocation of the worker of '{name}' may take. More than 900 "
            "need a region that allows it.",
            # A string, because it is a key of the mapping of visibility timeouts.
            "Default": str(limits.seconds(queue.timeout)),
            "AllowedValues": [str(seconds) for seconds in limits.timeouts(queue.timeout)],
        }
        # AWS accepts no such maximum of a queue that has pollers of its own.
        if queue.pollers is None:
            parameters[concurrency_parameter(name)] = {
                "Description": f"Maximum of concurrent invocations of the worker of '{name}' by its queue.",
                **number(queue.max_concurrency, *aws_limits.MAPPING_CONCURRENCY),
            }
    return parameters


def stack_parameters() -> dict[str, ParameterProperties]:
    return {
        MAPPINGS_ENABLED: switch(
            "Whether the stack is on AWS. 'false' leaves out what local stand-ins for AWS can't create, and "
            "disables mappings and schedules.",
            "true",
        ),
        PAUSED: switch(
            "Whether the stack is paused. 'true' stops mappings and schedules, so messages wait.", "false"
        ),
        WIDE_INDEXES: switch(
            "Whether the table's indexes also contain attributes for lists to come. Give it once, with a new "
            "table; CloudFormation can't change it later. offload_deploy finds the value.",
            "false",
        ),
        LOG_RETENTION: {
            "Description": "Days that the functions' logs are kept.",
            "Type": "Number",
            "Default": 30,
            "AllowedValues": [1, 3, 7, 14, 30, 60, 90, 180, 365],
        },
        KMS_KEY: {
            "Description": "ARN of your own key for queues, table, bucket, logs and variables. Its policy "
            "must allow CloudWatch, EventBridge and Logs to use it. If empty, AWS's own keys are used.",
            "Default": "",
            "AllowedPattern": f"({_KEY})?",
        },
        ALARM_EMAIL: {
            "Description": "Address that alarms are sent to. If empty, alarms are only shown in CloudWatch.",
            "Default": "",
            "AllowedPattern": "([^@ ]+@[^@ ]+)?",
        },
        OLDEST_MESSAGE: {
            "Description": "Seconds that a message may wait in a queue before an alarm.",
            **number(900, 60, 604_800),
        },
        OLDEST_RUNNING: {
            "Description": "Seconds that an attempt may be RUNNING before an alarm.",
            **number(3_600, 60, 604_800),
        },
        WARM_READS: units("Read", 12_000),
        WARM_WRITES: units("Write", 4_000),
    }


def permission_parameters() -> dict[str, ParameterProperties]:
    return {
        BOARD: switch(
            "Whether the web function may do what the board does: look, redrive, discard.", "false"
        ),
        WORKER_POLICIES: {
            "Description": "ARNs of managed policies for every worker, separated by commas. They allow what "
            "tasks do in AWS beyond the stack, such as reading files or sending mail.",
            "Default": "",
            "AllowedPattern": _POLICIES,
        },
        WEB_POLICIES: {
            "Description": "ARNs of managed policies for the web function, separated by commas. They allow "
            "what views do in AWS beyond the stack, such as reading files or sending mail.",
            "Default": "",
            "AllowedPattern": _POLICIES,
        },
        SECRETS_KEY: {
            "Description": "ARN of your own key that encrypts the stage's secrets. If empty, AWS's own key.",
            "Default": "",
            "AllowedPattern": f"({_KEY})?",
        },
    }


def number(default: int, low: int, high: int) -> ParameterProperties:
    return {"Type": "Number", "Default": default, "MinValue": low, "MaxValue": high}


def units(kind: str, at_first: int) -> ParameterProperties:
    """Return the parameter that prepares table and indexes for a peak. It has no effect by default."""
    return {
        "Description": f"{kind} units a second that the table and each index accept at once. AWS charges for "
        f"what is more than they have, once, and never lowers it. If empty, AWS's own: {at_first:,} "
        "of a new table, then what it has reached.",
        "Default": "",
        "AllowedPattern": "([1-9][0-9]{0,8})?",
    }


def switch(description: str, default: str) -> ParameterProperties:
    return {"Description": description, "Default": default, "AllowedValues": ["true", "false"]}
