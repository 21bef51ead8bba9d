import type { Family } from "./family.ts";
import { type Bounds, sizeBounds } from "./histogram.ts";
import { pathLabels } from "./http-paths.ts";
import type { MetricsSettings } from "./options.ts";
import { Recent } from "./recent.ts";
import type { Registry } from "./registry.ts";
import type { Histogram, Sample } from "./series.ts";

/** The series of one path, verb and status. */
interface Route {
  readonly count: Sample | undefined;
  readonly latency: Histogram | undefined;
  readonly responses: Sample | undefined;
  /** Of requests to the app alone. */
  readonly sent: Histogram | undefined;
}

/** By verb, then by status. */
type Routes = Map<string, Map<number, Route>>;

const verbs = new Set([
  ...["GET", "PUT", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS", "CONNECT", "TRACE"],
]);

/** Paths whose series are remembered; a longer one is no label unless settings make it short. */
const rememberedPaths = 2_048;
const maxRememberedPath = 512;

const routeLabels = ["app_id", "method", "path", "status"];

/** The part that both sides have in common: paths, verbs and statuses to series. */
abstract class HttpRoutes {
  protected readonly appId: string;
  readonly #label: (path: string) => string;
  readonly #excludeVerbs: boolean;
  readonly #known = new Recent<Routes>(rememberedPaths);

  constructor({ appId, http }: MetricsSettings) {
    this.appId = appId;
    this.#label = pathLabels(http);
    this.#excludeVerbs = http.excludeVerbs ?? false;
  }

  protected route(method: string, path: string, status: number): Route {
    const routes = this.#known.get(path);
    const verb = verbs.has(method) ? method : "UNKNOWN";
    return routes?.get(verb)?.get(status) ?? this.#find(routes, verb, path, status);
  }

  protected abstract create(method: string, path: string, status: string): Route;

  #find(known: Routes | undefined, verb: string, path: string, status: number): Route {
    const route = this.create(this.#excludeVerbs ? "" : verb, this.#label(path), `${status}`);
    if (path.length > maxRememberedPath) return route;
    const routes: Routes = known ?? new Map<string, Map<number, Route>>();
    if (known === undefined) this.#known.set(path, routes);
    const statuses = routes.get(verb) ?? new Map<number, Route>();
    statuses.set(status, route);
    routes.set(verb, statuses);
    return route;
  }
}

/** Requests that the HTTP API answered (Dapr `pkg/diagnostics/http_monitoring.go`). */
export class HttpServerMetrics extends HttpRoutes {
  readonly #count: Family<Sample>;
  readonly #latency: Family<Histogram>;
  readonly #responses: Family<Sample> | undefined;
  readonly #requestBytes: Family<Histogram>;
  readonly #responseBytes: Family<Histogram>;
  #received: Histogram | undefined;
  #sent: Histogram | undefined;

  constructor(registry: Registry, latency: Bounds, settings: MetricsSettings) {
    super(settings);
    const byRoute = { labels: routeLabels, open: ["path"] };
    const byApp = { labels: ["app_id"] };
    const prefix = "dapr_http_server_";
    this.#count = registry.counter({
      name: `${prefix}request_count`,
      help: "Count of HTTP requests processed by the server.",
      ...byRoute,
    });
    this.#latency = registry.histogram(
      { name: `${prefix}latency`, help: "Latency of HTTP requests in milliseconds.", ...byRoute },
      latency,
    );
    if (settings.http.increasedCardinality ?? true) {
      this.#responses = registry.counter({
        name: `${prefix}response_count`,
        help: "The number of HTTP responses.",
        ...byRoute,
      });
    }
    this.#requestBytes = registry.histogram(
      { name: `${prefix}request_bytes`, help: "HTTP request body size in bytes.", ...byApp },
      sizeBounds,
    );
    this.#responseBytes = registry.histogram(
      { name: `${prefix}response_bytes`, help: "HTTP response body size in bytes.", ...byApp },
      sizeBounds,
    );
  }

  /** @param path decoded, without query. */
  record(
    method: string,
    path: string,
    status: number,
    requestBytes: number,
    responseBytes: number,
    durationMs: number,
  ): void {
    const { count, latency, responses } = this.route(method, path, status);
    count?.inc();
    responses?.inc();
    latency?.observe(Math.trunc(durationMs));
    this.#received ??= this.#requestBytes.series(this.appId);
    this.#sent ??= this.#responseBytes.series(this.appId);
    this.#received?.observe(requestBytes);
    this.#sent?.observe(responseBytes);
  }

  protected create(method: string, path: string, status: string): Route {
    const { appId } = this;
    return {
      count: this.#count.series(appId, method, path, status),
      latency: this.#latency.series(appId, method, path, status),
      responses: this.#responses?.series(appId, method, path, status),
      sent: undefined,
    };
  }
}

/** Requests to the app, and probes of its health. */
export class HttpClientMetrics extends HttpRoutes {
  readonly #sentBytes: Family<Histogram>;
  readonly #count: Family<Sample>;
  readonly #latency: Family<Histogram>;
  readonly #receivedBytes: Family<Histogram>;
  readonly #probes: Family<Sample>;
  readonly #probeLatency: Family<Histogram>;
  #received: Histogram | undefined;

  constructor(registry: Registry, latency: Bounds, settings: MetricsSettings) {
    super(settings);
    const byRoute = { labels: routeLabels, open: ["path"] };
    const prefix = "dapr_http_client_";
    this.#sentBytes = registry.histogram(
      { name: `${prefix}sent_bytes`, help: "Total bytes sent in request body.", ...byRoute },
      sizeBounds,
    );
    this.#count = registry.counter({
      name: `${prefix}completed_count`,
      help: "Count of completed requests.",
      ...byRoute,
    });
    this.#latency = registry.histogram(
      {
        name: `${prefix}roundtrip_latency`,
        help: "Time between the request and the head of the answer, in milliseconds.",
        ...byRoute,
      },
      latency,
    );
    this.#receivedBytes = registry.histogram(
      {
        name: `${prefix}received_bytes`,
        help: "Total bytes received in response bodies.",
        labels: ["app_id"],
      },
      sizeBounds,
    );
    const probe = { labels: ["app_id", "status"] };
    this.#probes = registry.counter({
      name: "dapr_http_healthprobes_completed_count",
      help: "Count of completed health probes.",
      ...probe,
    });
    this.#probeLatency = registry.histogram(
      {
        name: "dapr_http_healthprobes_roundtrip_latency",
        help: "Time of health probes in milliseconds.",
        ...probe,
      },
      latency,
    );
  }

  /** @param status 500 when there was no answer. */
  record(
    method: string,
    path: string,
    status: number,
    sentBytes: number,
    receivedBytes: number,
    durationMs: number,
  ): void {
    const { count, latency, sent } = this.route(method, path, status);
    sent?.observe(sentBytes);
    count?.inc();
    latency?.observe(Math.trunc(durationMs));
    this.#received ??= this.#receivedBytes.series(this.appId);
    this.#received?.observe(receivedBytes);
  }

  /** @param status 500 when there was no answer. */
  recordProbe(status: number, durationMs: number): void {
    this.#probes.series(this.appId, `${status}`)?.inc();
    this.#probeLatency.series(this.appId, `${status}`)?.observe(Math.trunc(durationMs));
  }

  protected create(method: string, path: string, status: string): Route {
    const { appId } = this;
    return {
      count: this.#count.series(appId, method, path, status),
      latency: this.#latency.series(appId, method, path, status),
      responses: undefined,
      // The status is not known when Dapr records this.
      sent: this.#sentBytes.series(appId, method, path, ""),
    };
  }
}
