import {
  runCase,
  type TransportSubject,
  testContext,
  transportCases,
} from "@outrigger/conformance";
import {
  type Body,
  type BodyStream,
  type Connection,
  emptyBody,
  OutriggerError,
  RpcCode,
  readBody,
  rpcError,
  type Transport,
} from "@outrigger/core";
import { afterEach, expect, test } from "vitest";
// By path: the package depends on this one, and a cycle in the manifests would help nobody.
import { memoryNetwork, transportMemory } from "../../packages/transport-memory/src/index.ts";
import {
  type Fault,
  oneAtATime,
  streamFaults,
  swallowing,
  withoutReturn,
} from "./stream-faults.ts";

const servers: { close(): unknown }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

const lower = (list: readonly string[]): string[] => list.map((text) => text.toLowerCase());
const slurp = async (body: Body): Promise<Uint8Array> => readBody(body, 1 << 30);
const asStream = (bytes: Uint8Array): BodyStream =>
  (async function* () {
    yield bytes;
  })();
const notAborting = new AbortController().signal;

/** One fault per case, which the case must notice. */
const faults: Readonly<Record<string, Fault>> = {
  "transport/content/call-fields": { request: (call) => ({ ...call, typeUrl: "" }) },
  "transport/content/metadata": {
    response: (response) => ({ ...response, headers: lower(response.headers) }),
  },
  "transport/content/trailers": { response: (response) => ({ ...response, trailers: [] }) },
  "transport/content/bodies": {
    response: async (response) => ({
      ...response,
      body: (await slurp(response.body)).subarray(0, 65_536),
    }),
  },
  "transport/content/empty-is-buffered": {
    request: (call) => ({ ...call, body: asStream(emptyBody) }),
    response: (response) => ({ ...response, body: asStream(emptyBody) }),
  },
  "transport/content/status": {
    response: (response) => ({ ...response, status: { ...response.status, details: [] } }),
  },
  "transport/failure/peer-errors": {
    failure: (reason) => new OutriggerError(String(reason), { code: "OTR_PEER_FAILED" }),
  },
  "transport/failure/unreachable": {
    failure: () => new OutriggerError("unreachable", { code: "OTR_PEER_FAILED" }),
  },
  "transport/failure/deadline": {
    invoke: (connection, call) => connection.invoke({ ...call, deadlineMs: undefined }),
  },
  "transport/failure/abort": {
    invoke: (connection, call) => connection.invoke({ ...call, signal: notAborting }),
  },
  "transport/failure/connection-lost": {
    failure: () => new OutriggerError("lost", { code: "OTR_ABORTED" }),
  },
  "transport/failure/broken-answer": {
    response: (response) => ({ ...response, body: swallowing(response.body) }),
  },
  "transport/failure/early-answer": {
    request: async (call) => ({ ...call, body: await slurp(call.body) }),
    invoke: async (connection, call) => {
      await slurp(call.body);
      return await connection.invoke({ ...call, signal: notAborting, body: never() });
    },
  },
  "transport/failure/other-calls-unharmed": { invoke: oneFailureFailsAll() },
  "transport/lifecycle/concurrent-calls": { invoke: oneAtATime() },
  "transport/lifecycle/drain": { callee: () => ({ drain: async () => undefined }) },
  "transport/lifecycle/drain-aborts": {
    callee: (callee) => ({ drain: () => callee.drain(notAborting) }),
  },
  "transport/lifecycle/stop": {
    invoke: async (connection, call) => {
      const { createServer } = await import("node:net");
      const server = createServer();
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return connection.invoke(call);
    },
  },
  "transport/lifecycle/stopped-refuses": { callee: () => ({ stop: async () => undefined }) },
  "transport/stream/upload": {
    request: (call) => call,
    invoke: async (connection, call) =>
      connection.invoke({ ...call, body: await slurp(call.body) }),
  },
  "transport/stream/download": {
    response: async (response) => ({ ...response, body: await slurp(response.body) }),
  },
  "transport/stream/first-chunk": {
    invoke: async (connection, call) =>
      connection.invoke({ ...call, body: await slurp(call.body) }),
  },
  ...streamFaults,
  "transport/stream/return": {
    response: (response) => ({ ...response, body: withoutReturn(response.body) }),
  },
};

