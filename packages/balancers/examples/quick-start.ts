import { consistentHash, leastRequest, zoneAware } from "@outrigger/balancers";

const byUser = consistentHash({ header: "x-user-id" });
const nearby = zoneAware({ zone: "eu-west-1a", within: leastRequest() });

// `createRuntime({ balancer: nearby, ... })` uses one; it can also be asked with plain data.
const endpoints = [
  { host: "10.0.1.5", port: 50_002, zone: "eu-west-1a" },
  { host: "10.0.2.5", port: 50_002, zone: "eu-west-1b" },
];
const target = { appId: "orders", namespace: "default" };
const snapshot = { target, endpoints, turn: 0, inFlight: () => 0 };

const call = { method: "cart", metadata: ["x-user-id", "4711"] };
console.log(byUser.select(snapshot, call)); // the same endpoint for every call of user 4711
console.log(nearby.select(snapshot, call)); // { host: "10.0.1.5", port: 50002, zone: "eu-west-1a" }
