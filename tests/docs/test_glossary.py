"""The glossary: every word that others use is explained, once."""

import re

import pytest

from tests.docs.pages import DOCS, ROOT

PAGE = (DOCS / "reference" / "glossary.md").read_text()
ENTRIES = re.findall(r"^\*\*([^*]+)\*\* · ", PAGE, re.MULTILINE)
# In bold anywhere: some words are explained beside those they belong to.
WORDS = {word.strip() for words in re.findall(r"\*\*([^*]+)\*\*", PAGE) for word in words.split(",")}
# AWS's words, as they stand on the pages that people read first.
OF_AWS = ["SQS", "Lambda", "DynamoDB", "S3", "CloudFormation", "CloudWatch", "EventBridge rule", "IAM"]
OF_AWS += ["ARN", "SSM", "KMS", "VPC", "moto", "invocation", "write unit", "function URL", "change set"]


def words_of_the_architecture() -> list[str]:
    """Return the words of ARCHITECTURE.md's own table."""
    table = (ROOT / "ARCHITECTURE.md").read_text().partition("## Words")[2]
    firsts = re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)[1:]
    return [word.strip() for first in firsts for word in first.split(",") if not set(first) <= set("- ")]


@pytest.mark.parametrize("word", words_of_the_architecture())
def test_every_word_of_the_architecture_is_explained(word: str) -> None:
    assert word in WORDS


@pytest.mark.parametrize("word", OF_AWS)
def test_words_of_aws_are_explained(word: str) -> None:
    assert word in WORDS


def test_no_word_is_explained_twice() -> None:
    assert len(ENTRIES) == len(set(ENTRIES))


def test_an_explanation_is_one_or_two_sentences() -> None:
    for entry in PAGE.split("\n\n**")[1:]:
        text = " ".join(entry.partition(" · ")[2].partition("\n\n")[0].split())
        assert 1 <= len(re.findall(r"[.:;](?: |$)", text)) <= 4, text
        assert len(text) < 300, text
