import { type CallForm, headerValue, type ReceivedCall } from "@outrigger/core";
import type { Family } from "./family.ts";
import type { Bounds } from "./histogram.ts";
import { Recent } from "./recent.ts";
import type { Registry } from "./registry.ts";
import type { Histogram, Sample } from "./series.ts";

/** The series of answers of one target with one status. */
interface AnswerSeries {
  readonly count: Sample | undefined;
  readonly latency: Histogram | undefined;
}

/** The series of calls from one app; those of answers by status. */
interface CallerSeries {
  readonly received: Sample | undefined;
  readonly replied: Map<number, Sample | undefined>;
}

/** Apps whose series are remembered. */
const rememberedApps = 1_024;

const prefix = "dapr_runtime_service_invocation_";

/** Calls between sidecars (Dapr `pkg/diagnostics/service_monitoring.go`). On answers labels name the other side. */
export class CallMetrics {
  readonly #appId: string;
  readonly #sent: Family<Sample>;
  readonly #answers: Family<Sample>;
  readonly #latency: Family<Histogram>;
  readonly #received: Family<Sample>;
  readonly #replies: Family<Sample>;
  readonly #sentTo = new Recent<Map<CallForm, Sample | undefined>>(rememberedApps);
  readonly #answeredBy = new Recent<Map<number, AnswerSeries>>(rememberedApps);
  readonly #callers = new Recent<CallerSeries>(rememberedApps);

  constructor(registry: Registry, latency: Bounds, appId: string) {
    this.#appId = appId;
    this.#sent = registry.counter({
      name: `${prefix}req_sent_total`,
      help: "The number of requests sent via service invocation.",
      labels: ["app_id", "dst_app_id", "type"],
      open: ["dst_app_id"],
    });
    const source = ["app_id", "src_app_id"];
    this.#answers = registry.counter({
      name: `${prefix}res_recv_total`,
      help: "The number of responses received via service invocation.",
      labels: [...source, "status", "type"],
      open: ["src_app_id"],
    });
    this.#latency = registry.histogram(
      {
        name: `${prefix}res_recv_latency_ms`,
        help: "The latency of service invocation responses in milliseconds.",
        labels: [...source, "status"],
        open: ["src_app_id"],
      },
      latency,
    );
    this.#received = registry.counter({
      name: `${prefix}req_recv_total`,
      help: "The number of requests received via service invocation.",
      labels: source,
      open: ["src_app_id"],
    });
    this.#replies = registry.counter({
      name: `${prefix}res_sent_total`,
      help: "The number of responses sent via service invocation.",
      labels: ["app_id", "dst_app_id", "status"],
      open: ["dst_app_id"],
    });
  }

  sent(target: string, form: CallForm): void {
    const forms = this.#sentTo.get(target) ?? this.#sentTo.add(target, new Map());
    let series = forms.get(form);
    if (series === undefined) {
      series = this.#sent.series(this.#appId, target, form);
      forms.set(form, series);
    }
    series?.inc();
  }

  answered(target: string, form: CallForm, code: number, elapsedMs: number): void {
    if (form === "streaming") {
      // Rare: only streams that could not be opened.
      this.#answers.series(this.#appId, target, `${code}`, form)?.inc();
      return;
    }
    const codes = this.#answeredBy.get(target) ?? this.#answeredBy.add(target, new Map());
    let series = codes.get(code);
    if (series === undefined) {
      series = this.#answerSeries(target, `${code}`);
      codes.set(code, series);
    }
    series.count?.inc();
    series.latency?.observe(elapsedMs);
  }

  received(call: ReceivedCall): void {
    this.#caller(callerOf(call)).received?.inc();
  }

  replied(call: ReceivedCall, code: number): void {
    const id = callerOf(call);
    const { replied } = this.#caller(id);
    let series = replied.get(code);
    if (series === undefined) {
      series = this.#replies.series(this.#appId, id, `${code}`);
      replied.set(code, series);
    }
    series?.inc();
  }

  #answerSeries(target: string, code: string): AnswerSeries {
    return {
      count: this.#answers.series(this.#appId, target, code, "unary"),
      latency: this.#latency.series(this.#appId, target, code),
    };
  }

  #caller(id: string): CallerSeries {
    const known = this.#callers.get(id);
    if (known !== undefined) return known;
    const received = this.#received.series(this.#appId, id);
    return this.#callers.add(id, { received, replied: new Map() });
  }
}

function callerOf({ metadata }: ReceivedCall): string {
  return headerValue(metadata, "dapr-caller-app-id") ?? "unknown";
}
