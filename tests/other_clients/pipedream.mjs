// Every action and source of @pipedream/lemlist.
import { createRequire } from "node:module";
import { readdirSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const { api, base, campaign, check, finish, key, order, receiver, step } = createRequire(import.meta.url)("./common.js");
const home = path.join(process.env.CLIENTS, "node_modules/@pipedream/lemlist");

async function loaded(kind, name) {
  const folder = path.join(home, kind, name);
  const file = readdirSync(folder).find((entry) => entry.endsWith(".mjs"));
  return (await import(pathToFileURL(path.join(folder, file)))).default;
}

function connected(app) {
  const instance = { $auth: { api_key: key } };
  for (const [name, method] of Object.entries(app.methods)) instance[name] = method.bind(instance);
  instance._getBaseUrl = () => base;
  return instance;
}

const quiet = { export() {}, flow: {} };

async function main() {
  const app = (await import(pathToFileURL(path.join(home, "lemlist.app.mjs")))).default;
  const lemlist = connected(app);
  const campaignId = await campaign("Pipedream");
  const place = { campaignId: { value: campaignId, label: "Pipedream" }, campaignEmail: "ann@b.example", email: "ann@b.example" };
  const run = async (name, props = {}) => (await loaded("actions", name)).run.call({ lemlist, ...place, ...props }, { $: quiet });

  await step("list-campaign-id-options", async () => {
    const options = await run("list-campaign-id-options", { page: 0 });
    check(options.some((option) => option.value === campaignId), "the campaign among the options");
  });
  await step("add-lead-to-campaign", async () => check((await run("add-lead-to-campaign"))._id, "the lead"));
  await step("options of a campaign's addresses", async () => {
    const shown = await app.propDefinitions.campaignEmail.options.call(lemlist, { campaignId });
    check(shown.some((option) => option.value === place.email), "the address among the options");
  }, "it reads the first column of the export, which is emailStatus");
  await step("get-lead", async () => check((await run("get-lead")).email === place.email, "the lead"));
  await step("update-lead-in-a-campaign", async () => {
    check((await run("update-lead-in-a-campaign", { firstName: "Ann" })).firstName === "Ann", "the change");
  });
  for (const [name, state] of [
    ["mark-lead-from-one-campaigns-as-interested", "manualInterested"],
    ["mark-lead-from-one-campaigns-as-notinterested", "manualNotInterested"],
    ["mark-lead-from-all-campaigns-as-interested", "manualInterested"],
    ["mark-lead-from-all-campaigns-as-notinterested", "manualNotInterested"],
  ]) {
    await step(name, async () => {
      await run(name);
      const [lead] = await api("GET", `/leads/${place.email}?version=v2`);
      check(lead.state === state, `the state ${state}, not ${lead.state}`);
    });
  }
  await api("POST", `/campaigns/${campaignId}/leads/`, { email: "bob@b.example" });
  for (const [name, paused] of [["pause-lead-from-all-campaigns", true], ["resume-lead-from-all-campaigns", false]]) {
    await step(name, async () => {
      await run(name, { email: "bob@b.example" });
      check((await api("GET", "/leads/bob@b.example")).isPaused === paused, `isPaused ${paused}`);
    });
  }
  const listener = await receiver();
  for (const [name, kind] of [["new-activity", "emailsReplied"], ["unsubscribed-recipient", "emailsUnsubscribed"]]) {
    const source = await loaded("sources", name);
    const kept = new Map();
    const emitted = [];
    const instance = {
      lemlist,
      campaignId,
      db: { get: (id) => kept.get(id), set: (id, value) => kept.set(id, value) },
      http: { endpoint: listener.url },
      $emit: (event) => emitted.push(event),
    };
    for (const [method, work] of Object.entries(source.methods)) instance[method] = work.bind(instance);
    await step(`${name}: deploy`, () => source.hooks.deploy.call(instance));
    await step(`${name}: activate`, () => source.hooks.activate.call(instance));
    await step(`${name}: an event arrives`, async () => {
      const arrived = listener.next();
      await order("/events", { type: kind, lead: "bob@b.example" });
      await source.run.call(instance, { body: await arrived });
      check(emitted.at(-1)?.type === kind, `the event ${kind}`);
    });
    await step(`${name}: deactivate`, async () => {
      await source.hooks.deactivate.call(instance);
      check((await api("GET", "/hooks")).length === 0, "no hook");
    });
  }
  listener.close();
  await step("unsubscribe-lead-from-a-campaign", async () => {
    await run("unsubscribe-lead-from-a-campaign");
    check((await api("GET", "/unsubscribes")).some((row) => row.value === place.email), "the address among the unsubscribes");
  });
  await step("delete-email-from-unsubscribes", async () => {
    await run("delete-email-from-unsubscribes");
    check(!(await api("GET", "/unsubscribes")).some((row) => row.value === place.email), "the address gone");
  });
  await step("add-email-in-unsubscribes", async () => {
    await run("add-email-in-unsubscribes", { email: "cid@b.example" });
    check((await api("GET", "/unsubscribes")).some((row) => row.value === "cid@b.example"), "the address");
  });
  await step("delete-lead-from-a-campaign", async () => {
    await run("delete-lead-from-a-campaign");
    check(await api("GET", `/leads/${place.email}`).then(() => false, () => true), "no lead");
  });
  finish();
}

main();
