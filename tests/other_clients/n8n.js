// Every operation of n8n's node for lemlist, in both of its versions, and its trigger.
const path = require("node:path");
const { api, base, campaign, check, finish, key, order, receiver, step } = require("./common.js");

const home = path.join(process.env.CLIENTS, "package/dist/nodes/Lemlist");
const { LemlistV1 } = require(path.join(home, "v1/LemlistV1.node.js"));
const { LemlistV2 } = require(path.join(home, "v2/LemlistV2.node.js"));
const { LemlistTrigger } = require(path.join(home, "LemlistTrigger.node.js"));
const { LemlistApi } = require(path.join(home, "../../credentials/LemlistApi.credentials.js"));

// what n8n's engine gives to a node: the request with the credentials in it
async function requestWithAuthentication(_name, options) {
  const given = await new LemlistApi().authenticate({ apiKey: key }, { ...options, headers: { ...options.headers } });
  const url = new URL(given.uri.replace("https://api.lemlist.com/api", base));
  for (const [name, value] of Object.entries(given.qs ?? {})) url.searchParams.set(name, String(value));
  const headers = { ...given.headers, ...(given.body ? { "Content-Type": "application/json" } : {}) };
  const response = await fetch(url, { method: given.method, headers, body: given.body && JSON.stringify(given.body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${text}`);
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const rows = (data) => (Array.isArray(data) ? data : [data]).map((json) => ({ json }));
const helpers = {
  requestWithAuthentication,
  returnJsonArray: rows,
  constructExecutionMetaData: (items) => items,
};

function context(parameters, more = {}) {
  return {
    getInputData: () => [{ json: {} }],
    getNodeParameter: (name) => parameters[name],
    continueOnFail: () => false,
    helpers,
    ...more,
  };
}

async function executed(node, parameters) {
  const [items] = await node.execute.call(context(parameters));
  return items.map((item) => item.json);
}

async function version(title, node, newer) {
  const campaignId = await campaign(title);
  const email = `ann.${title.toLowerCase()}@b.example`;
  const named = (resource, operation) => `${title} ${resource} ${operation}`;
  const does = (resource, operation, parameters, test) =>
    step(named(resource, operation) + (parameters.returnAll ? ", all" : ""), async () => test(await executed(node, { resource, operation, ...parameters })));

  await step(`${title} options of campaigns`, async () => {
    const options = await node.methods.loadOptions.getCampaigns.call(context({}));
    check(options.some((option) => option.value === campaignId), "the campaign among the options");
  });
  await does("lead", "create", { campaignId, email, additionalFields: { firstName: "Ann", deduplicate: true } }, ([lead]) => check(lead._id, "the lead"));
  await does("lead", "get", { email }, ([lead]) => check(lead.firstName === "Ann", "the lead"));
  await order("/events", { type: "emailsOpened", lead: email });
  for (const returnAll of [true, false]) {
    await does("activity", "getAll", { returnAll, limit: 5, filters: { campaignId } }, (found) => check(found.length > 0, "the history"));
    await does("campaign", "getAll", { returnAll, limit: 50, filters: newer ? { sortOrder: "desc" } : {} }, (found) => check(found.some((row) => row._id === campaignId), "the campaign"));
  }
  await does("team", "get", {}, ([team]) => check(team._id.startsWith("tea_"), "the team"));
  if (newer) {
    await does("team", "getCredits", {}, ([credits]) => check(credits.credits > 0, "the credits"));
    await does("campaign", "getStats", { campaignId, startDate: "2020-01-01", endDate: "2040-01-01", timezone: "Europe/Paris" }, ([stats]) => check(stats.nbLeads === 1, "one lead in the statistics"));
    const { _id: leadId } = await api("GET", `/leads/${email}`);
    const wanted = { findEmail: false, verifyEmail: true, linkedinEnrichment: false, findPhone: false };
    let enrichId;
    await does("enrich", "enrichLead", { leadId, ...wanted }, ([job]) => check((enrichId = job.id), "a job"));
    await does("enrich", "enrichPerson", { ...wanted, findEmail: true, verifyEmail: false, additionalFields: { firstName: "Bo", lastName: "Li", companyDomain: "acme.example" } }, ([job]) => check(job.id, "a job"));
    await does("enrich", "get", { enrichId }, ([job]) => check(job.enrichmentId || job.enrichmentStatus, "the job's state"));
  }
  await does("lead", "unsubscribe", { campaignId, email }, ([lead]) => check(lead.email === email, "the lead"));
  const other = `cid.${title.toLowerCase()}@b.example`;
  await does("unsubscribe", "add", { email: other }, ([row]) => check(row.value === other, "the address"));
  for (const returnAll of [true, false]) {
    await does("unsubscribe", "getAll", { returnAll, limit: 50 }, (found) => check(found.filter((row) => [email, other].includes(row.value)).length === 2, "both addresses"));
  }
  await does("unsubscribe", "delete", { email: other }, ([row]) => check(row.value === other, "the address"));
  await does("lead", "delete", { campaignId, email }, ([lead]) => check(lead.email === email, "the lead"));
}

async function trigger() {
  const listener = await receiver();
  const node = new LemlistTrigger();
  const campaignId = await campaign("Trigger");
  const lead = await api("POST", `/campaigns/${campaignId}/leads/`, { email: "dora@b.example" });
  const data = {};
  const hooked = context({ event: "emailsReplied", options: { campaignId, isFirst: true } }, {
    getNodeWebhookUrl: () => listener.url,
    getWorkflowStaticData: () => data,
  });
  const { checkExists, create, delete: remove } = node.webhookMethods.default;
  await step("trigger options of campaigns", async () => {
    const options = await node.methods.loadOptions.getCampaigns.call(context({}));
    check(options.some((option) => option.value === campaignId), "the campaign among the options");
  });
  await step("trigger checkExists, none", async () => check(!(await checkExists.call(hooked)), "no hook"));
  await step("trigger create", async () => check(await create.call(hooked), "a hook"));
  await step("trigger an event arrives", async () => {
    const arrived = listener.next();
    await order("/events", { type: "emailsReplied", lead: lead._id });
    const body = await arrived;
    const answer = await node.webhook.call(context({}, { getRequestObject: () => ({ body }) }));
    check(answer.workflowData[0][0].json.type === "emailsReplied", "the event");
  });
  await step("trigger a second event is no first one", async () => {
    const before = listener.bodies.length;
    await order("/events", { type: "emailsReplied", lead: lead._id });
    await new Promise((resolve) => setTimeout(resolve, 300));
    check(listener.bodies.length === before, "no further post");
  });
  await step("trigger checkExists, its own", async () => check(!(await checkExists.call(hooked)), "the old hook removed"));
  await step("trigger create, of all events", async () => {
    hooked.getNodeParameter = (name) => ({ event: "*", options: {} })[name];
    check(await create.call(hooked), "a hook");
    const arrived = listener.next();
    await order("/events", { type: "emailsClicked", lead: lead._id });
    check((await arrived).type === "emailsClicked", "the event");
  });
  await step("trigger delete", async () => check(await remove.call(hooked), "the hook removed"));
  listener.close();
}

async function main() {
  await step("credentials", async () => {
    const { request } = new LemlistApi().test;
    check(Array.isArray(await requestWithAuthentication("lemlistApi", { method: "GET", uri: request.baseURL + request.url })), "a list");
  });
  await version("V1", new LemlistV1({}), false);
  await version("V2", new LemlistV2({}), true);
  await trigger();
  finish();
}

main();
