import type { Signals } from "../signals.js";
import { fieldsOf, numberOf, ownerOf, signalsOf, textOf, Turns } from "./common.js";
import type { InstrumentOptions } from "./common.js";
import { HarnessError } from "../errors.js";

/**
 * Wraps what `generateText`, `streamText` or an agent of the AI SDK is given: turns of the model and uses of its tools are
 * recorded, and calls of the tools to twins carry their id.
 *
 *     const { model, tools } = instrument({ model: openai("gpt-4.1"), tools: await client.tools() });
 */
export function instrument<Parts extends { model?: unknown; tools?: unknown }>(parts: Parts, options: InstrumentOptions = {}): Parts {
  const signals = signalsOf(options);
  return {
    ...parts,
    ...(parts.model !== undefined && { model: wrapModel(parts.model, new Turns(signals)) }),
    ...(parts.tools !== undefined && { tools: wrapTools(parts.tools, signals) }),
  };
}

interface Model {
  readonly modelId?: string;
  doGenerate(...args: unknown[]): PromiseLike<unknown>;
  doStream(...args: unknown[]): PromiseLike<{ stream: ReadableStream<unknown> }>;
}

function wrapModel(model: unknown, turns: Turns): unknown {
  if (typeof model === "string") {
    throw new HarnessError(`cannot wrap the model \`${model}\`, which is only a name`, { hint: "give the model itself, for example `openai(\"gpt-4.1\")` from `@ai-sdk/openai`" });
  }
  return new Proxy(model as Model, {
    get(target, name) {
      if (name === "doGenerate") {
        return async (...args: unknown[]) => {
          const end = turns.begin();
          const answer = await target.doGenerate(...args);
          end(turnOf(answer, target.modelId));
          return answer;
        };
      }
      if (name === "doStream") {
        return async (...args: unknown[]) => {
          const end = turns.begin();
          const answer = await target.doStream(...args);
          return { ...answer, stream: answer.stream.pipeThrough(watch((last) => end(turnOf(last, target.modelId)))) };
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

// Tools start as soon as their call is out of the stream. The turn is known with the last part, so calls wait for it: they are
// at the end of a turn anyway, and the turn comes before its tools.
function watch(done: (last: unknown) => void): TransformStream<unknown, unknown> {
  const held: unknown[] = [];
  let isHolding = false;
  let modelId: unknown;
  return new TransformStream({
    transform(part, controller) {
      const { type, modelId: named, providerExecuted } = fieldsOf(part) ?? {};
      if (type === "response-metadata") modelId = named ?? modelId;
      isHolding ||= type === "tool-call" && providerExecuted !== true;
      if (type !== "finish" && isHolding) return void held.push(part);
      if (type === "finish") done({ ...fieldsOf(part), response: { modelId } });
      for (const one of [...held.splice(0), part]) controller.enqueue(one);
      isHolding = false;
    },
    flush(controller) {
      for (const one of held) controller.enqueue(one);
    },
  });
}

// Two generations of models: plain numbers and texts, and objects with a total and with the provider's own word.
function turnOf(answer: unknown, modelId: string | undefined) {
  const { usage, finishReason, response } = fieldsOf(answer) ?? {};
  const { inputTokens, outputTokens, cachedInputTokens } = fieldsOf(usage) ?? {};
  const [input, output] = [fieldsOf(inputTokens), fieldsOf(outputTokens)];
  const reason = textOf(finishReason) ?? textOf(fieldsOf(finishReason)?.unified);
  return {
    model: textOf(fieldsOf(response)?.modelId) ?? modelId ?? null,
    inputTokens: numberOf(input?.total ?? inputTokens),
    outputTokens: numberOf(output?.total ?? outputTokens),
    cacheReadInputTokens: numberOf(input?.cacheRead ?? cachedInputTokens),
    cacheCreationInputTokens: numberOf(input?.cacheWrite),
    finishReasons: reason ? [reason] : null,
  };
}

type Execute = (input: unknown, options: { toolCallId?: string }) => unknown;

function wrapTools(tools: unknown, signals: Signals): unknown {
  return Object.fromEntries(
    Object.entries(tools as Record<string, { execute?: Execute }>).map(([name, tool]) => {
      // A tool that the vendor or the user runs has nothing to call here.
      if (typeof tool?.execute !== "function") return [name, tool];
      const execute = tool.execute.bind(tool);
      const wrapped: Execute = (input, options) => run(signals, { id: options?.toolCallId, name, input }, () => execute(input, options));
      return [name, { ...tool, execute: wrapped }];
    }),
  );
}

// A tool answers with a value, a promise, or a stream of preliminary values whose last one counts.
function run(signals: Signals, use: { id: string | undefined; name: string; input: unknown }, fn: () => unknown): unknown {
  const id = signals.toolUse({ ...use, parentEventId: ownerOf(signals) });
  const failed = (error: unknown): never => {
    signals.toolResult({ id, output: error instanceof Error ? error.message : String(error), isError: true });
    throw error;
  };
  const ended = <T>(output: T): T => {
    signals.toolResult({ id, output, isError: fieldsOf(output)?.isError === true });
    return output;
  };
  let answer: unknown;
  try {
    answer = signals.within(id, fn);
  } catch (error) {
    return failed(error);
  }
  const iterate = fieldsOf(answer)?.[Symbol.asyncIterator as unknown as string];
  if (typeof iterate !== "function") return Promise.resolve(answer).then(ended, failed);
  const values = (answer as AsyncIterable<unknown>)[Symbol.asyncIterator]();
  return (async function* () {
    let last: unknown;
    try {
      for (;;) {
        const { done, value } = await signals.within(id, () => values.next());
        if (done) break;
        last = value;
        yield value;
      }
    } catch (error) {
      failed(error);
    }
    ended(last);
  })();
}
