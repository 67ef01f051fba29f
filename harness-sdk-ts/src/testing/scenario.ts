import { existsSync, readFileSync } from "node:fs";
import { HarnessError } from "../errors.js";

/** What a test needs of a scenario file; `pome` itself judges by the file. */
export interface Scenario {
  readonly path: string;
  readonly title: string;
  readonly prompt: string;
  readonly twins: readonly string[];
  /** The seed of each twin that has one. */
  readonly seeds: Readonly<Record<string, unknown>>;
}

/** Reads a scenario: its prompt, its twins, and the seed from the sidecar or the file itself. */
export function readScenario(path: string): Scenario {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new HarnessError(`cannot read scenario \`${path}\``, { cause });
  }
  const sections = sectionsOf(text);
  const prompt = (sections.get("prompt") ?? sections.get("task") ?? "").trim();
  if (prompt === "") throw new HarnessError(`${path}: there is no \`## Prompt\``);
  const twins = twinsOf(unfenced(sections.get("config") ?? ""));
  return {
    path,
    title: /^#\s+(.+)$/m.exec(text)?.[1]?.trim() ?? path,
    prompt,
    twins,
    seeds: seedsOf(path, unfenced(sections.get("seed state") ?? ""), twins),
  };
}

function sectionsOf(text: string): Map<string, string> {
  const sections = new Map<string, string>();
  for (const part of text.split(/^(?=##\s)/m)) {
    const heading = /^##\s+(.+)$/m.exec(part);
    if (heading?.index === 0) sections.set((heading[1] ?? "").trim().toLowerCase(), part.slice(heading[0].length));
  }
  return sections;
}

function unfenced(section: string): string {
  return (/```(?:json|ya?ml)?[^\n]*\n([\s\S]*?)```/.exec(section)?.[1] ?? section).trim();
}

// One key of YAML, in its two list forms.
function twinsOf(config: string): string[] {
  const line = /^twins:[ \t]*(.*)$/m.exec(config);
  if (!line) return ["github"];
  const inline = (line[1] ?? "").replace(/(^|\s)#.*$/, "").trim();
  const block = /^(?:[ \t]*-[^\n]*\n?)+/.exec(config.slice(line.index + line[0].length + 1))?.[0] ?? "";
  const items = inline === "" ? block.split("\n").map((item) => item.replace(/^\s*-/, "").replace(/(^|\s)#.*$/, "")) : inline.replace(/^\[|\]$/g, "").split(",");
  const names = items.map((item) => item.trim().replace(/^(["'])(.*)\1$/, "$2")).filter(Boolean);
  return names.length > 0 ? names : ["github"];
}

function seedsOf(path: string, inline: string, twins: readonly string[]): Record<string, unknown> {
  const sidecar = path.replace(/\.md$/i, ".seed.json");
  const source = existsSync(sidecar) ? { name: sidecar, text: readFileSync(sidecar, "utf8") } : /^[[{]/.test(inline) ? { name: `${path}: Seed State`, text: inline } : null;
  if (!source) {
    if (inline !== "") throw new HarnessError(`${path}: its seed is prose and \`${sidecar}\` is not there`, { hint: `run \`pome compile-seeds ${path}\`` });
    return {};
  }
  let seed: unknown;
  try {
    seed = JSON.parse(source.text);
  } catch (cause) {
    throw new HarnessError(`${source.name} is not JSON`, { cause });
  }
  if (typeof seed !== "object" || seed === null) throw new HarnessError(`${source.name}: expected an object`);
  const { _meta, ...rest } = seed as Record<string, unknown>;
  if (twins.length === 1) return { [twins[0] as string]: rest };
  const stranger = Object.keys(rest).find((name) => !twins.includes(name));
  if (stranger) throw new HarnessError(`${source.name}: \`${stranger}\` is no twin of this scenario`);
  return rest;
}
