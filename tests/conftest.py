"""What all tests share: `measure`, which asserts a gap and records it for the ledger."""

import json
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
GAPS = ROOT / "claims_gaps.json"


def pytest_addoption(parser):
    parser.addoption("--write-gaps", action="store_true", help="merge the measured gaps into claims_gaps.json")


def pytest_configure(config):
    config.pluginmanager.register(_Recorder(config), "gaps of claims")


@pytest.fixture(scope="session")
def ledger():
    """The claims of claims.yml by id."""
    return {claim["id"]: claim for claim in yaml.safe_load((ROOT / "claims.yml").read_text())["claims"]}


@pytest.fixture
def measure(request, ledger):
    """measure(claim_id, gap, tolerance): asserts a gap within the ledger's tolerance and records it."""

    def record(claim_id, gap, tolerance):
        assert claim_id in ledger, f"claims.yml has no claim {claim_id}"
        assert ledger[claim_id].get("tolerance") == tolerance, f"claims.yml has another tolerance for {claim_id}"
        request.node.user_properties.append(("gap", [claim_id, float(gap), float(tolerance)]))
        assert gap <= tolerance, f"{claim_id}: the gap {gap:.3g} is larger than {tolerance:.3g}"

    return record


class _Recorder:
    """Collects gaps from test reports, which also travel from the worker processes of a parallel run."""

    def __init__(self, config):
        self.write = config.getoption("--write-gaps") and not hasattr(config, "workerinput")
        self.gaps = {}

    def pytest_runtest_logreport(self, report):
        if report.when != "call" or not report.passed:
            return
        for name, value in report.user_properties:
            if name == "gap":
                claim_id, gap, tolerance = value
                largest = max(gap, self.gaps.get(claim_id, {"gap": 0.0})["gap"])
                self.gaps[claim_id] = {"gap": float(f"{largest:.2g}"), "tolerance": tolerance}

    def pytest_sessionfinish(self):
        if self.write and self.gaps:
            known = json.loads(GAPS.read_text()) if GAPS.exists() else {}
            GAPS.write_text(json.dumps(dict(sorted((known | self.gaps).items())), indent=1) + "\n")
