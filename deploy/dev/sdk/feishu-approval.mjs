// Plays approvals against a stand-in of Feishu with the client of its SDK for Node. ASKER and APPROVER are open ids. Prints
// one JSON object with what came back for each call: the answer, or {status, code, msg} where it failed.
import * as lark from "@larksuiteoapi/node-sdk";

const { BASE_URL, APP_ID, APP_SECRET, ASKER, APPROVER } = process.env;
const logger = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };
const { approval } = new lark.Client({ appId: APP_ID, appSecret: APP_SECRET, domain: BASE_URL, logger });

const results = {};
async function call(name, promise) {
  try {
    results[name] = await promise;
  } catch (error) {
    results[name] = { status: error.response?.status, ...error.response?.data, message: error.message };
  }
}

const texts = { "@i18n@name": "Release", "@i18n@widget": "Plan", "@i18n@level": "Level" };
const definition = {
  approval_name: "@i18n@name",
  viewers: [{ viewer_type: "NONE" }],
  form: { form_content: JSON.stringify([{ id: "plan", name: "@i18n@widget", type: "textarea", required: true }]) },
  node_list: [
    { id: "START" },
    { id: "level", name: "@i18n@level", node_type: "OR", approver: [{ type: "Free" }], approver_chosen_multi: true },
    { id: "END" },
  ],
  i18n_resources: [{ locale: "en-US", is_default: true, texts: Object.entries(texts).map(([key, value]) => ({ key, value })) }],
};
await call("define", approval.approval.create({ data: definition, params: { user_id_type: "open_id" } }));
await call("badDefinition", approval.approval.create({ data: { ...definition, node_list: [] } }));
const approval_code = results.define.data?.approval_code;
await call("read", approval.approval.get({ path: { approval_code } }));
await call("subscribe", approval.approval.subscribe({ path: { approval_code } }));
await call("subscribeAgain", approval.approval.subscribe({ path: { approval_code } }));

const ask = (uuid) => approval.instance.create({
  data: {
    approval_code, open_id: ASKER, uuid, form: JSON.stringify([{ id: "plan", type: "textarea", value: "Payments\n4.2" }]),
    node_approver_open_id_list: [{ key: "level", value: [APPROVER] }],
  },
});
const look = (instance_id) => approval.instance.get({ path: { instance_id }, params: { user_id_type: "open_id" } });
await call("ask", ask("one"));
await call("askAgain", ask("one"));
await call("byMark", look("one"));
const [task] = results.byMark.data?.task_list ?? [];
await call("approve", approval.task.approve({
  data: { approval_code, instance_code: results.ask.data?.instance_code, user_id: APPROVER, task_id: task?.id, comment: "fine" },
  params: { user_id_type: "open_id" },
}));
await call("approved", look(results.ask.data?.instance_code));

await call("ask2", ask("two"));
const instance_code = results.ask2.data?.instance_code;
const cancel = (user_id) => approval.instance.cancel({ data: { approval_code, instance_code, user_id }, params: { user_id_type: "open_id" } });
await call("cancelOther", cancel(APPROVER));
await call("cancel", cancel(ASKER));
await call("comment", approval.instanceComment.create({
  path: { instance_id: instance_code }, params: { user_id: ASKER, user_id_type: "open_id" }, data: { content: JSON.stringify({ text: "re-planned" }) },
}));
await call("cancelled", look(instance_code));
await call("nowhere", look("nowhere"));
console.log(JSON.stringify(results));
