import { silentLogger } from "@outrigger/core";
import { expect, test } from "vitest";
import { StopRequests } from "../src/sidecar/stop-requests.ts";

test("a shutdown outranks a restart that waits", async () => {
  const stops = new StopRequests(silentLogger);
  try {
    const first = stops.next();
    stops.request("restart");
    expect(await first).toBe("restart");
    // While the old life drains: another hangup, then the end.
    stops.request("restart");
    stops.request("signal");
    stops.request("restart");
    expect(await stops.next()).toBe("signal");
  } finally {
    stops.close();
  }
});

test("a forced shutdown outranks a shutdown that waits, and is told while one is under way", async () => {
  const stops = new StopRequests(silentLogger);
  try {
    stops.request("signal");
    expect(await stops.next()).toBe("signal");
    const heard: string[] = [];
    const unsubscribe = stops.onLater((reason) => heard.push(reason));
    stops.request("api");
    stops.request("force");
    unsubscribe();
    stops.request("api");
    expect(heard).toEqual(["api", "force"]);
    expect(await stops.next()).toBe("force");
  } finally {
    stops.close();
  }
});
