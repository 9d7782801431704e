"""The check's scenarios as tests of a service of one's own."""

import pytest


@pytest.mark.faultwire_check(spec="check.toml", groups=["deadline"], skip=["deadline.reset*"])
def test_the_service_keeps_its_deadline(scenario):
    scenario.must_hold()
