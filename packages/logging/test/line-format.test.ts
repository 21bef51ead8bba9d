import { createLogger, type LogFormat } from "@outrigger/logging";
import { expect, test } from "vitest";

const noon = 1_700_000_000_123_456_789n;

function capture(format: LogFormat, options: { appId?: string; now?: () => bigint } = {}) {
  const lines: string[] = [];
  const log = createLogger({
    appId: "orders",
    format,
    version: "1.18.1",
    instance: "host-1",
    now: () => noon,
    sink: { write: (line) => lines.push(line), close: () => undefined },
    ...options,
  });
  return { log, lines };
}

const time = /^time="2023-11-14T22:13:20\.123456789Z"/;

test("the text form has the fixed keys first and sorts the rest", () => {
  const { log, lines } = capture("text");
  log.scope("dapr.runtime.http").log("info", "app id: orders", { code: 200, agent: "a b" });
  expect(lines[0]?.replace(time, "T")).toBe(
    'T level=info msg="app id: orders" agent="a b" app_id=orders code=200 instance=host-1 ' +
      "scope=dapr.runtime.http type=log ver=1.18.1\n",
  );
});

test.each([
  ["plain-value_1.2/x@y^z+", "plain-value_1.2/x@y^z+"],
  ['a\nb"c\\', '"a\\nb\\"c\\\\"'],
  ["größe", '"größe"'],
  ["\u200b", '"\\u200b"'],
  ["a=b", '"a=b"'],
])("text value %j is written as %s", (value, written) => {
  const { log, lines } = capture("text");
  log.log("info", value);
  expect(lines[0]).toContain(` msg=${written} app_id=`);
});

test("an empty message leaves out the key and an empty value stays bare", () => {
  const { log, lines } = capture("text");
  log.log("info", "", { empty: "" });
  expect(lines[0]).toContain("level=info app_id=orders empty= instance=");
});

test("a warning prints the word warning in both forms", () => {
  const text = capture("text");
  const json = capture("json");
  text.log.log("warn", "x");
  json.log.log("warn", "x");
  expect(text.lines[0]).toContain("level=warning");
  expect(JSON.parse(json.lines[0] as string)).toHaveProperty("level", "warning");
});

test("the JSON form sorts all keys, keeps types and escapes as Go does", () => {
  const { log, lines } = capture("json");
  log.log("info", "<a>&\u2028ü", { code: 200, ok: true });
  expect(lines[0]).toBe(
    '{"app_id":"orders","code":200,"instance":"host-1","level":"info",' +
      '"msg":"\\u003ca\\u003e\\u0026\\u2028ü","ok":true,"scope":"dapr.runtime",' +
      '"time":"2023-11-14T22:13:20.123456789Z","type":"log","ver":"1.18.1"}\n',
  );
});

test("without an app id the key is absent until it is set", () => {
  const { log, lines } = capture("json", { appId: "" });
  log.log("info", "a");
  log.setAppId("late");
  log.log("info", "b");
  expect(lines.map((line) => JSON.parse(line).app_id)).toEqual([undefined, "late"]);
});

test("a field cannot forge level, time or message", () => {
  const { log, lines } = capture("json");
  log.log("info", "real", { level: "fatal", msg: "forged" });
  expect(JSON.parse(lines[0] as string)).toMatchObject({
    level: "info",
    msg: "real",
    "fields.level": "fatal",
    "fields.msg": "forged",
  });
});

test("trailing zeros of the fraction are dropped, as Go does", () => {
  const { log, lines } = capture("json", { now: () => 1_700_000_000_120_000_000n });
  log.log("info", "x");
  expect(JSON.parse(lines[0] as string).time).toBe("2023-11-14T22:13:20.12Z");
});

test("the terminal form is coloured and keeps control characters out", () => {
  const { log, lines } = capture("color");
  log.log("error", "bad\x1b[2Jthing");
  expect(lines[0]).toMatch(/^\x1b\[31mERRO\x1b\[0m\[0000\] bad\\x1b\[2Jthing +/);
  expect(lines[0]).toContain(" \x1b[31mapp_id\x1b[0m=orders");
});