async function* never(): AsyncGenerator<Uint8Array> {
  await new Promise(() => undefined);
  yield emptyBody;
}

function oneFailureFailsAll(): NonNullable<Fault["invoke"]> {
  let fail: (reason: unknown) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => undefined);
  return (connection, call) => {
    const answering = connection.invoke(call);
    answering.catch(fail);
    return Promise.race([answering, failed]);
  };
}

/** The memory transport, made to lose the calls under way when the callee stops, and one fault. */
function subject(fault: Fault): TransportSubject {
  const network = memoryNetwork();
  const underWay = new Set<(reason: Error) => void>();
  const make = (port: number): Transport => transportMemory({ network, port })(testContext());
  const callee = make(0);
  const caller = make(0);
  const broken: Transport = {
    ...caller,
    features: { streams: true, remote: true },
    connect: (endpoint, peer) => withFault(losing(caller.connect(endpoint, peer), underWay), fault),
  };
  const listening: Transport = {
    ...callee,
    listen: (handler, signal) =>
      callee.listen(
        {
          ...handler,
          receive: async (call) => handler.receive((await fault.request?.(call)) ?? call),
        },
        signal,
      ),
    stop: async () => {
      await callee.stop?.();
      for (const lose of underWay) {
        lose(rpcError("OTR_PEER_UNAVAILABLE", { code: RpcCode.UNAVAILABLE, message: "lost" }));
      }
    },
    ...fault.callee?.(callee),
  };
  const unreachable = { host: "127.0.0.1", port: 1 };
  return { caller: broken, callee: listening, makeCallee: make, unreachable };
}

function losing(connection: Connection, underWay: Set<(reason: Error) => void>): Connection {
  return {
    ...connection,
    invoke: async (call) => {
      let lose: (reason: Error) => void = () => undefined;
      const lost = new Promise<never>((_, reject) => {
        lose = reject;
      });
      underWay.add(lose);
      try {
        return await Promise.race([connection.invoke(call), lost]);
      } finally {
        underWay.delete(lose);
      }
    },
  };
}

function withFault(connection: Connection, fault: Fault): Connection {
  return {
    ...connection,
    invoke: async (call) => {
      try {
        const answering =
          fault.invoke === undefined ? connection.invoke(call) : fault.invoke(connection, call);
        const response = await answering;
        return (await fault.response?.(response)) ?? response;
      } catch (reason) {
        throw fault.failure?.(reason) ?? reason;
      }
    },
  };
}

test.for(transportCases.map(({ id }) => id))("%s catches a broken transport", async (id) => {
  const testCase = transportCases.find((each) => each.id === id);
  if (testCase === undefined) throw new Error(`no case ${id}`);
  const fault = faults[id];
  if (fault === undefined) throw new Error(`${id} has no counter-example`);

  const { outcome } = await runCase(testCase, () => ({ subject: subject(fault) }), {
    timeoutMs: 400,
  });

  expect(outcome).toBe("failed");
});

test("every counter-example belongs to a case", () => {
  const ids = transportCases.map(({ id }) => id);
  expect(Object.keys(faults).filter((id) => !ids.includes(id))).toEqual([]);
});

test.for(transportCases.map(({ id }) => id))("%s passes without a fault", async (id) => {
  const testCase = transportCases.find((each) => each.id === id);
  if (testCase === undefined) throw new Error(`no case ${id}`);

  const result = await runCase(testCase, () => ({ subject: subject({}) }), { timeoutMs: 5_000 });

  expect(result).toMatchObject({ outcome: "passed" });
});
