// Calls a stand-in of Feishu with the client of its SDK for Node. CHAT is a group that the bot is in, OPEN_ID and EMAIL
// somebody's. Prints one JSON object with what came back for each call: the answer, or {status, code, msg} where it failed.
import * as lark from "@larksuiteoapi/node-sdk";

const { BASE_URL, APP_ID, APP_SECRET, CHAT, OPEN_ID, EMAIL } = process.env;
const logger = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };
const client = new lark.Client({ appId: APP_ID, appSecret: APP_SECRET, domain: BASE_URL, logger });

const tokenless = new lark.Client({ appId: APP_ID, appSecret: APP_SECRET, domain: BASE_URL, logger, disableTokenCache: true });

const results = {};
async function call(name, promise) {
  try {
    results[name] = await promise;
  } catch (error) {
    results[name] = { status: error.response?.status, headers: error.response?.headers, ...error.response?.data, message: error.message };
  }
}
const card = (text) => JSON.stringify({
  schema: "2.0", config: { update_multi: true }, body: { elements: [{ tag: "markdown", content: text }] },
});
const send = (to, type, content, more = {}) => client.im.message.create({
  params: { receive_id_type: type }, data: { receive_id: to, msg_type: "interactive", content, ...more },
});

await call("post", send(CHAT, "chat_id", card("hi"), { uuid: "one" }));
await call("again", send(CHAT, "chat_id", card("hi"), { uuid: "one" }));
const message_id = results.post.data?.message_id;
await call("patch", client.im.message.patch({ path: { message_id }, data: { content: card("hi again") } }));
await call("reply", client.im.message.reply({ path: { message_id }, data: { msg_type: "interactive", content: card("below"), reply_in_thread: true } }));
await call("direct", send(OPEN_ID, "open_id", card("psst")));
await call("byEmail", client.contact.user.batchGetId({ params: { user_id_type: "open_id" }, data: { emails: [EMAIL] } }));
await call("user", client.contact.user.get({ path: { user_id: OPEN_ID }, params: { user_id_type: "open_id" } }));
await call("noChat", send("oc_none", "chat_id", card("hi")));
await call("noCard", send(CHAT, "chat_id", JSON.stringify({ schema: "2.0", body: { elements: [{ tag: "nothing" }] } })));
await call("badProperty", send(CHAT, "chat_id", JSON.stringify({ schema: "2.0", colour: "red", body: { elements: [] } })));
await call("noMessage", client.im.message.patch({ path: { message_id: "om_none" }, data: { content: card("x") } }));
await call("badToken", tokenless.im.message.patch({ path: { message_id }, data: { content: card("x") } }, lark.withTenantToken("t-of-nobody")));
await call("limited", client.im.message.delete({ path: { message_id } })); // told to come back
console.log(JSON.stringify(results));
