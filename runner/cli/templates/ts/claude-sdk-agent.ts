// An agent on the Claude Agent SDK that works against the GitHub twin over MCP.
//
//   npm install @anthropic-ai/claude-agent-sdk
//   export ANTHROPIC_API_KEY=...
//
// No type syntax is used, so the file runs as TypeScript and as plain JavaScript.

if (process.env.POME_PREFLIGHT === "1") {
  process.exit(0);
}

const { query } = await import("@anthropic-ai/claude-agent-sdk");

const answer = query({
  prompt: setting("POME_TASK"),
  options: {
    // The twin is the only tool server; the built-in tools stay off.
    mcpServers: {
      github: {
        type: "http",
        url: setting("POME_GITHUB_MCP_URL"),
        headers: { Authorization: `Bearer ${setting("POME_AUTH_TOKEN")}` },
      },
    },
    allowedTools: ["mcp__github"],
    disallowedTools: ["Bash", "Edit", "Write", "Read", "Glob", "Grep", "WebFetch", "WebSearch", "Task"],
    maxTurns: 30,
  },
});

let summary = "no answer";
for await (const message of answer) {
  if (message.type === "result") {
    summary = message.subtype === "success" ? message.result : `stopped: ${message.subtype}`;
  }
}
console.log(JSON.stringify({ summary }));

/** @param {string} name */
function setting(name) {
  const value = process.env[name];
  if (!value) {
    throw new Error(`${name} is not set; start this file with \`pome run\``);
  }
  return value;
}
