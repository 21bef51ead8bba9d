import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { testContext } from "@outrigger/conformance";
import {
  emptyBody,
  type InvokeRequest,
  type InvokeResponse,
  isOutriggerError,
  type Logger,
  type PeerIdentity,
  type Svid,
  type Transport,
  type TransportHandler,
} from "@outrigger/core";
import { GrpcClient } from "@outrigger/grpc-http2";
import { clientTls } from "@outrigger/spiffe";
import { transportGrpc } from "@outrigger/transport-grpc";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { leafUsage, TestAuthority, TestIdentity } from "../../spiffe/test/certificates.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

let authority: TestAuthority;
beforeAll(async () => {
  authority = await TestAuthority.create();
});

interface Callee {
  readonly port: number;
  readonly identity: TestIdentity;
  readonly peers: (PeerIdentity | undefined)[];
  readonly log: readonly string[];
}

const answer: InvokeResponse = {
  status: { code: 200, message: "", details: [] },
  headers: [],
  trailers: [],
  contentType: "",
  typeUrl: "",
  body: emptyBody,
};

function keep(transport: Transport): Transport {
  cleanups.push(() => transport.stop?.());
  return transport;
}

async function callee(svid: Svid | undefined): Promise<Callee> {
  const identity = new TestIdentity(svid ?? (await authority.issue("callee")));
  const lines: string[] = [];
  const log: Logger = {
    enabled: () => true,
    log: (_level, text) => lines.push(text),
    scope: () => log,
  };
  const context = testContext(svid === undefined ? { log } : { log, identity });
  const transport = keep(transportGrpc({ host: "127.0.0.1" })(context));
  const peers: (PeerIdentity | undefined)[] = [];
  const handler: TransportHandler = {
    receive: async (call) => {
      peers.push(call.peer);
      return answer;
    },
    proxy: () => Promise.reject(new Error("nothing is proxied")),
  };
  const { port } = await transport.listen(handler, AbortSignal.timeout(5_000));
  return { port, identity, peers, log: lines };
}

const callerLog: string[] = [];

function caller(svid: Svid | undefined): Transport {
  const identity = svid === undefined ? undefined : new TestIdentity(svid);
  callerLog.length = 0;
  const log: Logger = {
    enabled: () => true,
    log: (_level, text) => void callerLog.push(text),
    scope: () => log,
  };
  return keep(transportGrpc({ connectTimeoutMs: 2_000 })(testContext({ identity, log })));
}

const request: InvokeRequest = {
  target: "callee",
  method: "m",
  http: { verb: "GET", query: "" },
  origin: "http",
  metadata: ["content-type", "text/plain"],
  contentType: "",
  typeUrl: "",
  body: emptyBody,
  bodyLength: 0,
  signal: new AbortController().signal,
};

function call(
  transport: Transport,
  port: number,
  peer = { appId: "callee", namespace: "default" },
): Promise<InvokeResponse> {
  return transport.connect({ host: "127.0.0.1", port }, peer).invoke(request);
}

async function refusal(outcome: Promise<unknown>): Promise<string> {
  const reason = await outcome.then(
    () => new Error("went through"),
    (error: unknown) => error,
  );
  expect(isOutriggerError(reason, "OTR_PEER_UNAVAILABLE")).toBe(true);
  return String(reason);
}

test("the callee learns who calls", async () => {
  const { port, peers } = await callee(await authority.issue("callee"));
  await call(caller(await authority.issue("caller", "shop")), port);
  const spiffeId = "spiffe://public/ns/shop/caller";
  expect(peers).toEqual([{ spiffeId, trustDomain: "public", namespace: "shop", appId: "caller" }]);
});

