import type { Signals } from "../signals.js";
import { fieldsOf, numberOf, ownerOf, signalsOf, textOf, Turns } from "./common.js";
import type { InstrumentOptions } from "./common.js";

/** A handler in LangChain's shape; it is awaited, so that events are in order. */
export interface PomeCallbacks {
  readonly name: string;
  readonly awaitHandlers: true;
  handleChatModelStart(llm: unknown, messages: unknown, runId: string, ...about: unknown[]): void;
  handleLLMStart(llm: unknown, prompts: unknown, runId: string, ...about: unknown[]): void;
  handleLLMEnd(output: unknown, runId: string): void;
  handleLLMError(error: unknown, runId: string): void;
}

/**
 * Prepares what `createAgent`, a graph or a `ToolNode` is given: turns of the model and uses of its tools are recorded, and
 * calls of the tools to twins carry their id. Model and tools are changed in place. A model that is only a name gets its
 * turns recorded by `callbacks`, to be passed on with each `invoke`.
 *
 *     const { model, tools } = instrument({ model: new ChatOpenAI(...), tools: await client.getTools() });
 */
export function instrument<Parts extends { model?: unknown; tools?: unknown }>(parts: Parts, options: InstrumentOptions = {}): Parts & { callbacks: PomeCallbacks[] } {
  const signals = signalsOf(options);
  const callbacks = [handler(new Turns(signals))];
  watchModel(parts.model, callbacks);
  for (const tool of Array.isArray(parts.tools) ? parts.tools : []) wrapTool(tool, signals);
  return { ...parts, callbacks };
}

// A model may be instrumented again, for another run in the same process: the last one counts.
const watched = new WeakMap<object, { callbacks: PomeCallbacks[] }>();

// Some models make a new one from their own settings when tools are bound, and the handler has to follow.
function watchModel(candidate: unknown, callbacks: PomeCallbacks[]): void {
  const model = fieldsOf(candidate);
  if (typeof model?.invoke !== "function") return;
  const present = watched.get(model);
  model.callbacks = withHandler(model.callbacks, present?.callbacks ?? [], callbacks);
  if (present) {
    present.callbacks = callbacks;
    return;
  }
  const holder = { callbacks };
  watched.set(model, holder);
  for (const name of ["bindTools", "withConfig"]) {
    const derive = model[name];
    if (typeof derive !== "function") continue;
    model[name] = (...args: unknown[]) => {
      const derived: unknown = derive.apply(model, args);
      // A binding around this very model calls it, and with it the handler.
      if (typeof fieldsOf(derived)?._generate === "function") watchModel(derived, holder.callbacks);
      return derived;
    };
  }
}

function withHandler(present: unknown, old: PomeCallbacks[], added: PomeCallbacks[]): unknown {
  if (present === undefined || present === null) return added;
  if (Array.isArray(present)) return [...present.filter((one) => !old.includes(one as PomeCallbacks)), ...added];
  const manager = present as { addHandler?: (handler: PomeCallbacks, inherit: boolean) => void; removeHandler?: (handler: PomeCallbacks) => void };
  for (const one of old) manager.removeHandler?.(one);
  for (const one of added) manager.addHandler?.(one, true);
  return present;
}

function handler(turns: Turns): PomeCallbacks {
  const open = new Map<string, (output: unknown) => void>();
  const begin = (_: unknown, __: unknown, runId: string, ...about: unknown[]) => {
    // The handler may have come twice, with the model and with the call.
    if (open.has(runId)) return;
    const end = turns.begin();
    // Streamed answers do not name their model; what is known of the call does.
    const [, extra, , metadata] = about;
    const asked = textOf(fieldsOf(metadata)?.ls_model_name) ?? textOf(fieldsOf(fieldsOf(extra)?.invocation_params)?.model);
    open.set(runId, (output) => end(turnOf(output, asked)));
  };
  return {
    name: "pome",
    awaitHandlers: true,
    handleChatModelStart: begin,
    handleLLMStart: begin,
    handleLLMEnd(output, runId) {
      const end = open.get(runId);
      open.delete(runId);
      end?.(output);
    },
    handleLLMError: (_, runId) => void open.delete(runId),
  };
}

function turnOf(output: unknown, asked: string | null) {
  const generations = fieldsOf(output)?.generations;
  const first = Array.isArray(generations) && Array.isArray(generations[0]) ? fieldsOf(generations[0][0]) : null;
  const message = fieldsOf(first?.message);
  const usage = fieldsOf(message?.usage_metadata);
  const details = fieldsOf(usage?.input_token_details);
  const about = fieldsOf(message?.response_metadata);
  const reason = textOf(about?.finish_reason) ?? textOf(about?.stop_reason) ?? textOf(fieldsOf(first?.generationInfo)?.finish_reason) ?? textOf(about?.status);
  return {
    model: textOf(about?.model_name) ?? textOf(about?.model) ?? asked,
    inputTokens: numberOf(usage?.input_tokens),
    outputTokens: numberOf(usage?.output_tokens),
    cacheReadInputTokens: numberOf(details?.cache_read),
    cacheCreationInputTokens: numberOf(details?.cache_creation),
    finishReasons: reason ? [reason] : null,
  };
}

interface LangChainTool {
  readonly name: string;
  invoke(input: unknown, ...rest: unknown[]): Promise<unknown>;
}

const wrapped = new WeakMap<object, { signals: Signals }>();

function wrapTool(candidate: unknown, current: Signals): void {
  const tool = candidate as LangChainTool;
  // A vendor's own tool is a plain description without a body.
  if (typeof tool?.invoke !== "function") return;
  const present = wrapped.get(tool);
  if (present) {
    present.signals = current;
    return;
  }
  const holder = { signals: current };
  wrapped.set(tool, holder);
  const invoke = tool.invoke.bind(tool);
  tool.invoke = async (input, ...rest) => {
    const { signals } = holder;
    const call = fieldsOf(input);
    const isCall = call?.type === "tool_call";
    const id = signals.toolUse({ id: isCall ? (textOf(call.id) ?? undefined) : undefined, name: tool.name, input: isCall ? call.args : input, parentEventId: ownerOf(signals) });
    try {
      const output = await signals.within(id, () => invoke(input, ...rest));
      const message = fieldsOf(output);
      const isMessage = message !== null && "tool_call_id" in message;
      signals.toolResult({ id, output: isMessage ? message.content : output, isError: isMessage && message.status === "error" });
      return output;
    } catch (error) {
      signals.toolResult({ id, output: error instanceof Error ? error.message : String(error), isError: true });
      throw error;
    }
  };
}
