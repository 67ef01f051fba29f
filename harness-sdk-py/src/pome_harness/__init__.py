"""Harness SDK of Pome: run an agent against stateful twins, and record what it did.

from pome_harness import Context, harness

@harness
def main(run: Context) -> str:
    issue = run.twin("github").request("GET", "/repos/acme/api/issues/1")
    return f"looked at {issue['title']}"

if __name__ == "__main__":
    main.run()
"""

from ._correlate import correlate
from ._env import PomeEnv, TwinAddress, inside_pome, read_env
from ._errors import (
    HarnessError,
    InvalidEnvironmentError,
    McpError,
    NotInRunError,
    PomeError,
    TwinRequestError,
    UnknownTwinError,
)
from ._harness import AbortSignal, Context, Harness, harness
from ._mcp import Mcp, McpClient, Tool, ToolResult
from ._proxy import route_through_proxy
from ._signals import Signals, ToolCall
from ._twin import GithubTwin, SlackTwin, StripeTwin, Twin, Twins

__all__ = [
    "AbortSignal",
    "Context",
    "GithubTwin",
    "Harness",
    "HarnessError",
    "InvalidEnvironmentError",
    "Mcp",
    "McpClient",
    "McpError",
    "NotInRunError",
    "PomeEnv",
    "PomeError",
    "Signals",
    "SlackTwin",
    "StripeTwin",
    "Tool",
    "ToolCall",
    "ToolResult",
    "Twin",
    "TwinAddress",
    "TwinRequestError",
    "Twins",
    "UnknownTwinError",
    "correlate",
    "harness",
    "inside_pome",
    "read_env",
    "route_through_proxy",
]
