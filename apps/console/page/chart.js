import { svg } from "./dom.js";

const width = 320;
const height = 96;
const pad = { left: 4, right: 8, top: 18, bottom: 16 };

/**
 * A small chart of the last minutes. Its label says in words what it shows.
 * @param series `[{ name, className, points: [{ at, value }] }]`
 */
export function chart({ title, series, begin, end, format }) {
  const values = series.flatMap(({ points }) => points.map(({ value }) => value));
  const top = Math.max(...values, 0) || 1;
  const x = (at) => pad.left + ((at - begin) / (end - begin)) * (width - pad.left - pad.right);
  const y = (value) => height - pad.bottom - (value / top) * (height - pad.top - pad.bottom);
  const dot = (className, last) =>
    last === undefined
      ? []
      : [svg("circle", { class: className, r: 3, cx: x(last.at), cy: y(last.value) })];
  const lines = series.flatMap(({ className, points }) => [
    ...dot(className, points.at(-1)),
    svg("polyline", {
      class: className,
      points: points.map(({ at, value }) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(" "),
    }),
  ]);
  return svg(
    "svg",
    {
      ...{ class: "chart", role: "img", viewBox: `0 0 ${width} ${height}` },
      "aria-label": `${title}: ${series.map((one) => inWords(one, format)).join("; ")}`,
    },
    svg("path", { class: "axis", d: `M${pad.left} ${y(0)}H${width - pad.right}` }),
    svg("path", { class: "grid", d: `M${pad.left} ${y(top)}H${width - pad.right}` }),
    ...lines,
    text(pad.left, pad.top - 6, `up to ${format(Math.max(...values, 0))}`),
    text(pad.left, height - 3, "5 min ago"),
    text(width - pad.right, height - 3, "now", "end"),
  );
}

function text(x, y, words, anchor = "start") {
  const label = svg("text", { x, y, "text-anchor": anchor });
  label.textContent = words;
  return label;
}

function inWords({ name, points }, format) {
  if (points.length === 0) return `${name}: nothing yet`;
  const values = points.map(({ value }) => value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return `${name} between ${format(low)} and ${format(high)}, now ${format(values.at(-1))}`;
}
