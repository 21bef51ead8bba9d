/** Verbs by their number in `dapr.proto.common.v1.HTTPExtension.Verb`. */
const verbNames: readonly string[] = [
  "NONE",
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "CONNECT",
  "OPTIONS",
  "TRACE",
  "PATCH",
];

/** Numbers of the verbs in `dapr.proto.common.v1.HTTPExtension.Verb`. */
export const HttpVerb = {
  NONE: 0,
  GET: 1,
  HEAD: 2,
  POST: 3,
  PUT: 4,
  DELETE: 5,
  CONNECT: 6,
  OPTIONS: 7,
  TRACE: 8,
  PATCH: 9,
} as const;

/** Name of a verb number; a number that the contract does not have is printed in decimal, as Go does. */
export function httpVerbName(number: number): string {
  return verbNames[number] ?? String(number);
}

/**
 * Number of an upper-case verb. Empty is `NONE`, decimal digits are the number itself, and an unknown name is
 * `POST`, as Dapr's HTTP API maps it.
 */
export function httpVerbNumber(name: string): number {
  if (name === "") return HttpVerb.NONE;
  const number = verbNames.indexOf(name);
  if (number !== -1) return number;
  return /^-?\d{1,10}$/.test(name) ? Number(name) | 0 : HttpVerb.POST;
}
