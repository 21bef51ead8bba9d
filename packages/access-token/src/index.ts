export { type AccessToken, accessToken, type TokenRefusal } from "./access-token.ts";
