import { test as base } from "vitest";
import type { TestAPI } from "vitest";
import { openPome } from "./pome.js";
import type { Pome, PomeOptions } from "./pome.js";

export { assertPassed, findPome, openPome, Pome, stopTwins } from "./index.js";
export type { AgentRun, CriterionOutcome, Evaluation, PomeOptions, TestTwin, TraceRow } from "./index.js";

/** What a test gets. */
export interface PomeFixture {
  pome: Pome;
}

/** A test that is run several times, each with fresh sessions. */
export type TrialsTest = (name: string, fn: (fixture: PomeFixture) => void | Promise<void>, timeout?: number) => void;

/** Vitest's `test` with a fixture `pome`: fresh sessions for each test, ended after it. */
export function pomeTest(options?: PomeOptions & { n?: undefined }): TestAPI<PomeFixture>;
/** The same, `n` times. */
export function pomeTest(options: PomeOptions & { n: number }): TrialsTest;
export function pomeTest({ n, ...options }: PomeOptions & { n?: number | undefined } = {}): TestAPI<PomeFixture> | TrialsTest {
  const test = base.extend<PomeFixture>({
    // Vitest reads from the pattern which fixtures are needed: none.
    pome: async ({}, use) => {
      const pome = await openPome(options);
      try {
        await use(pome);
      } finally {
        await pome.close();
      }
    },
  });
  if (n === undefined) return test as unknown as TestAPI<PomeFixture>;
  const repeated: TrialsTest = (name, fn, timeout) => {
    for (let trial = 1; trial <= n; trial++) test(`${name} (${trial} of ${n})`, ({ pome }) => fn({ pome }), timeout);
  };
  return repeated;
}

/** `test` with GitHub's twin in its default state. */
export const test = pomeTest();
