import { type Logger, silentLogger } from "@outrigger/core";
import { expect, test } from "vitest";
import { composeMetrics } from "../src/sidecar/compose-metrics.ts";

const flags = { enabled: true, port: 0, listenAddress: "[::1]" };

function composed(
  metric: Parameters<typeof composeMetrics>[1]["metric"],
  enabled = true,
): ReturnType<typeof composeMetrics> & { lines: string[] } {
  const lines: string[] = [];
  const log: Logger = {
    ...silentLogger,
    log: (level, text) => lines.push(`${level} ${text}`),
    scope: () => log,
  };
  const options = { appId: "a", metrics: { ...flags, enabled } };
  return { ...composeMetrics(options, { metric }, log), lines };
}

test("port and recording have a switch each", () => {
  const both = composed({ enabled: true });
  expect([both.metrics === undefined, both.server === undefined]).toEqual([false, false]);
  const portAlone = composed({ enabled: false });
  expect([portAlone.metrics === undefined, portAlone.server === undefined]).toEqual([true, false]);
  const none = composed({ enabled: true }, false);
  expect([none.metrics === undefined, none.server === undefined]).toEqual([true, true]);
});

test("who leaves the default of increasedCardinality is warned that it will change", () => {
  const warning = expect.stringMatching(/^warn The default value for .*increasedCardinality/);
  expect(composed({ enabled: true }).lines).toContainEqual(warning);
  const { lines } = composed({ enabled: true, http: { increasedCardinality: true } });
  expect(lines).not.toContainEqual(warning);
});

test("a negative bound is told, and the usual ones are used", () => {
  const { metrics, lines } = composed({ enabled: true, latencyDistributionBuckets: [-1, 5] });
  expect(lines).toContainEqual(expect.stringMatching(/^error latencyDistributionBuckets/));
  metrics?.telemetry.answered?.("b", "unary", 200, 1);
  expect(metrics?.render()).toContain('le="100000"');
});

test("an IPv6 address in brackets is one to listen on", async () => {
  const { server } = composed({ enabled: true });
  await server?.start?.(new AbortController().signal);
  expect(server?.address()?.host).toBe("::1");
  await server?.stop?.();
});
