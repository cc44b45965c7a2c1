"""A small stack, as CloudFormation reads it."""

STACK = """
Parameters:
  CodeBucket: {Type: String}
  CodeKey: {Type: String}
  MappingsEnabled: {Type: String, Default: "true"}
Conditions:
  Run: !Equals [!Ref MappingsEnabled, "true"]
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]
  DeadQueue:
    Type: AWS::SQS::Queue
    Properties: {QueueName: NAME-dead}
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: NAME
      VisibilityTimeout: 1
      RedrivePolicy: {deadLetterTargetArn: !GetAtt DeadQueue.Arn, maxReceiveCount: 2}
  Worker:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: NAME-worker
      Runtime: python3.13
      Handler: tests.integration.local.handlers.HANDLER
      Role: !GetAtt Role.Arn
      Timeout: 3
      MemorySize: 256
      Code: {S3Bucket: !Ref CodeBucket, S3Key: !Ref CodeKey}
      Environment: {Variables: {COLOUR: blue}}
  DeadLetter:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: NAME-dead-letter
      Runtime: python3.13
      Handler: tests.integration.local.handlers.acknowledge
      Role: !GetAtt Role.Arn
      Timeout: 3
      MemorySize: 128
      Code: {S3Bucket: !Ref CodeBucket, S3Key: !Ref CodeKey}
  Mapping:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      EventSourceArn: !GetAtt Queue.Arn
      FunctionName: !Ref Worker
      BatchSize: 5
      MaximumBatchingWindowInSeconds: 0
      Enabled: !If [Run, true, false]
      FunctionResponseTypes: [ReportBatchItemFailures]
      ScalingConfig: {MaximumConcurrency: 7}
  DeadMapping:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      EventSourceArn: !GetAtt DeadQueue.Arn
      FunctionName: !Ref DeadLetter
      Enabled: !If [Run, true, false]
  Rule:
    Type: AWS::Events::Rule
    Properties:
      ScheduleExpression: rate(1 minute)
      State: !If [Run, ENABLED, DISABLED]
      Targets: [{Id: worker, Arn: !GetAtt DeadLetter.Arn, Input: '{"Records": []}'}]
Outputs:
  QueueName: {Value: NAME}
"""


def stack(name: str, handler: str) -> dict[str, str]:
    """Return the template of a stack whose worker runs a handler of these tests."""
    return {name: STACK.replace("NAME", name).replace("HANDLER", handler)}
