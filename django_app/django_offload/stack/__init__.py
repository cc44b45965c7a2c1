"""The CloudFormation template of a stack, built from TASKS: resources, names and permissions."""

from .configured import spec_of, stacks, template_of
from .spec import StackSpec
from .stage_environment import DeploymentTarget, StageEnvironment, Vpc
from .template import build_template, read_template

__all__ = [
    "DeploymentTarget",
    "StackSpec",
    "StageEnvironment",
    "Vpc",
    "build_template",
    "read_template",
    "spec_of",
    "stacks",
    "template_of",
]
