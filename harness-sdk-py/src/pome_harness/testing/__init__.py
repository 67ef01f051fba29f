"""Twins for tests: started once, a fresh session for each test, state and trace at hand.

With pytest nothing of this has to be called: the fixture `pome` and the marker of the same name do it. Other test
runners use `TwinServers` and `Pome` themselves:

    with TwinServers() as servers, Pome.open(servers, scenario="scenarios/01-bug-happy-path.md") as pome:
        pome.run_agent(["python3", "agent.py"])
        pome.evaluate().assert_passed()
"""

from ._agent import AgentResult
from ._evaluate import Criterion, Evaluation
from ._pome import Pome
from ._scenario import Scenario
from ._servers import TwinServers, find_program
from ._session import TestGithubTwin, TestSlackTwin, TestStripeTwin, TestTwin

__all__ = [
    "AgentResult",
    "Criterion",
    "Evaluation",
    "Pome",
    "Scenario",
    "TestGithubTwin",
    "TestSlackTwin",
    "TestStripeTwin",
    "TestTwin",
    "TwinServers",
    "find_program",
]
