// An agent for the tests of the harness: what it does is in AGENT.
import { defineHarness, TwinRequestError } from "pome-harness";

const DO = {
  text: () => "all done",
  object: () => ({ summary: "kept", extra: { n: 1 } }),
  nothing: () => undefined,
  number: () => 7,
  chatty: () => {
    console.log("thinking");
    process.stdout.write("no line end");
    return "after";
  },
  throws: () => {
    throw new Error("outer", { cause: new TwinRequestError("github: GET /x", 404, { message: "Not Found" }) });
  },
  // A socket, a timer, a server: nothing that an agent leaves open may hold the run.
  lingers: () => void setInterval(() => {}, 1000) ?? "left",
  waits: ({ abortSignal }) =>
    new Promise((resolve) => {
      console.log("ready");
      const timer = setInterval(() => {}, 1000);
      abortSignal.addEventListener("abort", () => {
        console.error(`cleaned up: ${abortSignal.reason.message}`);
        clearInterval(timer);
        resolve("too late");
      });
    }),
  deaf: () => new Promise(() => (console.log("ready"), setInterval(() => {}, 1000))),
  later: () => DEFINED_BELOW,
};

export default defineHarness((context) => DO[process.env.AGENT](context), {
  preflight: () => {
    if (process.env.PREFLIGHT_FAILS) throw new Error("MODEL_KEY is not set");
    console.log("preflight ran");
  },
});

const DEFINED_BELOW = "defined below";
