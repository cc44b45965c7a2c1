"""Generated arguments of the calls: those that projects use, and others."""

import base64

from hypothesis import strategies as st

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
NAME = st.text("abcdefghijklmnopqrstuvwxyz-_0123456789", min_size=3, max_size=20)
KEY = st.from_regex(r"[#:]?[a-z][a-z_0-9]{0,12}", fullmatch=True)
VALUE = st.recursive(
    st.one_of(
        st.fixed_dictionaries({"S": TEXT}),
        st.fixed_dictionaries({"N": st.integers().map(str)}),
        st.fixed_dictionaries({"BOOL": st.booleans()}),
        st.just({"NULL": True}),
    ),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"L": st.lists(inner, max_size=4)}),
        st.fixed_dictionaries({"M": st.dictionaries(KEY, inner, max_size=4)}),
    ),
    max_leaves=8,
)
ITEM = st.dictionaries(KEY, VALUE, max_size=8)
NAMES = st.dictionaries(KEY, TEXT.filter(bool), min_size=1, max_size=4)
QUEUE_URL = NAME.map("https://sqs.eu-west-1.amazonaws.com/123456789012/{}".format)

PUT = st.fixed_dictionaries(
    {"TableName": NAME, "Item": ITEM},
    optional={
        "ConditionExpression": TEXT,
        "ExpressionAttributeNames": NAMES,
        "ReturnValuesOnConditionCheckFailure": st.just("ALL_OLD"),
    },
)
UPDATE = st.fixed_dictionaries(
    {"TableName": NAME, "Key": ITEM, "UpdateExpression": TEXT},
    optional={
        "ReturnValues": st.just("ALL_OLD"),
        "ConditionExpression": TEXT,
        "ExpressionAttributeNames": NAMES,
        "ExpressionAttributeValues": ITEM,
    },
)
GET = st.fixed_dictionaries({"TableName": NAME, "Key": ITEM}, optional={"ConsistentRead": st.booleans()})
QUERY = st.fixed_dictionaries(
    {"TableName": NAME, "KeyConditionExpression": TEXT},
    optional={"Limit": st.integers(1, 1000), "ExclusiveStartKey": ITEM, "IndexName": NAME},
)
SEND = st.fixed_dictionaries(
    {"QueueUrl": QUEUE_URL, "MessageBody": TEXT},
    optional={"DelaySeconds": st.integers(0, 900), "MessageGroupId": NAME},
)
ENTRY = st.fixed_dictionaries(
    {"Id": NAME, "MessageBody": TEXT},
    optional={"DelaySeconds": st.integers(0, 900), "MessageGroupId": NAME},
)
SEND_BATCH = st.fixed_dictionaries(
    {"QueueUrl": QUEUE_URL, "Entries": st.lists(ENTRY, min_size=1, max_size=10)}
)
VISIBILITY = st.fixed_dictionaries(
    {"QueueUrl": QUEUE_URL, "ReceiptHandle": TEXT, "VisibilityTimeout": st.integers(0, 43_200)}
)
FUNCTION = st.one_of(
    NAME,
    NAME.map("{}:live".format),
    NAME.map("arn:aws:lambda:eu-west-1:123456789012:function:{}".format),
    NAME.map("arn:aws:lambda:eu-west-1:123456789012:function:{}:live".format),
)
PARAMETERS = st.fixed_dictionaries(
    {"Names": st.lists(NAME.map("/shop/{}".format), min_size=1, max_size=10)},
    optional={"WithDecryption": st.booleans()},
)
INVOKE = st.fixed_dictionaries(
    {"FunctionName": FUNCTION, "Payload": st.binary(max_size=80)},
    optional={"InvocationType": st.sampled_from(["Event", "RequestResponse"])},
)

CALLS = {
    ("dynamodb", "put_item"): PUT,
    ("dynamodb", "update_item"): UPDATE,
    ("dynamodb", "get_item"): GET,
    ("dynamodb", "query"): QUERY,
    ("sqs", "send_message"): SEND,
    ("sqs", "send_message_batch"): SEND_BATCH,
    ("sqs", "change_message_visibility"): VISIBILITY,
    ("sqs", "get_queue_url"): st.fixed_dictionaries({"QueueName": NAME}),
    ("sqs", "get_queue_attributes"): st.fixed_dictionaries(
        {"QueueUrl": QUEUE_URL, "AttributeNames": st.just(["ApproximateNumberOfMessages"])}
    ),
    ("lambda", "invoke"): INVOKE,
    ("ssm", "get_parameters"): PARAMETERS,
    ("secretsmanager", "get_secret_value"): st.fixed_dictionaries({"SecretId": NAME}),
}
# Keys and tokens in the form that AWS uses.
TOKEN = st.one_of(st.just(""), st.binary(min_size=1, max_size=90).map(lambda b: base64.b64encode(b).decode()))
# The name and the trace of a Lambda function in its environment, with valid and invalid values.
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a:0"
TRACED = st.tuples(
    st.sampled_from([None, "shop-dev-worker"]),
    st.one_of(st.none(), st.just(""), st.just(TRACE), TEXT.filter(lambda text: "\0" not in text)),
)
