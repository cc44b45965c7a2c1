"""What is deployed: names of resources, their IAM, and the CloudFormation template that makes them."""

from .configured import stacks, template_of
from .template import build

__all__ = ["build", "stacks", "template_of"]
