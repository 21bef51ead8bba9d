import { errorText, goQuote, textToBytes } from "@outrigger/core";
import { parseCsvRecord } from "./csv-record.ts";
import type { FlagError, FlagSpec, FlagValue, ParsedFlags } from "./flag-spec.ts";
import { parseGoDuration } from "./go-duration.ts";
import { parseGoBool, parseGoInt, parseGoUint } from "./go-numbers.ts";

/**
 * Reads a command line by the rules of pflag, with Dapr's addition that one dash counts as two.
 * The first mistake ends the reading.
 * @param argv the arguments without executable and script.
 */
export function parseFlags(
  argv: readonly string[],
  specs: readonly FlagSpec[],
): ParsedFlags | FlagError {
  const reader = new FlagReader(argv.map(normalizeDash), specs);
  try {
    reader.readAll();
    return reader.result();
  } catch (reason) {
    if (reason instanceof UsageProblem) return { error: reason.text, notices: reader.notices };
    throw reason;
  }
}

/** True when the command line was not taken. */
export function isFlagError(outcome: ParsedFlags | FlagError): outcome is FlagError {
  return "error" in outcome;
}

// daprd does this to every argument, values included, before the flag library sees them.
function normalizeDash(argument: string): string {
  return argument.length > 2 && argument.startsWith("-") && argument[1] !== "-"
    ? `-${argument}`
    : argument;
}

class UsageProblem extends Error {
  readonly text: string | undefined;
  constructor(text: string | undefined) {
    super(text);
    this.text = text;
  }
}

class FlagReader {
  readonly notices: string[] = [];
  readonly #queue: string[];
  readonly #specs: ReadonlyMap<string, FlagSpec>;
  readonly #values: Map<string, FlagValue>;
  readonly #given = new Set<string>();
  readonly #positionals: string[] = [];

  constructor(argv: readonly string[], specs: readonly FlagSpec[]) {
    this.#queue = [...argv];
    this.#specs = new Map(specs.map((spec) => [spec.name, spec]));
    this.#values = new Map(specs.map((spec) => [spec.name, spec.default]));
  }

  readAll(): void {
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      if (!next.startsWith("-") || next === "-") {
        this.#positionals.push(next);
      } else if (next === "--") {
        this.#positionals.push(...this.#queue.splice(0));
      } else if (next.startsWith("--")) {
        this.#readFlag(next);
      } else {
        if (next === "-h") throw new UsageProblem(undefined);
        throw new UsageProblem(`unknown shorthand flag: '${next[1]}' in ${next}`);
      }
    }
  }

  result(): ParsedFlags {
    return {
      values: this.#values,
      given: this.#given,
      positionals: this.#positionals,
      notices: this.notices,
    };
  }

  #readFlag(argument: string): void {
    const body = argument.slice(2);
    if (/^[-=]/.test(body)) throw new UsageProblem(`bad flag syntax: ${argument}`);
    const equals = body.indexOf("=");
    const name = equals === -1 ? body : body.slice(0, equals);
    const spec = this.#specs.get(name);
    if (spec === undefined) {
      throw new UsageProblem(name === "help" ? undefined : `unknown flag: --${name}`);
    }
    this.#set(spec, equals === -1 ? this.#nextValue(spec, argument) : body.slice(equals + 1));
  }

  #nextValue(spec: FlagSpec, argument: string): string {
    if (spec.type === "bool") return "true";
    const value = this.#queue.shift();
    if (value === undefined) throw new UsageProblem(`flag needs an argument: ${argument}`);
    return value;
  }

  #set(spec: FlagSpec, text: string): void {
    try {
      const value = readValue(spec, text);
      const earlier = this.#given.has(spec.name) ? this.#values.get(spec.name) : undefined;
      const list = Array.isArray(value) && Array.isArray(earlier);
      this.#values.set(spec.name, list ? [...earlier, ...value] : value);
    } catch (reason) {
      const quoted = goQuote(textToBytes(text));
      throw new UsageProblem(
        `invalid argument ${quoted} for "--${spec.name}" flag: ${errorText(reason)}`,
      );
    }
    this.#given.add(spec.name);
    if (spec.deprecated !== undefined) {
      this.notices.push(`Flag --${spec.name} has been deprecated, ${spec.deprecated}`);
    }
  }
}

function readValue(spec: FlagSpec, text: string): FlagValue {
  switch (spec.type) {
    case "string":
      return text;
    case "bool":
      return parseGoBool(text);
    case "int":
      return parseGoInt(text);
    case "uint":
      return parseGoUint(text);
    case "duration":
      return parseGoDuration(text);
    case "strings":
      return parseCsvRecord(text);
  }
}
