import type { Family } from "./family.ts";
import { type Bounds, sizeBounds } from "./histogram.ts";
import { Recent } from "./recent.ts";
import type { Registry } from "./registry.ts";
import type { Histogram, Sample } from "./series.ts";

/** Names of status codes in Go's spelling, by number. */
const codeNames = [
  ...["OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound"],
  ...["AlreadyExists", "PermissionDenied", "ResourceExhausted", "FailedPrecondition", "Aborted"],
  ...["OutOfRange", "Unimplemented", "Internal", "Unavailable", "DataLoss", "Unauthenticated"],
];

/** As Go prints a code; unknown ones are told with their number. */
export function codeName(code: number): string {
  return codeNames[code] ?? `Code(${code})`;
}

interface Ending {
  readonly count: Sample | undefined;
  readonly latency: Histogram | undefined;
}

/** The series of one method. */
interface Method {
  /** Made with the first call whose sizes are counted. */
  received: Histogram | undefined;
  sent: Histogram | undefined;
  readonly endings: Map<number, Ending>;
}

/** Methods whose series are remembered; clients choose them. */
const rememberedMethods = 512;

/** Calls of one side (Dapr `pkg/diagnostics/grpc_monitoring.go`). */
export class GrpcMetrics {
  readonly #appId: string;
  readonly #count: Family<Sample>;
  readonly #latency: Family<Histogram>;
  readonly #received: Family<Histogram>;
  readonly #sent: Family<Histogram>;
  readonly #methods = new Recent<Method>(rememberedMethods);

  constructor(registry: Registry, latency: Bounds, appId: string, side: "server" | "client") {
    this.#appId = appId;
    const method = `grpc_${side}_method`;
    const ending = { labels: ["app_id", method, `grpc_${side}_status`], open: [method] };
    const sizes = { labels: ["app_id", method], open: [method] };
    const prefix = `dapr_grpc_io_${side}_`;
    this.#count = registry.counter({
      name: `${prefix}completed_rpcs`,
      help: "Count of RPCs by method and status.",
      ...ending,
    });
    const latencyName = side === "server" ? "server_latency" : "roundtrip_latency";
    this.#latency = registry.histogram(
      { name: `${prefix}${latencyName}`, help: "Latency of RPCs in milliseconds.", ...ending },
      latency,
    );
    this.#received = registry.histogram(
      {
        name: `${prefix}received_bytes_per_rpc`,
        help: "Total bytes received in messages per RPC.",
        ...sizes,
      },
      sizeBounds,
    );
    this.#sent = registry.histogram(
      {
        name: `${prefix}sent_bytes_per_rpc`,
        help: "Total bytes sent in messages per RPC.",
        ...sizes,
      },
      sizeBounds,
    );
  }

  /** @param receivedBytes negative: the sizes are not counted, as of streams. */
  record(
    path: string,
    code: number,
    durationMs: number,
    receivedBytes: number,
    sentBytes: number,
  ): void {
    const method = this.#methods.get(path) ?? this.#methods.add(path, emptyMethod());
    let ending = method.endings.get(code);
    if (ending === undefined) {
      ending = this.#ending(path, code);
      method.endings.set(code, ending);
    }
    ending.count?.inc();
    ending.latency?.observe(Math.trunc(durationMs));
    if (receivedBytes < 0) return;
    method.received ??= this.#received.series(this.#appId, path);
    method.sent ??= this.#sent.series(this.#appId, path);
    method.received?.observe(receivedBytes);
    method.sent?.observe(sentBytes);
  }

  #ending(path: string, code: number): Ending {
    const name = codeName(code);
    return {
      count: this.#count.series(this.#appId, path, name),
      latency: this.#latency.series(this.#appId, path, name),
    };
  }
}

function emptyMethod(): Method {
  return { received: undefined, sent: undefined, endings: new Map() };
}

/** Health probes of gRPC apps, which the other families leave out. */
export class GrpcProbeMetrics {
  readonly #appId: string;
  readonly #count: Family<Sample>;
  readonly #latency: Family<Histogram>;

  constructor(registry: Registry, latency: Bounds, appId: string) {
    this.#appId = appId;
    const labels = ["app_id", "grpc_client_status"];
    const prefix = "dapr_grpc_io_healthprobes_";
    this.#count = registry.counter({
      name: `${prefix}completed_count`,
      help: "Count of completed health probes.",
      labels,
    });
    this.#latency = registry.histogram(
      {
        name: `${prefix}roundtrip_latency`,
        help: "Time of health probes in milliseconds.",
        labels,
      },
      latency,
    );
  }

  record(code: number, durationMs: number): void {
    const name = codeName(code);
    this.#count.series(this.#appId, name)?.inc();
    this.#latency.series(this.#appId, name)?.observe(Math.trunc(durationMs));
  }
}
