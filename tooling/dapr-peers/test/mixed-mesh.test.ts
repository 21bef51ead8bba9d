import { serversOrSkip } from "@outrigger/test-servers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Maker, MixedMesh } from "./mixed-mesh.ts";

const dapr = serversOrSkip("sentry", "daprd");
const makers: readonly Maker[] = ["dapr", "outrigger"];
const pairs = makers.flatMap((caller) => makers.map((callee) => ({ caller, callee })));
const uploadChunkBytes = 100_000;
const uploadChunks = 30;

describe.skipIf(dapr === undefined).for(makers)("with the Sentry of %s", (sentry) => {
  let mesh: MixedMesh;
  beforeAll(async () => {
    if (dapr !== undefined) mesh = await MixedMesh.start(dapr, sentry);
  });
  afterAll(() => mesh?.stop());

  describe.for(pairs)("$caller calls $callee", ({ caller, callee }) => {
    async function call(method: string, init: RequestInit): Promise<Response> {
      const signal = AbortSignal.timeout(15_000);
      return fetch(mesh.url(caller, callee, method), { ...init, signal });
    }

    test("and the app hears who calls", async () => {
      const answer = await call("allowed?x=1", { method: "POST", body: "hello" });
      expect(answer.status).toBe(200);
      await expect(answer.json()).resolves.toEqual({
        method: "POST",
        url: "/allowed?x=1",
        bodyBytes: 5,
        from: `${caller}-caller`,
      });
    });

    test("and is kept from what the callee does not allow", async () => {
      const answer = await call("secret", { method: "GET" });
      expect(answer.status).toBe(403);
      await expect(answer.json()).resolves.toMatchObject({ errorCode: "ERR_DIRECT_INVOKE" });
    });

    test("with 3 MB in chunks", async () => {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          for (let sent = 0; sent < uploadChunks; sent += 1) {
            controller.enqueue(new Uint8Array(uploadChunkBytes));
          }
          controller.close();
        },
      });
      const answer = await call("allowed", { method: "PUT", body, duplex: "half" });
      expect(answer.status).toBe(200);
      await expect(answer.json()).resolves.toMatchObject({
        method: "PUT",
        bodyBytes: uploadChunkBytes * uploadChunks,
      });
    });
  });
});
