"""Where a rule of ours need not hold, and why. An entry that allows more than there is fails the check."""

from collections.abc import Iterator, Mapping

from .finding import Allowed

LIBRARY = "django_app/django_offload/"
LOADED = "It looks among what is loaded, and imports nothing."
OWN_LIST = "The name is one of the module's own list."
SETTINGS = "The settings of the project name it. Who writes settings also writes the code."


def within(path: str, places: Mapping[str, Mapping[str, int]], because: str) -> Iterator[Allowed]:
    """Yield what is allowed in one module: by rule, the functions, and how many places of each."""
    for rule, functions in places.items():
        for function, times in functions.items():
            yield Allowed(rule=rule, path=path, function=function, times=times, because=because)


ALLOWED: tuple[Allowed, ...] = (
    *within(".ci/audit/locks.py", {"noqa": {"lock_files": 1}}, "The developer's own git is found on PATH."),
    *within(LIBRARY + "__init__.py", {"attribute": {"__getattr__": 3}}, OWN_LIST),
    *within(
        LIBRARY + "apps.py",
        {"import": {"replace_check_of_tasks": 1}},
        "It is Django's own module, by a name that compat knows.",
    ),
    *within(LIBRARY + "apps.py", {"import": {"lazily.check": 1}}, "apps.py itself names the checks."),
    *within(
        LIBRARY + "conf/capacity.py",
        {"sql": {"max_connections": 1}, "attribute": {"options_without_effect": 2}},
        "Query and option are of the module's own lists.",
    ),
    *within(
        LIBRARY + "aws/clients.py",
        {"attribute": {"under_way": 1}},
        "The callers name the operation in the source.",
    ),
    *within(
        LIBRARY + "aws/concurrent.py",
        {"noqa": {"pause_before_retry": 1}},
        "It spreads retries, and nobody gains from foreseeing it.",
    ),
    *within(
        LIBRARY + "aws/lean/retry.py",
        {"noqa": {"Retries.pause": 1}},
        "It spreads retries, and nobody gains from foreseeing it.",
    ),
    *within(
        LIBRARY + "aws/secrets.py",
        {"attribute": {"call": 1}},
        "The callers name the operation in the source.",
    ),
    *within(LIBRARY + "backends/base.py", {"import": {"owner_function": 1}}, SETTINGS),
    *within(LIBRARY + "conf/tenant_checks.py", {"import": {"problem_of": 1}}, SETTINGS),
    *within(LIBRARY + "definition/tenant.py", {"import": {"returned_tenant": 1}}, SETTINGS),
    *within(
        LIBRARY + "checks.py",
        {"import": {"check_paths": 1, "is_middleware": 2, "named_paths": 2}},
        "A check loads what the settings name, as a process would do later.",
    ),
    *within(
        LIBRARY + "compat.py",
        {"attribute": {"__getattr__": 2}, "import": {"__getattr__": 2}},
        "The name is one of MODULES, the module's own mapping.",
    ),
    *within(LIBRARY + "conf/options.py", {"import": {"Options.parse": 1, "entries": 1}}, SETTINGS),
    *within(LIBRARY + "conf/validation.py", {"import": {"transport_of": 1}}, SETTINGS),
    *within(
        LIBRARY + "definition/offload_task.py",
        {"attribute": {"OffloadTask.__post_init__": 2, "OffloadTask.__reduce__": 1, "changed_options": 3}},
        "The name is a field of the class itself.",
    ),
    *within(
        LIBRARY + "definition/offload_task.py",
        {"import": {"OffloadTask._reconstruct": 3}},
        "Pickle and copy call it, and they have the class already. No message or record is unpickled.",
    ),
    *within(
        LIBRARY + "definition/registry.py",
        {"import": {"task_modules": 1}},
        "Apps and TASKS name the modules, before any message is read.",
    ),
    *within(
        LIBRARY + "definition/registry.py",
        {"import": {"ListedRegistry.import_task": 1}},
        "The package's own list names the module. A message chooses among its entries.",
    ),
    *within(
        LIBRARY + "definition/registry.py",
        {"import": {"ListedRegistry.scheduled": 1}},
        "The package's own list names the module. An occurrence chooses among its entries.",
    ),
    *within(
        LIBRARY + "definition/task_modules.py",
        {"import": {"complete_registry": 1}},
        "Apps and TASKS name the modules, for a command that needs every task.",
    ),
    *within(
        LIBRARY + "definition/retry_policy.py",
        {"noqa": {"RetryPolicy.delay": 1}},
        "It spreads retries, and nobody gains from foreseeing it.",
    ),
    *within(
        LIBRARY + "deploy/package/git.py",
        {"noqa": {"_ls_files": 1}},
        "The developer's own git is found on PATH, as in a terminal.",
    ),
    *within(
        LIBRARY + "deploy/package/import_program.py",
        {
            "attribute": {"load_all": 1, "load_imported": 1, "load_site": 2},
            "import": {"load_all": 2, "load_caches": 2, "load_imported": 2, "load_site": 2},
        },
        "It runs on the machine that deploys, in a process of its own, and loads what the settings name.",
    ),
    *within(
        LIBRARY + "deploy/release/deployment.py",
        {"sql": {"Deployment.apply": 1}},
        "It executes a change set of CloudFormation, not SQL.",
    ),
    *within(
        LIBRARY + "deploy/scaffold/migrate_from/celery/tasks_setting.py",
        {"assert": {"TasksSetting.add_schedule": 1, "stack_name": 1}},
        "It checks a name that the line above made. `offload_init` shows it before it writes.",
    ),
    *within(
        LIBRARY + "deploy/scaffold/migrate_from/celery/uses.py",
        {"attribute": {"UseFinder.visit": 1}},
        "The name is a class of Python's own syntax tree.",
    ),
    *within(
        LIBRARY + "deploy/scaffold/migrate_from/editor.py",
        {"assert": {"ModuleEditor.result": 1}},
        "It checks that the editor's own edits don't overlap.",
    ),
    *within(
        LIBRARY + "deploy/secret_files.py",
        {"attribute": {"settings_places": 1}},
        "The name is one that the project's settings module itself defines.",
    ),
    *within(
        LIBRARY + "deploy/secret_files.py",
        {"import": {"imported_by": 1}},
        "It only completes the name of a module in source code. Nothing is imported.",
    ),
    *within(
        LIBRARY + "http/__init__.py",
        {"attribute": {"__getattr__": 1}, "import": {"__getattr__": 1}},
        OWN_LIST,
    ),
    *within(
        LIBRARY + "http/counting.py",
        {"noqa": {"in_database": 1}, "sql": {"in_database": 1}},
        "Names of the cache's own table and columns, quoted by Django. The key is a parameter.",
    ),
    *within(
        LIBRARY + "http/openapi/bodies.py",
        {"attribute": {"field_schema": 1}},
        "The names are limits of form fields, in a list of the module's own.",
    ),
    *within(
        LIBRARY + "http/trigger.py",
        {"response": {"TriggerView._render_page": 1}},
        "The text is a rendered template.",
    ),
    *within(
        LIBRARY + "local/aws/moto_requests.py",
        {"attribute": {"with_direct_calls": 1}, "import": {"with_direct_calls": 1}},
        "The module itself names moto's modules.",
    ),
    *within(
        LIBRARY + "local/aws/moto_server.py",
        {"noqa": {"MotoServer.reset": 2}},
        "The address is that of this process's own server on 127.0.0.1.",
    ),
    *within(
        LIBRARY + "local/aws/moto_speed.py",
        {"assert": {"check_retention_faster": 1, "walk_expressions_faster": 1}},
        "It fails if a new moto has no such method to replace.",
    ),
    *within(
        LIBRARY + "local/aws/moto_speed.py",
        {"noqa": {"copy_expressions_faster": 1}, "pickle": {"copy_expressions_faster": 2}},
        "The pickle is made in the line before, and never leaves the process.",
    ),
    *within(
        LIBRARY + "local/guard.py",
        {"markup": {"error_response": 1}},
        "It is XML for AWS's clients, and the message is escaped.",
    ),
    *within(
        LIBRARY + "local/lambda_/deployed_code.py",
        {"import": {"link_runtime": 1}},
        "The module itself names the packages.",
    ),
    *within(
        LIBRARY + "local/lambda_/in_process.py",
        {"attribute": {"InProcessInvoker.invoke": 1}, "import": {"InProcessInvoker.invoke": 1}},
        "The deployed template names the handler, and this process wrote it.",
    ),
    *within(
        LIBRARY + "local/lambda_/runtime_client.py",
        {"attribute": {"MarkedStream.__getattr__": 1}},
        "It passes on what is asked of the stream that it wraps.",
    ),
    *within(
        LIBRARY + "management/commands/offload_package.py",
        {"attribute": {"Command.run": 1}},
        "The line itself names the fields.",
    ),
    *within(
        LIBRARY + "operations/fail.py",
        {"noqa": {"with_jitter": 1}},
        "It spreads entries of an index, and nobody gains from foreseeing it.",
    ),
    *within(
        LIBRARY + "payloads/base.py",
        {"compare": {"Payloads.fetch": 1}},
        "It finds damage. The message or the record with the digest is what is trusted.",
    ),
    *within(
        LIBRARY + "protocol/json_codec.py",
        {"pickle": {"may_lack_items": 1}},
        "It only writes, to find values of other classes. The result is dropped.",
    ),
    *within(
        LIBRARY + "stack/layout.py",
        {"import": {"import_folder": 1}},
        "The module is that of the project's settings.",
    ),
    *within(
        LIBRARY + "definition/results.py",
        {"attribute": {"show": 2}},
        "The name is a field of the class itself.",
    ),
    *within(
        LIBRARY + "stack/spec.py",
        {"attribute": {"merge_options": 4}},
        "The name is a field of the class itself.",
    ),
    *within(
        LIBRARY + "web/start.py",
        {"attribute": {"find_application": 1, "set_variables": 2}, "import": {"find_application": 1}},
        "The stage's own settings in the package name it.",
    ),
    *within(LIBRARY + "worker/process_restore.py", {"attribute": {"": 2, "put_back_settings": 1}}, OWN_LIST),
    *within(
        LIBRARY + "worker/process_state.py",
        {"attribute": {"put_back": 2}},
        "The name is a field of the class itself.",
    ),
    *within(
        LIBRARY + "worker/start/deferred_imports.py",
        {
            "attribute": {"DeferringFinder.deferred_function.call": 1, "DeferringFinder.wait.look_up": 3},
            "import": {"DeferringFinder.use": 1, "DeferringFinder.wait.look_up": 1},
        },
        "It stands in for a module that is imported later. The code that imports it names both.",
    ),
    *within(
        LIBRARY + "worker/start/module_index.py",
        {"import": {"Loader": 1}, "noqa": {"Loader.get_code": 1}, "pickle": {"Loader.get_code": 1}},
        "It reads the package's own bytecode, as Python's loader does.",
    ),
    *within(
        "django_app/lab/reports/chart.py",
        {
            "markup": {
                "Drawing.average_line": 1,
                "Drawing.bar": 1,
                "Drawing.grid": 2,
                "Drawing.legend": 3,
                "Drawing.month_labels": 1,
                "draw_chart": 1,
            }
        },
        "It draws SVG of numbers, constants and names that it escapes. It is served as a picture.",
    ),
    *within(
        "django_app/lab/seeding.py",
        {"noqa": {"": 1}, "sql": {"seed": 1}},
        "INSERT is made of the module's own names. The values are parameters.",
    ),
    *within(
        "django_app/lab/seeding.py",
        {"noqa": {"batch": 1}},
        "Orders of the demo are random, and the same on every machine.",
    ),
    *within(
        LIBRARY + "aws/secrets.py",
        {"compare": {"read_secrets": 1}},
        "It compares the name of a secret, not a value.",
    ),
    *within(
        LIBRARY + "worker/attempt.py",
        {"compare": {"Attempt.end_if_cancelled": 1, "Attempt.wait_for": 1}},
        "The token of a claim says whose claim it is. It comes from the table, and opens nothing.",
    ),
    *within(
        LIBRARY + "worker/deadline.py",
        {"execute": {"OwnTimer.__init__": 1}},
        "It opens the C library that Python itself runs with.",
    ),
    *within(
        LIBRARY + "worker/start/deferred_imports.py",
        {"import": {"AfterPackageLoader.exec_module": 1, "DeferringFinder.fill": 1}},
        "It hands a module to the loader that Python found for it.",
    ),
    *within(
        "django_app/lab/views/files.py",
        {"response": {"run_file": 1}},
        "Only files of known names are served, each as its own kind.",
    ),
    *within(LIBRARY + "aws/development.py", {"attribute": {"project_folders": 1}}, LOADED),
    *within(
        LIBRARY + "definition/results.py", {"attribute": {"imported_exception": 1, "announce": 1}}, LOADED
    ),
    *within(LIBRARY + "local/aws/api_gateway.py", {"attribute": {"placeholder": 1}}, LOADED),
    *within(LIBRARY + "local/serve/reloader.py", {"attribute": {"Reloader.__call__": 1}}, LOADED),
    *within(LIBRARY + "sending/enqueue.py", {"attribute": {"announce_enqueued": 1}}, LOADED),
    *(
        Allowed(
            rule="markup",
            path=path,
            function="",
            because="A parsed document runs no scripts, and is this site's.",
        )
        for path in (
            LIBRARY + "static/django_offload/board.js",
            LIBRARY + "static/django_offload/progress.js",
        )
    ),
    *within(
        "django_app/lab/static/lab/follow.js",
        {"markup": {"": 1}, "address": {"": 2}},
        "It is this site's own page.",
    ),
    *within(LIBRARY + "definition/offload_task.py", {"attribute": {"variable_with": 1}}, LOADED),
    *within(LIBRARY + "deploy/secret_files.py", {"attribute": {"code_of": 1}}, LOADED),
    *within(LIBRARY + "worker/process_state.py", {"attribute": {"has_receivers": 1}}, LOADED),
    *within(
        LIBRARY + "worker/start/deferred_imports.py",
        {"attribute": {"AfterPackageLoader.create_module": 2, "DeferringFinder.end": 1}},
        LOADED,
    ),
    *within(
        LIBRARY + "http/refusals.py", {"response": {"refusal": 1}}, "It is JSON, and the answer says so."
    ),
)
