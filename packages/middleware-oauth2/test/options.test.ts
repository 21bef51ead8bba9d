import { middlewareOAuth2, optionsFromMetadata } from "@outrigger/middleware-oauth2";
import { expect, test } from "vitest";

const metadata = {
  clientID: "shop",
  authURL: "https://login.example.com/auth",
  tokenURL: "https://login.example.com/token",
};

test("reads settings as Dapr does", () => {
  const expected = {
    clientId: "shop",
    authUrl: metadata.authURL,
    tokenUrl: metadata.tokenURL,
    scopes: [],
    forceHttps: false,
  };
  expect(optionsFromMetadata(metadata)).toEqual(expected);
  const more = {
    ClientSecret: "secret",
    scopes: "openid,orders",
    redirectURL: "https://shop.example.com/callback",
    authHeaderName: "x-token",
    forceHTTPS: "Yes",
    pathFilter: "^/private",
  };
  expect(optionsFromMetadata({ ...metadata, ...more })).toEqual({
    ...expected,
    clientSecret: "secret",
    scopes: ["openid", "orders"],
    redirectUrl: "https://shop.example.com/callback",
    authHeaderName: "x-token",
    forceHttps: true,
    pathFilter: "^/private",
  });
  for (const name of ["clientID", "authURL", "tokenURL"]) {
    expect(() => optionsFromMetadata({ ...metadata, [name]: "" })).toThrow(
      `metadata property '${name}' is required`,
    );
  }
});

test("refuses options that are wrong", () => {
  const make = (more: object) => () =>
    middlewareOAuth2({ ...optionsFromMetadata(metadata), ...more });
  expect(make({})).not.toThrow();
  expect(make({ authUrl: "login" })).toThrow("authUrl: must be an http or https URL");
  expect(make({ pathFilter: "(" })).toThrow("pathFilter: error parsing regexp");
  expect(make({ authHeaderName: "a b" })).toThrow("authHeaderName: must be a name of a header");
  expect(make({ cookieName: "a=b" })).toThrow("cookieName: must be a name of a cookie");
  expect(make({ maxSessions: 0 })).toThrow("maxSessions: must be a whole number");
  expect(make({ unknown: 1 })).toThrow("unknown");
});
