// The calling app for machines without Python: the same as checkout.py.
const { DAPR_HTTP_PORT: port, ORDER_APP_ID: target, ORDERS: orders } = process.env;
let failed = 0;

for (let orderId = 1; orderId <= Number(orders); orderId += 1) {
  const started = performance.now();
  const { status, text } = await send(orderId);
  const elapsed = (performance.now() - started).toFixed(1);
  if (status !== 200) failed += 1;
  console.log(`sent order ${orderId}: ${status} in ${elapsed} ms: ${text}`);
}
process.exitCode = failed > 0 ? 1 : 0;

async function send(orderId) {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/neworder`, {
      method: "POST",
      headers: { "content-type": "application/json", "dapr-app-id": target },
      body: JSON.stringify({ orderId }),
      signal: AbortSignal.timeout(10_000),
    });
    return { status: answer.status, text: await answer.text() };
  } catch (reason) {
    return { status: 0, text: String(reason) };
  }
}
