export { findPome, stopTwins } from "./binary.js";
export { assertPassed } from "./evaluate.js";
export type { CriterionOutcome, Evaluation } from "./evaluate.js";
export { openPome, Pome } from "./pome.js";
export type { AgentOptions, AgentRun, PomeOptions, SessionView, TestTwin, TraceRow } from "./pome.js";
export { readScenario } from "./scenario.js";
export type { Scenario } from "./scenario.js";
