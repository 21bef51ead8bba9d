/** No token answer is longer. */
const limitBytes = 1_048_576;

/** The part of the options of `fetch` that is used. */
type Init = Parameters<typeof fetch>[1];

/** `fetch` of a token answer: one without an end does not fill the memory. */
export async function fetchTokens(url: string, init: Init): Promise<Response> {
  const response = await fetch(url, init);
  const { body, status, statusText, headers } = response;
  if (body === null) return response;
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > limitBytes) throw new RangeError(`the answer exceeds ${limitBytes} bytes`);
    chunks.push(chunk);
  }
  const content = withoutIdToken(Buffer.concat(chunks, length).toString("utf8"));
  return new Response(content, { status, statusText, headers });
}

/** Who somebody is, is for the app to ask: an ID token is not used, so it is not checked either. */
function withoutIdToken(text: string): string {
  try {
    const answer: unknown = JSON.parse(text);
    if (typeof answer !== "object" || answer === null || !("id_token" in answer)) return text;
    const { id_token: _unused, ...rest } = answer;
    return JSON.stringify(rest);
  } catch {
    return text;
  }
}
