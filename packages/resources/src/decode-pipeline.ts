import type { MetricRule, MetricSpec, PipelineHandler } from "./configuration.ts";
import { bool, type Cursor, type Decode, integer, list, record, string } from "./decoder.ts";

/** `httpPipeline` and `appHttpPipeline`. */
export const pipeline: Decode<readonly PipelineHandler[]> = (cursor) => {
  const get = cursor.fields(["handlers"]);
  return get && list(handler)(get("handlers"));
};

const handler: Decode<PipelineHandler> = (cursor) => {
  const get = cursor.fields(["name", "type", "version", "selector"]);
  if (get === undefined) return undefined;
  return {
    name: string(get("name")) ?? "",
    type: string(get("type")) ?? "",
    version: string(get("version")) ?? "",
    selector: selector(get("selector")) ?? [],
  };
};

const selector: Decode<PipelineHandler["selector"]> = (cursor) => {
  const get = cursor.fields(["fields"]);
  return get && list(selectorField)(get("fields"));
};

const selectorField: Decode<{ field: string; value: string }> = (cursor) => {
  const get = cursor.fields(["field", "value"]);
  return get && { field: string(get("field")) ?? "", value: string(get("value")) ?? "" };
};

const metricFields = ["enabled", "recordErrorCodes", "http", "latencyDistributionBuckets", "rules"];

/** `metric` or `metrics`, without the default. */
export function metric(cursor: Cursor): Partial<MetricSpec> {
  const get = cursor.fields(metricFields);
  if (get === undefined) return {};
  return withoutUndefined({
    enabled: bool(get("enabled")),
    recordErrorCodes: bool(get("recordErrorCodes")),
    http: metricHttp(get("http")),
    latencyDistributionBuckets: list(integer)(get("latencyDistributionBuckets")),
    rules: unlessEmpty(list(metricRule)(get("rules"))),
  });
}

/** No rules are as if nobody had spoken of them, unlike no buckets (Dapr). */
function unlessEmpty<T>(items: readonly T[] | undefined): readonly T[] | undefined {
  return items?.length === 0 ? undefined : items;
}

function metricHttp(cursor: Cursor): MetricSpec["http"] {
  if (cursor.absent) return undefined;
  const get = cursor.fields(["increasedCardinality", "pathMatching", "excludeVerbs"]);
  if (get === undefined) return undefined;
  return withoutUndefined({
    increasedCardinality: bool(get("increasedCardinality")),
    pathMatching: list(string)(get("pathMatching")),
    excludeVerbs: bool(get("excludeVerbs")),
  });
}

const metricRule: Decode<MetricRule> = (cursor) => {
  const get = cursor.fields(["name", "labels"]);
  return get && { name: string(get("name")) ?? "", labels: list(metricLabel)(get("labels")) ?? [] };
};

const metricLabel: Decode<MetricRule["labels"][number]> = (cursor) => {
  const get = cursor.fields(["name", "regex"]);
  return get && { name: string(get("name")) ?? "", regex: record(string)(get("regex")) ?? {} };
};

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function withoutUndefined<T extends object>(fields: T): Defined<T> {
  const defined: Defined<T> = { ...fields } as Defined<T>;
  for (const key of Object.keys(fields) as (keyof T)[]) {
    if (fields[key] === undefined) delete defined[key];
  }
  return defined;
}
