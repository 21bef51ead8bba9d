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
