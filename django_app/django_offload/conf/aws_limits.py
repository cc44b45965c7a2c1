"""
The limits of AWS that settings and the template of a stack must keep, each with its source.

tests/unit/conf/test_aws_limits.py compares them with botocore's service models, where a model has them.
"""

from datetime import timedelta

# Lambda: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
# The service model allows 1,800 s since botocore 1.44.8. The page, and regions without the change, say 900 s.
FUNCTION_TIMEOUT = timedelta(seconds=1_800)
# What every region allows.
FUNCTION_TIMEOUT_EVERYWHERE = timedelta(seconds=900)
FUNCTION_MEMORY = (128, 10_240)
FUNCTION_NAME = 64
# Of an asynchronous invocation, which is 1 MB and not 1 MiB.
FUNCTION_EVENT = 1_000_000
# Names and values of all variables of a function together, in bytes.
FUNCTION_VARIABLES = 4_096

# Event source mappings of SQS:
# https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
MAPPING_BATCH = (1, 10_000)
# A larger batch needs a window of at least 1 s.
MAPPING_BATCH_WITHOUT_WINDOW = 10
MAPPING_WINDOW = timedelta(seconds=300)
MAPPING_CONCURRENCY = (2, 1_000)
# Of provisioned mode: all pollers, and the least that are kept.
# https://docs.aws.amazon.com/lambda/latest/api/API_ProvisionedPollerConfig.html
MAPPING_POLLERS = (2, 10_000)
MAPPING_LEAST_POLLERS = (2, 200)
# How many invocations one of these pollers runs at a time:
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
POLLER_CONCURRENCY = 10
# Of all functions of an account and region together, before its quota is raised. New accounts have less:
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
ACCOUNT_CONCURRENCY = 1_000

# SQS: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
QUEUE_NAME = 80
QUEUE_MESSAGE = 1024 * 1024  # Of a batch of messages too.
QUEUE_BATCH = 10
QUEUE_DELAY = timedelta(minutes=15)
QUEUE_RETENTION = timedelta(days=14)
QUEUE_VISIBILITY = timedelta(hours=12)
QUEUE_RECEIVES = 1_000
# Messages of a queue that were received and not deleted:
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html
QUEUE_IN_FLIGHT = 120_000

# EventBridge Scheduler: https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
SCHEDULE_NAME = 64
SCHEDULE_EXPRESSION = 256
SCHEDULE_DESCRIPTION = 512
# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
RULE_NAME = 64

# DynamoDB and S3: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
# and https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
TABLE_NAME = (3, 255)
BUCKET_NAME = (3, 63)
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html, in bytes of UTF-8.
ITEM = 400 * 1024
# Write units a second, of one partition key of a table or an index:
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
PARTITION_WRITES = 1_000
PARTITION_KEY = 2_048
SORT_KEY = 1_024
NUMBER_DIGITS = 38  # The significant ones.
NUMBER_MAGNITUDE = 126  # All digits of a whole number.
# Write units a second that a new on-demand table takes, and after that twice its peak of 30 minutes before:
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
TABLE_WRITES_AT_FIRST = 4_000
# Of a table, before its quota is raised:
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
TABLE_WRITES = 40_000
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
OBJECT_KEY = 1_024

# CloudFormation: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
TEMPLATE_RESOURCES = 500
TEMPLATE_PARAMETERS = 200
TEMPLATE_OUTPUTS = 200
TEMPLATE_BYTES = 1_000_000  # By its URL, as offload_deploy sends it.
