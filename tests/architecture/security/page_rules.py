"""The rules for templates and scripts: what a page shows is text, and never becomes markup or code."""

import re
from collections.abc import Iterator

TEMPLATE_RULES = {
    "safe": re.compile(r"\|\s*safe(?:seq)?\b|{%-?\s*autoescape\s+(?:off|false)|{%\s*(?:debug|filter\s+safe)"),
    # Escaping doesn't help here: a space and a script's own syntax need no character that is escaped.
    "unquoted": re.compile(r"<[a-z][^<>]*\s[\w-]+={{", re.IGNORECASE),
    "inline": re.compile(
        r"<[a-z][^<>]*\s(?:on[a-z]+|srcdoc)\s*="
        r"|(?:href|src|action|formaction)\s*=\s*[\"']?\s*(?:javascript|data|vbscript):",
        re.IGNORECASE,
    ),
    "script": re.compile(
        r"<(script|style)\b[^>]*>(?:(?!</\1>).)*?{[{%](?:(?!</\1>).)*?</\1>", re.IGNORECASE | re.DOTALL
    ),
}
SCRIPT_RULES = {
    "markup": re.compile(
        r"\.\s*(?:innerHTML|outerHTML|srcdoc)\s*\+?=(?!=)|\[\s*['\"](?:innerHTML|outerHTML)['\"]\s*\]"
        r"|\b(?:innerHTML|outerHTML)\s*:"
        r"|insertAdjacentHTML|document\s*\.\s*write(?:ln)?\b|createContextualFragment|setHTMLUnsafe"
        r"|parseHTMLUnsafe|\bparseFromString\b|\$\([^)]*\)\.(?:html|append)\("
    ),
    "execute": re.compile(
        r"\beval\s*\(|['\"]eval['\"]|\bFunction\s*\(|\bimport\s*\(\s*[^'\"\s]|\bset(?:Timeout|Interval)\s*\(\s*['\"`]|['\"]javascript:"
        r"|setAttribute\(\s*['\"]on"
    ),
    "message": re.compile(r"postMessage\([^;]*['\"]\*['\"]"),
}
_COMMENT = re.compile(r"{#.*?#}|{%\s*comment.*?endcomment\s*%}", re.DOTALL)
_COMMENT_OF_SCRIPTS = re.compile(r"/\*.*?\*/|(?m:^\s*//.*$)", re.DOTALL)


def found_in(text: str, ending: str) -> Iterator[tuple[str, int]]:
    """Yield each rule that doesn't hold in a template or a script, with the line."""
    rules = SCRIPT_RULES if ending == ".js" else TEMPLATE_RULES
    comments = _COMMENT_OF_SCRIPTS if ending == ".js" else _COMMENT
    text = comments.sub(lambda match: "\n" * match[0].count("\n"), text)
    for rule, pattern in rules.items():
        for match in pattern.finditer(text):
            yield rule, text.count("\n", 0, match.start()) + 1
