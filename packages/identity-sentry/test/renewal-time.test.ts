import { expect, test } from "vitest";
import { renewalTime } from "../src/renewal-time.ts";

const hourMs = 3_600_000;
const svid = { spiffeId: "", certificateChain: "", privateKey: "" };

test("a day with 15 minutes of skew is renewed after 11 h 52 min 30 s", () => {
  const life = { ...svid, notBeforeMs: -hourMs / 4, expiresAtMs: 24 * hourMs };
  expect(renewalTime(life, 0, 0)).toBe(11 * hourMs + 52.5 * 60_000);
});

test("chance makes it earlier, by 5 % at most, and never later", () => {
  const life = { ...svid, notBeforeMs: 0, expiresAtMs: 100_000 };
  expect(renewalTime(life, 0, 0.999)).toBeGreaterThan(44_999);
  expect(renewalTime(life, 0, 0.5)).toBe(47_500);
});

test("a life below the skew is renewed at half of what is left", () => {
  const life = { ...svid, notBeforeMs: -hourMs, expiresAtMs: 60_000 };
  expect(renewalTime(life, 0, 0)).toBe(30_000);
});

test("an expired certificate is renewed soon, not in a loop", () => {
  const life = { ...svid, notBeforeMs: -20_000, expiresAtMs: -10_000 };
  expect(renewalTime(life, 0, 0)).toBe(10);
});

test("a token that ends earlier decides", () => {
  const claims = Buffer.from(JSON.stringify({ exp: 100 })).toString("base64url");
  const jwts = new Map([["a", `e30.${claims}.x`]]);
  const life = { ...svid, notBeforeMs: 0, expiresAtMs: 24 * hourMs, jwts };
  expect(renewalTime(life, 0, 0)).toBe(50_000);
});
