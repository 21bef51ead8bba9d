const escapes: Readonly<Record<string, string>> = {
  "<": "\\u003c",
  ">": "\\u003e",
  "&": "\\u0026",
  "\u2028": "\\u2028",
  "\u2029": "\\u2029",
};

/**
 * JSON body of a failure on Dapr's HTTP API, in UTF-8: two keys in this order, escaped as Go's
 * `encoding/json` does, so that the bytes are the ones that clients of Dapr know.
 */
export function errorBody(errorCode: string, message: string): Uint8Array {
  return Buffer.from(
    `{"errorCode":${goJsonString(errorCode)},"message":${goJsonString(message)}}`,
    "utf8",
  );
}

function goJsonString(text: string): string {
  // Half a surrogate pair is no text; Go's encoder writes the replacement character for it.
  const wellFormed = text.replace(/\p{Surrogate}/gu, "\ufffd");
  return JSON.stringify(wellFormed).replace(
    /[<>&\u2028\u2029]/g,
    (character) => escapes[character] as string,
  );
}
