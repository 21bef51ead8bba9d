import { parseOptions, type StandardSchema } from "@outrigger/core";
import * as v from "valibot";
import type { ConsoleEnvironment } from "./local-sidecars.ts";

/** Options of `startConsole`. */
export interface ConsoleOptions {
  /** Address to listen on. Default `127.0.0.1`. Others than loopback take a token. */
  readonly host?: string;
  /** Port; 0 picks a free one. Default 7700. */
  readonly port?: number;
  /** What people show to get in; made up where one is needed and none is given. */
  readonly token?: string;
  /** HTTP APIs of sidecars, `host:port` or URL, beside those that are found. Default none. */
  readonly sidecars?: readonly string[];
  /** Whether the sidecars of this user on this machine are found. Default true. */
  readonly findLocal?: boolean;
  /** Asks something else for HTTP APIs of sidecars; called every few seconds while somebody looks. */
  readonly find?: (signal: AbortSignal) => Promise<readonly string[]>;
  /** Sent to sidecars as `dapr-api-token`. Default none. */
  readonly apiToken?: string;
  /** Where a trace can be seen, with `{traceId}` in it. Default: no links. */
  readonly traceUrl?: string;
  /** Where the folder of the local sidecars is looked up. Default the environment of the process. */
  readonly env?: ConsoleEnvironment;
}

/** Options with their defaults. */
export interface ConsoleSettings {
  readonly host: string;
  readonly port: number;
  readonly token?: string | undefined;
  readonly sidecars: readonly string[];
  readonly findLocal: boolean;
  readonly find?: ((signal: AbortSignal) => Promise<readonly string[]>) | undefined;
  readonly apiToken?: string | undefined;
  readonly traceUrl?: string | undefined;
  readonly env: ConsoleEnvironment;
}

/** Most sidecars that one console looks at. */
export const maxSidecars = 256;

/** Base URL of a sidecar's HTTP API; `undefined` for text that is none. */
export function sidecarUrl(text: string): string | undefined {
  try {
    const url = new URL(/^https?:\/\//.test(text) ? text : `http://${text}`);
    const isPlain = url.pathname === "/" && url.search === "" && url.username === "";
    return isPlain && /^https?:$/.test(url.protocol) ? url.origin : undefined;
  } catch {
    return undefined;
  }
}

function isTraceUrl(text: string): boolean {
  return /^https?:\/\/\S+$/.test(text) && text.includes("{traceId}");
}

const portText = "must be a whole number from 0 to 65535";
const port = v.pipe(
  v.number(portText),
  v.integer(portText),
  v.minValue(0, portText),
  v.maxValue(65_535, portText),
);
const address = v.pipe(
  v.string("must be host:port"),
  v.check((text) => sidecarUrl(text) !== undefined, "must be host:port or the URL of one"),
);

const schema: StandardSchema<ConsoleSettings> = v.strictObject({
  host: v.optional(v.pipe(v.string(), v.nonEmpty("must not be empty")), "127.0.0.1"),
  port: v.optional(port, 7_700),
  token: v.optional(v.pipe(v.string(), v.minLength(8, "must have at least 8 characters"))),
  sidecars: v.optional(v.pipe(v.array(address), v.maxLength(maxSidecars)), []),
  findLocal: v.optional(v.boolean(), true),
  find: v.optional(
    v.custom<NonNullable<ConsoleOptions["find"]>>(
      (value) => typeof value === "function",
      "must be a function",
    ),
  ),
  apiToken: v.optional(v.string()),
  traceUrl: v.optional(
    v.pipe(v.string(), v.check(isTraceUrl, "must be an http(s) URL with {traceId} in it")),
  ),
  env: v.optional(v.record(v.string(), v.optional(v.string())), () => process.env),
});

/** @throws OutriggerError `OTR_OPTIONS_INVALID`. */
export function parseConsoleOptions(options: ConsoleOptions): ConsoleSettings {
  return parseOptions("@outrigger/console", schema, options);
}
