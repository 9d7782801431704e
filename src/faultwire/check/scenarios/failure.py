"""Every way in which an upstream fails, each told as a failure, in time, in JSON.

One row of a table is one fault. What never ends is in the group deadline.
"""

from collections.abc import Mapping

from faultwire.check.model import Group
from faultwire.check.scenario import Scenario
from faultwire.check.scenarios.expectations import (
    Outcome,
    answered,
    broken,
    failure,
    failure_or_cut,
    good_or_failure,
    promising_json,
    refusal,
)
from faultwire.check.scenarios.failure_answers import CONTENT, FORM
from faultwire.check.scenarios.failure_ends import CONNECTIONS, CUT, STATUSES
from faultwire.check.scenarios.failure_row import Row
from faultwire.wire.faults import CATALOGUE, Place

_EXPECTS: Mapping[Outcome, str] = {
    failure: "An acceptable failure within the budget; behind it the target serves as before.",
    failure_or_cut: (
        "An acceptable failure within the budget, or from a proxy an answer that breaks off;"
        " behind it the target serves as before."
    ),
    refusal: "A failure within the budget, never a 200; behind it the target serves as before.",
    good_or_failure: (
        "The good answer or an acceptable failure, within the budget; behind it the target serves"
        " as before."
    ),
    answered: "Some answer within the budget; behind it the target serves as before.",
}


def _scenario(row: Row) -> Scenario:
    play = broken(row.fault, row.outcome, **row.attributes)
    by_request = CATALOGUE[row.fault].PLACE is Place.REQUEST
    return Scenario(
        id=f"failure.{row.name}",
        group=Group.FAILURE,
        title=row.title,
        weight=row.weight,
        does=row.does,
        expects=_EXPECTS[row.outcome],
        why=row.why,
        mend=row.mend,
        source=row.source,
        play=promising_json(play) if row.json_only else play,
        alone=not by_request,
    )


SCENARIOS: tuple[Scenario, ...] = tuple(
    _scenario(row) for rows in (CONNECTIONS, STATUSES, CUT, FORM, CONTENT) for row in rows
)
