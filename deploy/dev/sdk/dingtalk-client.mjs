// Calls a stand-in of DingTalk with the clients of its SDK for Node, as an app that asks people to approve. CODE is an
// approval whose form has the fields Plan and Notes; ORIGINATOR, ONE, TWO and THREE are people. Prints one JSON object with
// what came back for each call: the body, or {code, message, status} where it failed.
import * as OpenApi from "@alicloud/openapi-client";
import * as Util from "@alicloud/tea-util";
import * as OAuth from "@alicloud/dingtalk/oauth2_1_0.js";
import * as Workflow from "@alicloud/dingtalk/workflow_1_0.js";

const { BASE_URL, APP_KEY, APP_SECRET, CODE, ORIGINATOR, ONE, TWO, THREE } = process.env;
const runtime = () => new Util.RuntimeOptions({ autoretry: false });
const client = (sdk) => new sdk.default.default(new OpenApi.Config({ protocol: "http", endpoint: new URL(BASE_URL).host }));
const oauth = client(OAuth);
const workflow = client(Workflow);
const { default: O } = OAuth;
const { default: W } = Workflow;

const results = {};
async function call(name, make) {
  try {
    results[name] = (await make()).body;
  } catch (error) {
    results[name] = { code: error.code, message: error.message, status: error.data?.statusCode, denied: error.accessDeniedDetail };
  }
  return results[name];
}

await call("badSecret", () => oauth.getAccessToken(new O.GetAccessTokenRequest({ appKey: APP_KEY, appSecret: "wrong" })));
const { accessToken } = await call("token", () => oauth.getAccessToken(new O.GetAccessTokenRequest({ appKey: APP_KEY, appSecret: APP_SECRET })));
const headers = (kind, token = accessToken) => new W[`${kind}Headers`]({ xAcsDingtalkAccessToken: token });

await call("form", () => workflow.querySchemaByProcessCodeWithOptions(
  new W.QuerySchemaByProcessCodeRequest({ processCode: CODE }), headers("QuerySchemaByProcessCode"), runtime()));

const field = (name, value) => new W.StartProcessInstanceRequestFormComponentValues({ name, value });
const step = (actionType, ...userIds) => new W.StartProcessInstanceRequestApprovers({ actionType, userIds });
const start = (more, token) => workflow.startProcessInstanceWithOptions(new W.StartProcessInstanceRequest({
  processCode: CODE, originatorUserId: ORIGINATOR, deptId: -1, approvers: [step("NONE", ONE), step("AND", TWO, THREE)],
  formComponentValues: [field("Plan", "#7"), field("Notes", "two\nlines")], ...more,
}), headers("StartProcessInstance", token), runtime());
const { instanceId } = await call("start", () => start());
await call("badToken", () => start({}, "worthless"));
await call("badCode", () => start({ processCode: "PROC-NONE" }));
await call("badUser", () => start({ originatorUserId: "nobody" }));
await call("badStep", () => start({ approvers: [step("AND", ONE)] }));
await call("twice", () => start({ approvers: [step("NONE", ONE), step("NONE", ONE)] }));
await call("badForm", () => start({ formComponentValues: [field("Notes", "no plan")] }));

const get = (processInstanceId) => workflow.getProcessInstanceWithOptions(
  new W.GetProcessInstanceRequest({ processInstanceId }), headers("GetProcessInstance"), runtime());
await call("get", () => get(instanceId));
await call("getNone", () => get("nothing"));

const list = (more) => workflow.listProcessInstanceIdsWithOptions(new W.ListProcessInstanceIdsRequest({
  processCode: CODE, startTime: Date.now() - 3600_000, nextToken: 0, maxResults: 1, userIds: [ORIGINATOR], ...more,
}), headers("ListProcessInstanceIds"), runtime());
const { instanceId: second } = await call("startAgain", () => start());
const first = await call("list", () => list());
await call("listMore", () => list({ nextToken: Number(first.result.nextToken) }));
await call("listTooMany", () => list({ maxResults: 21 }));
await call("listTooLong", () => list({ startTime: Date.now() - 130 * 24 * 3600_000 }));

const terminate = (processInstanceId, more) => workflow.terminateProcessInstanceWithOptions(new W.TerminateProcessInstanceRequest({
  processInstanceId, isSystem: false, operatingUserId: ORIGINATOR, remark: "no more", ...more,
}), headers("TerminateProcessInstance"), runtime());
await call("tooFresh", () => terminate(second));
await call("terminateNone", () => terminate("nothing"));
await call("terminateUnsaid", () => terminate(second, { isSystem: undefined }));
console.log(JSON.stringify(results));
