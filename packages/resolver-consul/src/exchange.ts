import { type IncomingMessage, request as plainRequest, type RequestOptions } from "node:http";
import { request as secureRequest } from "node:https";

/** Most bytes of an answer: some 20000 instances. */
const maxAnswerBytes = 64 * 1_024 * 1_024;

/** What the agent said, and where in its history it was when it said so. */
export interface Answer {
  readonly body: unknown;
  readonly index: string | undefined;
}

/** An answer that is no success. */
export class AgentError extends Error {
  readonly status: number;

  constructor(status: number, text: string) {
    super(`Unexpected response code: ${status} (${text.trim()})`);
    this.status = status;
  }
}

/** The agent had closed a kept connection before the request got to it. */
export class StaleConnection extends Error {}

/** One request to the agent and its whole answer. @throws AgentError, StaleConnection */
export function exchange(
  options: RequestOptions,
  secure: boolean,
  signal: AbortSignal,
  body: string | undefined,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = (secure ? secureRequest : plainRequest)({ ...options, signal });
    request.once("error", (cause) => {
      const stale = request.reusedSocket && "code" in cause && cause.code === "ECONNRESET";
      reject(stale ? new StaleConnection(cause.message, { cause }) : cause);
    });
    request.once("response", (response) => readAnswer(response).then(resolve, reject));
    request.end(body);
  });
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    size += chunk.length;
    if (size > maxAnswerBytes) throw new Error(`answer of more than ${maxAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString("utf8");
  const { statusCode = 0, headers } = response;
  if (statusCode !== 200) throw new AgentError(statusCode, text.slice(0, 1_000));
  const index = headers["x-consul-index"];
  return {
    body: text === "" ? undefined : JSON.parse(text),
    index: typeof index === "string" ? index : undefined,
  };
}
