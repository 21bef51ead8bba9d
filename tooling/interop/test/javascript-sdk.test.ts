import { CommunicationProtocolEnum, DaprClient, HttpMethod, LogLevel } from "@dapr/dapr";
import { afterAll, describe, expect, inject, test } from "vitest";

const { caller } = inject("interop");
const logger = { level: LogLevel.Error };
const overHttp = new DaprClient({ daprHost: "127.0.0.1", daprPort: `${caller.http}`, logger });
const overGrpc = new DaprClient({
  daprHost: "127.0.0.1",
  daprPort: `${caller.grpc}`,
  communicationProtocol: CommunicationProtocolEnum.GRPC,
  logger,
});
afterAll(async () => {
  await overHttp.stop();
  await overGrpc.stop();
});

const clients = [
  ["HTTP", overHttp],
  ["gRPC", overGrpc],
] as const;
const callees = ["js-http", "js-grpc"] as const;
const ways = clients.flatMap(([name, client]) =>
  callees.map((appId) => ({ name, client, appId }) as const),
);
const verbs = [
  HttpMethod.GET,
  HttpMethod.POST,
  HttpMethod.PUT,
  HttpMethod.PATCH,
  HttpMethod.DELETE,
];

describe.for(ways)(
  "the SDK's client over $name calls its server $appId",
  ({ name, client, appId }) => {
    test.for(verbs)("%s", async (verb) => {
      const data = verb === HttpMethod.GET && name === "HTTP" ? undefined : { n: 1 };
      const answer = await client.invoker.invoke(appId, "echo", verb, data);
      expect(answer).toMatchObject({ verb: verb.toUpperCase() });
    });

    test("an object arrives as JSON", async () => {
      const data = { text: "grüße", list: [1, 2] };
      const answer = await client.invoker.invoke(appId, "echo", HttpMethod.POST, data);
      expect(answer).toMatchObject({ contentType: "application/json" });
      expect(JSON.parse(bodyOf(answer))).toEqual(data);
    });

    test("a string arrives as text", async () => {
      // Declared as `object`; the SDK takes text as well.
      const data: object = Object("plain words");
      const answer = await client.invoker.invoke(appId, "echo", HttpMethod.POST, data);
      // The SDK's HTTP server turns every body into JSON text.
      const text = appId === "js-http" ? '"plain words"' : "plain words";
      expect(answer).toMatchObject({ body: text });
      expect(answer).toMatchObject({ contentType: expect.stringMatching(/^text\/plain/) });
    });

    test("a Buffer arrives as bytes", async () => {
      const bytes = Buffer.from("bytes");
      const answer = await client.invoker.invoke(appId, "echo", HttpMethod.POST, bytes);
      expect(answer).toMatchObject({ contentType: "application/octet-stream" });
      const body = bodyOf(answer);
      expect(appId === "js-http" ? Buffer.from(JSON.parse(body).data).toString() : body).toBe(
        "bytes",
      );
    });

    test("an app that calls others itself answers", async () => {
      const order = { appId: "py-http", method: "echo", data: { from: appId } };
      // A method of the callee that calls on, to an app in Python.
      const answer = await client.invoker.invoke(appId, "relay", HttpMethod.POST, order);
      expect(answer).toMatchObject({
        by: appId,
        got: { verb: "POST", body: JSON.stringify({ from: appId }) },
      });
    });
  },
);

test("headers and the query arrive", async () => {
  const options = { headers: { "x-correlation-id": "c-1" } };
  for (const appId of ["js-http"]) {
    const answer = await overHttp.invoker.invoke(
      appId,
      "echo?a=1&b=two%20words",
      HttpMethod.POST,
      { n: 1 },
      options,
    );
    expect(answer).toMatchObject({ query: "/echo?a=1&b=two%20words", correlation: "c-1" });
  }
  const answer = await overHttp.invoker.invoke("js-grpc", "echo?a=1", HttpMethod.POST, { n: 1 });
  expect(answer).toMatchObject({ query: "a=1" });
});

describe("errors as the SDK shows them", () => {
  async function errorOf(call: Promise<object>): Promise<Error> {
    const reason = await call.then(
      () => undefined,
      (error: unknown) => error,
    );
    if (!(reason instanceof Error)) throw new Error("the call did not fail");
    return reason;
  }

  test("HTTP: the app's status and body", async () => {
    const error = await errorOf(
      overHttp.invoker.invoke("node-http", "status?code=409", HttpMethod.GET),
    );
    expect(JSON.parse(error.message)).toEqual({
      error: "Conflict",
      error_msg: '{"reason":"asked for"}',
      status: 409,
    });
  });

  test("HTTP: a handler's own status", async () => {
    const error = await errorOf(overHttp.invoker.invoke("js-http", "fail", HttpMethod.POST, {}));
    expect(JSON.parse(error.message)).toMatchObject({ status: 422 });
  });

  test("HTTP: a handler of the gRPC server that throws", async () => {
    const error = await errorOf(overHttp.invoker.invoke("js-grpc", "fail", HttpMethod.POST, {}));
    expect(JSON.parse(error.message)).toMatchObject({ status: 500 });
  });

  test("HTTP: no such app", async () => {
    const error = await errorOf(overHttp.invoker.invoke("nobody", "echo", HttpMethod.GET));
    const { status, error_msg } = JSON.parse(error.message);
    expect(status).toBe(500);
    expect(JSON.parse(error_msg)).toMatchObject({ errorCode: "ERR_DIRECT_INVOKE" });
  });

  test("gRPC: the app's status becomes a code", async () => {
    const error = await errorOf(
      overGrpc.invoker.invoke("node-http", "no-such-route", HttpMethod.GET),
    );
    expect(error).toMatchObject({ name: "ConnectError", code: 5 });
  });

  test("gRPC: a handler that throws", async () => {
    const error = await errorOf(overGrpc.invoker.invoke("js-grpc", "fail", HttpMethod.POST, {}));
    expect(error).toMatchObject({ name: "ConnectError" });
  });

  test("gRPC: no such app", async () => {
    const error = await errorOf(overGrpc.invoker.invoke("nobody", "echo", HttpMethod.GET));
    expect(error).toMatchObject({ name: "ConnectError", code: 13 });
  });
});

describe.for(clients)("the runtime over %s", ([name, client]) => {
  test("is healthy and started", async () => {
    await client.start();
    expect(client.getIsInitialized()).toBe(true);
    expect(await client.health.isHealthy()).toBe(true);
  });

  test("keeps metadata", async () => {
    expect(await client.metadata.set(`interop-${name}`, "set by the SDK")).toBe(true);
    const metadata = await client.metadata.get();
    expect(metadata.id).toBe("caller");
    expect(metadata.extended).toMatchObject({ [`interop-${name}`]: "set by the SDK" });
  });
});

function bodyOf(answer: object): string {
  if (!("body" in answer) || typeof answer.body !== "string") throw new Error("no body");
  return answer.body;
}
