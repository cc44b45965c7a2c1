"""The rules for templates and scripts: what a page shows is text, and never becomes markup or code."""

import re
from collections.abc import Iterator

TEMPLATE_RULES = {
    "safe": re.compile(r"\|\s*safe(?:seq)?\b|{%-?\s*autoescape\s+(?:off|false)|{%\s*(?:debug|filter\s+safe)"),
    # Escaping doesn't help here: a space and a script's own syntax need no character that is escaped.
    "unquoted": re.compile(r"<[a-z][^<>]*\s[\w-]+={[{%]", re.IGNORECASE),
    "inline": re.compile(
        r"<[a-z][^<>]*[\s/](?:on[a-z]+|hx-on[:\w-]*|srcdoc)\s*="
        r"|<[a-z][^<>]*\sstyle\s*=\s*[\"']?[^\"'>]*{[{%]"
        r"|<(?:iframe|object|embed|base|frame|portal)\b[^>]*{{|<meta\b[^>]*refresh[^>]*{{"
        r"|\shx-[a-z-]+\s*=\s*[\"']?\s*(?:js|javascript):"
        r"|(?:href|src|action|formaction)\s*=\s*[\"']?\s*(?:javascript|data|vbscript):",
        re.IGNORECASE,
    ),
    "script": re.compile(
        r"<(script|style)\b[^>]*>(?:(?!</\1>).)*?{[{%](?:(?!</\1>).)*?</\1>", re.IGNORECASE | re.DOTALL
    ),
}
SCRIPT_RULES = {
    "markup": re.compile(
        r"\.\s*(?:innerHTML|outerHTML|srcdoc)\s*\+?=(?!=)|['\"`](?:innerHTML|outerHTML|srcdoc)['\"`]"
        r"|\b(?:innerHTML|outerHTML)\s*:"
        r"|insertAdjacentHTML|document\s*\.\s*write(?:ln)?\b|createContextualFragment|setHTMLUnsafe"
        r"|parseHTMLUnsafe|\bparseFromString\b|\$\([^)]*\)\.(?:html|append)\("
    ),
    "execute": re.compile(
        r"\beval\b|\bFunction\b(?!\s*[.=])|\bconstructor\s*\.\s*constructor\b|\bimportScripts\b"
        r"|\bnew\s+(?:Shared)?Worker\s*\(\s*[^'\"\s]|\bimport\s*\(\s*[^'\"\s]|\bset(?:Timeout|Interval)\s*\(\s*['\"`]|['\"]javascript:"
        r"|setAttribute\(\s*['\"]on"
    ),
    "message": re.compile(r"postMessage\([^;]*['\"]\*['\"]"),
    # An address may begin with javascript:.
    "address": re.compile(
        r"\.\s*(?:href|src|action|formAction)\s*=(?!=)\s*+(?!['\"])"
        r"|setAttribute(?:NS)?\((?:[^,'\"]+,)?\s*['\"](?:href|src|style|action|formaction|srcdoc|xlink:href)['\"]"
        r"|\blocation\s*=(?!=)\s*+(?!['\"])|\blocation\s*\.\s*(?:assign|replace)\(\s*[^'\"\s]"
        r"|\bwindow\s*\.\s*open\(\s*[^'\"\s]"
    ),
}
# A comment with # ends on its line. One of a script has to begin a line, because a text may have its signs,
# such as "*/*".
_COMMENT = re.compile(r"{#[^\n]*?#}|(?s:{%\s*comment.*?endcomment\s*%})")
_COMMENT_OF_SCRIPTS = re.compile(r"^[^\S\n]*(?:/\*(?s:.*?)\*/|//.*$)", re.MULTILINE)


def found_in(text: str, ending: str) -> Iterator[tuple[str, int]]:
    """Yield each rule that doesn't hold in a template or a script, with the line."""
    rules = SCRIPT_RULES if ending == ".js" else TEMPLATE_RULES
    comments = _COMMENT_OF_SCRIPTS if ending == ".js" else _COMMENT
    text = comments.sub(lambda match: "\n" * match[0].count("\n"), text)
    for rule, pattern in rules.items():
        for match in pattern.finditer(text):
            yield rule, text.count("\n", 0, match.start()) + 1
