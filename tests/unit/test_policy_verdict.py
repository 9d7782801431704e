"""Whose fault it was: the upstream's, unless the caller was in a hurry or it was our own."""

import pytest

from faultwire.failures import Failure, FailureKind
from faultwire.policy.verdict import BLAME, Verdict, is_slow, judge

SLOW = {FailureKind.CONNECT_TIMEOUT, FailureKind.RESPONSE_TIMEOUT}
OWN = {
    FailureKind.DEADLINE_EXCEEDED,
    FailureKind.CIRCUIT_OPEN,
    FailureKind.BULKHEAD_FULL,
    FailureKind.OVERLOADED,
}


def test_every_kind_of_failure_is_somebodys() -> None:
    assert set(BLAME) == set(FailureKind)


@pytest.mark.parametrize("kind", [k for k in FailureKind if k is not FailureKind.UPSTREAM_STATUS])
@pytest.mark.parametrize("patient", [True, False])
def test_an_upstream_is_blamed_for_what_it_did(kind: FailureKind, patient: bool) -> None:
    spared = kind in OWN or (kind in SLOW and not patient)
    expected = Verdict.NEUTRAL if spared else Verdict.FAILED
    assert judge(Failure(kind, "x"), patient=patient, told=False) is expected


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (None, Verdict.SUCCEEDED),
        (302, Verdict.SUCCEEDED),
        (404, Verdict.SUCCEEDED),
        (429, Verdict.SUCCEEDED),
        (499, Verdict.SUCCEEDED),
        (500, Verdict.FAILED),
        (503, Verdict.FAILED),
        (504, Verdict.FAILED),
    ],
)
def test_a_status_is_a_fault_from_500(status: int | None, verdict: Verdict) -> None:
    failure = Failure(FailureKind.UPSTREAM_STATUS, "x", status=status)
    assert judge(failure, patient=False, told=False) is verdict


def test_an_answer_is_a_success_whoever_waited() -> None:
    for patient in (False, True):
        assert judge(None, patient=patient, told=True) is Verdict.SUCCEEDED


@pytest.mark.parametrize(("told", "patient"), [(True, False), (True, True), (False, False)])
@pytest.mark.parametrize("status", [503, 504])
def test_504_of_an_upstream_that_was_told_the_deadline_is_slowness(
    status: int, told: bool, patient: bool
) -> None:
    failure = Failure(FailureKind.UPSTREAM_STATUS, "x", status=status)
    spared = status == 504 and told and not patient
    expected = Verdict.NEUTRAL if spared else Verdict.FAILED
    assert judge(failure, patient=patient, told=told) is expected
    assert is_slow(failure, told=told) == (status == 504 and told)
