import { type Endpoint, joinHostPort } from "@outrigger/core";
import type { ResolverReport } from "./ask-resolvers.ts";
import type { ResolveOptions } from "./resolve-options.ts";

const words: Readonly<Record<ResolverReport["outcome"], string>> = {
  found: "found",
  "not-found": "not found",
  failed: "failed",
  skipped: "skipped",
};

/** The whole report for people. */
export function formatReport(
  { appId, namespace }: ResolveOptions,
  reports: readonly ResolverReport[],
): string {
  const width = Math.max(...reports.map(({ resolver }) => resolver.length)) + 2;
  const lines = reports.flatMap((report) => linesOf(report, width, reports));
  const used = endpointsInUse(reports).map(addressOf);
  const verdict =
    used.length > 0 ? `calls go to ${used.join(", ")}` : `couldn't find service: ${appId}`;
  return `app id ${appId}, namespace ${namespace}\n\n${lines.join("\n")}\n\n${verdict}\n`;
}

/** The whole report for programs. */
export function formatJson(
  { appId, namespace }: ResolveOptions,
  reports: readonly ResolverReport[],
): string {
  const endpoints = endpointsInUse(reports);
  const resolvers = reports.map((report) => ({
    ...report,
    durationMs: Math.round(report.durationMs * 10) / 10,
  }));
  const found = endpoints.length > 0;
  return `${JSON.stringify({ appId, namespace, found, endpoints, resolvers })}\n`;
}

/** Where calls of the sidecar would go, each address once. */
export function endpointsInUse(reports: readonly ResolverReport[]): readonly Endpoint[] {
  const union = new Map<string, Endpoint>();
  for (const { used, endpoints } of reports) {
    if (!used) continue;
    for (const endpoint of endpoints) {
      if (!union.has(addressOf(endpoint))) union.set(addressOf(endpoint), endpoint);
    }
  }
  return [...union.values()];
}

function linesOf(
  report: ResolverReport,
  width: number,
  all: readonly ResolverReport[],
): readonly string[] {
  const { resolver, outcome, durationMs, endpoints, reason, notes, used } = report;
  const time = outcome === "skipped" ? "" : `${durationMs.toFixed(1)} ms`;
  const head = `${resolver.padEnd(width)}${words[outcome].padEnd(11)}${time.padStart(10)}  `;
  const indent = " ".repeat(width);
  const first = all.find((other) => other.used)?.resolver;
  const unused = outcome === "found" && !used ? ` (not used: ${first} comes first)` : "";
  const [shown = "", ...more] =
    outcome === "found" ? endpoints.map(describe) : [oneLine(reason ?? "")];
  return [
    `${head}${shown}${unused}`.trimEnd(),
    ...more.map((text) => `${" ".repeat(head.length)}${text}`),
    ...notes.map((note) => `${indent}${oneLine(note)}`),
  ];
}

function describe(endpoint: Endpoint): string {
  const zone = endpoint.zone === undefined ? "" : ` zone ${endpoint.zone}`;
  return `${addressOf(endpoint)}${zone}`;
}

function addressOf({ host, port }: Endpoint): string {
  return joinHostPort(host, port);
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, " ");
}
