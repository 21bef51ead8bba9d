/** A range of codes, both ends included. */
export type CodeRange = readonly [number, number];

/** Which failures a policy retries. `undefined` lists restrict nothing. */
export interface CodeLists {
  readonly http: readonly CodeRange[] | undefined;
  readonly grpc: readonly CodeRange[] | undefined;
}

const httpBounds: CodeRange = [100, 599];
const grpcBounds: CodeRange = [0, 16];

/** @throws Error in Dapr's words. */
export function parseCodeLists(http: string, grpc: string): CodeLists {
  return { http: parseCodes(http, httpBounds), grpc: parseCodes(grpc, grpcBounds) };
}

/** Codes that belong to neither protocol are never retried (Dapr `pkg/resiliency/retry.go`). */
export function mayRetry(code: number, { http, grpc }: CodeLists): boolean {
  if (within(code, grpcBounds)) return grpc === undefined || isListed(code, grpc);
  if (within(code, httpBounds)) return http === undefined || isListed(code, http);
  return false;
}

function isListed(code: number, ranges: readonly CodeRange[]): boolean {
  return ranges.some((range) => within(code, range));
}

function within(code: number, [from, to]: CodeRange): boolean {
  return code >= from && code <= to;
}

function parseCodes(text: string, bounds: CodeRange): readonly CodeRange[] | undefined {
  if (text === "") return undefined;
  return text
    .split(",")
    .filter((pattern) => pattern !== "")
    .map((pattern) => parsePattern(pattern, bounds));
}

function parsePattern(pattern: string, bounds: CodeRange): CodeRange {
  const parts = pattern.split("-");
  if (parts.length > 2) throw new Error(`invalid pattern ${pattern}, more than one '-' exists`);
  const from = parseCode("start", parts[0] ?? "", pattern, bounds);
  if (parts.length === 1) return [from, from];
  const to = parseCode("end", parts[1] ?? "", pattern, bounds);
  if (from > to) {
    throw new Error(`invalid pattern ${pattern}, start value should not bigger than end value`);
  }
  return [from, to];
}

function parseCode(which: string, text: string, pattern: string, bounds: CodeRange): number {
  if (!/^[+-]?\d+$/.test(text)) {
    throw new Error(
      `failed to parse ${which} code ${text} from pattern ${pattern} to int, ` +
        `strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`,
    );
  }
  const code = Number(text);
  if (!within(code, bounds)) {
    throw new Error(`invalid pattern ${pattern}, ${which} code ${code} is not valid`);
  }
  return code;
}
