// Sessions, a model server and the rows that an adapter writes, for tests in one process.
import { readFileSync } from "node:fs";
import { usePome } from "pome-harness/node-test";
import { startModelServer } from "../../../tests/models/server.mjs";
import { modelEnv } from "./run.mjs";

/** A prompt that brings its own script. */
export const prompt = (...turns) => `Do it.\n\n\`\`\`pome-script\n${JSON.stringify({ turns })}\n\`\`\`\n`;
export const call = (name, args = {}) => ({ name, arguments: args });

/** What every test here needs; the vendors' SDKs find the model by this process's variables. */
export async function setUp(t) {
  const server = await startModelServer();
  t.after(() => server.close());
  Object.assign(process.env, modelEnv(server));
  const pome = await usePome(t);
  const rows = () => readFileSync(pome.signals.path, "utf8").trim().split("\n").filter(Boolean).map((line) => JSON.parse(line));
  return {
    server,
    pome,
    signals: pome.signals,
    rows,
    /** The rows in short: kind and what tells them apart. */
    story: () => rows().map((row) => [row.kind.replace("Event", ""), row.tool_name ?? row.tool_use_id ?? row.turn_index ?? row.hook_name ?? row.parent_tool_use_id].join(" ")),
  };
}
