import { request as requestHttp } from "node:http";
import { type RequestOptions, request as requestHttps } from "node:https";

/** A request to an HTTP server whose answer is small. */
export interface SmallRequest {
  readonly url: URL;
  readonly method?: "GET" | "POST" | "PUT";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** TLS of the client; only for `https`. */
  readonly tls?: Pick<RequestOptions, "ca" | "cert" | "key" | "rejectUnauthorized">;
  /** Bound on the whole exchange, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** The whole answer. */
export interface SmallResponse {
  readonly status: number;
  readonly body: string;
}

const maxBodyBytes = 4 * 1_024 * 1_024;

/** Rejects when there is no whole answer in time, or when it is too large. */
export function sendRequest(options: SmallRequest): Promise<SmallResponse> {
  const { url, method = "GET", headers, body, tls, timeoutMs } = options;
  const send = url.protocol === "https:" ? requestHttps : requestHttp;
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(timeoutMs)]);
  return new Promise((resolve, reject) => {
    const request = send(url, { method, headers, ...tls, signal, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on("data", (chunk: Buffer) => {
        length += chunk.length;
        chunks.push(chunk);
        if (length > maxBodyBytes) response.destroy(new Error("the answer is too large"));
      });
      response.once("error", reject);
      response.once("end", () => {
        resolve({
          status: response.statusCode ?? 0,
          body: Buffer.concat(chunks).toString("utf8"),
        });
      });
    });
    request.once("error", (reason) => {
      reject(options.signal.aborted || !signal.aborted ? reason : timedOut(timeoutMs, reason));
    });
    request.end(body);
  });
}

function timedOut(timeoutMs: number, cause: unknown): Error {
  return new Error(`no answer within ${timeoutMs} ms`, { cause });
}
