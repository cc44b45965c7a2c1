"""What whoever deploys the template decides: its parameters, and the conditions made of them."""

from typing import TYPE_CHECKING

from . import limits
from .names import logical
from .plan import Plan

if TYPE_CHECKING:
    from troposphere import If, Template

CODE_BUCKET, CODE_KEY, ARCHITECTURE, RUNTIME = "CodeBucket", "CodeKey", "Architecture", "Runtime"
MAPPINGS_ENABLED, PAUSED, LOG_RETENTION = "MappingsEnabled", "Paused", "LogRetentionDays"
WEB_FUNCTION, KMS_KEY, SNAP_START = "WebFunction", "KmsKeyArn", "SnapStart"
RELEASE = "Release"
ALARM_EMAIL, OLDEST_MESSAGE, OLDEST_RUNNING = "AlarmEmail", "OldestMessageSeconds", "OldestRunningSeconds"
BOARD, SECRETS_KEY = "BoardEnabled", "SecretsKmsKeyArn"
WORKER_POLICIES, WEB_POLICIES = "WorkerPolicies", "WebPolicies"

# Those of Lambda's that this library is tested with, and the one where nobody says which.
RUNTIMES, DEFAULT_RUNTIME = ("python3.12", "python3.13"), "python3.13"
ARCHITECTURES = ("x86_64", "arm64")

# What no stand-in for AWS can create stands behind this one condition.
ON_AWS = "OnAWS"
RUNS, OWN_KEY, SNAPS, ALARM_MAIL, HAS_BOARD = "MappingsRun", "OwnKey", "Snaps", "AlarmMail", "HasBoard"
SECRETS_OWN_KEY, HAS_WORKER_POLICIES, HAS_WEB_POLICIES = (
    "SecretsOwnKey",
    "HasWorkerPolicies",
    "HasWebPolicies",
)

_KEY = "arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+"
_POLICY = r"arn:[a-z-]+:iam::([0-9]{12}|aws):policy/[\w+=.@/-]+"
# A role takes ten: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_POLICIES = f"({_POLICY}(,{_POLICY}){{0,9}})?"


def memory(queue_name: str) -> str:
    return f"Memory{logical(queue_name)}"


def timeout(queue_name: str) -> str:
    return f"Timeout{logical(queue_name)}"


def concurrency(queue_name: str) -> str:
    return f"Concurrency{logical(queue_name)}"


def if_on_aws(yes: object, no: object) -> "If":
    """Return `yes` on AWS, `no` where the template is deployed into a stand-in for it."""
    from troposphere import If

    return If(ON_AWS, yes, no)


def if_running(yes: object, no: object) -> "If":
    """Return `yes` where mappings and schedules are to run, `no` where not."""
    from troposphere import If

    return If(RUNS, yes, no)


def with_own_key(yes: object, no: object | None = None) -> "If":
    """Return `yes` where the customer names a key, else `no`; None leaves the property out."""
    from troposphere import If, NoValue

    return If(OWN_KEY, yes, NoValue if no is None else no)


def attached(condition: str, parameter: str) -> dict[str, object]:
    """Return the property of a role that attaches the policies which a parameter names."""
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
    template.add_condition(HAS_BOARD, Equals(Ref(BOARD), "true"))


def add_parameters(template: "Template", plan: Plan) -> None:
    from troposphere import Parameter

    groups = (_of_the_code(), _of_the_queues(plan), _of_the_stack(), _of_the_rights())
    for name, said in (one for group in groups for one in group.items()):
        template.add_parameter(Parameter(name, **{"Type": "String", **said}))


def _of_the_code() -> dict[str, dict[str, object]]:
    return {
        CODE_BUCKET: {"Description": "Bucket that holds the code of the functions, as one zip."},
        CODE_KEY: {
            "Description": "Key of that zip, named after its contents: a new key updates the functions."
        },
        RELEASE: {
            "Description": "Names what the functions read when they start, such as versions of secrets: "
            "another name publishes new versions of the functions, which read it anew.",
            "Default": "none",
            "AllowedPattern": "[a-zA-Z0-9.-]{1,40}",
        },
        ARCHITECTURE: {
            "Description": "Processor of the functions; the zip's compiled packages must be built for it.",
            "Default": ARCHITECTURES[0],
            "AllowedValues": list(ARCHITECTURES),
        },
        RUNTIME: {
            "Description": "Python of the functions; the zip's packages and bytecode must be built for it.",
            "Default": DEFAULT_RUNTIME,
            "AllowedValues": list(RUNTIMES),
        },
        WEB_FUNCTION: {
            "Description": "Name of the web function, which writes a log; Zappa's is <project>-<stage>.",
            "Default": "web",
            "AllowedPattern": "[a-zA-Z0-9-_]{1,64}",
        },
        SNAP_START: _switch(
            "Whether functions start from snapshots; a snapshot kept costs by its memory.", "false"
        ),
    }


