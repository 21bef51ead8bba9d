import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { LocalSecrets } from "../src/secrets/local-secrets.ts";

const folder = mkdtempSync(join(tmpdir(), "outrigger-secrets-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fileOf(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

const at = (name: string, key = name) => ({ name, key });

describe("variables", () => {
  const env = { TOKEN: "t", MY_TOKEN: "mine", APP_API_TOKEN: "no", DAPR_API_TOKEN: "no" };

  test("are secrets by their names, with a prefix where one is set", async () => {
    const secrets = new LocalSecrets(env);
    await secrets.add("plain", "secretstores.local.env", {});
    await secrets.add("mine", "secretstores.local.env", { prefix: "MY_" });
    expect(secrets.find("plain", at("TOKEN"))).toBe("t");
    expect(secrets.find("mine", at("TOKEN"))).toBe("mine");
  });

  test.for(["APP_API_TOKEN", "DAPR_API_TOKEN", "UNSET"])("%s is none", async (name) => {
    const secrets = new LocalSecrets(env);
    await secrets.add("plain", "secretstores.local.env", {});
    expect(() => secrets.find("plain", at(name))).toThrow('store "plain" has no such secret');
  });
});

describe("a file", () => {
  const text = JSON.stringify({ a: "1", b: { c: "2", d: { e: 3 } }, list: ["x", "y"] });

  test("is flat, with a separator between names", async () => {
    const secrets = new LocalSecrets({});
    const secretsFile = fileOf("a.json", text);
    await secrets.add("file", "secretstores.local.file", { secretsFile });
    expect(secrets.find("file", at("a"))).toBe("1");
    expect(secrets.find("file", at("b:c"))).toBe("2");
    expect(secrets.find("file", at("b:d:e"))).toBe("3");
    expect(secrets.find("file", at("list:1"))).toBe("y");
    await secrets.add("dots", "secretstores.local.file", {
      SecretsFile: secretsFile,
      nestedSeparator: ".",
    });
    expect(secrets.find("dots", at("b.d.e"))).toBe("3");
  });

  test("has secrets of several keys when it says so", async () => {
    const secrets = new LocalSecrets({});
    const secretsFile = fileOf("b.json", text);
    await secrets.add("file", "secretstores.local.file", { secretsFile, multiValued: "true" });
    expect(secrets.find("file", at("b", "c"))).toBe("2");
    expect(secrets.find("file", at("b", "d:e"))).toBe("3");
    expect(secrets.find("file", at("a"))).toBe("1");
  });

  test("that is missing or broken tells why, and nothing of what is in it", async () => {
    const secrets = new LocalSecrets({});
    const add = (secretsFile: string) =>
      secrets.add("f", "secretstores.local.file", { secretsFile });
    await expect(add("")).rejects.toThrow("missing local secrets file in metadata");
    await expect(add(join(folder, "none.json"))).rejects.toThrow("ENOENT");
    await expect(add(fileOf("c.json", "hunter2"))).rejects.toThrow(/c\.json: it is no JSON$/);
    await expect(add(fileOf("d.json", '"hunter2"'))).rejects.toThrow(
      /d\.json: it is no JSON object$/,
    );
  });
});

test("a store that is not loaded, or not named, is told", () => {
  const secrets = new LocalSecrets({});
  expect(() => secrets.find("vault", at("a"))).toThrow('secret store "vault" is not loaded');
  expect(() => secrets.find("", at("a"))).toThrow("no secret store is named");
});
