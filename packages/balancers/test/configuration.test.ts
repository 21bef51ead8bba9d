import { balancerFromConfiguration } from "@outrigger/balancers";
import { expect, test } from "vitest";
import { hosts, snapshot } from "./fixture.ts";

test.each([
  [undefined, "round-robin"],
  [null, "round-robin"],
  ["round-robin", "round-robin"],
  ["least-request", "least-request"],
  [{ name: "least-request" }, "least-request"],
  [{ name: "consistent-hash", header: "x-user" }, "consistent-hash"],
  [{ name: "zone-aware", zone: "a" }, "zone-aware"],
  [{ name: "zone-aware", zone: "a", within: "least-request" }, "zone-aware"],
  [
    { name: "zone-aware", zone: "a", within: { name: "consistent-hash", header: "x" } },
    "zone-aware",
  ],
])("%j is %s", (value, name) => {
  expect(balancerFromConfiguration(value).name).toBe(name);
});

test("options reach the balancer", () => {
  const [own, other] = [hosts(1, "b")[0], hosts(1, "a")[0]];
  const balancer = balancerFromConfiguration({
    name: "zone-aware",
    zone: "a",
    within: "least-request",
  });
  expect(balancer.countsCalls).toBe(true);
  const endpoints = [own, other].flatMap((endpoint) => endpoint ?? []);
  expect(balancer.select(snapshot(endpoints), { method: "m", metadata: [] }).zone).toBe("a");
});

const field = "spec.nameResolution.balancer";
const all = "round-robin, least-request, consistent-hash, zone-aware";

test.each([
  ["random", `${field}: name: must be one of ${all} (got "random")`],
  ["Round-Robin", `${field}: name: must be one of ${all} (got "Round-Robin")`],
  [7, `${field}: must be one of ${all}, or an object with such a name (got 7)`],
  [
    ["round-robin"],
    `${field}: must be one of ${all}, or an object with such a name (got ["round-robin"])`,
  ],
  [{}, `${field}: name: must be one of ${all} (got nothing)`],
  [
    { name: "least-request", header: "x" },
    `${field}: header: is no option here; allowed: name (got "x")`,
  ],
  [
    "consistent-hash",
    `${field}: header: must be the name of a header or gRPC metadata key (got nothing)`,
  ],
  [
    { name: "consistent-hash", header: 1 },
    `${field}: header: must be the name of a header or gRPC metadata key (got 1)`,
  ],
  ["zone-aware", `${field}: zone: must be the name of this sidecar's zone (got nothing)`],
  [
    { name: "zone-aware", zone: "a", within: "zone-aware" },
    `${field}: within.name: must be one of round-robin, least-request, consistent-hash`,
  ],
  [
    { name: "zone-aware", zone: "a", within: 3 },
    `${field}: within: must be one of round-robin, least-request, consistent-hash (got 3)`,
  ],
  [
    { name: "zone-aware", zone: "a", spill: true },
    `${field}: spill: is no option here; allowed: name, zone, within (got true)`,
  ],
])("refuses %j", (value, message) => {
  let thrown: unknown;
  try {
    balancerFromConfiguration(value);
  } catch (reason) {
    thrown = reason;
  }
  expect(thrown).toMatchObject({ code: "OTR_OPTIONS_INVALID" });
  expect(String(thrown)).toContain(message);
});
