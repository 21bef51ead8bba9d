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
];

/** The median of each number over the rounds, per contender. */
export function medians(measurements) {
  return Object.fromEntries(
    Object.entries(measurements).map(([name, rounds]) => [
      name,
      Object.fromEntries(rows.map(({ key }) => [key, median(rounds.map((round) => round[key]))])),
    ]),
  );
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
    const cells = values.map((value) => `${value.toFixed(digits)} ${unit}`.trim());
    if (compared) cells.push(values[1] === 0 ? "" : (values[0] / values[1]).toFixed(2));
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
