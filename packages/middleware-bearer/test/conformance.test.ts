import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { middlewareConformance } from "@outrigger/conformance/vitest";
import { middlewareBearer } from "@outrigger/middleware-bearer";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll } from "vitest";

const issuer = "https://issuer.example";
const { publicKey, privateKey } = await generateKeyPair("ES256");
const keySet = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: "one" }] });
const token = await new SignJWT({})
  .setProtectedHeader({ alg: "ES256", kid: "one" })
  .setIssuer(issuer)
  .setAudience("orders")
  .setExpirationTime("1h")
  .sign(privateKey);

// No connection outlives its answer, so that none is taken for a leak.
const keyServer = createServer((_request, response) => {
  response.setHeader("connection", "close").end(keySet);
});
keyServer.listen(0, "127.0.0.1");
await once(keyServer, "listening");
const jwksUrl = `http://127.0.0.1:${(keyServer.address() as AddressInfo).port}/keys`;
afterAll(() => keyServer.close());

middlewareConformance({
  name: "@outrigger/middleware-bearer",
  setup: () => {
    const create = middlewareBearer({ issuer, audience: "orders", jwksUrl });
    return {
      subject: {
        create,
        passing: { headers: ["Authorization", `Bearer ${token}`] },
        answering: { create, request: { headers: [] }, status: 401 },
        malformedOptions: [
          () => middlewareBearer({ issuer: "", audience: "orders" }),
          () => middlewareBearer({ issuer, audience: "orders", jwksUrl: "not a URL" }),
        ],
      },
    };
  },
});
