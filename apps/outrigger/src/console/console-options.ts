import type { ConsoleOptions } from "@outrigger/console";
import { bool, list, text } from "../flags/flag-builders.ts";
import type { FlagSpec } from "../flags/flag-spec.ts";
import { flagValues } from "../flags/flag-values.ts";
import { isFlagError, parseFlags } from "../flags/parse-flags.ts";
import { formatUsage } from "../flags/usage.ts";
import type { Environment } from "../flags/validate-options.ts";
import { type FindSettings, findByResolver } from "./find-by-resolver.ts";

const specs: readonly FlagSpec[] = [
  text("listen", "127.0.0.1:7700", "Address of the page; others than loopback take a token"),
  list("sidecar", "HTTP API of a sidecar, host:port; may be repeated"),
  bool("local", "Find the sidecars of this user on this machine", true),
  list("app", "App id whose sidecars a name resolver finds; may be repeated"),
  list("config", "Configuration file that names the resolver for --app; may be repeated"),
  text("mode", "standalone", "Where the sidecars of --app run: standalone or kubernetes"),
  text("api-port", "3500", "Port of the HTTP API of the sidecars of --app"),
  text("trace-url", "", "Where a trace can be seen, with {traceId} in it"),
];

const introduction = `Serves a page that draws who calls whom in the mesh, how fast, and what fails.

Usage: outrigger console [flags]

It only reads. Where --listen is not a loopback address, people need the token: the one in
OUTRIGGER_CONSOLE_TOKEN, or one that is made up and printed. Sidecars get the token in DAPR_API_TOKEN;
those on other machines answer only when they have one.

`;

/** What the command line of `outrigger console` asks for. */
export type ConsoleCommandLine =
  | { readonly kind: "run"; readonly options: ConsoleOptions }
  | { readonly kind: "exit"; readonly exitCode: number; readonly text: string };

/** Reads the command line of `outrigger console`. */
export function readConsoleOptions(argv: readonly string[], env: Environment): ConsoleCommandLine {
  const parsed = parseFlags(argv, specs);
  if (isFlagError(parsed)) {
    if (parsed.error !== undefined) return wrong(parsed.error);
    const usage = introduction + formatUsage("outrigger console", specs);
    return { kind: "exit", exitCode: 0, text: usage };
  }
  if (parsed.positionals.length > 0) return wrong(`unknown argument ${parsed.positionals[0]}`);
  const values = flagValues(parsed);
  const listen = hostAndPort(values.text("listen"));
  if (listen === undefined) return wrong("--listen: must be host:port");
  const apiPort = Number(values.text("api-port"));
  if (!isPort(apiPort) || apiPort === 0) return wrong("--api-port: must be 1 to 65535");
  const mode = values.text("mode");
  if (mode !== "standalone" && mode !== "kubernetes") {
    return wrong(`--mode: must be standalone or kubernetes (got ${mode})`);
  }
  const traceUrl = values.text("trace-url");
  const apps = values.list("app");
  const find: FindSettings = { apps, configFiles: values.list("config"), mode, apiPort, env };
  const options: ConsoleOptions = {
    ...listen,
    sidecars: values.list("sidecar"),
    findLocal: values.bool("local"),
    ...(apps.length === 0 ? {} : { find: findByResolver(find) }),
    ...(traceUrl === "" ? {} : { traceUrl }),
    ...(env.OUTRIGGER_CONSOLE_TOKEN ? { token: env.OUTRIGGER_CONSOLE_TOKEN } : {}),
    ...(env.DAPR_API_TOKEN ? { apiToken: env.DAPR_API_TOKEN } : {}),
  };
  return { kind: "run", options };
}

function hostAndPort(text: string): { readonly host: string; readonly port: number } | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text);
  const [, six, other, port] = match ?? [];
  const host = six ?? other;
  return host !== undefined && isPort(Number(port)) ? { host, port: Number(port) } : undefined;
}

function isPort(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 65_535;
}

function wrong(message: string): ConsoleCommandLine {
  const text = `outrigger console: ${message}\nRun "outrigger console --help" for the flags.\n`;
  return { kind: "exit", exitCode: 2, text };
}
