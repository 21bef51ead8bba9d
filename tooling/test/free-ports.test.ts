import { once } from "node:events";
import { createServer } from "node:net";
import { freePorts } from "@outrigger/test-servers";
import { afterEach, expect, test, vi } from "vitest";

afterEach(() => {
  vi.unstubAllEnvs();
});

test("ports are not of those that the system hands out, and never given twice in a row", async () => {
  const ports = [...(await freePorts(20)), ...(await freePorts(20))];
  expect(new Set(ports).size).toBe(40);
  expect(Math.max(...ports)).toBeLessThan(20_000);
});

test("workers that run at the same time have ports of their own", async () => {
  const taken = new Set<number>();
  for (const worker of ["1", "2", "3"]) {
    vi.stubEnv("VITEST_POOL_ID", worker);
    for (const port of await freePorts(30)) taken.add(port);
  }
  expect(taken.size).toBe(90);
});

test("a port that somebody listens on is left out", async () => {
  const [first = 0] = await freePorts(1);
  const server = createServer().listen(first + 1, "127.0.0.1");
  await once(server, "listening");
  try {
    expect(await freePorts(5)).not.toContain(first + 1);
  } finally {
    server.close();
  }
});
