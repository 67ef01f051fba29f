// Lets a Node without type stripping load erasable TypeScript: types are replaced by blanks, so lines and columns stay.
// What cannot be erased (enums, namespaces with code, parameter properties) is a syntax error that says so.
import { readFile } from "node:fs/promises";
import * as nodeModule from "node:module";
import { fileURLToPath } from "node:url";
import { isMainThread } from "node:worker_threads";

// This module is loaded twice: by `--import`, where it registers itself, and by Node for its hooks.
const strips = Boolean(process.features.typescript);
if (isMainThread && !strips && typeof nodeModule.register === "function") {
  nodeModule.register(import.meta.url);
}

export async function load(url, context, next) {
  const path = url.split(/[?#]/, 1)[0];
  if (!/^file:.*\.[mc]?ts$/.test(path)) {
    return next(url, context);
  }
  const source = await readFile(fileURLToPath(path), "utf8");
  const code = strip(source, fileURLToPath(path));
  const common = path.endsWith(".cts") || (!/^\s*(import|export)\b|\bawait\b|\bimport\.meta\b/m.test(code) && /\brequire\s*\(|\bmodule\.exports\b/.test(code));
  return { format: common ? "commonjs" : "module", source: code, shortCircuit: true };
}

export function strip(source, name = "source") {
  return new Eraser(source, name).run();
}

const KEYWORDS = new Set("return typeof instanceof in of new delete void throw case do else yield await extends".split(" "));
const OPERATORS = ["===", "!==", "**=", "<<=", "&&=", "||=", "??=", "...", "=>", "==", "!=", "<=", "&&", "||", "??", "?.", "++", "--", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<", "**"];
const NAME = /[\p{ID_Start}$_#][\p{ID_Continue}$\u200c\u200d]*/uy;
const NUMBER = /0[xXbBoO][\da-fA-F_]+n?|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?[\d_]+)?n?/y;
const MODIFIERS = new Set(["public", "private", "protected", "readonly", "override", "abstract", "declare"]);

function tokenize(source, fail) {
  const tokens = [];
  const braces = [];
  let at = source.startsWith("#!") ? source.indexOf("\n") + 1 || source.length : 0;
  let newline = false;
  const push = (type, end) => {
    tokens.push({ type, text: source.slice(at, end), start: at, end, newline });
    at = end;
    newline = false;
  };
  const sticky = (pattern) => {
    pattern.lastIndex = at;
    return pattern.exec(source)?.[0].length ?? 0;
  };
  // From behind a backquote or the brace that closes a substitution, up to the next substitution or the end.
  const template = (from) => {
    for (let i = from; i < source.length; i++) {
      if (source[i] === "\\") i++;
      else if (source[i] === "`") return push("template", i + 1);
      else if (source[i] === "$" && source[i + 1] === "{") {
        braces.push("template");
        return push("template-open", i + 2);
      }
    }
    fail(at, "template without an end");
  };
  while (at < source.length) {
    const c = source[at];
    if (/\s/.test(c) || c === "\ufeff") {
      newline ||= c === "\n" || c === "\u2028" || c === "\u2029";
      at++;
    } else if (source.startsWith("//", at)) {
      const end = source.indexOf("\n", at);
      at = end < 0 ? source.length : end;
    } else if (source.startsWith("/*", at)) {
      const end = source.indexOf("*/", at + 2);
      if (end < 0) fail(at, "comment without an end");
      newline ||= source.slice(at, end).includes("\n");
      at = end + 2;
    } else if (c === '"' || c === "'") {
      let end = at + 1;
      while (end < source.length && source[end] !== c) end += source[end] === "\\" ? 2 : 1;
      push("string", end + 1);
    } else if (c === "`") {
      template(at + 1);
    } else if (c === "}" && braces.pop() === "template") {
      template(at + 1);
      tokens[tokens.length - 1].closes = true;
    } else if (/\d/.test(c) || (c === "." && /\d/.test(source[at + 1]))) {
      push("number", at + sticky(NUMBER));
    } else if (sticky(NAME)) {
      push("name", at + sticky(NAME));
    } else if (c === "/" && regexAllowed(tokens[tokens.length - 1])) {
      let end = at + 1;
      for (let inClass = false; end < source.length && (inClass || source[end] !== "/"); end++) {
        if (source[end] === "\\") end++;
        else if (source[end] === "[") inClass = true;
        else if (source[end] === "]") inClass = false;
      }
      end++;
      while (/[a-z]/i.test(source[end] ?? "")) end++;
      push("regex", end);
    } else {
      if (c === "{") braces.push("brace");
      const operator = OPERATORS.find((text) => source.startsWith(text, at) && !(text === "?." && /\d/.test(source[at + 2])));
      push("punct", at + (operator?.length ?? 1));
    }
  }
  newline = true;
  push("end", at);
  return tokens;
}

function regexAllowed(previous) {
  if (!previous) return true;
  if (previous.type === "name") return KEYWORDS.has(previous.text);
  if (previous.type === "punct") return ![")", "]", "}", "++", "--"].includes(previous.text);
  return previous.type === "template-open";
}

class Eraser {
  constructor(source, name) {
    this.source = source;
    this.name = name;
    this.tokens = tokenize(source, (at, why) => this.fail(at, why));
    this.i = 0;
    this.blanks = [];
  }

  run() {
    try {
      while (this.token.type !== "end") this.statement();
    } catch (error) {
      throw this.furthest?.error ?? error;
    }
    const out = [];
    let from = 0;
    for (const [start, end] of this.blanks.sort((a, b) => a[0] - b[0] || b[1] - a[1])) {
      if (end <= from) continue;
      const first = Math.max(start, from);
      out.push(this.source.slice(from, first), this.source.slice(first, end).replace(/[^\r\n\u2028\u2029]/g, " "));
      from = end;
    }
    return out.join("") + this.source.slice(from);
  }

  fail(at, why) {
    const before = this.source.slice(0, at).split("\n");
    const error = new SyntaxError(`${this.name}:${before.length}:${before[before.length - 1].length + 1}: ${why}`);
    // The stack would lead into this module, which helps nobody who wrote the file.
    error.stack = `${error.name}: ${error.message}`;
    // An attempt that is given up may hide the real place, which is the one that was reached last.
    if (!this.furthest || at >= this.furthest.at) this.furthest = { at, error };
    throw error;
  }

  get token() {
    return this.tokens[this.i];
  }

  peek(n = 1) {
    return this.tokens[Math.min(this.i + n, this.tokens.length - 1)];
  }

  is(text) {
    return this.token.text === text && (this.token.type === "punct" || this.token.type === "name");
  }

  eat(text) {
    if (!this.is(text)) return false;
    this.i++;
    return true;
  }

  need(text) {
    if (!this.eat(text)) this.fail(this.token.start, `expected \`${text}\`, found \`${this.token.text || "the end"}\``);
  }

  // Blanks everything from a token up to, not including, the current one.
  blank(first) {
    const last = this.tokens[this.i - 1];
    if (this.i > first) this.blanks.push([this.tokens[first].start, last.end]);
  }

  end() {
    this.eat(";");
  }

  // Runs the attempt and comes back unless it succeeds.
  attempt(action) {
    const [i, blanks] = [this.i, this.blanks.length];
    try {
      if (action()) return true;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
    this.i = i;
    this.blanks.length = blanks;
    return false;
  }

  skipBalanced() {
    const closing = { "(": ")", "[": "]", "{": "}" };
    const stack = [];
    do {
      const { type, text, closes } = this.token;
      if (type === "end") this.fail(this.token.start, "unexpected end");
      if (type === "punct" && closing[text]) stack.push(closing[text]);
      else if (type === "punct" && text === stack[stack.length - 1]) stack.pop();
      else if (type === "template-open" && !closes) stack.push("`");
      else if (type === "template" && closes) stack.pop();
      this.i++;
    } while (stack.length);
  }

  // Statements

  statement() {
    const first = this.i;
    const { type, text } = this.token;
    const next = this.peek();
    const sameLineName = next.type === "name" && !next.newline;
    if (type === "punct") {
      if (text === "{") return this.block();
      if (text === ";") return void this.i++;
      return this.expressionStatement();
    }
    if (type !== "name") return this.expressionStatement();
    switch (text) {
      case "import":
        if (next.text === "(" || next.text === ".") return this.expressionStatement();
        return this.importOrExport(first);
      case "export":
        return this.importOrExport(first);
      case "type":
        if (sameLineName) return this.typeAlias(first);
        break;
      case "interface":
        if (sameLineName) return this.interface(first);
        break;
      case "declare":
        if (sameLineName) return this.declaration(first);
        break;
      case "abstract":
        if (next.text === "class" && !next.newline) {
          this.i++;
          this.blank(first);
          return this.class();
        }
        break;
      case "enum":
      case "namespace":
      case "module":
        if (sameLineName || (text === "module" && next.type === "string")) this.fail(this.token.start, `\`${text}\` cannot be erased; write plain JavaScript or use tsx`);
        break;
      case "const":
        if (next.text === "enum") this.fail(this.token.start, "`enum` cannot be erased; write plain JavaScript or use tsx");
        this.variables();
        return this.end();
      case "let":
      case "var":
        if (text === "let" && next.type !== "name" && next.text !== "{" && next.text !== "[") break;
        this.variables();
        return this.end();
      case "async":
        if (next.text === "function" && !next.newline) {
          this.i++;
          return this.function(first);
        }
        break;
      case "function":
        return this.function(first);
      case "class":
        return this.class();
      case "if":
      case "while":
      case "with":
        this.i++;
        this.parenthesised();
        this.statement();
        if (text === "if" && this.eat("else")) this.statement();
        return;
      case "do":
        this.i++;
        this.statement();
        this.need("while");
        this.parenthesised();
        return this.end();
      case "for":
        return this.for();
      case "switch":
        this.i++;
        this.parenthesised();
        this.need("{");
        while (!this.eat("}")) {
          if (this.eat("default")) this.need(":");
          else if (this.eat("case")) {
            this.expression();
            this.need(":");
          } else this.statement();
        }
        return;
      case "try":
        this.i++;
        this.block();
        if (this.eat("catch")) {
          if (this.eat("(")) {
            this.binding();
            this.need(")");
          }
          this.block();
        }
        if (this.eat("finally")) this.block();
        return;
      case "return":
      case "throw":
      case "break":
      case "continue":
        this.i++;
        if (!this.token.newline && !this.is(";") && !this.is("}")) this.expression();
        return this.end();
      case "debugger":
        this.i++;
        return this.end();
    }
    if (next.text === ":" && next.type === "punct") {
      this.i += 2;
      return this.statement();
    }
    this.expressionStatement();
  }

  expressionStatement() {
    const before = this.i;
    this.expression();
    if (this.i === before) this.fail(this.token.start, `unexpected \`${this.token.text || "end"}\``);
    this.end();
  }

  block() {
    this.need("{");
    while (!this.eat("}")) {
      if (this.token.type === "end") this.fail(this.token.start, "a block does not end");
      this.statement();
    }
  }

  parenthesised() {
    this.need("(");
    this.expression();
    this.need(")");
  }

  for() {
    this.i++;
    this.eat("await");
    this.need("(");
    if (this.is("const") || this.is("let") || this.is("var")) this.variables();
    else if (!this.is(";")) this.expression();
    if (this.eat("of") || this.eat("in")) this.expression();
    else
      while (this.eat(";")) {
        if (!this.is(";") && !this.is(")")) this.expression();
      }
    this.need(")");
    this.statement();
  }

  importOrExport(first) {
    const exporting = this.is("export");
    this.i++;
    const next = this.peek();
    const clause = next.text === "{" || next.text === "*" || (next.type === "name" && next.text !== "from" && next.text !== "=") || (next.text === "from" && this.peek(2).text === "from");
    if (this.is("type") && clause) {
      if (exporting && next.type === "name") return this.typeAlias(first);
      while (this.token.type !== "string" && !this.is(";") && !(this.token.newline && !this.is("from") && this.tokens[this.i - 1].text === "}")) {
        if (this.is("{")) this.skipBalanced();
        else this.i++;
      }
      if (this.token.type === "string") this.i++;
      this.end();
      return this.blank(first);
    }
    if (exporting) {
      if (this.is("interface") && next.type === "name") return this.interface(first);
      if (this.is("declare")) return this.declaration(first);
      if (this.is("=") || this.is("import")) this.fail(this.token.start, "`export =` and `import =` cannot be erased");
      if (this.eat("default")) {
        if (this.is("abstract") || this.is("class") || this.is("function") || (this.is("async") && this.peek().text === "function")) {
          return this.exported(first);
        }
        if (this.is("interface") && this.peek().type === "name") return this.interface(first);
        this.expression();
        return this.end();
      }
      if (!this.is("{") && !this.is("*")) return this.exported(first);
    }
    while (this.token.type !== "string") {
      if (this.is("{")) this.specifiers();
      else if (this.is("=")) this.fail(this.token.start, "`import =` cannot be erased");
      else if (this.token.type === "end" || (exporting && this.tokens[this.i - 1].text === "}" && !this.is("from"))) return this.end();
      else this.i++;
    }
    this.i++;
    if ((this.is("with") || this.is("assert")) && this.peek().text === "{") {
      this.i++;
      this.skipBalanced();
    }
    this.end();
  }

  // What is exported; when nothing is left of it, neither is `export`.
  exported(first) {
    const start = this.token.start;
    this.statement();
    const end = this.tokens[this.i - 1].end;
    if (this.blanks.some((blank) => blank[0] === start && blank[1] === end)) this.blank(first);
  }

  specifiers() {
    this.need("{");
    while (!this.eat("}")) {
      const first = this.i;
      const next = this.peek();
      const erased = this.is("type") && (next.type === "string" || (next.type === "name" && (next.text !== "as" || this.peek(2).text === "as")));
      while (!this.is(",") && !this.is("}")) this.i++;
      this.eat(",");
      if (erased) this.blank(first);
    }
  }

  typeAlias(first) {
    while (!this.is("=") && !this.is("<")) this.i++;
    if (this.is("<")) this.typeParameters();
    this.need("=");
    this.type();
    this.end();
    this.blank(first);
  }

  interface(first) {
    while (!this.is("interface")) this.i++;
    this.i += 2;
    if (this.is("<")) this.typeParameters();
    while (!this.is("{")) {
      if (this.is("<")) this.typeArguments();
      else this.i++;
    }
    this.skipBalanced();
    this.blank(first);
  }

  declaration(first) {
    this.need("declare");
    const word = this.token.text;
    if (["module", "namespace", "global", "enum", "class", "abstract", "interface"].includes(word) || (word === "const" && this.peek().text === "enum")) {
      while (!this.is("{") && !this.is(";")) this.i++;
      if (this.is("{")) this.skipBalanced();
      this.end();
    } else {
      this.statement();
    }
    this.blank(first);
  }

  variables() {
    this.i++;
    do {
      this.binding();
      if (this.eat("=")) this.assignment();
    } while (this.eat(","));
  }

  // A name or pattern with its annotations.
  binding() {
    if (this.is("{") || this.is("[")) this.operand();
    else this.i++;
    const first = this.i;
    if (this.is("!") || this.is("?")) this.i++;
    if (this.eat(":")) this.type();
    this.blank(first);
  }

  function(first) {
    this.need("function");
    this.eat("*");
    if (!this.is("(") && !this.is("<")) this.i++;
    this.signature();
    if (this.is("{")) return this.block();
    this.end();
    this.blank(first);
  }

  // Type parameters, parameters and the type of the answer.
  signature() {
    if (this.is("<")) {
      const first = this.i;
      this.typeParameters();
      this.blank(first);
    }
    this.parameters();
    const first = this.i;
    if (this.eat(":")) {
      this.type();
      this.blank(first);
    }
  }

  parameters() {
    this.need("(");
    while (!this.eat(")")) {
      const first = this.i;
      if (this.is("this") && this.peek().text === ":") {
        this.i += 2;
        this.type();
        this.eat(",");
        this.blank(first);
        continue;
      }
      if (MODIFIERS.has(this.token.text) && (this.peek().type === "name" || this.peek().text === "{")) {
        this.fail(this.token.start, "a parameter property cannot be erased; assign it in the constructor");
      }
      this.eat("...");
      this.binding();
      if (this.eat("=")) this.assignment();
      if (!this.is(")")) this.need(",");
    }
  }

  class() {
    this.need("class");
    if (this.token.type === "name" && !this.is("extends") && !this.is("implements")) this.i++;
    if (this.is("<")) {
      const first = this.i;
      this.typeParameters();
      this.blank(first);
    }
    if (this.eat("extends")) this.operand(true);
    if (this.is("implements")) {
      const first = this.i;
      this.i++;
      do this.type();
      while (this.eat(","));
      this.blank(first);
    }
    this.need("{");
    while (!this.eat("}")) this.member();
  }

  member() {
    if (this.eat(";")) return;
    const first = this.i;
    if (this.is("static") && this.peek().text === "{") {
      this.i++;
      return this.block();
    }
    let erased = false;
    for (;;) {
      const { type, text } = this.token;
      const next = this.peek();
      const named = next.type === "name" || next.type === "string" || next.type === "number" || next.text === "[" || next.text === "*" || next.text === "{";
      const modifier = MODIFIERS.has(text) || ["static", "async", "get", "set", "accessor"].includes(text);
      if (type !== "name" || !modifier || !named || (next.newline && text !== "static" && !MODIFIERS.has(text))) break;
      this.i++;
      if (MODIFIERS.has(text)) {
        this.blank(this.i - 1);
        erased ||= text === "abstract" || text === "declare";
      }
    }
    this.eat("*");
    if (this.is("[") && this.peek().type === "name" && this.peek(2).text === ":") {
      this.skipBalanced();
      this.need(":");
      this.type();
      this.end();
      return this.blank(first);
    }
    this.key();
    const mark = this.i;
    if (this.is("?") || this.is("!")) {
      this.i++;
      this.blank(mark);
    }
    if (this.is("(") || this.is("<")) {
      this.signature();
      if (this.is("{")) return this.block();
      this.end();
      return this.blank(first);
    }
    const annotation = this.i;
    if (this.eat(":")) {
      this.type();
      this.blank(annotation);
    }
    if (this.eat("=")) this.assignment();
    this.end();
    if (erased) this.blank(first);
  }

  key() {
    if (!this.is("[")) return void this.i++;
    this.i++;
    this.expression();
    this.need("]");
  }

  // Expressions

  expression() {
    this.assignment();
    while (this.eat(",")) this.assignment();
  }

  // An expression without a comma.
  assignment() {
    if (this.arrow()) return;
    this.operand();
    for (;;) {
      const { type, text, newline } = this.token;
      if (type === "name" && (text === "as" || text === "satisfies") && !newline) {
        const first = this.i;
        this.i++;
        this.type();
        this.blank(first);
      } else if (type === "name" && (text === "in" || text === "instanceof")) {
        this.i++;
        this.operand();
      } else if (type === "punct" && text === "?") {
        this.i++;
        this.assignment();
        this.need(":");
        return this.assignment();
      } else if (type === "punct" && isAssignment(text)) {
        this.i++;
        return this.assignment();
      } else if (type === "punct" && isBinary(text)) {
        this.i++;
        // `>>`, `>>>`, `>=` and `>>=` arrive in pieces.
        let last = this.tokens[this.i - 1];
        while (text === ">" && (this.is(">") || this.is("=") || this.is("==")) && this.token.start === last.end) {
          last = this.token;
          this.i++;
        }
        this.operandOrArrow();
      } else {
        return;
      }
    }
  }

  operandOrArrow() {
    if (!this.arrow()) this.operand();
  }

  arrow() {
    const { type, text } = this.token;
    const next = this.peek();
    if (type === "name" && next.text === "=>") {
      this.i += 2;
      this.arrowBody();
      return true;
    }
    if (text === "async" && type === "name" && !next.newline) {
      if (next.type === "name" && this.peek(2).text === "=>") {
        this.i += 3;
        this.arrowBody();
        return true;
      }
      if (next.text === "(" || next.text === "<") return this.attempt(() => this.arrowFrom(1));
    }
    if (type === "punct" && (text === "(" || text === "<")) return this.attempt(() => this.arrowFrom(0));
    return false;
  }

  arrowFrom(offset) {
    this.i += offset;
    this.signature();
    if (!this.is("=>")) return false;
    this.i++;
    this.arrowBody();
    return true;
  }

  arrowBody() {
    if (this.is("{")) this.block();
    else this.assignment();
  }

  // One operand with its prefixes and what is applied to it.
  operand(heritage = false) {
    for (;;) {
      const { type, text } = this.token;
      const prefix = (type === "punct" && ["!", "~", "+", "-", "++", "--", "..."].includes(text)) || (type === "name" && ["typeof", "void", "delete", "await", "yield", "new"].includes(text));
      if (!prefix || (type === "name" && this.peek().text === "=>")) break;
      this.i++;
      if (text === "yield") {
        this.eat("*");
        if (this.token.newline || [")", "]", "}", ",", ";", ":"].includes(this.token.text)) return;
        return this.assignment();
      }
      if (text === "new" && this.eat(".")) break;
    }
    this.primary();
    this.applied(heritage);
  }

  primary() {
    const first = this.i;
    const { type, text } = this.token;
    if (type === "template-open" && !this.token.closes) return this.template();
    if (type === "name" && text === "function") return this.function(first);
    if (type === "name" && text === "async" && this.peek().text === "function") {
      this.i++;
      return this.function(this.i);
    }
    if (type === "name" && text === "class") return this.class();
    if (type === "punct") {
      if (text === "(") return this.parenthesised();
      if (text === "[") return this.array();
      if (text === "{") return this.object();
      if (text === "<") {
        this.typeArguments();
        this.blank(first);
        return this.operand();
      }
      this.fail(this.token.start, `unexpected \`${text}\``);
    }
    if (type === "end" || (type === "template" && this.token.closes)) this.fail(this.token.start, "unexpected end of an expression");
    this.i++;
  }

  template() {
    this.i++;
    for (;;) {
      this.expression();
      const { type, closes } = this.token;
      if (!closes) this.fail(this.token.start, "a template does not go on");
      this.i++;
      if (type === "template") return;
    }
  }

  array() {
    this.need("[");
    while (!this.eat("]")) {
      if (!this.eat(",")) this.assignment();
    }
  }

  object() {
    this.need("{");
    while (!this.eat("}")) {
      if (this.eat("...")) {
        this.assignment();
      } else {
        while (["async", "get", "set"].includes(this.token.text) && this.token.type === "name" && ![",", ":", "(", "}", "=", "<"].includes(this.peek().text)) this.i++;
        this.eat("*");
        this.key();
        if (this.is("(") || this.is("<")) {
          this.signature();
          this.block();
        } else if (this.eat(":") || this.eat("=")) {
          this.assignment();
        }
      }
      if (!this.is("}")) this.need(",");
    }
  }

  // Calls, members, type arguments, assertions that something is there.
  applied(heritage) {
    for (;;) {
      const { type, text, newline, closes } = this.token;
      const first = this.i;
      if (type === "template") {
        if (closes) return;
        this.i++;
      } else if (type === "template-open") {
        if (closes) return;
        this.template();
      } else if (type !== "punct") {
        return;
      } else if (text === "." || text === "?.") {
        this.i++;
        if (this.token.type === "name") this.i++;
      } else if (text === "(") {
        this.arguments();
      } else if (text === "[") {
        this.i++;
        this.expression();
        this.need("]");
      } else if (text === "!" && !newline) {
        this.i++;
        this.blank(first);
      } else if ((text === "++" || text === "--") && !newline) {
        this.i++;
      } else if (text === "<") {
        const generic = this.attempt(() => {
          this.typeArguments();
          return this.is("(") || this.token.type.startsWith("template") || (heritage && (this.is("{") || this.is("implements"))) || [")", "]", ",", ";", ":", "}"].includes(this.token.text);
        });
        if (!generic) return;
        this.blank(first);
      } else {
        return;
      }
    }
  }

  arguments() {
    this.need("(");
    while (!this.eat(")")) {
      this.assignment();
      if (!this.is(")")) this.need(",");
    }
  }

  // Types. Nothing is blanked here: whoever asks for a type blanks it.

  type() {
    this.eat("|") || this.eat("&");
    if (this.is("asserts") && this.peek().type === "name" && !this.peek().newline && this.peek().text !== "is") this.i++;
    do {
      this.typeOperand();
    } while (this.eat("|") || this.eat("&"));
    if (this.is("is") && !this.token.newline) {
      this.i++;
      return this.type();
    }
    if (this.is("extends") && !this.token.newline) {
      this.i++;
      this.type();
      // Without a question mark this was the bound of an `infer`.
      if (this.eat("?")) {
        this.type();
        this.need(":");
        this.type();
      }
    }
  }

  typeOperand() {
    while (["keyof", "unique", "readonly", "infer"].includes(this.token.text) && this.token.type === "name" && (["name", "template", "template-open"].includes(this.peek().type) || ["(", "[", "{"].includes(this.peek().text))) this.i++;
    const { type, text } = this.token;
    if (type === "template-open") this.skipBalanced();
    else if (type === "string" || type === "number" || type === "template") this.i++;
    else if (type === "punct" && text === "-") this.i += 2;
    else if (type === "punct" && (text === "(" || text === "<")) {
      if (text === "<") this.typeParameters();
      this.skipBalanced();
      if (this.eat("=>")) return this.type();
    } else if (type === "punct" && (text === "{" || text === "[")) this.skipBalanced();
    else if (type === "name") {
      if ((text === "abstract" && this.peek().text === "new") || text === "new") {
        while (this.eat("abstract") || this.eat("new"));
        return this.typeOperand();
      }
      if (text === "typeof") this.i++;
      if (this.is("import") && this.peek().text === "(") {
        this.i++;
        this.skipBalanced();
      } else this.i++;
      while (this.is(".") && this.peek().type === "name") this.i += 2;
      if (this.is("<") && !this.token.newline) this.typeArguments();
    } else this.fail(this.token.start, `expected a type, found \`${text || "the end"}\``);
    while (this.is("[") && !this.token.newline) this.skipBalanced();
  }

  typeArguments() {
    this.need("<");
    while (!this.eat(">")) {
      this.type();
      if (!this.is(">")) this.need(",");
    }
  }

  typeParameters() {
    this.need("<");
    while (!this.eat(">")) {
      while (["const", "in", "out"].includes(this.token.text) && this.peek().type === "name") this.i++;
      this.i++;
      if (this.eat("extends")) this.type();
      if (this.eat("=")) this.type();
      if (!this.is(">")) this.need(",");
    }
  }
}

function isAssignment(text) {
  return text === "=" || (text.endsWith("=") && !["==", "===", "!=", "!==", "<=", "=>"].includes(text));
}

function isBinary(text) {
  return ["+", "-", "*", "/", "%", "**", "<", ">", "<=", "==", "===", "!=", "!==", "&&", "||", "??", "&", "|", "^", "<<"].includes(text);
}
