import { AssertionError } from "node:assert";
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { HarnessError } from "../errors.js";
import type { TraceRow } from "./pome.js";

/** What became of one criterion. */
export interface CriterionOutcome {
  readonly id: string;
  readonly criterion: { readonly type: string; readonly text: string; readonly twin: string };
  readonly outcome: "passed" | "failed" | "skipped" | "errored";
  readonly reason: string;
  readonly [key: string]: unknown;
}

/** The score of a test's run. */
export interface Evaluation {
  /** `pass`, `fail` or `incomplete`. */
  readonly status: string;
  /** 0 to 100. */
  readonly satisfaction: number;
  readonly pass_threshold: number;
  readonly results: readonly CriterionOutcome[];
  readonly [key: string]: unknown;
}

interface Material {
  readonly pomeBin: string;
  readonly folder: string;
  readonly scenario: string;
  readonly twins: readonly string[];
  readonly initial: Readonly<Record<string, unknown>>;
  readonly final: Readonly<Record<string, unknown>>;
  readonly trace: readonly TraceRow[];
  readonly signals: string | null;
}

let count = 0;

/** Writes a run folder and lets `pome eval` judge it. */
export async function evaluate(material: Material): Promise<Evaluation> {
  const folder = join(material.folder, `run-${++count}`);
  mkdirSync(folder);
  const json = (name: string, value: unknown) => writeFileSync(join(folder, name), `${JSON.stringify(value, null, 2)}\n`);
  const primary = material.twins[0];
  for (const twin of material.twins) {
    const suffix = twin === primary ? "" : `.${twin}`;
    json(`state_initial${suffix}.json`, material.initial[twin]);
    json(`state_final${suffix}.json`, material.final[twin]);
  }
  writeFileSync(join(folder, "tool_calls.jsonl"), material.trace.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const events = material.trace.map((row) => ({ ...row, kind: "TwinHttpEvent", event_id: row.request_id, parent_event_id: null }));
  const signals = material.signals && existsSync(material.signals) ? readFileSync(material.signals, "utf8") : "";
  writeFileSync(join(folder, "events.jsonl"), events.map((row) => `${JSON.stringify(row)}\n`).join("") + signals);
  writeFileSync(join(folder, "signals.jsonl"), signals);
  const slug = basename(material.scenario, ".md").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
  json("meta.json", { run_id: basename(folder), scenario: slug, title: slug, twins: material.twins, scenario_path: material.scenario });
  return judged(material.pomeBin, folder, material.scenario);
}

function judged(pomeBin: string, folder: string, scenario: string): Promise<Evaluation> {
  return new Promise((resolve, reject) => {
    execFile(pomeBin, ["eval", folder, "--local", "--scenario", scenario, "--json"], { cwd: folder, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      try {
        resolve(JSON.parse(stdout) as Evaluation);
      } catch {
        reject(new HarnessError(`\`pome eval\` gave no score: ${stderr.trim() || (error?.message ?? "it said nothing")}`));
      }
    });
  });
}

/** Fails, and says which criteria, unless the evaluation passed. */
export function assertPassed(evaluation: Evaluation): void {
  if (evaluation.status === "pass") return;
  const open = evaluation.results.filter((result) => result.outcome === "failed" || result.outcome === "errored");
  const skipped = evaluation.results.filter((result) => result.outcome === "skipped" && result.reason !== "already_true_in_seed");
  const line = (result: CriterionOutcome) => `  ${result.outcome === "skipped" ? "-" : "✗"} [${result.criterion.twin}] ${result.criterion.text}\n      ${result.outcome}: ${result.reason}`;
  const lines = [...open, ...skipped].map(line);
  throw new AssertionError({
    message: `${evaluation.status}: score ${evaluation.satisfaction}, ${evaluation.pass_threshold} needed\n${lines.join("\n")}`,
    actual: evaluation.status,
    expected: "pass",
    operator: "assertPassed",
    stackStartFn: assertPassed,
  });
}
