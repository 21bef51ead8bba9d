/** `12.4/s`, `0.3/s`, `none`. */
export function rate(perSecond) {
  if (perSecond === 0) return "0/s";
  if (perSecond >= 100) return `${Math.round(perSecond)}/s`;
  return `${perSecond >= 10 ? perSecond.toFixed(1) : perSecond.toPrecision(2)}/s`;
}

/** `0.42 ms`, `8.1 ms`, `1.2 s`; a dash where there is nothing. */
export function millis(value) {
  if (value === undefined) return "–";
  if (value >= 10_000) return `${Math.round(value / 1_000)} s`;
  if (value >= 1_000) return `${(value / 1_000).toFixed(1)} s`;
  if (value >= 100) return `${Math.round(value)} ms`;
  return `${value >= 10 ? value.toFixed(0) : value.toPrecision(2)} ms`;
}

/** `0 %`, `0.4 %`, `12 %`. */
export function share(part, whole) {
  if (part === 0 || whole === 0) return "0 %";
  const percent = (part / whole) * 100;
  return `${percent >= 10 ? Math.round(percent) : percent.toPrecision(2)} %`;
}

/** `5 s`, `3 min`, `5 h 12 min`, `4 d 3 h`. */
export function duration(ms) {
  const seconds = Math.round(Math.abs(ms) / 1_000);
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Date and time as this browser's user writes them. */
export function moment(ms) {
  return new Date(ms).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

/** `1 app`, `2 apps`. */
export function plural(count, one, many = `${one}s`) {
  return `${count} ${count === 1 ? one : many}`;
}
