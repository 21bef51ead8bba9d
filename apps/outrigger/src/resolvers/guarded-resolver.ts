import {
  type Endpoint,
  errorText,
  isOutriggerError,
  type Logger,
  OutriggerError,
  type ResolveRequest,
  type Resolver,
} from "@outrigger/core";
import { isRecord } from "../packages/package-entry.ts";

/**
 * Holds a resolver of somebody else to the contract: answers are lists of endpoints, failures are
 * errors of the contract, feedback does not throw. So its mistakes are told, and end no process.
 */
export function guardedResolver(resolver: Resolver, label: string, log: Logger): Resolver {
  // A list that was checked once is not checked again: resolvers answer from memory.
  const checked = new WeakSet<readonly Endpoint[]>();
  const { name, features } = resolver;
  const { announce, withdraw, watch } = resolver;
  return {
    name,
    features,
    start: async (signal) => resolver.start?.(signal),
    stop: async () => resolver.stop?.(),
    resolve: async (request, signal) => {
      const endpoints = await ask(resolver, label, request, signal);
      if (!checked.has(endpoints)) {
        checkEndpoints(endpoints, label);
        checked.add(endpoints);
      }
      return endpoints;
    },
    report: (request, endpoint, outcome) => {
      try {
        resolver.report?.(request, endpoint, outcome);
      } catch (reason) {
        log.log("warn", `name resolver ${label} failed to take feedback: ${errorText(reason)}`);
      }
    },
    ...(announce === undefined ? {} : { announce: announce.bind(resolver) }),
    ...(withdraw === undefined ? {} : { withdraw: withdraw.bind(resolver) }),
    ...(watch === undefined ? {} : { watch: watch.bind(resolver) }),
  };
}

async function ask(
  resolver: Resolver,
  label: string,
  request: ResolveRequest,
  signal: AbortSignal,
): Promise<readonly Endpoint[]> {
  try {
    return await resolver.resolve(request, signal);
  } catch (reason) {
    if (signal.aborted || isOutriggerError(reason)) throw reason;
    throw new OutriggerError(`name resolver ${label}: ${errorText(reason)}`, {
      code: "OTR_RESOLVE_FAILED",
      cause: reason,
    });
  }
}

/** @throws OutriggerError `OTR_RESOLVE_FAILED` when it is no list, or an entry is no endpoint. */
function checkEndpoints(endpoints: unknown, label: string): void {
  if (Array.isArray(endpoints) && endpoints.every(isEndpoint)) return;
  const text = (JSON.stringify(endpoints) ?? "nothing").slice(0, 120);
  throw new OutriggerError(
    `name resolver ${label} must answer with a list of { host, port }, and answered ${text}`,
    { code: "OTR_RESOLVE_FAILED" },
  );
}

function isEndpoint(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { host, port } = value;
  const isPort = Number.isInteger(port) && Number(port) >= 1 && Number(port) <= 65_535;
  return typeof host === "string" && host !== "" && isPort;
}
