import {
  decodeInternalInvokeRequestStream,
  encodeInternalInvokeRequestStream,
  internalApiVersion,
  metadataToHttpHeaders,
  toHttpMetadata,
} from "@outrigger/protocol";

// What a caller's sidecar puts on the wire for `POST /orders` ...
const bytes = encodeInternalInvokeRequestStream({
  request: {
    ver: internalApiVersion,
    metadata: toHttpMetadata(["host", "localhost", "x-shop", "7", "connection", "close"]),
    message: {
      method: "orders",
      contentType: "application/json",
      httpExtension: { verb: "POST", querystring: "" },
    },
  },
  payload: { data: new TextEncoder().encode("{}"), seq: 0 },
});

// ... and what the callee's sidecar makes of it.
const { request, payload } = decodeInternalInvokeRequestStream(bytes);
console.log(request?.message?.method, metadataToHttpHeaders(request?.metadata ?? []).headers);
console.log(payload?.data.length);
