"""A harness that calls the tools of a twin's MCP server by itself, and says so in the trace.

pome run scenarios/01-bug-happy-path.md --local --agent "python3 examples/mcp_triage.py"
"""

from __future__ import annotations

from typing import Any

from pome_harness import Context, harness

PLACE = {"owner": "acme", "repo": "api"}


@harness
def main(run: Context) -> dict[str, Any]:
    github = run.mcp.connect("github")
    print("tools:", ", ".join(sorted(tool.name for tool in github.list_tools())[:3]), "...")

    def call(name: str, **arguments: Any) -> Any:
        with run.signals.running(name, arguments) as recorded:
            result = github.call_tool(name, {**PLACE, **arguments})
            recorded.output, recorded.is_error = result.content, result.is_error
        return result

    issue = call("issue_read", method="get", issue_number=1).json()
    owners = call("get_file_contents", path="docs/OWNERS.md").content[1]["resource"]["text"]
    run.signals.llm_turn(model="rules-1", finish_reasons=["tool_use"])
    assert "500" in issue["title"]
    assert "alice" in owners
    call("issue_write", method="update", issue_number=1, labels=["bug"], assignees=["alice"])
    return {"summary": "issue #1: bug, alice", "labels": ["bug"]}


if __name__ == "__main__":
    main.run()
