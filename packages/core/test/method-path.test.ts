import { cleanPath, isOutriggerError, normalizeMethod } from "@outrigger/core";
import { expect, test } from "vitest";

// Results of recorded Dapr behaviour (`pkg/messaging/method/normalize.go`).
test.for([
  ["foo", "foo"],
  ["foo/bar", "foo/bar"],
  ["", ""],
  [".", ""],
  ["..", ""],
  ["admin/../public", "public"],
  ["admin/../../public", "public"],
  ["../../etc/passwd", "etc/passwd"],
  ["public/", "public"],
  ["api///v1///users", "api/v1/users"],
  ["/admin%09/../public", "/public"],
  ["admin%2Fsecret/../public", "public"],
  ["admin%2F..%2Fpublic", "admin%2F..%2Fpublic"],
  ["/public;../../admin", "/admin"],
  ["test\\stream", "test\\stream"],
  ["test%stream", "test%stream"],
  ["a..b/c.d", "a..b/c.d"],
  ["/", "/"],
])("normalizes %j to %j", ([method, expected]) => {
  expect(normalizeMethod(method as string)).toBe(expected);
});

test.for([
  ["a#b", 'invalid method: method contains forbidden character: "a#b"'],
  ["a?b", 'invalid method: method contains forbidden character: "a?b"'],
  ["a\0b", 'invalid method: method contains forbidden character: "a\\x00b"'],
  ["ab\rc", 'invalid method: method contains control character at position 2: "ab\\rc"'],
  ["\x7f", 'invalid method: method contains control character at position 0: "\\x7f"'],
])("refuses %j", ([method, text]) => {
  expect(() => normalizeMethod(method as string)).toThrow(
    `rpc error: code = InvalidArgument desc = ${text}`,
  );
});

test("a refused method carries the code that callers match on", () => {
  try {
    normalizeMethod("a#b");
    expect.unreachable();
  } catch (reason) {
    expect(isOutriggerError(reason, "OTR_METHOD_INVALID")).toBe(true);
  }
});

test.for([
  ["", "."],
  ["/", "/"],
  ["/..", "/"],
  ["a/b/../..", "."],
  ["../a", "../a"],
  ["/a//b/./c/", "/a/b/c"],
])("cleanPath(%j) is %j", ([path, expected]) => {
  expect(cleanPath(path as string)).toBe(expected);
});
