"""Every failure, fault and cause has its words."""

from string import Formatter

import pytest

from faultwire.explain.causes import BEFORE_A_REQUEST, CAUSE_OF, FAULTS, WORDS, Cause
from faultwire.explain.wanted import unknown_word
from faultwire.failures import FailureKind
from faultwire.wire.faults import CATALOGUE


def test_every_cause_has_words() -> None:
    assert set(WORDS) == set(Cause)


def test_every_failure_kind_has_a_cause_of_its_own() -> None:
    assert set(CAUSE_OF) == set(FailureKind)
    assert len(set(CAUSE_OF.values())) == len(FailureKind)


def test_every_fault_of_the_wire_has_words() -> None:
    assert set(FAULTS) == set(CATALOGUE)
    assert set(BEFORE_A_REQUEST) <= set(CATALOGUE)


@pytest.mark.parametrize("cause", Cause)
def test_only_the_sentence_is_about_one_request(cause: Cause) -> None:
    """The other words stand above many requests in the summary."""
    for place, text in enumerate(WORDS[cause]):
        used = {field for _, field, _, _ in Formatter().parse(text) if field}
        assert place == 1 or used <= {"caller", "upstream"}


@pytest.mark.parametrize("word", [*FailureKind, *Cause, *CATALOGUE, "failed", "saved", "client"])
def test_only_knows_every_word(word: str) -> None:
    assert unknown_word(word) is None


def test_only_names_the_word_that_was_meant() -> None:
    assert unknown_word("respons_timeout") == (
        "--only 'respons_timeout' is unknown; did you mean response_timeout?"
    )
