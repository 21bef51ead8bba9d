import type { IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";
import type { ApiAccess } from "./api-access.ts";

const keepAliveMs = 10_000;
const maxErrorBytes = 65_536;

/** What the API server said when it did not do what it was asked for. */
export class ApiFailure extends Error {
  /** Status of HTTP, or the code of a watch's error event. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }

  /** The credentials are no good, or not good enough. */
  get denied(): boolean {
    return this.status === 401 || this.status === 403;
  }
}

/** Sends a GET. Resolves with the body, unread; `signal` cuts it off at any time. */
export async function getFromApi(
  { server, options }: ApiAccess,
  path: string,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const base = server.href.endsWith("/") ? server.href : `${server.href}/`;
  const url = new URL(path, base);
  const headers = { ...options.headers, accept: "application/json" };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = requestHttps(url, { ...options, headers, signal });
    // A watch is silent for minutes: without probes a dead connection would look the same.
    request.setSocketKeepAlive(true, keepAliveMs);
    request.once("response", resolve);
    // Stays for the errors that follow the answer, which its reader hears of from the answer.
    request.on("error", reject);
    request.end();
  });
  // Whoever reads it is told; between the answer and its reader nobody listens.
  response.on("error", () => undefined);
  const { statusCode = 0 } = response;
  if (statusCode === 200) return response;
  throw new ApiFailure(statusCode, messageOf(await readBody(response, maxErrorBytes), statusCode));
}

/** The whole body as text. */
export async function readBody(response: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    length += chunk.length;
    if (length > maxBytes) throw new Error(`the API server's answer exceeds ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** The lines of a body, as they come. */
export async function* readLines(
  response: IncomingMessage,
  maxLineBytes: number,
): AsyncGenerator<string> {
  let rest = "";
  response.setEncoding("utf8");
  for await (const chunk of response) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > maxLineBytes) throw new Error(`an event exceeds ${maxLineBytes} bytes`);
    yield* lines;
  }
}

function messageOf(body: string, status: number): string {
  try {
    const { message }: { message?: unknown } = JSON.parse(body);
    if (typeof message === "string" && message !== "") return message;
  } catch {
    // Proxies answer in other forms; the status tells enough.
  }
  return `the API server answered with status ${status}`;
}
