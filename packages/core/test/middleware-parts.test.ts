import { decodedPath, goPattern, metadataFlag, plainAnswer } from "@outrigger/core";
import { expect, test } from "vitest";

test.for([
  ["/plain/path", "/plain/path"],
  ["/a%20b%2Fc", "/a b/c"],
  ["/%C3%A4", "/ä"],
  ["/Ã¤", "/ä"],
  ["/100%", "/100%"],
  ["/%zz%41", "/%zzA"],
] as const)("reads the path %s as %s", ([path, expected]) => {
  expect(decodedPath(path)).toBe(expected);
});

test("takes the words for yes that Dapr takes", () => {
  for (const word of ["y", "YES", "true", "T", "on", "1", " true "]) {
    expect(metadataFlag({ ReadBody: word }, "readBody")).toBe(true);
  }
  for (const word of ["", "no", "false", "0", "truest"]) {
    expect(metadataFlag({ readBody: word }, "readBody")).toBe(false);
  }
  expect(metadataFlag({}, "readBody")).toBe(false);
});

test("reads patterns in the syntax of Go", () => {
  expect(goPattern("(?i)^/a\\z").test("/A")).toBe(true);
  expect(goPattern("\\A(?P<x>b)").exec("bc")?.groups?.x).toBe("b");
  expect("a1 b22".replace(goPattern("[[:digit:]]+", "g"), "n")).toBe("an bn");
  expect(() => goPattern("(")).toThrow("error parsing regexp: ");
});

test("answers in plain text", () => {
  expect(plainAnswer(400, "ä")).toEqual({
    status: 400,
    headers: ["Content-Type", "text/plain; charset=utf-8"],
    body: new Uint8Array([0xc3, 0xa4]),
  });
});
