import assert from "node:assert/strict";
import type { ConformanceCase } from "../case.ts";
import { type Outcome, PolicyBench } from "./bench.ts";
import { expectCount } from "./expect.ts";
import { retrying } from "./retry-cases.ts";
import type { ResiliencySubject, RetryRule } from "./subject.ts";

interface CodeRow {
  readonly id: string;
  readonly title: string;
  readonly lists: Pick<RetryRule, "httpStatusCodes" | "grpcStatusCodes">;
  readonly retried: readonly Outcome[];
  readonly notRetried: readonly Outcome[];
}

const rows: readonly CodeRow[] = [
  {
    id: "http-code",
    title: "one HTTP status is retried, its neighbours are not",
    lists: { httpStatusCodes: "500" },
    retried: [500],
    notRetried: [501, 499, 400, 503],
  },
  {
    id: "http-ranges",
    title: "ranges of HTTP statuses include both ends, and stand beside single ones",
    lists: { httpStatusCodes: "400-404,501,,509-509" },
    retried: [400, 401, 404, 501, 509],
    notRetried: [399, 405, 500, 502, 508, 510],
  },
  {
    id: "http-unusual",
    title: "statuses from 101 to 599 are ordinary ones",
    lists: { httpStatusCodes: "101,546,599" },
    retried: [101, 546, 599],
    notRetried: [102, 545, 598],
  },
  {
    id: "grpc-ranges",
    title: "ranges of gRPC codes include both ends",
    lists: { grpcStatusCodes: "6-14,16" },
    retried: [6, 10, 14, 16],
    notRetried: [1, 2, 5, 15],
  },
  {
    id: "protocols-apart",
    title: "a list for gRPC leaves HTTP unrestricted",
    lists: { grpcStatusCodes: "14" },
    retried: [400, 500, 599, 14],
    notRetried: [1, 13],
  },
  {
    id: "protocols-apart-http",
    title: "a list for HTTP leaves gRPC unrestricted",
    lists: { httpStatusCodes: "503" },
    retried: [1, 5, 16, 503],
    notRetried: [404, 500],
  },
  {
    id: "empty",
    title: "an empty list restricts nothing, one of commas only lets nothing be retried",
    lists: { httpStatusCodes: "", grpcStatusCodes: "," },
    retried: [400, 404, 500, 599],
    notRetried: [1, 14],
  },
  {
    id: "no-protocol",
    title: "a code of neither protocol is never retried",
    lists: {},
    retried: [16, 100, 599],
    notRetried: [17, 20, 99, 600, 1_000],
  },
  {
    id: "without-code",
    title: "errors, and failures without a code, are retried whatever the lists say",
    lists: { httpStatusCodes: "599", grpcStatusCodes: "1" },
    retried: ["throws", "no-code"],
    notRetried: [500],
  },
];

/** Lists that are none, in `httpStatusCodes` or `grpcStatusCodes`. */
const malformed: readonly (readonly ["httpStatusCodes" | "grpcStatusCodes", string])[] = [
  ["httpStatusCodes", "11"],
  ["httpStatusCodes", "600"],
  ["httpStatusCodes", "399-299"],
  ["httpStatusCodes", "199-299-300"],
  ["httpStatusCodes", "500, 502"],
  ["httpStatusCodes", "5xx"],
  ["grpcStatusCodes", "400"],
  ["grpcStatusCodes", "17"],
  ["grpcStatusCodes", "5-"],
];

function caseOf({
  id,
  title,
  lists,
  retried,
  notRetried,
}: CodeRow): ConformanceCase<ResiliencySubject> {
  return {
    id: `resiliency/codes/${id}`,
    title,
    async run(subject) {
      const rule = { duration: "1ms", maxRetries: 1, ...lists };
      const bench = await PolicyBench.of(subject, retrying(rule));
      assert.deepEqual(bench.problems, []);
      for (const outcome of retried) {
        expectCount(
          await bench.call({ outcomes: [outcome] }),
          2,
          `attempts that came to ${outcome}`,
        );
      }
      for (const outcome of notRetried) {
        const record = await bench.call({ outcomes: [outcome] });
        expectCount(record, 1, `attempts that came to ${outcome}`);
        assert.equal(record.value, `${outcome} 1`);
      }
    },
  };
}

/** Lists of codes. */
export const codeCases: readonly ConformanceCase<ResiliencySubject>[] = [
  ...rows.map(caseOf),
  {
    id: "resiliency/codes/malformed",
    title: "a malformed list leaves its resource out, with a line that names it, and no more harm",
    async run(subject) {
      for (const [field, list] of malformed) {
        const rule = { duration: "1ms", maxRetries: 1, [field]: list };
        const bench = await PolicyBench.of(subject, { ...retrying(rule), name: "bad-list" });
        const text = `${field}: ${list}`;
        assert.equal(bench.problems.length, 1, text);
        assert.match(`${bench.problems[0]}`, /Could not read resiliency policy bad-list/, text);
        assert.equal(bench.resiliency.hasTarget("orders"), false, text);
        expectCount(await bench.call({ outcomes: [500] }), 1, text);
      }
    },
  },
];
