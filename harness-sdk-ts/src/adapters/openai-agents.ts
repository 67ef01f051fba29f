import { AsyncLocalStorage } from "node:async_hooks";
import type { Signals } from "../signals.js";
import { fieldsOf, numberOf, ownerOf, parsedOf, signalsOf, textOf, Turns } from "./common.js";
import type { InstrumentOptions } from "./common.js";

/**
 * Prepares a runner of the OpenAI Agents SDK: turns of the models and uses of the tools of every agent that it runs are
 * recorded, also behind handoffs and from MCP servers, and calls of the tools to twins carry their id.
 *
 *     const runner = instrument(new Runner());
 *     const result = await runner.run(agent, task);
 */
export function instrument<R extends object>(runner: R, options: InstrumentOptions = {}): R {
  const signals = signalsOf(options);
  const recorder = { signals, turns: new Turns(signals) };
  const target = runner as unknown as RunnerParts;
  watchRuns(runner);
  const run = target.run.bind(runner);
  target.run = (agent, ...rest) => active.run(recorder, () => run(agent, ...rest));
  return runner;
}

// Agents that are tools of other agents run in runners of their own, which are of the same class.
function watchRuns(runner: object): void {
  let prototype: object | null = Object.getPrototypeOf(runner);
  while (prototype && !Object.hasOwn(prototype, "run")) prototype = Object.getPrototypeOf(prototype);
  if (!prototype || wrapped.has(prototype)) return;
  wrapped.add(prototype);
  const runs = prototype as RunnerParts;
  const { run } = runs;
  runs.run = function (agent, ...rest) {
    if (active.getStore()) {
      watchModels(this.config);
      prepare(agent);
    }
    return run.call(this, agent, ...rest);
  };
}

function watchModels(config: RunnerParts["config"]): void {
  if (wrapped.has(config)) return;
  wrapped.add(config);
  if (typeof config.model === "object") config.model = wrapModel(config.model);
  config.modelProvider = new Proxy(config.modelProvider, {
    get(of, name) {
      const value: unknown = Reflect.get(of, name, of);
      if (name === "getModel") return async (model?: string) => wrapModel(await of.getModel(model), model);
      return typeof value === "function" ? value.bind(of) : value;
    },
  });
}

// Agents, tools and models are wrapped once and may be run by several runners: the run that is going on says where to record.
const active = new AsyncLocalStorage<{ readonly signals: Signals; readonly turns: Turns }>();

interface RunnerParts {
  readonly config: { model?: unknown; modelProvider: { getModel(name?: string): unknown } };
  run(agent: AgentParts, ...rest: unknown[]): unknown;
}

interface AgentParts {
  model?: unknown;
  handoffs?: unknown[];
  getAllTools?: (...args: unknown[]) => Promise<ToolParts[]>;
}

interface ToolParts {
  readonly type: string;
  readonly name: string;
  invoke?: (context: unknown, input: string, details?: unknown) => Promise<unknown>;
}

interface ModelParts {
  getResponse(request: unknown): Promise<unknown>;
  getStreamedResponse(request: unknown): AsyncIterable<unknown>;
}

const prepared = new WeakSet<object>();
const wrapped = new WeakSet<object>();

function prepare(agent: AgentParts): void {
  if (typeof agent !== "object" || agent === null || prepared.has(agent)) return;
  prepared.add(agent);
  if (typeof agent.model === "object" && agent.model !== null) agent.model = wrapModel(agent.model);
  for (const handoff of agent.handoffs ?? []) prepare((fieldsOf(handoff)?.agent ?? handoff) as AgentParts);
  const getAllTools = agent.getAllTools?.bind(agent);
  if (!getAllTools) return;
  // The one place that knows the tools of MCP servers as well.
  agent.getAllTools = async (...args) => {
    const tools = await getAllTools(...args);
    for (const tool of tools) wrapTool(tool);
    return tools;
  };
}

function wrapTool(tool: ToolParts): void {
  if (tool.type !== "function" || typeof tool.invoke !== "function" || wrapped.has(tool)) return;
  wrapped.add(tool);
  const invoke = tool.invoke.bind(tool);
  tool.invoke = (context, input, details) => {
    const signals = active.getStore()?.signals;
    if (!signals) return invoke(context, input, details);
    const id = textOf(fieldsOf(fieldsOf(details)?.toolCall)?.callId) ?? undefined;
    return signals.tool(tool.name, parsedOf(input), () => invoke(context, input, details), { id, parentEventId: ownerOf(signals) });
  };
}

function wrapModel(model: unknown, name?: string): unknown {
  if (typeof model !== "object" || model === null || wrapped.has(model)) return model;
  const proxy = new Proxy(model as ModelParts, {
    get(target, property) {
      if (property === "getResponse") {
        return async (request: unknown) => {
          const end = active.getStore()?.turns.begin();
          const answer = await target.getResponse(request);
          end?.(turnOf(answer, name));
          return answer;
        };
      }
      if (property === "getStreamedResponse") {
        return async function* (request: unknown) {
          const end = active.getStore()?.turns.begin();
          let own: unknown;
          let done: Record<string, unknown> | null = null;
          try {
            for await (const event of target.getStreamedResponse(request)) {
              const { type, event: raw, response } = fieldsOf(event) ?? {};
              // The provider's own last event knows more than the SDK's, and may come after it.
              if (type === "model") own = fieldsOf(raw)?.response ?? finishing(raw) ?? own;
              if (type === "response_done") done = fieldsOf(response);
              yield event;
            }
          } finally {
            if (done) end?.(turnOf({ ...done, providerData: own }, name));
          }
        };
      }
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  wrapped.add(proxy);
  return proxy;
}

// The piece of a streamed chat completion that says why it ended.
function finishing(raw: unknown): unknown {
  const choices = fieldsOf(raw)?.choices;
  return Array.isArray(choices) && fieldsOf(choices[0])?.finish_reason ? raw : undefined;
}

function turnOf(answer: unknown, name: string | undefined) {
  const { usage, providerData } = fieldsOf(answer) ?? {};
  const { inputTokens, outputTokens, inputTokensDetails } = fieldsOf(usage) ?? {};
  const details = fieldsOf(Array.isArray(inputTokensDetails) ? inputTokensDetails[0] : inputTokensDetails);
  const own = fieldsOf(providerData);
  const choice = Array.isArray(own?.choices) ? fieldsOf(own.choices[0]) : null;
  const reason = textOf(choice?.finish_reason) ?? textOf(own?.status);
  return {
    model: textOf(own?.model) ?? name ?? null,
    inputTokens: numberOf(inputTokens),
    outputTokens: numberOf(outputTokens),
    cacheReadInputTokens: numberOf(details?.cached_tokens ?? details?.cachedTokens),
    finishReasons: reason ? [reason] : null,
  };
}
