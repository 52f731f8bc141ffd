// Every action and trigger of @activepieces/piece-lemlist.
const path = require("node:path");
const { api, base, campaign, check, finish, key, order, receiver, step } = require("./common.js");

const real = globalThis.fetch;
globalThis.fetch = (url, options) => real(String(url).replace("https://api.lemlist.com/api", base), options);
const { lemlist } = require(path.join(process.env.CLIENTS, "node_modules/@activepieces/piece-lemlist"));
console.error = () => {};

const auth = { secret_text: key, type: "SECRET_TEXT" };
const actions = lemlist.actions();
const run = (name, propsValue) => actions[name].run({ auth, propsValue });

async function main() {
  const campaignId = await campaign("Activepieces");
  const email = "ann@b.example";
  const place = { campaignId, email };

  await step("auth", async () => check((await lemlist.auth.validate({ auth: key })).valid, "a valid key"));
  await step("auth, wrong key", async () => check(!(await lemlist.auth.validate({ auth: "no" })).valid, "a refusal"));
  await step("campaign options", async () => {
    const shown = await actions.addLeadToACampaign.props.campaignId.options({ auth });
    check(shown.options.some((option) => option.value === campaignId), "the campaign among the options");
  });
  await step("addLeadToACampaign", async () => {
    const lead = await run("addLeadToACampaign", { ...place, firstName: "Ann", companyName: "Acme" });
    check(lead._id && lead.firstName === "Ann", "the lead");
  });
  await step("addLeadToACampaign, again", async () => {
    const error = await run("addLeadToACampaign", place).then(() => null, (refused) => refused);
    check(error && error.response.status === 400, "a refusal of the second copy");
  });
  await step("addLeadToACampaign, enriched", async () => {
    const lead = await run("addLeadToACampaign", {
      campaignId, email: "eve@b.example", firstName: "Eve", deduplicate: true, verifyEmail: true,
    });
    check(lead._id, "the lead");
  });
  let leadId;
  await step("searchLead", async () => {
    const found = await run("searchLead", { email });
    leadId = found.leads[0]._id;
    check(found.found && found.leads.length === 1, "one lead");
  });
  await step("searchLead in a campaign", async () => check((await run("searchLead", place)).found, "the lead"));
  await step("updateLeadFromCampaign", async () => {
    const lead = await run("updateLeadFromCampaign", { ...place, jobTitle: "CTO" });
    check(lead.jobTitle === "CTO", "the change");
  });
  await step("addCustomVariablesOnLead", async () => {
    await run("addCustomVariablesOnLead", { leadId, customVariables: { colour: "red" } });
    check((await api("GET", `/leads/${email}`)).colour === "red", "the variable");
  });
  for (const [name, state] of [
    ["markLeadFromOneCampaignAsInterested", "manualInterested"],
    ["markLeadFromOneCampaignAsNotInterested", "manualNotInterested"],
    ["markLeadFromAllCampaignAsInterested", "manualInterested"],
    ["markLeadFromAllCampaignsAsNotInterested", "manualNotInterested"],
  ]) {
    await step(name, async () => {
      await run(name, place);
      const [lead] = await api("GET", `/leads/${email}?version=v2`);
      check(lead.state === state, `the state ${state}, not ${lead.state}`);
    });
  }
  await run("addLeadToACampaign", { campaignId, email: "bob@b.example" });
  const bob = { campaignId, email: "bob@b.example" };
  for (const [title, props] of [["one campaign", bob], ["all campaigns", { email: bob.email }]]) {
    await step(`pauseLeadFromAllOrSpecificCampaigns, ${title}`, async () => {
      await run("pauseLeadFromAllOrSpecificCampaigns", props);
      check((await api("GET", `/leads/${bob.email}`)).isPaused === true, "a paused lead");
    });
    await step(`resumeLeadFromAllOrSpecificCampaigns, ${title}`, async () => {
      await run("resumeLeadFromAllOrSpecificCampaigns", props);
      check((await api("GET", `/leads/${bob.email}`)).isPaused === false, "a resumed lead");
    });
  }
  await step("removeLeadFromACampaign", async () => {
    await run("removeLeadFromACampaign", { campaignId, email: "eve@b.example" });
    check(!(await run("searchLead", { email: "eve@b.example" }).catch(() => ({ found: false }))).found, "no lead");
  });
  const listener = await receiver();
  for (const [name, kind, who] of [["newActivity", "emailsReplied", bob], ["unsubscribedRecipient", "emailsUnsubscribed", bob]]) {
    const kept = new Map();
    const store = { put: async (id, value) => kept.set(id, value), get: async (id) => kept.get(id), delete: async (id) => kept.delete(id) };
    const context = { auth, webhookUrl: listener.url, store };
    const trigger = lemlist.triggers()[name];
    await step(`${name}: enable`, () => trigger.onEnable(context));
    await step(`${name}: an event arrives`, async () => {
      const arrived = listener.next();
      await order("/events", { type: kind, lead: who.email });
      const [event] = await trigger.run({ ...context, payload: { body: await arrived } });
      check(event.type === kind && event.leadEmail === who.email, `the event ${kind}`);
    });
    await step(`${name}: disable`, async () => {
      await trigger.onDisable(context);
      check((await api("GET", "/hooks")).length === 0, "no hook");
    });
  }
  listener.close();
  await step("unsubscribeALead", async () => {
    await run("unsubscribeALead", place);
    check((await api("GET", "/unsubscribes")).some((row) => row.value === email), "the address among the unsubscribes");
  });
  await step("removeLeadFromUnsubscribeList", async () => {
    await run("removeLeadFromUnsubscribeList", { email });
    check(!(await api("GET", "/unsubscribes")).some((row) => row.value === email), "the address gone");
  });
  finish();
}

main();
