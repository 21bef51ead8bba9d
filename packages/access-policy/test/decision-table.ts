import type { AccessPolicyOptions } from "@outrigger/access-policy";

/** One policy and what it says to operations: `allow` or `deny` with the verbs or paths. */
export interface TableSection {
  readonly name: string;
  readonly options: AccessPolicyOptions;
  readonly protocol: "http" | "grpc";
  /** `[verb, method, allowed]`; the verb of gRPC is empty. */
  readonly rows: readonly (readonly [string, string, boolean])[];
}

const everyVerb = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT"];

/** The patterns may be used with any verb; everything else is denied. */
function patterns(...names: readonly string[]): AccessPolicyOptions {
  const operations = names.map((name) => ({ name, httpVerb: ["*"], action: "allow" }));
  const caller = { appId: "caller", namespace: "default", trustDomain: "public" };
  return { defaultAction: "deny", policies: [{ ...caller, operations }] };
}

function matched(
  title: string,
  options: AccessPolicyOptions,
  yes: readonly string[],
  no: readonly string[],
): readonly TableSection[] {
  const rows = (verb: string) => [
    ...yes.map((method) => [verb, method, true] as const),
    ...no.map((method) => [verb, method, false] as const),
  ];
  return [
    { name: `${title}, HTTP`, options, protocol: "http", rows: rows("GET") },
    { name: `${title}, gRPC`, options, protocol: "grpc", rows: rows("") },
  ];
}

const matching: readonly TableSection[] = [
  ...matched(
    "/public",
    patterns("/public"),
    ["public", "public/extra/x", "/public", "public/admin"],
    [
      "publicx",
      "publi",
      "admin",
      "",
      "admin/public",
      "xpublic",
      "public%2Fx",
      "public;x",
      "public\\x",
    ],
  ),
  ...matched("without a slash", patterns("public"), ["public", "public/x"], ["publicx"]),
  ...matched("/a then /a/b", patterns("/a", "/a/b"), ["a", "a/b", "a/c"], ["b", "ab"]),
  ...matched("/a/b then /a", patterns("/a/b", "/a"), ["a", "a/b", "a/c"], ["b", "a.b"]),
  ...matched(
    "/op/*",
    patterns("/op/*"),
    ["op", "op/", "op/x", "op/*"],
    ["op/x/y", "opx", "o", "op/*/y"],
  ),
  ...matched("/op/**", patterns("/op/**"), ["op", "op/x", "op/x/y", "op/x/y/z"], ["opx", "x/op"]),
  ...matched("/op/**/a", patterns("/op/**/a"), ["op/x/a", "op/y/a/b"], ["op/a", "op/x/y/a", "op"]),
  ...matched("/**", patterns("/**"), ["secret", "a/b/c", ""], []),
  ...matched("/*", patterns("/*"), ["a", "secret", ""], ["a/b", "*/b"]),
  ...matched("/a* then /ab/y", patterns("/a*", "/ab/y"), ["ab/y", "a", "abc", "ab"], ["b", "ba"]),
  ...matched("/ab/y then /a*", patterns("/ab/y", "/a*"), ["ab/y", "ac", "a"], ["ab", "ab/x"]),
  ...matched("/*/secret", patterns("/*/secret"), ["*/secret"], ["x/secret", "secret", "x"]),
  ...matched(
    "nested wildcards",
    patterns("/op7/a/b/*", "/op7/a/b/c/f", "/op7/a/b*", "/op7/c/**"),
    ["op7/a/b/c", "op7/a/b/c/f", "op7/a/bc", "op7/c/d/e", "op7/a/b", "op7/c"],
    ["op7/a/b/c/d", "op7/a", "op7/b", "op7"],
  ),
  ...matched(
    "a star inside",
    patterns("/get*Order", "/x*y*z"),
    ["getOrder", "getMyOrder", "getMyOrder/1", "xyz", "x1y2z"],
    ["getOrders", "setOrder", "xz", "xzy", "xy"],
  ),
  ...matched("no rule at all", patterns(), [], ["", "a", "a/b"]),
];

const verbs: TableSection = {
  name: "verbs",
  protocol: "http",
  options: {
    defaultAction: "deny",
    policies: [
      {
        ...{ appId: "caller", namespace: "default", trustDomain: "public" },
        operations: [
          { name: "/read", httpVerb: ["GET", "HEAD"], action: "allow" },
          { name: "/any", httpVerb: ["*"], action: "Allow" },
          { name: "/lower", httpVerb: ["get"], action: "allow" },
          { name: "/none", action: "allow" },
          { name: "/odd", httpVerb: ["PURGE"], action: "allow" },
          { name: "/never", httpVerb: ["*"], action: "deny" },
          { name: "/typo", httpVerb: ["*"], action: "allowed" },
        ],
      },
    ],
  },
  rows: [
    ...everyVerb.map((verb) => [verb, "read", verb === "GET" || verb === "HEAD"] as const),
    ...everyVerb.map((verb) => [verb, "any", true] as const),
    ...everyVerb.map((verb) => [verb, "lower", false] as const),
    ...everyVerb.map((verb) => [verb, "none", false] as const),
    ...["GET", "POST", "PURGE"].map((verb) => [verb, "never", false] as const),
    ...["GET", "POST"].map((verb) => [verb, "typo", false] as const),
    ...[["PURGE", "odd", true] as const, ["POST", "odd", false] as const],
    // No verb: the caller's own default decides, and it has none.
    ...["read", "any", "none"].map((method) => ["", method, false] as const),
  ],
};

const defaults: TableSection = {
  name: "the caller's own default allows",
  protocol: "http",
  options: {
    defaultAction: "deny",
    policies: [
      {
        ...{ appId: "caller", namespace: "default", trustDomain: "public" },
        defaultAction: "ALLOW",
        operations: [{ name: "/admin/**", httpVerb: ["POST", "DELETE"], action: "deny" }],
      },
    ],
  },
  rows: [
    ["GET", "anything", true],
    ["GET", "admin/users", true],
    ["POST", "admin/users", false],
    ["DELETE", "admin", false],
    ["POST", "ADMIN/users", false],
    ["POST", "administrator", true],
    ["", "admin/users", true],
  ],
};

const letterCase: readonly TableSection[] = [
  {
    name: "HTTP paths have no letter case",
    protocol: "http",
    options: patterns("/Mixed/Case", "/straße", "/É"),
    rows: [
      ["GET", "mixed/case", true],
      ["GET", "MIXED/CASE", true],
      ["GET", "Mixed/Case/More", true],
      // Methods are bytes, as the wire carries them.
      ["GET", Buffer.from("straße").toString("latin1"), true],
      ["GET", Buffer.from("é").toString("latin1"), true],
      ["GET", "\u00c9", false],
    ],
  },
  {
    name: "gRPC methods have it",
    protocol: "grpc",
    options: patterns("/pkg.Service/Method", "/OnInvoke"),
    rows: [
      ["", "/pkg.Service/Method", true],
      ["", "pkg.Service/Method", true],
      ["", "/pkg.service/Method", false],
      ["", "/pkg.Service/method", false],
      ["", "/pkg.Service/MethodTwo", false],
      ["", "/pkg.Service", false],
      ["", "OnInvoke", true],
      ["", "oninvoke", false],
    ],
  },
];

/** All sections: what Dapr 1.18 decides for each. */
export const decisionTable: readonly TableSection[] = [...matching, verbs, defaults, ...letterCase];
