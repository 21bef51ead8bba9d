const prefix = "dapr_sentry_";

interface Metric {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  /** Whether its series have a `reason`. */
  readonly byReason: boolean;
  /** Value by reason; the empty one where there are no reasons. */
  readonly values: Map<string, number>;
}

/** The counters of the authority under Dapr's names, as Prometheus reads them. */
export class AuthorityMetrics {
  readonly #received = metric("cert_sign_request_received_total", "counter", "Requests received");
  readonly #signed = metric("cert_sign_success_total", "counter", "Certificates issued");
  readonly #failed = metric("cert_sign_failure_total", "counter", "Requests refused", true);
  readonly #ownFailed = metric(
    "servercert_issue_failed_total",
    "counter",
    "Failures to issue the authority's own certificate",
    true,
  );
  readonly #changed = metric("issuercert_changed_total", "counter", "Changes of the issuer");
  readonly #expiry = metric(
    "issuercert_expiry_timestamp",
    "gauge",
    "End of the issuer's validity in seconds since the epoch",
  );

  requestReceived(): void {
    add(this.#received);
  }

  requestSigned(): void {
    add(this.#signed);
  }

  requestFailed(reason: string): void {
    add(this.#failed, reason);
  }

  ownCertificateFailed(reason: string): void {
    add(this.#ownFailed, reason);
  }

  issuerChanged(): void {
    add(this.#changed);
  }

  issuerExpires(epochMs: number): void {
    this.#expiry.values.set("", Math.floor(epochMs / 1_000));
  }

  /** Prometheus text format 0.0.4. */
  render(): string {
    const all = [
      this.#received,
      this.#signed,
      this.#failed,
      this.#ownFailed,
      this.#changed,
      this.#expiry,
    ];
    return all
      .filter(({ values }) => values.size > 0)
      .map(renderMetric)
      .join("");
  }
}

function metric(name: string, type: Metric["type"], help: string, byReason = false): Metric {
  return { name: `${prefix}${name}`, type, help, byReason, values: new Map() };
}

function add({ values }: Metric, reason = ""): void {
  values.set(reason, (values.get(reason) ?? 0) + 1);
}

function renderMetric({ name, type, help, byReason, values }: Metric): string {
  const lines = [...values].map(([reason, value]) => {
    const label = byReason ? `{reason="${reason}"}` : "";
    return `${name}${label} ${numberText(value)}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

/** As Go prints it: from a million on with an exponent. */
function numberText(value: number): string {
  if (value < 1_000_000) return `${value}`;
  const [mantissa, exponent = ""] = value.toExponential().split("e+");
  return `${mantissa}e+${exponent.padStart(2, "0")}`;
}
