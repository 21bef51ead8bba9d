import { once } from "node:events";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Load } from "./load.ts";
import { call, Mesh, type SidecarProcess, waitFor } from "./mesh.ts";
import { componentText, pipelineConfig } from "./middleware-files.ts";
import { ResourceFolder } from "./resource-folder.ts";

let mesh: Mesh;
let folder: ResourceFolder;
beforeEach(() => {
  mesh = new Mesh();
  folder = new ResourceFolder();
  folder.package(
    "marker",
    `export const middleware = ({ word }) => ({ log }) => ({
  name: "marker",
  async start() { if (word === "bad") throw new Error("no such word"); },
  async stop() { log.log("info", "stopped: " + word); },
  async handle(request, next) {
    const response = await next(request);
    return { ...response, headers: [...response.headers, "X-Word", word] };
  },
});
`,
  );
});
afterEach(async () => {
  await mesh.close();
  folder.remove();
});

const mark = { name: "mark", type: "middleware.http.npm:marker" };
const shout = { name: "shout", type: "middleware.http.uppercase" };

async function componentNames(sidecar: SidecarProcess): Promise<string> {
  const { body } = await call(sidecar.httpPort, "GET", "/v1.0/metadata");
  const { components = [] } = JSON.parse(body) as { components?: { name: string }[] };
  return components.map(({ name }) => name).join(" ");
}

test("components change under load in both pipelines: no restart, no lost call", async () => {
  let release = (): void => undefined;
  const app = await mesh.app((request, response) => {
    if (request.url !== "/slow") return void request.pipe(response);
    response.write("first half, ");
    release = () => response.end("second half");
  });
  folder.write("a.yaml", componentText(mark, { word: "one" }));
  const sidecar = await mesh.sidecar("self", {
    appPort: app.port,
    config: pipelineConfig({ httpPipeline: [mark], appHttpPipeline: [shout] }),
    flags: ["--resources-path", folder.path],
  });
  const path = "/v1.0/invoke/self/method/x";
  const ask = () => call(sidecar.httpPort, "POST", path, { body: "abc" });
  expect(await ask()).toMatchObject({ body: "abc", headers: { "x-word": "one" } });
  const arrival = once(app.server, "request");
  const slow = call(sidecar.httpPort, "GET", "/v1.0/invoke/self/method/slow");
  await arrival;
  const load = new Load(sidecar.httpPort, path);

  folder.replace("a.yaml", componentText(mark, { word: "two" }), componentText(shout));
  await waitFor(async () => (await ask()).headers["x-word"] === "two", "the new word");
  expect((await ask()).body).toBe("ABC");
  expect(await componentNames(sidecar)).toBe("mark shout");
  // The old one serves the call that began with it.
  expect(sidecar.output()).not.toContain("stopped: one");
  release();
  expect(await slow).toMatchObject({ body: "first half, second half" });
  expect((await slow).headers["x-word"]).toBe("one");
  await waitFor(async () => sidecar.output().includes("stopped: one"), "the end of the old one");

  folder.replace("a.yaml", componentText(mark, { word: "bad" }));
  const problem =
    "the running configuration stays: process component mark error: [INIT_COMPONENT_FAILURE]";
  await waitFor(async () => sidecar.output().includes(problem), problem);
  expect(await ask()).toMatchObject({ body: "ABC", headers: { "x-word": "two" } });

  folder.delete("a.yaml");
  await waitFor(async () => (await ask()).headers["x-word"] === undefined, "no word");
  expect((await ask()).body).toBe("abc");
  expect(await componentNames(sidecar)).toBe("");

  const { calls, failures } = await load.stop();
  expect(failures).toEqual([]);
  expect(calls).toBeGreaterThan(50);
  expect(sidecar.output()).not.toContain("hangup");
  for (const line of ["Received Component update: mark", "Received Component deletion, closing"]) {
    expect(sidecar.output()).toContain(line);
  }
});
