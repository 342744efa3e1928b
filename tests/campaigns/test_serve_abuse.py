"""The campaign of abuse in small: nobody who behaves is harmed, and harm would be noticed."""

import random

import pytest
from small_net import small_bundle

from campaigns.serve_abuse import campaign
from campaigns.serve_summary import Outcome


@pytest.mark.slow
def test_r70_r71_r72_r75_r76_r77_r78_abuse_of_all_kinds_at_once_harms_nobody(tmp_path, monkeypatch):
    monkeypatch.setattr("campaigns.serve_abuse.WARM_UP", 1)
    monkeypatch.setattr("campaigns.serve_abuse.STORM", 60)
    monkeypatch.setattr("campaigns.serve_abuse.TIMEOUT", 1.0)
    monkeypatch.setattr("campaigns.serve_summary.MAX_GROWTH", 1 << 30)  # memory has no time to find its size
    folder = small_bundle(tmp_path / "free", transforms=[{"type": "Normalize"}], input_shape=(-1, 3, -1, -1))
    outcome = campaign(folder, 3, random.Random(0))
    assert outcome.wrong == []
    assert outcome.counts["right"]
    assert outcome.counts["a request that is wrong"]
    assert "Lost, wrong or left behind: nothing." in outcome.describe()


def test_what_must_not_be_is_noted():
    outcome = Outcome(60, memory=[0, 300 << 20], files=[10, 20], times=[0.1], recovery=3, failures=2)
    outcome.tracebacks = ["..."]
    outcome.good("wrong", "a good request got 500")
    outcome.bad("an endless body", "200")
    outcome.close()
    assert len(outcome.wrong) == 7
    assert "- memory grew by 300 MiB" in outcome.describe()
