import {
  type ByteString,
  bytesToText,
  errorText,
  type HttpRequest,
  type HttpResponse,
  headerValue,
  readBody,
  type Sidecar,
} from "@outrigger/core";
import { jsonError, noContent } from "./answers.ts";
import { unescapeQuery } from "./escapes.ts";
import { metadataJson } from "./metadata-json.ts";

/** `GET /v1.0/healthz`, with `?appid=` for registries that check whom they reach. */
export function healthRoute(sidecar: Sidecar, request: HttpRequest): HttpResponse {
  const unready = sidecar.health.unready();
  if (unready.length > 0) {
    const targets = unready.join(" ");
    return jsonError(500, "ERR_HEALTH_NOT_READY", `dapr is not ready: [${targets}]`);
  }
  const appId = queryValue(request.query, "appid");
  if (appId !== undefined && bytesToText(appId) !== sidecar.appId) {
    return jsonError(500, "ERR_HEALTH_APPID_NOT_MATCH", "dapr app-id does not match");
  }
  return noContent;
}

/** `GET /v1.0/healthz/outbound`: the sidecar can invoke others, whatever its own app does. */
export function outboundHealthRoute(sidecar: Sidecar): HttpResponse {
  if (sidecar.health.outboundReady()) return noContent;
  return jsonError(500, "ERR_OUTBOUND_HEALTH_NOT_READY", "dapr outbound is not ready");
}

/** `GET /v1.0/metadata`. */
export function metadataRoute(sidecar: Sidecar): HttpResponse {
  return {
    status: 200,
    headers: ["Content-Type", "application/json"],
    body: metadataJson(sidecar.metadata.snapshot()),
  };
}

/** `PUT /v1.0/metadata/{key}`: the raw body becomes the value. */
export async function setMetadataRoute(
  sidecar: Sidecar,
  request: HttpRequest,
  key: ByteString,
  maxBodyBytes: number,
): Promise<HttpResponse> {
  let value: Uint8Array;
  try {
    value = await readBody(request.body, maxBodyBytes || Number.POSITIVE_INFINITY);
  } catch (reason) {
    return jsonError(400, "ERR_BODY_READ", `failed to read request body: ${errorText(reason)}`);
  }
  try {
    sidecar.metadata.set(bytesToText(unescapeQuery(key)), Buffer.from(value).toString("utf8"));
  } catch (reason) {
    return jsonError(500, "ERROR", errorText(reason));
  }
  return noContent;
}

/** `POST /v1.0/shutdown`. */
export function shutdownRoute(sidecar: Sidecar, request: HttpRequest): HttpResponse {
  const force = headerValue(request.headers, "dapr-force-shutdown");
  sidecar.requestShutdown(force?.toLowerCase() === "true");
  return noContent;
}

function queryValue(query: ByteString, name: string): ByteString | undefined {
  for (const pair of query.split("&")) {
    const [key = "", ...value] = pair.split("=");
    if (unescapeQuery(key) === name) return unescapeQuery(value.join("="));
  }
  return undefined;
}
