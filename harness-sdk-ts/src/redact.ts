// What never reaches disk: the rules that the runner applies as well, so that a signal is clean before its first byte is written.

const MARK = "[REDACTED]";
const KEYS = new Set([
  "authorization",
  "x-api-key",
  "cookie",
  "api_key",
  "client_secret",
  "webhook_secret",
  "password",
  "secret",
  "token",
  "access_token",
  "refresh_token",
  "session_token",
  "agent_token",
  "anthropic_api_key",
]);
const PATTERNS = [
  /redaction_fixture_secret_[A-Za-z0-9_-]{8,}/g,
  /\bsk-[A-Za-z0-9_-]{20,}/g,
  /\b[rs]k_(?:test|live)_[A-Za-z0-9_]{4,}/g,
  /ghp_[A-Za-z0-9]{36}/g,
  /github_pat_[A-Za-z0-9_]{20,}/g,
  /xox[aboprs]-[A-Za-z0-9-]{20,}/g,
  /xapp-[A-Za-z0-9-]{10,}/g,
  /(?:pme|pk|rk)_[A-Za-z0-9_-]{20,}/g,
  /AIza[0-9A-Za-z_-]{20,}/g,
  /AKIA[0-9A-Z]{16}/g,
  /gh[opsur]_[A-Za-z0-9]{36,}/g,
  /ghp_pome_[A-Za-z0-9_-]{22,}/g,
  /lin_(?:api|pome)_[A-Za-z0-9_-]{20,}/g,
  /whsec_[A-Za-z0-9]{16,}/g,
  /Bearer[ \t\n\r\f]+(?!\[REDACTED\])[^ \t\n\r\f]{16,}/g,
];
const HEADER = /-----BEGIN [A-Z ]+-----/g;
// A literal that is shorter would tear holes into ordinary text.
const SHORTEST_LITERAL = 8;
// A replacement may give the text behind it a word boundary that it did not have.
const PASSES = 4;

/** Literal secrets of this process beside the general rules. */
export type Literals = readonly string[];

/** The literals worth redacting, longest first, so that one inside another leaves no rest. */
export function literalsOf(values: Iterable<string | undefined | null>): Literals {
  const long = [...values].filter((value): value is string => (value?.length ?? 0) >= SHORTEST_LITERAL);
  return [...new Set(long)].sort((a, b) => b.length - a.length);
}

/** A JSON value without its secrets. What JSON cannot hold becomes null or goes, as in `JSON.stringify`. */
export function redact(value: unknown, literals: Literals = []): unknown {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    // A cycle or a bigint: said rather than lost.
    return `[not JSON: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}]`;
  }
  return text === undefined ? null : cleaned(JSON.parse(text), literals);
}

function cleaned(value: unknown, literals: Literals): unknown {
  if (typeof value === "string") return redactText(value, literals);
  if (Array.isArray(value)) return value.map((item) => cleaned(item, literals));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, KEYS.has(key.toLowerCase()) ? MARK : cleaned(item, literals)]));
}

/** A text without its secrets. */
export function redactText(input: string, literals: Literals = []): string {
  let text = input;
  for (const literal of literals) text = text.replaceAll(literal, MARK);
  for (let pass = 0; pass < PASSES; pass++) {
    const before = text;
    for (const pattern of PATTERNS) text = text.replace(pattern, MARK);
    text = withoutKeys(withoutTokens(text)).replace(HEADER, MARK);
    if (text === before) break;
  }
  return text;
}

// JWTs, by a scan that never goes back over a run that it has read: a regular expression would be quadratic.
function withoutTokens(text: string): string {
  let out = "";
  let kept = 0;
  let at = text.indexOf("eyJ");
  while (at >= 0) {
    const head = runEnd(text, at + 3);
    const isHead = head > at + 3 && text[head] === ".";
    const body = isHead ? runEnd(text, head + 1) : head;
    if (isHead && body > head + 1 && text[body] === ".") {
      out += text.slice(kept, at) + MARK;
      kept = runEnd(text, body + 1);
      at = text.indexOf("eyJ", kept);
    } else {
      // Behind a dot a token of its own may begin.
      at = text.indexOf("eyJ", head === at + 3 ? at + 1 : head);
    }
  }
  return out + text.slice(kept);
}

function runEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length && isBase64Url(text.charCodeAt(at))) at++;
  return at;
}

function isBase64Url(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 45 || code === 95;
}

const BEGIN = /-----BEGIN [A-Z ]+-----/g;
const END = /-----END [A-Z ]+-----/g;

function withoutKeys(text: string): string {
  let out = "";
  let kept = 0;
  BEGIN.lastIndex = 0;
  for (let begin = BEGIN.exec(text); begin; begin = BEGIN.exec(text)) {
    END.lastIndex = BEGIN.lastIndex;
    const end = END.exec(text);
    if (!end) break;
    out += text.slice(kept, begin.index) + MARK;
    kept = end.index + end[0].length;
    BEGIN.lastIndex = kept;
  }
  return out + text.slice(kept);
}
