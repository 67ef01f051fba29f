"""An MCP session in the standard library: JSON-RPC messages to the streamable HTTP door."""

import json
import urllib.request


class Session:
    """A session with an MCP server."""

    def __init__(self, url, token):
        self._url = url
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
        }
        self._id = 0
        hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "scripted", "version": "1"}}
        agreed = self.request("initialize", hello)
        self._headers["Mcp-Protocol-Version"] = agreed["protocolVersion"]
        self._post({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def request(self, method, params):
        self._id += 1
        answer = self._post({"jsonrpc": "2.0", "id": self._id, "method": method, "params": params})
        if "error" in answer:
            raise SystemExit(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def items(self, tool, **arguments):
        """Calls a tool and gives the content items of its answer."""
        result = self.request("tools/call", {"name": tool, "arguments": arguments})
        if result.get("isError"):
            raise SystemExit(f"{tool}: {result['content'][0]['text']}")
        return result["content"]

    def tool(self, tool, **arguments):
        """Calls a tool and reads the JSON text of its answer."""
        return json.loads(self.items(tool, **arguments)[0]["text"])

    def _post(self, message):
        request = urllib.request.Request(self._url, json.dumps(message).encode(), self._headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            session = answer.headers.get("Mcp-Session-Id")
            if session:
                self._headers["Mcp-Session-Id"] = session
            body = answer.read().decode()
            if answer.headers.get_content_type() == "text/event-stream":
                body = next(line[5:] for line in body.splitlines() if line.startswith("data:"))
        return json.loads(body) if body.strip() else {}
