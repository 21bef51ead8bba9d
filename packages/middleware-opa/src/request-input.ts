import { bytesToText, decodedPath, type HeaderList, type HttpRequest } from "@outrigger/core";

/** What a policy sees of a request, in the shape of Dapr. */
export function requestInput(
  { method, path, query, headers }: HttpRequest,
  includedHeaders: ReadonlySet<string>,
  body: Uint8Array | undefined,
): object {
  const decoded = decodedPath(path);
  return {
    request: {
      method,
      path: decoded,
      path_parts: decoded.replace(/^\/+|\/+$/g, "").split("/"),
      raw_query: bytesToText(query),
      query: parsedQuery(query),
      headers: included(headers, includedHeaders),
      // Empty in Dapr too: a server's request has none.
      scheme: "",
      body: body === undefined ? "" : Buffer.from(body).toString("utf8"),
    },
  };
}

function included(
  headers: HeaderList,
  names: ReadonlySet<string>,
): Readonly<Record<string, string>> {
  const found = new Map<string, string>();
  if (names.size === 0) return {};
  for (let index = 0; index < headers.length; index += 2) {
    const name = canonical(headers[index] as string);
    if (!names.has(name)) continue;
    const value = bytesToText(headers[index + 1] as string);
    const previous = found.get(name);
    found.set(name, previous === undefined ? value : `${previous}, ${value}`);
  }
  return Object.fromEntries(found);
}

/** The name of a header as Go writes it. */
export function canonical(name: string): string {
  return name.toLowerCase().replace(/(?:^|-)[a-z]/g, (letters) => letters.toUpperCase());
}

/** A query as Go reads it: parts with a semicolon or a broken escape do not count. */
function parsedQuery(query: string): Readonly<Record<string, readonly string[]>> {
  const found = new Map<string, string[]>();
  for (const part of query.split("&")) {
    if (part === "" || part.includes(";") || /%(?![0-9A-Fa-f]{2})/.test(part)) continue;
    const equals = part.indexOf("=");
    const name = decodedPart(equals < 0 ? part : part.slice(0, equals));
    const value = equals < 0 ? "" : decodedPart(part.slice(equals + 1));
    const values = found.get(name);
    if (values === undefined) found.set(name, [value]);
    else values.push(value);
  }
  return Object.fromEntries(found);
}

function decodedPart(part: string): string {
  return decodedPath(part.replaceAll("+", "%20"));
}
