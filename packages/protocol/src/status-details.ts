/** How a field of a detail message is rendered. */
export type DetailField =
  | { readonly name: string; readonly kind: "string" | "int64" | "duration" | "map" }
  | { readonly name: string; readonly kind: "strings" }
  | { readonly name: string; readonly kind: "message" | "messages"; readonly fields: DetailFields };

/** Fields by their number. */
export type DetailFields = Readonly<Record<number, DetailField>>;

const string = (name: string): DetailField => ({ name, kind: "string" });

const localizedMessage: DetailFields = { 1: string("locale"), 2: string("message") };

const quotaViolation: DetailFields = {
  1: string("subject"),
  2: string("description"),
  3: string("apiService"),
  4: string("quotaMetric"),
  5: string("quotaId"),
  6: { name: "quotaDimensions", kind: "map" },
  7: { name: "quotaValue", kind: "int64" },
  8: { name: "futureQuotaValue", kind: "int64" },
};

const fieldViolation: DetailFields = {
  1: string("field"),
  2: string("description"),
  3: string("reason"),
  4: { name: "localizedMessage", kind: "message", fields: localizedMessage },
};

/** The messages of `google/rpc/error_details.proto`, by full name. */
export const detailTypes: ReadonlyMap<string, DetailFields> = new Map<string, DetailFields>([
  [
    "google.rpc.ErrorInfo",
    { 1: string("reason"), 2: string("domain"), 3: { name: "metadata", kind: "map" } },
  ],
  ["google.rpc.RetryInfo", { 1: { name: "retryDelay", kind: "duration" } }],
  ["google.rpc.DebugInfo", { 1: { name: "stackEntries", kind: "strings" }, 2: string("detail") }],
  [
    "google.rpc.QuotaFailure",
    { 1: { name: "violations", kind: "messages", fields: quotaViolation } },
  ],
  [
    "google.rpc.PreconditionFailure",
    {
      1: {
        name: "violations",
        kind: "messages",
        fields: { 1: string("type"), 2: string("subject"), 3: string("description") },
      },
    },
  ],
  [
    "google.rpc.BadRequest",
    { 1: { name: "fieldViolations", kind: "messages", fields: fieldViolation } },
  ],
  ["google.rpc.RequestInfo", { 1: string("requestId"), 2: string("servingData") }],
  [
    "google.rpc.ResourceInfo",
    {
      1: string("resourceType"),
      2: string("resourceName"),
      3: string("owner"),
      4: string("description"),
    },
  ],
  [
    "google.rpc.Help",
    {
      1: {
        name: "links",
        kind: "messages",
        fields: { 1: string("description"), 2: string("url") },
      },
    },
  ],
  ["google.rpc.LocalizedMessage", localizedMessage],
]);
