/** Largest answer of a sidecar that is read. */
const maxBytes = 16 * 1024 * 1024;

/** What a request to a sidecar takes. */
export interface SidecarRequest {
  readonly url: string;
  readonly apiToken: string | undefined;
  readonly timeoutMs: number;
}

/** Reads a JSON document. @throws Error in words for the page when there is none. */
export async function fetchJson({ url, apiToken, timeoutMs }: SidecarRequest): Promise<unknown> {
  const response = await request(url, apiToken, timeoutMs);
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(refusal(response.status));
  }
  return JSON.parse(await readText(response)) as unknown;
}

async function request(
  url: string,
  apiToken: string | undefined,
  timeoutMs: number,
): Promise<Response> {
  try {
    return await fetch(url, {
      headers: apiToken === undefined ? {} : { "dapr-api-token": apiToken },
      // A sidecar answers itself; whoever redirects is something else, and must not get the token.
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
  } catch (cause) {
    const isSlow = cause instanceof Error && cause.name === "TimeoutError";
    throw new Error(isSlow ? `no answer within ${timeoutMs} ms` : "nobody listens there", {
      cause,
    });
  }
}

function refusal(status: number): string {
  if (status === 401) return "it wants an API token, or another one: set DAPR_API_TOKEN";
  if (status === 404) return "it has no call graph (Dapr, or Outrigger on another machine)";
  return `it answers with status ${status}`;
}

async function readText({ body }: Response): Promise<string> {
  if (body === null) return "";
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxBytes) throw new Error(`its answer is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length).toString("utf8");
}
