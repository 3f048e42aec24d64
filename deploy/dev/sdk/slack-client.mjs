// Calls a stand-in of Slack with Slack's own client. CHANNEL is one that the bot is in, EMAIL somebody's address. Prints one
// JSON object with what came back for each call: the answer, or {error, data} where the client threw.
import { WebClient, LogLevel } from "@slack/web-api";

const { API, BOT_TOKEN, CHANNEL, EMAIL } = process.env;
const options = { slackApiUrl: API, logLevel: LogLevel.ERROR };
const client = new WebClient(BOT_TOKEN, { ...options, rejectRateLimitedCalls: true, retryConfig: { retries: 0 } });
const patient = new WebClient(BOT_TOKEN, options);
const stranger = new WebClient("xoxb-of-nobody", { ...options, retryConfig: { retries: 0 } });

const results = {};
async function call(name, promise) {
  try {
    results[name] = await promise;
  } catch (error) {
    results[name] = { error: error.code, data: error.data, retryAfter: error.retryAfter };
  }
}

await call("auth", client.auth.test());
await call("stranger", stranger.auth.test());
await call("post", client.chat.postMessage({ channel: CHANNEL, text: "hi", metadata: { event_type: "x", event_payload: { key: "k" } } }));
const { ts } = results.post;
await call("update", client.chat.update({ channel: CHANNEL, ts, text: "hi again" }));
await call("reply", client.chat.postMessage({ channel: CHANNEL, thread_ts: ts, text: "below" }));
await call("replies", client.conversations.replies({ channel: CHANNEL, ts, include_all_metadata: true }));
await call("history", client.conversations.history({ channel: CHANNEL, include_all_metadata: true }));
await call("permalink", client.chat.getPermalink({ channel: CHANNEL, message_ts: ts }));
await call("byEmail", client.users.lookupByEmail({ email: EMAIL }));
await call("nobody", client.users.lookupByEmail({ email: "nobody@example.com" }));
const user = results.byEmail.user?.id;
await call("info", client.users.info({ user, include_locale: true }));
await call("direct", client.conversations.open({ users: user }));
await call("ephemeral", client.chat.postEphemeral({ channel: CHANNEL, user, text: "psst" }));
await call("noChannel", client.chat.postMessage({ channel: "C00000000", text: "hi" }));
await call("noText", client.chat.postMessage({ channel: CHANNEL }));
await call("badBlocks", client.chat.postMessage({ channel: CHANNEL, text: "x", blocks: [{ type: "header", text: { type: "plain_text", text: "y".repeat(151) } }] }));
await call("badTrigger", client.views.open({ trigger_id: "none", view: { type: "modal", title: { type: "plain_text", text: "t" }, blocks: [] } }));
await call("unknown", client.apiCall("chat.shout", {}));
await call("gone", client.chat.update({ channel: CHANNEL, ts: "1.000001", text: "x" }));
await call("limited", client.chat.delete({ channel: CHANNEL, ts })); // told to come back
await call("patient", patient.chat.delete({ channel: CHANNEL, ts })); // told so once, and comes back by itself
console.log(JSON.stringify(results));
