"use strict";
// The page of the sandbox: the server sends an overview whenever it changed, and this file draws it.

const part = (id) => document.getElementById(id);
const still = matchMedia("(prefers-reduced-motion: reduce)");
const COLOURS = ["#8a94a6", "#4c78d8", "#2a9d6f", "#c8891c", "#b05ccf", "#cf4f4f", "#3aa6b9", "#7d8b2f"];
const KINDS = "emailsSent emailsOpened emailsClicked emailsReplied emailsBounced emailsFailed emailsInterested "
  + "emailsNotInterested emailsUnsubscribed linkedinSent linkedinOpened linkedinReplied linkedinInterested "
  + "linkedinInviteDone linkedinInviteAccepted linkedinVisitDone whatsappReplied smsReplied aircallDone apiDone paused resumed "
  + "stopped meetingBooked outOfOffice manualInterested manualNotInterested connectionIssue sendLimitReached "
  + "lemwarmPaused customDomainErrors";

let shown = null;
let received = 0;
let stream = null;

function make(tag, text, className) {
  const element = document.createElement(tag);
  if (text !== undefined && text !== null) element.textContent = text;
  if (className) element.className = className;
  return element;
}

function fill(id, rows) {
  part(id).replaceChildren(...rows);
  const empty = part(`no-${id}`);
  if (empty) empty.hidden = rows.length > 0;
}

function say(text, wrong) {
  part("said").textContent = text;
  part("said").className = wrong ? "bad" : "good";
}

