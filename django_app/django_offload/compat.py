"""What this process runs on and in, where Django has no public question for it."""

import os
import sys

# Django keeps the state of its test environment in this module, which production has no reason to load.
TEST_UTILS = "django.test.utils"
# Lambda sets the variable before Python starts, so a test that sets it changes nothing here.
IN_LAMBDA = "AWS_LAMBDA_FUNCTION_NAME" in os.environ


def in_test_environment() -> bool:
    """
    Return True between Django's setup_test_environment() and teardown_test_environment().

    Django's test runner and pytest-django call them. Inside Lambda the answer is always False.
    """
    state = getattr(sys.modules.get(TEST_UTILS), "_TestState", None)
    return hasattr(state, "saved_data") and not IN_LAMBDA