describe("a caller refuses a callee", () => {
  test.each([
    ["of another app", "other", "default"],
    ["of another namespace", "callee", "elsewhere"],
    ["whose app id begins alike", "callee2", "default"],
    ["in another letter case", "Callee", "default"],
  ])("%s", async (_name, appId, namespace) => {
    const { port, peers } = await callee(await authority.issue(appId, namespace));
    const text = await refusal(call(caller(await authority.issue("caller")), port));
    expect(text).toContain(`/ns/${namespace}/${appId}`);
    expect(peers).toEqual([]);
  });

  test("with further segments behind its id", async () => {
    const uris = ["spiffe://public/ns/default/callee/x"];
    const { port } = await callee(await authority.issue("callee", "default", { uris }));
    const text = await refusal(call(caller(await authority.issue("caller")), port));
    expect(text).toContain("unexpected SPIFFE ID");
    expect(callerLog.join("\n")).toMatch(
      /refused to call callee in namespace default at 127\.0\.0\.1:\d+: unexpected SPIFFE ID/,
    );
  });

  test("of a foreign authority", async () => {
    const foreign = await TestAuthority.create();
    const { port } = await callee(await foreign.issue("callee"));
    const text = await refusal(call(caller(await authority.issue("caller")), port));
    expect(text).toContain("authentication handshake failed: x509: certificate signed by unknown");
  });

  test("that speaks plaintext", async () => {
    const { port } = await callee(undefined);
    const text = await refusal(call(caller(await authority.issue("caller")), port));
    expect(text).toContain("tls: first record does not look like a TLS handshake");
    expect(callerLog).toEqual([
      expect.stringMatching(
        /^TLS to callee in namespace default at 127\.0\.0\.1:\d+ failed: transport: authentication handshake failed: tls: first record/,
      ),
    ]);
  });

  test("which refuses it, and the log says where", async () => {
    const foreign = await TestAuthority.create();
    const { port } = await callee({
      ...(await authority.issue("callee")),
      trustAnchors: foreign.pem,
    });
    await refusal(call(caller(await authority.issue("caller")), port));
    expect(callerLog.join("\n")).toMatch(
      /^TLS to callee in namespace default at 127\.0\.0\.1:\d+ failed: error reading server preface: /,
    );
  });

  test("without filling the log", async () => {
    const { port } = await callee(undefined);
    const transport = caller(await authority.issue("caller"));
    for (let count = 0; count < 5; count++) await refusal(call(transport, port));
    expect(callerLog).toHaveLength(1);
  });

  test("whatever its trust domain, but not for it", async () => {
    const uris = ["spiffe://other.domain/ns/default/callee"];
    const { port, peers } = await callee(await authority.issue("callee", "default", { uris }));
    await call(caller(await authority.issue("caller")), port);
    expect(peers).toHaveLength(1);
  });

  test("for another app at an address that it knows", async () => {
    const { port } = await callee(await authority.issue("callee"));
    const transport = caller(await authority.issue("caller"));
    await call(transport, port);
    const other = { appId: "other", namespace: "default" };
    expect(await refusal(call(transport, port, other))).toContain("unexpected SPIFFE ID");
  });
});

const wrongLeaves: [string, () => Promise<Svid>][] = [
  ["has expired", () => authority.issue("c", "d", { notAfterMs: Date.now() - 1_000 })],
  ["is not valid yet", () => authority.issue("c", "d", { notBeforeMs: Date.now() + 600_000 })],
  ["has a foreign authority", async () => (await TestAuthority.create()).issue("c", "d")],
  ["names nobody", () => authority.issue("c", "d", { uris: [] })],
  [
    "names two",
    () => authority.issue("c", "d", { uris: ["spiffe://public/ns/d/c", "spiffe://public/ns/d/e"] }),
  ],
  ["names a website", () => authority.issue("c", "d", { uris: ["https://c.example"] })],
  ["is an authority", () => authority.issue("c", "d", { isCa: true })],
  ["may sign certificates", () => authority.issue("c", "d", { usage: leafUsage.keyCertSign })],
  ["may sign revocations", () => authority.issue("c", "d", { usage: leafUsage.cRLSign })],
];

test("a check of the peer that throws refuses the connection, and ends nothing else", async () => {
  const { port } = await callee(await authority.issue("callee"));
  const svid = await authority.issue("caller");
  const client = new GrpcClient(
    { host: "127.0.0.1", port },
    {
      tls: () => ({
        options: clientTls(svid, svid.trustAnchors),
        verifyPeer: () => {
          throw new Error("cannot judge");
        },
      }),
    },
  );
  cleanups.push(() => client.close());
  const response = await client.call({ path: "/a/b", headers: [], body: emptyBody });
  expect(await response.messages.read()).toBeUndefined();
  expect(response.status?.code).toBe(14);
  expect(response.status?.message).toContain("cannot judge");
});

test("a client that comes again and again is told of once", async () => {
  const { port, log } = await callee(await authority.issue("callee"));
  const other = await TestAuthority.create();
  const wrong = { ...(await other.issue("caller")), trustAnchors: authority.pem };
  for (let count = 0; count < 5; count++) await refusal(call(caller(wrong), port));
  const told = log.filter((line) => line.includes("unknown authority"));
  expect(told).toHaveLength(1);
});

describe("a certificate is refused on both sides when it", () => {
  test.each(wrongLeaves)("%s", async (_name, issue) => {
    const wrong = await issue();
    const asCallee = await callee({ ...wrong, trustAnchors: authority.pem });
    const right = await authority.issue("caller");
    await refusal(call(caller(right), asCallee.port, { appId: "c", namespace: "d" }));

    const { port, peers, log } = await callee(await authority.issue("callee"));
    await refusal(call(caller({ ...wrong, trustAnchors: authority.pem }), port));
    expect(peers).toEqual([]);
    expect(log.join("\n")).toContain("refused a connection of 127.0.0.1:");
  });
});