async function order(path, body, method = "POST") {
  const response = await fetch(`/_sandbox/${path}`, { method, body: body === undefined ? undefined : JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

async function does(work, done) {
  try {
    say(done(await work()));
  } catch (error) {
    say(error.message, true);
  }
}

function colourOf(status) {
  if (status === null) return "warn";
  return status < 400 ? "good" : status === 429 || status >= 500 ? "bad" : "warn";
}

function ago(seconds) {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  return seconds < 3600 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`;
}

const short = (iso) => iso.slice(5, 16).replace("T", " ");

function drawLimit() {
  const { limit, window: length, policy, recent } = shown.limit;
  const since = (performance.now() - received) / 1000;
  const span = length * 5;
  const drawing = part("limit-drawing");
  const place = (age) => `${100 * (1 - age / span)}%`;
  const pieces = [];
  if (limit !== null) {
    const present = make("div", null, "window");
    present.style.width = `${100 * length / span}%`;
    pieces.push(present);
  }
  for (let window = 1; window < 5; window++) {
    const tick = make("div", null, "tick");
    tick.style.left = place(window * length);
    pieces.push(tick);
  }
  let used = 0;
  for (const [age, status] of recent) {
    const now = age + since;
    if (now > span) continue;
    if (now <= length && status !== 429) used += 1;
    const dot = make("div", null, `dot ${status === 429 ? "refused" : status === null || status >= 400 ? "other" : ""}`);
    dot.style.left = place(now);
    pieces.push(dot);
  }
  drawing.replaceChildren(...pieces);
  part("used").textContent = limit === null ? `${used}` : `${used} of ${limit}`;
  part("used").className = limit !== null && used >= limit ? "bad" : "";
  part("limit-text").textContent = limit === null
    ? "No limit. Green passed, amber is an error."
    : `${limit} requests in ${length} s, counted as ${policy}. Green passed, red was refused, amber is another error; the band is the last window.`;
}

function drawCampaigns() {
  const before = new Map([...part("campaigns").children].map((element) => [element.dataset.id, element]));
  const rows = shown.campaigns.map((campaign) => {
    const element = before.get(campaign.id) ?? campaignElement(campaign.id);
    const version = JSON.stringify(campaign);
    if (element.dataset.version !== version) {
      element.dataset.version = version;
      updateCampaign(element, campaign);
      if (element.querySelector("details").open) showLeads(element);
    }
    return element;
  });
  const present = [...part("campaigns").children];
  if (rows.length !== present.length || rows.some((row, index) => row !== present[index])) part("campaigns").replaceChildren(...rows);
  part("no-campaigns").hidden = rows.length > 0;
}

function campaignElement(id) {
  const element = make("article", null, "campaign");
  const people = make("details");
  element.dataset.id = id;
  people.append(make("summary", "Leads"), make("div", null, "people"));
  people.addEventListener("toggle", () => people.open && showLeads(element));
  element.append(make("h3"), make("div", null, "bar"), make("ul", null, "states"), people);
  return element;
}

function updateCampaign(element, campaign) {
  const [title, bar, states, people] = element.children;
  const count = campaign.leads === 1 ? "1 lead" : `${campaign.leads} leads`;
  people.hidden = bar.hidden = campaign.leads === 0;
  title.replaceChildren(make("b", campaign.name), make("span", campaign.status, `badge ${campaign.status}`), make("span", count, "quiet"));
  bar.replaceChildren(...campaign.states.map(([, number], index) => {
    const piece = make("span");
    piece.style.flex = String(number);
    piece.style.background = COLOURS[index % COLOURS.length];
    return piece;
  }));
  states.replaceChildren(...campaign.states.map(([state, number], index) => {
    const row = make("li");
    const sample = make("i");
    sample.style.background = COLOURS[index % COLOURS.length];
    row.append(sample, `${state} ${number}`);
    return row;
  }));
}

async function showLeads(element) {
  const rows = await order(`leads?campaign=${encodeURIComponent(element.dataset.id)}`, undefined, "GET");
  const table = make("table");
  const body = make("tbody");
  for (const lead of rows) {
    const row = make("tr");
    const name = make("td");
    const choose = make("button", lead.name);
    choose.type = "button";
    choose.title = "Choose this lead";
    choose.addEventListener("click", () => {
      part("lead").value = lead.name;
      say(`${lead.name} is chosen.`);
      part("lead").focus();
    });
    name.append(choose);
    row.append(name, make("td", lead.state), make("td", lead.status));
    body.append(row);
  }
  table.append(body);
  const people = element.querySelector(".people");
  const place = people.scrollTop;
  const focused = people.contains(document.activeElement) ? document.activeElement.textContent : null;
  people.replaceChildren(rows.length ? table : make("p", "No lead yet.", "empty"));
  people.scrollTop = place;
  if (focused) [...people.querySelectorAll("button")].find((button) => button.textContent === focused)?.focus();
  part("lead-names").replaceChildren(...rows.map((lead) => new Option(lead.state, lead.name)));
}

function drawTables() {
  const since = (performance.now() - received) / 1000;
  fill("events", shown.events.map((event) => {
    const row = make("tr");
    row.append(make("td", short(event.at)), make("td", event.type), make("td", event.lead));
    row.title = event.campaign;
    return row;
  }));
  fill("requests", shown.requests.map((request) => {
    const row = make("tr");
    const what = make("td");
    what.append(make("code", `${request.method} ${request.path}`));
    row.append(make("td", request.status ?? "…", colourOf(request.status)), what, make("td", ago(request.age + since)));
    return row;
  }));
}

function draw() {
  const { team, teams, limit, faults, deliveries, violations } = shown;
  part("team").textContent = `${team.name} · ${team.plan} · ${team.credits} credits`;
  part("team-choice").hidden = teams.length < 2;
  if (part("teams").options.length !== teams.length) {
    part("teams").replaceChildren(...teams.map((name, index) => new Option(`${index + 1}: ${name}`, index)));
  }
  if (document.activeElement !== part("speed")) part("speed").value = String(shown.speed);
  part("total").textContent = limit.requests;
  part("refused").textContent = limit.refused;
  part("leads").textContent = shown.leads;
  part("delivered").textContent = `${deliveries.delivered ?? 0} of ${Object.values(deliveries).reduce((sum, number) => sum + number, 0)}`;
  part("errors").textContent = shown.errors;
  part("errors").className = shown.errors ? "bad" : "";
  part("pending").textContent = faults.pending ? "A fault is waiting for its request." : "No fault is waiting.";
  fill("faults", faults.injected.slice(0, 8).map((text) => make("li", text)));
  part("violations-part").hidden = violations.length === 0;
  fill("violations", violations.map((text) => make("li", text)));
  drawCampaigns();
  drawTables();
}

function drawClock() {
  const moment = new Date(Date.parse(shown.now) + (performance.now() - received) * shown.speed);
  part("now").textContent = moment.toISOString().slice(0, 19).replace("T", " ");
}

function tick() {
  if (shown) {
    drawLimit();
    drawClock();
  }
  if (still.matches) setTimeout(tick, 1000);
  else requestAnimationFrame(tick);
}

function listen() {
  stream?.close();
  stream = new EventSource(`/_sandbox/stream?team=${part("teams").value || 0}`);
  stream.onmessage = (message) => {
    shown = JSON.parse(message.data);
    received = performance.now();
    part("away").hidden = true;
    draw();
  };
  stream.onerror = () => {
    part("away").hidden = false;
  };
}

part("kinds").replaceChildren(...KINDS.split(" ").map((kind) => new Option(kind)));
part("teams").addEventListener("change", listen);
part("speed").addEventListener("change", () => does(() => order("clock", { speed: Number(part("speed").value) }), () => "The speed is set."));
for (const button of document.querySelectorAll("[data-clock]")) {
  button.addEventListener("click", () => does(() => order("clock", JSON.parse(button.dataset.clock)), ({ now }) => `It is ${short(now)}.`));
}
for (const button of document.querySelectorAll("[data-fault]")) {
  button.addEventListener("click", () => does(() => order("faults", JSON.parse(button.dataset.fault)), () => `The next request gets: ${button.textContent}.`));
}
part("clear-faults").addEventListener("click", () => does(() => order("faults", undefined, "DELETE"), () => "No fault is waiting."));
part("reset").addEventListener("click", () => {
  if (confirm("Reset teams, clock, limit and logs to the start?")) does(() => order("reset"), () => "The sandbox is as at its start.");
});
part("restore").addEventListener("change", () => does(
  async () => order("restore", JSON.parse(await part("restore").files[0].text())),
  () => "The snapshot is restored.",
));
part("event").addEventListener("submit", (submitted) => {
  submitted.preventDefault();
  const kind = submitted.submitter.value || part("kind").value;
  const lead = part("lead").value.trim();
  if (submitted.submitter.value && !lead) {
    say("Name a lead first: its address, its id, or one from the list.", true);
    part("lead").focus();
    return;
  }
  does(() => order("events", lead ? { type: kind, lead } : { type: kind }), (event) => `${event.type} happened${lead ? ` to ${lead}` : ""}.`);
});
listen();
tick();
