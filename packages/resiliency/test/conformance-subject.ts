import type {
  BreakerRule,
  ResiliencyResource,
  ResiliencySubject,
  RetryRule,
  TargetRule,
} from "@outrigger/conformance";
import { type DaprResiliency, resiliency, resiliencyFromDapr } from "@outrigger/resiliency";

/** The policies of this package, made of resources as the sidecar makes them. */
export const subject: ResiliencySubject = {
  make: (resources, clock, context) => {
    const { options, problems } = resiliencyFromDapr(resources.map(toDapr));
    return { resiliency: resiliency({ ...options, clock })(context), problems };
  },
};

/** A resource with every field, as the reader of documents makes it. */
function toDapr(resource: ResiliencyResource): DaprResiliency {
  const { name, timeouts = {}, retries = {}, circuitBreakers = {}, apps = {} } = resource;
  return {
    name,
    spec: {
      timeouts,
      retries: mapped(retries, toRetry),
      circuitBreakers: mapped(circuitBreakers, toBreaker),
      apps: mapped(apps, toTarget),
      actors: {},
    },
  };
}

function mapped<From, To>(
  named: Readonly<Record<string, From>>,
  convert: (from: From) => To,
): Readonly<Record<string, To>> {
  return Object.fromEntries(Object.entries(named).map(([name, from]) => [name, convert(from)]));
}

function toRetry(rule: RetryRule): DaprResiliency["spec"]["retries"][string] {
  const { policy = "", duration = "", maxInterval = "", maxRetries } = rule;
  const { httpStatusCodes = "", grpcStatusCodes = "" } = rule;
  return { policy, duration, maxInterval, maxRetries, httpStatusCodes, grpcStatusCodes };
}

function toBreaker(rule: BreakerRule): DaprResiliency["spec"]["circuitBreakers"][string] {
  const { maxRequests, interval = "", timeout = "", trip = "" } = rule;
  return { maxRequests, interval, timeout, trip };
}

function toTarget(rule: TargetRule): DaprResiliency["spec"]["apps"][string] {
  const { timeout = "", retry = "", circuitBreaker = "", circuitBreakerCacheSize } = rule;
  return { timeout, retry, circuitBreaker, circuitBreakerCacheSize };
}
