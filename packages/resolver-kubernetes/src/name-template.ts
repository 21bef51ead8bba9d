/** What a template is rendered with. */
export interface TemplateRequest {
  readonly id: string;
  readonly namespace: string;
  readonly port: number;
}

/** A checked template: rendering cannot fail. */
export type NameTemplate = (request: TemplateRequest) => string;

type Part = string | NameTemplate;

const action = /\{\{(- )?([\s\S]*?)( -)?\}\}/g;
const comment = /^\s*\/\*[\s\S]*\*\/\s*$/;
const string = /^"(?:[^"\\\n]|\\.)*"$|^`[^`]*`$/;

const fields: Readonly<Record<string, NameTemplate>> = {
  ".ID": ({ id }) => id,
  ".Namespace": ({ namespace }) => namespace,
  ".Port": ({ port }) => String(port),
  ".CacheKey": ({ id, namespace, port }) => `${namespace}/${id}/${port}`,
};

/**
 * Reads a template of Go's text/template as far as names of services need it: text, the fields of
 * Dapr's request, string literals, comments and trim markers.
 * @throws Error for what Go would refuse too, for what only Go knows, and for a template whose
 *   result has no port: nobody could dial that.
 */
export function parseTemplate(source: string): NameTemplate {
  const parts: Part[] = [];
  let end = 0;
  let trimNext = false;
  for (const match of source.matchAll(action)) {
    const [whole, trimLeft, body = "", trimRight] = match;
    parts.push(literal(source.slice(end, match.index), trimNext, trimLeft !== undefined));
    parts.push(partOf(body));
    end = match.index + whole.length;
    trimNext = trimRight !== undefined;
  }
  parts.push(literal(source.slice(end), trimNext, false));
  const render: NameTemplate = (request) =>
    parts.map((part) => (typeof part === "string" ? part : part(request))).join("");
  const sample = render({ id: "app", namespace: "default", port: 50_002 });
  if (splitAddress(sample) === undefined) {
    throw new Error(`must give host:port, with a port from 1 to 65535; it gives ${sample}`);
  }
  return render;
}

/** The two parts of `host:port`, split at the last colon as Dapr does. */
export function splitAddress(
  address: string,
): { readonly host: string; readonly port: number } | undefined {
  const match = /^(?:\[([^[\]]+)\]|([^[\]]+)):(\d{1,5})$/.exec(address);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host !== undefined && port >= 1 && port <= 65_535 ? { host, port } : undefined;
}

function literal(text: string, trimStart: boolean, trimEnd: boolean): string {
  if (text.includes("{{")) throw new Error("unclosed action");
  const left = trimStart ? text.trimStart() : text;
  return trimEnd ? left.trimEnd() : left;
}

function partOf(body: string): Part {
  if (comment.test(body)) return "";
  const word = body.trim();
  if (word === "") throw new Error("missing value for command");
  if (string.test(word)) return unquote(word);
  // Dapr never fills the data of a request, and Go prints a missing key of a map in this way.
  if (/^\.Data\.[\p{L}_][\p{L}\d_]*$/u.test(word)) return "<no value>";
  const field = Object.hasOwn(fields, word) ? fields[word] : undefined;
  if (field !== undefined) return field;
  const known = [...Object.keys(fields), ".Data.<key>"].join(", ");
  throw new Error(`cannot evaluate {{${word}}}; known are ${known}`);
}

function unquote(word: string): string {
  if (word.startsWith("`")) return word.slice(1, -1);
  try {
    return String(JSON.parse(word));
  } catch {
    throw new Error(`malformed string ${word}`);
  }
}
