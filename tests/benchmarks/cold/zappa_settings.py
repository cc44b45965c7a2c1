"""What Zappa writes into a package of a Django site."""

LOG_LEVEL = "INFO"
DEBUG = False
BINARY_SUPPORT = True
ADDITIONAL_TEXT_MIMETYPES: list[str] = []
CONTEXT_HEADER_MAPPINGS: dict[str, str] = {}
DOMAIN = None
BASE_PATH = None
ENVIRONMENT_VARIABLES: dict[str, str] = {}
API_STAGE = "dev"
PROJECT_NAME = "bench"
SETTINGS_FILE = None
DJANGO_SETTINGS = "tests.benchmarks.site"
ASYNC_RESPONSE_TABLE = ""
EXCEPTION_HANDLER = None
AWS_EVENT_MAPPING: dict[str, str] = {}
AUTHORIZER_FUNCTION = None
AWS_BOT_EVENT_MAPPING: dict[str, str] = {}
COGNITO_TRIGGER_MAPPING: dict[str, str] = {}
