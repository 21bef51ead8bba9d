import { type Cursor, type Decode, integer, record, string } from "./decoder.ts";
import type {
  ActorTargetDocument,
  CircuitBreakerDocument,
  HedgeDocument,
  ResiliencySpec,
  RetryBudgetDocument,
  RetryDocument,
  TargetDocument,
} from "./resource-documents.ts";

type Get = (name: string) => Cursor;

/** Reads `spec` of a Resiliency document. */
export function decodePolicies(spec: Get): ResiliencySpec {
  const policies = fieldsOf(spec("policies"));
  const targets = fieldsOf(spec("targets"));
  return {
    timeouts: record(text)(policies("timeouts")) ?? {},
    retries: record(retry)(policies("retries")) ?? {},
    circuitBreakers: record(circuitBreaker)(policies("circuitBreakers")) ?? {},
    hedges: record(hedge)(policies("hedges")),
    retryBudget: retryBudget(policies("retryBudget")),
    apps: record(target)(targets("apps")) ?? {},
    actors: record(actorTarget)(targets("actors")) ?? {},
  };
}

const retry: Decode<RetryDocument> = (cursor) => {
  const get = fieldsOf(cursor);
  const matching = fieldsOf(get("matching"));
  return {
    policy: text(get("policy")),
    duration: text(get("duration")),
    maxInterval: text(get("maxInterval")),
    maxRetries: integer(get("maxRetries")),
    httpStatusCodes: text(matching("httpStatusCodes")),
    grpcStatusCodes: text(matching("gRPCStatusCodes")),
  };
};

const circuitBreaker: Decode<CircuitBreakerDocument> = (cursor) => {
  const get = fieldsOf(cursor);
  return {
    maxRequests: integer(get("maxRequests")),
    interval: text(get("interval")),
    timeout: text(get("timeout")),
    trip: text(get("trip")),
  };
};

const hedge: Decode<HedgeDocument> = (cursor) => {
  const get = fieldsOf(cursor);
  return { delay: text(get("delay")), maxAttempts: integer(get("maxAttempts")) };
};

const retryBudget: Decode<RetryBudgetDocument> = (cursor) => {
  if (cursor.absent) return undefined;
  const get = fieldsOf(cursor);
  return { ratio: text(get("ratio")), minPerSecond: text(get("minPerSecond")) };
};

const target: Decode<TargetDocument> = (cursor) => {
  const get = fieldsOf(cursor);
  return {
    timeout: text(get("timeout")),
    retry: text(get("retry")),
    circuitBreaker: text(get("circuitBreaker")),
    hedge: string(get("hedge")),
    circuitBreakerCacheSize: integer(get("circuitBreakerCacheSize")),
  };
};

const actorTarget: Decode<ActorTargetDocument> = (cursor) => ({
  ...(target(cursor) as TargetDocument),
  circuitBreakerScope: text(fieldsOf(cursor)("circuitBreakerScope")),
});

function text(cursor: Cursor): string {
  return string(cursor) ?? "";
}

/** A null entry, as in `callee:`, is an entry without fields. */
function fieldsOf(cursor: Cursor): Get {
  return cursor.fields([]) ?? ((name) => cursor.at(name, undefined));
}
