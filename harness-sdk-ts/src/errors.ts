// PomeError
// ├── NotInRunError            the variables of a run are not there
// ├── InvalidEnvironmentError  one is there and cannot be used
// ├── UnknownTwinError         this run has no such twin
// ├── TwinRequestError         a twin refused a request
// ├── McpError                 a twin's MCP door refused a request
// └── HarnessError             a harness or a test helper cannot do its work

/** What every error of this package is. `what` says what happened, `hint` what to do; the message is both. */
export class PomeError extends Error {
  readonly what: string;
  readonly hint: string | undefined;

  constructor(what: string, options: { cause?: unknown; hint?: string | undefined } = {}) {
    super(options.hint ? `${what}\nhint: ${options.hint}` : what, "cause" in options ? { cause: options.cause } : undefined);
    this.name = new.target.name;
    this.what = what;
    this.hint = options.hint;
  }
}

const HOW_TO_RUN = "start it with pome: `pome run --agent '<command>' scenario.md`";

/** The process was not started by a run. */
export class NotInRunError extends PomeError {
  readonly variable: string;

  constructor(variable: string) {
    super(`${variable} is not set: this process was not started by a run`, { hint: HOW_TO_RUN });
    this.variable = variable;
  }
}

/** A variable of the run holds something that cannot be used. */
export class InvalidEnvironmentError extends PomeError {
  readonly variable: string;

  constructor(variable: string, problem: string) {
    super(`${variable}: ${problem}`, { hint: HOW_TO_RUN });
    this.variable = variable;
  }
}

/** The run has no twin of that name. */
export class UnknownTwinError extends PomeError {
  readonly twin: string;

  constructor(twin: string, known: readonly string[]) {
    super(`this run has no twin \`${twin}\`: it has ${known.map((name) => `\`${name}\``).join(", ") || "none"}`, {
      hint: `name it in the scenario's config: \`twins: [${[...known, twin].join(", ")}]\``,
    });
    this.twin = twin;
  }
}

/** A twin answered with an error status. */
export class TwinRequestError extends PomeError {
  readonly status: number;
  readonly body: unknown;

  constructor(what: string, status: number, body: unknown) {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    super(`${what} answered ${status}: ${(text ?? "").slice(0, 300)}`);
    this.status = status;
    this.body = body;
  }
}

/** A twin's MCP door answered with an error, or not in its protocol. */
export class McpError extends PomeError {
  readonly code: number | undefined;

  constructor(message: string, options: { code?: number; cause?: unknown } = {}) {
    super(message, "cause" in options ? { cause: options.cause } : {});
    this.code = options.code;
  }
}

/** A harness or a test helper cannot do its work. */
export class HarnessError extends PomeError {}

/** An error as the terminal shows it: what happened, why, what to do. */
export function explain(error: unknown): string {
  const lines = [`error: ${messageOf(error)}`];
  let hint = error instanceof PomeError ? error.hint : undefined;
  const seen = new Set<unknown>([error]);
  for (let cause = causeOf(error); cause !== undefined && !seen.has(cause); cause = causeOf(cause)) {
    seen.add(cause);
    lines.push(`  caused by: ${messageOf(cause)}`);
    hint ??= cause instanceof PomeError ? cause.hint : undefined;
  }
  if (hint) lines.push(`hint: ${hint}`);
  return `${lines.join("\n")}\n`;
}

function messageOf(error: unknown): string {
  if (error instanceof PomeError) return error.what;
  return error instanceof Error ? error.message || error.name : String(error);
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}
