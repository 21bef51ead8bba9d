import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startConsole } from "@outrigger/console";
import { type Browser, chromium, type Locator, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findChromium } from "./chromium.ts";
import { call, Mesh, type SidecarProcess } from "./mesh.ts";

const executablePath = findChromium();
const folder = mkdtempSync(join(tmpdir(), "outrigger-cards-"));
const env = { OUTRIGGER_SIDECARS_FOLDER: folder };
const pictures = process.env.OUTRIGGER_SCREENSHOTS;

describe.skipIf(executablePath === undefined)("the console in Chromium", () => {
  const mesh = new Mesh();
  let shop: SidecarProcess;
  let browser: Browser;
  let serving: Awaited<ReturnType<typeof startConsole>>;
  let traffic: NodeJS.Timeout;

  beforeAll(async () => {
    const app = await mesh.app((request, response) => {
      response.statusCode = request.url?.startsWith("/broken") ? 500 : 200;
      setTimeout(() => response.end("{}"), request.url?.startsWith("/slow") ? 60 : 2);
    });
    const names = ["orders", "payments"] as const;
    for (const name of names) await mesh.sidecar(name, { appPort: app.port, env });
    const config = tracingConfig();
    shop = await mesh.sidecar("web-shop", { env, extraConfig: config });
    const [orders] = [await mesh.sidecar("checkout", { appPort: app.port, env })];
    let turn = 0;
    traffic = setInterval(() => {
      turn += 1;
      void send(shop, "POST", `orders/method/${turn % 9 === 0 ? "broken" : "new"}`);
      void send(shop, "GET", `orders/method/${turn % 4 === 0 ? "slow" : "list"}`);
      void send(shop, "GET", "checkout/method/cart");
      void send(orders, "POST", "payments/method/pay");
      if (turn % 40 === 0) void send(orders, "GET", "nobody.there.at-all/method/x");
    }, 50);
    serving = await startConsole({
      ...{ port: 0, env, sidecars: ["127.0.0.1:1"] },
      traceUrl: "http://127.0.0.1:9411/zipkin/traces/{traceId}",
    });
    browser = await chromium.launch({
      ...{ executablePath: executablePath ?? "", args: ["--no-sandbox"] },
    });
  }, 60_000);

  afterAll(async () => {
    clearInterval(traffic);
    await browser?.close();
    await serving?.close();
    await mesh.close();
    rmSync(folder, { recursive: true, force: true });
  }, 30_000);

  async function visit(
    options: Parameters<Browser["newPage"]>[0] = {},
  ): Promise<{ readonly page: Page; readonly problems: string[] }> {
    const page = await browser.newPage({ viewport: { width: 1_280, height: 900 }, ...options });
    const problems: string[] = [];
    page.on("pageerror", (reason) => problems.push(String(reason)));
    page.on("console", (message) => {
      if (message.type() === "error") problems.push(message.text());
    });
    page.on("request", (request) => {
      if (!request.url().startsWith(new URL(serving.url).origin)) problems.push(request.url());
    });
    await page.goto(serving.url);
    return { page, problems };
  }

  async function picture(page: Page, name: string): Promise<void> {
    if (pictures === undefined) return;
    mkdirSync(pictures, { recursive: true });
    await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
  }

  test("draws apps and calls, and the same as a table", async () => {
    const { page, problems } = await visit();
    const line = page.locator('[data-edge="web-shop>orders"]');
    await expect
      .poll(() => line.getAttribute("aria-label"))
      .toMatch(/\/s, p99 [\d.]+ m?s, .*% errors/);
    for (const app of ["web-shop", "orders", "payments", "checkout"]) {
      expect(await page.locator(`[data-app="${app}"]`).count()).toBe(1);
    }
    expect(await page.getByRole("status").textContent()).toContain("with errors");
    const row = page.getByRole("row").filter({ hasText: "web-shop" }).filter({ hasText: "POST" });
    expect(await row.textContent()).toMatch(/web-shop.*orders.*POST.*\/s.*%/);
    expect(await page.getByText("nobody listens there").count()).toBe(1);
    await picture(page, "light");
    expect(problems).toEqual([]);
    await page.close();
  });

  test("opens an edge and an app with the keyboard alone, and gives the focus back", async () => {
    const { page, problems } = await visit();
    const line = page.locator('[data-edge="web-shop>orders"]');
    await line.waitFor();
    await tabTo(page, line);
    await page.keyboard.press("Enter");
    const panel = page.getByRole("complementary");
    await expect
      .poll(() => panel.getByRole("heading", { level: 2 }).textContent())
      .toBe("web-shop → orders");
    const heading = panel.getByRole("heading", { level: 2 });
    expect(await hasFocus(page, heading)).toBe(true);
    await expect.poll(() => panel.textContent()).toMatch(/5xx.*HTTP status 500/s);
    const link = panel.getByRole("link", { name: /Open trace/ });
    await expect.poll(() => link.getAttribute("href")).toMatch(/zipkin\/traces\/[0-9a-f]{32}$/);
    if (pictures !== undefined) await page.waitForTimeout(6_000);
    await picture(page, "edge");
    await page.keyboard.press("Escape");
    expect(await panel.isVisible()).toBe(false);
    expect(await hasFocus(page, line)).toBe(true);

    const box = page.locator('[data-app="web-shop"]');
    await tabTo(page, box);
    await page.keyboard.press("Space");
    await expect.poll(() => panel.textContent()).toMatch(/Certificate.*plaintext.*resolver-mdns/s);
    await picture(page, "app");
    expect(problems).toEqual([]);
    await page.close();
  });

  test("stands still while paused", async () => {
    const { page } = await visit();
    await page.locator('[data-edge="web-shop>orders"]').waitFor();
    const pause = page.getByRole("button", { name: "Pause" });
    await pause.click();
    expect(await pause.getAttribute("aria-pressed")).toBe("true");
    expect(await page.getByRole("status").textContent()).toContain("Paused");
    let asked = 0;
    page.on("request", () => {
      asked += 1;
    });
    await page.waitForTimeout(2_500);
    expect(asked).toBe(0);
    await pause.click();
    await expect.poll(() => asked, { timeout: 5_000 }).toBeGreaterThan(0);
    await page.close();
  });

  test("is dark for those who want it", async () => {
    const { page } = await visit({ colorScheme: "dark" });
    await page.locator('[data-edge="web-shop>orders"]').waitFor();
    const colour = await page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
    expect(colour).toBe("rgb(16, 22, 21)");
    await page.locator('[data-edge="web-shop>orders"]').press("Enter");
    await picture(page, "dark");
    await page.close();
  });

  test("fits 400 pixels", async () => {
    const { page } = await visit({ viewport: { width: 400, height: 800 } });
    const line = page.locator('[data-edge="web-shop>orders"]');
    await line.waitFor();
    const width = await page.evaluate<number>(scrollWidth);
    expect(width).toBeLessThanOrEqual(400);
    await picture(page, "narrow");
    await line.press("Enter");
    await picture(page, "narrow-edge");
    expect(await page.evaluate<number>(scrollWidth)).toBeLessThanOrEqual(400);
    await page.getByRole("button", { name: "Close" }).click();
    await page.close();
  });
});

/** In the browser. */
const scrollWidth = "document.documentElement.scrollWidth";

async function hasFocus(page: Page, element: Locator): Promise<boolean> {
  return (await element.and(page.locator(":focus")).count()) === 1;
}

async function tabTo(page: Page, target: Locator): Promise<void> {
  for (let presses = 0; presses < 60; presses += 1) {
    if (await hasFocus(page, target)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error("60 tabs did not lead there");
}

async function send(from: SidecarProcess, verb: string, path: string): Promise<void> {
  const traceparent = `00-${randomHex(32)}-${randomHex(16)}-01`;
  const options = { headers: { traceparent }, ...(verb === "POST" ? { body: "{}" } : {}) };
  // Those under way when the mesh ends are lost.
  await call(from.httpPort, verb, `/v1.0/invoke/${path}`, options).catch(() => undefined);
}

function randomHex(length: number): string {
  return Array.from({ length }, () => Math.floor(Math.random() * 15 + 1).toString(16)).join("");
}

const tracingConfig = (): string => `apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata:
  name: tracing
spec:
  tracing:
    samplingRate: "1"
`;
