import { createRuntime, type ExternalTargets, type Telemetry } from "@outrigger/core";
import { expect, test } from "vitest";
import { answer, ScriptedTransport } from "./fakes.ts";

test("telemetry hears of targets outside the mesh before they are called", async () => {
  const events: unknown[] = [];
  const telemetry: Telemetry = {
    started: () => "token",
    resolved: (token, target, endpoint) => void events.push([token, target, endpoint]),
    finished: (token) => void events.push([token, "finished"]),
  };
  const egress: ExternalTargets = {
    name: "egress-test",
    hasEndpoint: (name) => name === "site",
    deliver: async (_call, target) => {
      events.push(target);
      return answer("ok");
    },
  };
  const runtime = await createRuntime({
    appId: "orders",
    transport: () => new ScriptedTransport(),
    egress: () => egress,
    telemetry: [telemetry],
  });
  await runtime.invoke({ target: "site.elsewhere", method: "m" });
  await runtime.invoke({ target: "http://host/base", method: "m" });
  await runtime.stop({ drainMs: 0 });
  const site = { kind: "endpoint", name: "site" };
  const url = { kind: "url", url: "http://host/base" };
  expect(events).toEqual([
    ["token", site, undefined],
    site,
    ["token", "finished"],
    ["token", url, undefined],
    url,
    ["token", "finished"],
  ]);
});
