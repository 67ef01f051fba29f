import { test } from "node:test";
import type { TestContext } from "node:test";
import { openPome } from "./pome.js";
import type { Pome, PomeOptions } from "./pome.js";

export { assertPassed, findPome, openPome, Pome, stopTwins } from "./index.js";
export type { AgentRun, CriterionOutcome, Evaluation, PomeOptions, TestTwin, TraceRow } from "./index.js";

/** Fresh sessions for one test, ended after it. */
export async function usePome(context: Pick<TestContext, "after">, options: PomeOptions = {}): Promise<Pome> {
  const pome = await openPome(options);
  context.after(() => pome.close());
  return pome;
}

/** The body of a test with twins. */
export type PomeTestFunction = (pome: Pome, context: TestContext) => void | Promise<void>;

/** A test with twins; with `n` as many times, each with fresh sessions. */
export function pomeTest(name: string, options: PomeOptions & { n?: number }, fn: PomeTestFunction): void {
  const { n = 1, ...rest } = options;
  for (let trial = 1; trial <= n; trial++) {
    void test(n === 1 ? name : `${name} (${trial} of ${n})`, async (context) => fn(await usePome(context, rest), context));
  }
}