test("a callee refuses plaintext", async () => {
  const { port } = await callee(await authority.issue("callee"));
  expect(await refusal(call(caller(undefined), port))).toContain("error reading server preface");
});

describe("a raw TLS client", () => {
  async function connect(port: number, options: ConnectionOptions): Promise<TLSSocket> {
    const socket = connectTls({
      host: "127.0.0.1",
      port,
      ca: authority.pem,
      checkServerIdentity: () => undefined,
      ALPNProtocols: ["h2"],
      ...options,
    });
    cleanups.push(() => socket.destroy());
    return socket;
  }

  /** What the server sends before it closes, or the error that ends the connection. */
  async function outcome(socket: TLSSocket): Promise<string> {
    let received = 0;
    socket.on("data", (chunk: Buffer) => {
      received += chunk.length;
    });
    const ended = new Promise<string>((resolve) => {
      socket.once("error", (error) => resolve(error.message));
      socket.once("close", () => resolve("closed"));
      socket.on("data", () => resolve(`served ${received}`));
    });
    return ended;
  }

  test.each(["TLSv1.2", "TLSv1.3"] as const)("without a certificate: %s", async (version) => {
    const { port, log } = await callee(await authority.issue("callee"));
    const socket = await connect(port, { minVersion: version, maxVersion: version });
    // TLS 1.2 learns of it within the handshake, TLS 1.3 after it.
    socket.on("error", () => undefined);
    socket.resume();
    await new Promise((resolve) => socket.once("close", resolve));
    expect(log.join("\n")).toContain("the peer sent no certificate");
  });

  test("with TLS 1.1", async () => {
    const { port } = await callee(await authority.issue("callee"));
    const { certificateChain: cert, privateKey: key } = await authority.issue("caller");
    const options = { cert, key, minVersion: "TLSv1.1", maxVersion: "TLSv1.1" } as const;
    const socket = await connect(port, { ...options, ciphers: "ALL:@SECLEVEL=0" });
    expect(await outcome(socket)).toMatch(/alert|closed|no protocols|ECONNRESET/);
  });

  test("without ALPN", async () => {
    const { port, peers } = await callee(await authority.issue("callee"));
    const { certificateChain: cert, privateKey: key } = await authority.issue("caller");
    const socket = await connect(port, { cert, key, ALPNProtocols: [] });
    expect(await outcome(socket)).not.toMatch(/served/);
    expect(peers).toEqual([]);
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)("gets no session to resume: %s", async (version) => {
    const { port } = await callee(await authority.issue("callee"));
    const { certificateChain: cert, privateKey: key } = await authority.issue("caller");
    const versions = { minVersion: version, maxVersion: version };
    const first = await connect(port, { cert, key, ...versions });
    let session: Buffer | undefined;
    first.on("session", (ticket: Buffer) => {
      session = ticket;
    });
    await once(first, "data");
    session ??= first.getSession();
    const second = await connect(port, { cert, key, ...versions, ...(session && { session }) });
    await once(second, "secureConnect");
    expect(second.isSessionReused()).toBe(false);
  });
});

test("a connection that never finishes its handshake does not hold up the stop", async () => {
  const { port } = await callee(await authority.issue("callee"));
  const socket = connectTcp(port, "127.0.0.1");
  await once(socket, "connect");
  const closed = once(socket, "close");
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await closed;
});

describe("rotation", () => {
  test("takes the new certificate for new connections and keeps those that are open", async () => {
    const { port, identity, peers } = await callee(await authority.issue("callee"));
    const transport = caller(await authority.issue("caller"));
    await call(transport, port);
    identity.rotate(await authority.issue("someone-else"));
    await call(transport, port);
    expect(peers).toHaveLength(2);
    transport
      .connect({ host: "127.0.0.1", port }, { appId: "callee", namespace: "default" })
      .reset();
    expect(await refusal(call(transport, port))).toContain("ns/default/someone-else");
  });

  test("of the anchors: both while both are trusted, then the new one only", async () => {
    const next = await TestAuthority.create();
    const both = `${authority.pem}\n${next.pem}\n`;
    const own = { ...(await authority.issue("callee")), trustAnchors: both };
    const { port, identity } = await callee(own);
    const old = { ...(await authority.issue("caller")), trustAnchors: both };
    const fresh = { ...(await next.issue("caller")), trustAnchors: both };
    await call(caller(old), port);
    await call(caller(fresh), port);
    identity.rotate({ ...(await next.issue("callee")), trustAnchors: next.pem });
    await call(caller(fresh), port);
    await refusal(call(caller(old), port));
  });
});
