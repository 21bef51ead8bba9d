import {
  errorText,
  goQuote,
  isOutriggerError,
  joinHostPort,
  OutriggerError,
  parseOptions,
  type StandardSchema,
  toRpcStatus,
} from "@outrigger/core";
import { expect, test } from "vitest";

const portSchema: StandardSchema<{ port: number }> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) => {
      const { port } = value as { port: unknown };
      if (typeof port === "number") return { value: { port } };
      return { issues: [{ message: "expected a number", path: [{ key: "port" }] }] };
    },
  },
};

test("valid options come back frozen", () => {
  expect(Object.isFrozen(parseOptions("demo", portSchema, { port: 1 }))).toBe(true);
});

test("a wrong option names owner, field, value and what would be right", () => {
  expect(() => parseOptions("demo", portSchema, { port: "80" })).toThrow(
    'demo: port: expected a number (got "80")',
  );
});

test("errors of another copy of the package are recognised by their brand", () => {
  const foreign = Object.assign(new Error("x"), { code: "OTR_TIMEOUT" });
  Object.defineProperty(foreign, Symbol.for("outrigger.error"), { value: true });
  expect(isOutriggerError(foreign, "OTR_TIMEOUT")).toBe(true);
  expect(isOutriggerError(new Error("x"))).toBe(false);
});

test("every error has a status for peers", () => {
  expect(toRpcStatus(new OutriggerError("late", { code: "OTR_TIMEOUT" }))).toEqual({
    code: 4,
    message: "late",
  });
  expect(toRpcStatus(new Error("odd"))).toEqual({ code: 2, message: "odd" });
  expect(errorText("thrown text")).toBe("thrown text");
});

test.for([
  ["plain", '"plain"'],
  ['a"b\\c', '"a\\"b\\\\c"'],
  ["tab\tnew\nline", '"tab\\tnew\\nline"'],
  ["\x01\x7f", '"\\x01\\x7f"'],
  [Buffer.from("größe").toString("latin1"), '"größe"'],
])("goQuote(%j)", ([text, quoted]) => {
  expect(goQuote(text as string)).toBe(quoted);
});

test("IPv6 hosts are bracketed", () => {
  expect(joinHostPort("fd00::5", 1)).toBe("[fd00::5]:1");
  expect(joinHostPort("10.0.0.1", 1)).toBe("10.0.0.1:1");
});
