"""What the rules for Python look for: dotted paths, their last parts, and texts."""

import re

# A path that ends in one of these is found wherever it is imported from, and whatever it is called.
IMPORTERS = {
    *("import_module", "import_string", "cached_import", "autodiscover_modules", "module_from_spec"),
    *("spec_from_file_location", "run_module", "run_path", "resolve_name", "zipimporter"),
    *("SourceFileLoader", "SourcelessFileLoader", "ExtensionFileLoader", "exec_module", "load_module"),
    *("get_callable", "entry_points", "importfile", "loadTestsFromName", "walk_packages", "addsitedir"),
    *("dictConfig", "fileConfig"),  # Both call what a text names.
}
# find_spec() imports the packages around what it looks for. That of a finder doesn't.
IMPORTING = {
    *("builtins.__import__", "importlib.__import__", "importlib.reload", "importlib.util.find_spec"),
    *("pydoc.locate", "pydoc.safeimport"),
}
EXECUTING = {
    *("builtins.eval", "builtins.exec", "builtins.compile", "code.interact", "timeit.timeit"),
    *("code.InteractiveInterpreter", "code.InteractiveConsole", "builtins.__builtins__", "builtins.__dict__"),
    *("ctypes.CDLL", "ctypes.cdll", "ctypes.PyDLL"),
}
# What a literal name of an attribute may not be, because the name would hide it from the other rules.
HIDDEN = {
    *("import_module", "import_string", "__import__", "eval", "exec", "compile", "mark_safe", "system"),
    "__builtins__",
}
MAKING_CODE = {"types.FunctionType", "types.CodeType"}
ATTRIBUTES = {"builtins.getattr", "builtins.setattr", "builtins.delattr", "builtins.hasattr"}
GETTERS = {"operator.attrgetter", "operator.methodcaller"}
UNPICKLING = {
    *("pickle", "_pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "jsonpickle", "joblib"),
    *("dbm", "copyreg"),
}
UNSAFE_YAML = {
    *("load", "load_all", "full_load", "full_load_all", "unsafe_load", "unsafe_load_all"),
    *("Loader", "CLoader", "FullLoader", "CFullLoader", "UnsafeLoader", "CUnsafeLoader"),
}
FILLING = {"format", "format_map", "join", "replace", "substitute", "safe_substitute"}
MARKING = {"mark_safe", "SafeString", "SafeText", "SafeData", "html_safe", "__html__", "Markup"}
TEMPLATES_OF_TEXT = {"django.template.Template", "django.template.base.Template", "jinja2.Template"}
NAMESPACES = {"builtins.globals", "builtins.locals", "builtins.vars"}
SHELLS = {
    "os.system",
    "os.popen",
    "asyncio.create_subprocess_shell",
    "subprocess.getoutput",
    "subprocess.getstatusoutput",
    "pty.spawn",
}
# What has no time limit of its own, with the number of its arguments before the limit.
WITHOUT_TIME_LIMIT = {
    "urllib.request.urlopen": 2,
    "http.client.HTTPConnection": 2,
    "http.client.HTTPSConnection": 2,
    "socket.create_connection": 1,
    "smtplib.SMTP": 3,
    "ftplib.FTP": 4,
    "imaplib.IMAP4_SSL": 9,
    "poplib.POP3_SSL": 9,
    **{
        f"{package}.{method}": 9
        for package in ("requests", "httpx")
        for method in ("get", "post", "put", "patch", "delete", "head", "options", "request", "stream")
    },
}
WEAK = {
    *("tempfile.mktemp", "hashlib.md5", "hashlib.sha1", "ssl._create_unverified_context", "ssl.CERT_NONE"),
    *("os.tempnam", "ssl.wrap_socket", "crypt.crypt", "uuid.uuid1", "ssl.PROTOCOL_TLSv1"),
}
AWS_PACKAGES = {"boto3", "botocore"}
# Values that a stranger guesses byte by byte, if their comparison ends at the first that differs.
GUESSED = re.compile(
    r"(?:^|_)(?:signature|sig|signed|digest|hexdigest|hmac|mac|password|secret|api_key|secret_key|token)$",
    re.IGNORECASE,
)
# Tags of HTML and SVG. Texts have placeholders too, such as <stage>.
TAG = re.compile(
    r"(?<!\?P)</?(?:a|abbr|article|aside|b|base|body|br|button|circle|code|dd|details|div|dl|dt|em|embed|fieldset|footer"
    r"|form|g|h[1-6]|head|header|hr|html|i|iframe|img|input|label|legend|li|line|link|main|meta|nav|object|ol"
    r"|option|output|p|path|polyline|pre|progress|rect|script|section|select|small|span|strong|style|summary|svg"
    r"|table|tbody|td|text|textarea|tfoot|th|thead|time|title|tr|u|ul|use|video)(?:\s*/?>|\s+[\w:-]+\s*=)",
    re.IGNORECASE,
)
