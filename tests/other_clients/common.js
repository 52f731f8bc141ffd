// Steps of a driver: each calls one action of a client, and is counted as passed, failed, or a fault of the client.
const http = require("node:http");

const base = process.env.LEMLIST_BASE_URL;
const admin = base.replace(/\/api$/, "/_sandbox");
const key = process.env.LEMLIST_API_KEY;
const results = [];

async function step(name, work, ownFault = null) {
  try {
    await work();
    results.push({ name, outcome: "passed" });
  } catch (error) {
    const reason = String(error && error.message ? error.message : error).slice(0, 300);
    results.push({ name, outcome: ownFault ? "own fault" : "failed", reason: ownFault ? `${ownFault}: ${reason}` : reason });
  }
}

function check(condition, what) {
  if (!condition) throw new Error(`expected ${what}`);
}

async function called(method, url, body) {
  const headers = { Authorization: `Basic ${Buffer.from(`:${key}`).toString("base64")}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const response = await fetch(url, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${text}`);
  return text ? JSON.parse(text) : null;
}

const api = (method, path, body) => called(method, base + path, body);
const order = (path, body) => called(body === undefined ? "GET" : "POST", admin + path, body);

// A receiver of hooks: the bodies that were posted, and a promise of the next one.
async function receiver() {
  const bodies = [];
  const waiting = [];
  const server = http.createServer((request, response) => {
    let text = "";
    request.on("data", (piece) => (text += piece));
    request.on("end", () => {
      const body = JSON.parse(text);
      bodies.push(body);
      waiting.splice(0).forEach((resolve) => resolve(body));
      response.writeHead(204).end();
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const next = () =>
    new Promise((resolve, reject) => {
      waiting.push(resolve);
      setTimeout(() => reject(new Error("no hook was called within 5 s")), 5000).unref();
    });
  return { url: `http://127.0.0.1:${server.address().port}/hook`, bodies, next, close: () => server.close() };
}

async function campaign(name) {
  const made = await api("POST", "/campaigns", { name });
  const team = await api("GET", "/team");
  await api("PATCH", `/campaigns/${made._id}`, { sendUserIds: [team.createdBy] });
  return made._id;
}

function finish() {
  console.log(JSON.stringify(results));
  process.exit(0);
}

module.exports = { api, base, campaign, check, finish, key, order, receiver, step };
