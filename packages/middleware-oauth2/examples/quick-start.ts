import { LiveHttpPipeline, silentLogger } from "@outrigger/core";
import { middlewareOAuth2 } from "@outrigger/middleware-oauth2";

const context = {
  appId: "shop",
  namespace: "default",
  log: silentLogger,
  now: Date.now,
  random: Math.random,
};

const login = middlewareOAuth2({
  clientId: "shop",
  clientSecret: process.env.CLIENT_SECRET ?? "",
  scopes: ["openid", "orders"],
  authUrl: "https://login.example.com/oauth2/auth",
  tokenUrl: "https://login.example.com/oauth2/token",
  redirectUrl: "https://shop.example.com/callback",
  forceHttps: true,
})(context);

const pipeline = new LiveHttpPipeline(context.log);
pipeline.replace([login]);
