/** No token answer is longer. */
const limitBytes = 1_048_576;

/** The part of the options of `fetch` that is used. */
type Init = Parameters<typeof fetch>[1];

/** `fetch` of a short answer: one without an end does not fill the memory. */
export async function boundedFetch(url: string, init: Init): Promise<Response> {
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
  return new Response(Buffer.concat(chunks, length), { status, statusText, headers });
}
