import { createSign, generateKeyPairSync } from "node:crypto";
import type { Mesh } from "./mesh.ts";

/** Serves the public key of an issuer, and signs tokens with the private one. */
export interface KeyServer {
  readonly url: string;
  sign(claims: Readonly<Record<string, unknown>>): string;
}

/** Starts a key server that the mesh closes; only its root path has the keys. */
export async function startKeyServer(mesh: Mesh): Promise<KeyServer> {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  const names = { kid: "one", alg: "RS256", use: "sig" };
  const keys = JSON.stringify({ keys: [{ ...publicKey.export({ format: "jwk" }), ...names }] });
  const { port } = await mesh.app((request, response) => {
    response.statusCode = request.url === "/" ? 200 : 404;
    response.setHeader("content-type", "application/json");
    response.end(keys);
  });
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return {
    url: `http://127.0.0.1:${port}`,
    sign: (claims) => {
      const exp = Math.floor(Date.now() / 1_000) + 3_600;
      const text = `${part({ alg: "RS256", kid: "one" })}.${part({ exp, ...claims })}`;
      return `${text}.${createSign("RSA-SHA256").update(text).sign(privateKey, "base64url")}`;
    },
  };
}
