import { accessToken } from "@outrigger/access-token";
import { emptyBody, type HttpRequest, type HttpResponse } from "@outrigger/core";
import { expect, test } from "vitest";

const token = "let-me-in";
const ok: HttpResponse = { status: 200, headers: [], body: emptyBody };

function request(overrides: Partial<HttpRequest>): HttpRequest {
  return {
    ...{ method: "GET", path: "/v1.0/metadata", query: "", headers: [], body: emptyBody },
    ...{ bodyLength: 0, signal: new AbortController().signal },
    ...overrides,
  };
}

/** Sends a request through the guard; tells the answer and what came through. */
async function guard(
  overrides: Partial<HttpRequest>,
): Promise<{ status: number; seen: HttpRequest | undefined }> {
  let seen: HttpRequest | undefined;
  const handler = accessToken(token).httpGuard(async (passed) => {
    seen = passed;
    return ok;
  });
  const { status } = await handler(request(overrides));
  return { status, seen };
}

test("the right token passes and goes no further", async () => {
  const { status, seen } = await guard({ headers: ["Dapr-Api-Token", token, "X-A", "1"] });
  expect(status).toBe(200);
  expect(seen?.headers).toEqual(["X-A", "1"]);
});

test.for([
  ["no token", []],
  ["a wrong token", ["dapr-api-token", "let-me-on"]],
  ["a longer token", ["dapr-api-token", `${token}!`]],
  ["an empty token", ["dapr-api-token", ""]],
  ["the right token as a second value", ["dapr-api-token", "x", "dapr-api-token", token]],
  ["another one after the right token", ["dapr-api-token", token, "Dapr-Api-Token", "x"]],
] as const)("%s is refused and reaches nobody", async ([_name, headers]) => {
  expect(await guard({ headers })).toEqual({ status: 401, seen: undefined });
});

test.for([
  ["GET", "/v1.0/healthz", 200],
  ["GET", "/v1.0//healthz/", 200],
  ["GET", "/v1.0/healthz/outbound", 200],
  ["POST", "/v1.0/healthz", 401],
  ["GET", "/v1.0/healthz/other", 401],
  ["GET", "/v1.0/invoke/x/method/healthz", 401],
] as const)("%s %s without a token: %i", async ([method, path, status]) => {
  expect((await guard({ method, path })).status).toBe(status);
});

test.for([
  [[], "missing api token in request metadata"],
  [["dapr-api-token", "x"], "authentication error: api token mismatch"],
  [["dapr-api-token", token], undefined],
] as const)("metadata %j: %s", ([metadata, refusal]) => {
  expect(accessToken(token).checkMetadata(metadata)).toBe(refusal);
});

test("an empty token is no protection and is refused", () => {
  expect(() => accessToken("")).toThrow("token: must not be empty");
});
