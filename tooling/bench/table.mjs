const rows = [
  { key: "outboundMs", label: "start to outbound ready", unit: "ms", digits: 0 },
  { key: "readyMs", label: "start to ready", unit: "ms", digits: 0 },
  { key: "idleMegabytes", label: "idle memory (RSS)", unit: "MB", digits: 1 },
  { key: "callerMicros", label: "CPU per request, caller", unit: "µs", digits: 1 },
  { key: "calleeMicros", label: "CPU per request, callee", unit: "µs", digits: 1 },
  { key: "requestsPerSecond", label: "requests per second", unit: "/s", digits: 0 },
  { key: "p50Ms", label: "latency p50", unit: "ms", digits: 2 },
  { key: "p99Ms", label: "latency p99", unit: "ms", digits: 2 },
  { key: "errors", label: "errors", unit: "", digits: 0 },
  ...loadRows("large", "1 MB echo"),
  { key: "largeMegabytesPerSecond", label: "1 MB echo, each way", unit: "MB/s", digits: 0 },
  { key: "largeCallerMegabytes", label: "1 MB echo, peak RSS, caller", unit: "MB", digits: 0 },
  { key: "largeCalleeMegabytes", label: "1 MB echo, peak RSS, callee", unit: "MB", digits: 0 },
  ...loadRows("invoke", "InvokeService"),
  ...loadRows("proxy", "gRPC proxy"),
  ...loadRows("mtls", "mutual TLS, 1 KB POST"),
  ...loadRows("observed", "mutual TLS, metrics, 10 % traces"),
  {
    key: "quietMegabytes",
    label: "mutual TLS without both, RSS under load, caller",
    unit: "MB",
    digits: 0,
  },
  { key: "observedMegabytes", label: "the same, RSS under load, caller", unit: "MB", digits: 0 },
  { key: "observedCostPercent", label: "CPU for metrics and traces", unit: "%", digits: 1 },
  { key: "handshakeMs", label: "TLS handshake, median", unit: "ms", digits: 2 },
  { key: "certificateMs", label: "authority start to first sidecar ready", unit: "ms", digits: 0 },
  { key: "upCallerMegabytes", label: "100 MB up, RSS growth, caller", unit: "MB", digits: 1 },
  { key: "upCalleeMegabytes", label: "100 MB up, RSS growth, callee", unit: "MB", digits: 1 },
  { key: "downCallerMegabytes", label: "100 MB down, RSS growth, caller", unit: "MB", digits: 1 },
  { key: "downCalleeMegabytes", label: "100 MB down, RSS growth, callee", unit: "MB", digits: 1 },
  { key: "resolveNanos", label: "resolve and pick from memory", unit: "ns", digits: 0 },
  { key: "resolveGrowthKilobytes", label: "1M resolves, heap growth", unit: "KB", digits: 1 },
  { key: "untouchedBareNanos", label: "call in one process", unit: "ns", digits: 0 },
  { key: "untouchedAgainNanos", label: "the same, measured again", unit: "ns", digits: 0 },
  { key: "untouchedPolicyNanos", label: "with policies of others", unit: "ns", digits: 0 },
  { key: "untouchedPipelineNanos", label: "with empty pipelines", unit: "ns", digits: 0 },
  { key: "eventP50Ms", label: "event latency p50", unit: "ms", digits: 2 },
  { key: "eventMaxMs", label: "event latency max", unit: "ms", digits: 2 },
];

function loadRows(prefix, label) {
  return [
    { key: `${prefix}PerSecond`, label: `${label}, calls per second`, unit: "/s", digits: 0 },
    { key: `${prefix}CallerMicros`, label: `${label}, CPU, caller`, unit: "µs", digits: 1 },
    { key: `${prefix}CalleeMicros`, label: `${label}, CPU, callee`, unit: "µs", digits: 1 },
    { key: `${prefix}P50Ms`, label: `${label}, latency p50`, unit: "ms", digits: 2 },
    { key: `${prefix}P99Ms`, label: `${label}, latency p99`, unit: "ms", digits: 2 },
    { key: `${prefix}Errors`, label: `${label}, errors`, unit: "", digits: 0 },
  ];
}

/** The median of each number over the rounds, per contender. */
export function medians(measurements) {
  return Object.fromEntries(
    Object.entries(measurements).map(([name, rounds]) => [
      name,
      Object.fromEntries(
        rows
          .filter(({ key }) => rounds.every((round) => key in round))
          .map(({ key }) => [key, median(rounds.map((round) => round[key]))]),
      ),
    ]),
  );
}

function ratio([one, other]) {
  if (one === undefined || other === undefined || other === 0) return "";
  return (one / other).toFixed(2);
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** A Markdown table; with two contenders a column with the ratio of the first to the second. */
export function formatTable(results) {
  const names = Object.keys(results);
  const compared = names.length === 2;
  const lines = [["", ...names, ...(compared ? [`${names[0]} / ${names[1]}`] : [])]];
  for (const { key, label, unit, digits } of rows) {
    const values = names.map((name) => results[name][key]);
    if (values.every((value) => value === undefined)) continue;
    const cells = values.map((value) =>
      value === undefined ? "" : `${value.toFixed(digits)} ${unit}`.trim(),
    );
    if (compared) cells.push(ratio(values));
    lines.push([label, ...cells]);
  }
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const text = lines.map((line) => {
    const cells = line.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]),
    );
    return `| ${cells.join(" | ")} |`;
  });
  const rule = widths.map((width, column) => (column === 0 ? "-" : "").padEnd(width, "-"));
  text.splice(
    1,
    0,
    `|${rule.map((dashes, i) => (i === 0 ? ` ${dashes} ` : ` ${dashes.slice(1)}: `)).join("|")}|`,
  );
  return text.join("\n");
}
