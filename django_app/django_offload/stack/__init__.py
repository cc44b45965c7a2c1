"""What is deployed: names of resources, their IAM, and the CloudFormation template that makes them."""

from .configured import plan_of, stacks, template_of
from .plan import Plan
from .stage_environment import Place, Surroundings, Vpc
from .template import build

__all__ = ["Place", "Plan", "Surroundings", "Vpc", "build", "plan_of", "stacks", "template_of"]