def _of_the_queues(plan: Plan) -> dict[str, dict[str, object]]:
    """What TASKS says of each queue is the default; a stage may have it otherwise."""
    found: dict[str, dict[str, object]] = {}
    for name, queue in plan.queues.items():
        found[memory(name)] = {
            "Description": f"Megabytes of the worker of '{name}'.",
            **_number(queue.memory, 128, 10_240),
        }
        found[timeout(name)] = {
            "Description": f"Seconds that an invocation of the worker of '{name}' may take.",
            # A text: it is looked up among the keys of a mapping.
            "Default": str(limits.seconds(queue.timeout)),
            "AllowedValues": [str(seconds) for seconds in limits.timeouts(queue.timeout)],
        }
        found[concurrency(name)] = {
            "Description": f"Invocations of the worker of '{name}' at a time that its queue may cause.",
            **_number(queue.max_concurrency, 2, 1_000),
        }
    return found


def _of_the_stack() -> dict[str, dict[str, object]]:
    return {
        MAPPINGS_ENABLED: _switch(
            "Whether this is AWS itself: 'false' leaves out what stand-ins for it cannot create, and "
            "disables mappings and schedules.",
            "true",
        ),
        PAUSED: _switch(
            "Whether messages wait: 'true' stops mappings and schedules, and nothing else.", "false"
        ),
        LOG_RETENTION: {
            "Description": "Days that the functions' logs are kept.",
            "Type": "Number",
            "Default": 30,
            "AllowedValues": [1, 3, 7, 14, 30, 60, 90, 180, 365],
        },
        KMS_KEY: {
            "Description": "ARN of a key of yours that encrypts queues, table, bucket, logs and variables; "
            "empty: keys of AWS. Its policy must let CloudWatch, EventBridge and Logs use it.",
            "Default": "",
            "AllowedPattern": f"({_KEY})?",
        },
        ALARM_EMAIL: {
            "Description": "Address that alarms are sent to; empty: they are shown, and sent nowhere.",
            "Default": "",
            "AllowedPattern": "([^@ ]+@[^@ ]+)?",
        },
        OLDEST_MESSAGE: {
            "Description": "Seconds that a message may wait in a queue before an alarm.",
            **_number(900, 60, 604_800),
        },
        OLDEST_RUNNING: {
            "Description": "Seconds that an attempt may be RUNNING before an alarm.",
            **_number(3_600, 60, 604_800),
        },
    }


def _of_the_rights() -> dict[str, dict[str, object]]:
    policies = "separated by commas: what {} beyond the stack, such as files or mail."
    return {
        BOARD: _switch(
            "Whether the web function may do what the board does: look, redrive, discard.", "false"
        ),
        WORKER_POLICIES: {
            "Description": f"ARNs of managed policies for every worker, {policies.format('tasks use')}",
            "Default": "",
            "AllowedPattern": _POLICIES,
        },
        WEB_POLICIES: {
            "Description": f"ARNs of managed policies for the web function, {policies.format('views use')}",
            "Default": "",
            "AllowedPattern": _POLICIES,
        },
        SECRETS_KEY: {
            "Description": "ARN of a key of yours that the stage's secrets are encrypted with; empty: AWS's.",
            "Default": "",
            "AllowedPattern": f"({_KEY})?",
        },
    }


def _number(default: int, low: int, high: int) -> dict[str, object]:
    return {"Type": "Number", "Default": default, "MinValue": low, "MaxValue": high}


def _switch(description: str, default: str) -> dict[str, object]:
    return {"Description": description, "Default": default, "AllowedValues": ["true", "false"]}
