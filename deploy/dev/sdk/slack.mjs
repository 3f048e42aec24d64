// A small app made with Slack's own framework, Bolt, against a stand-in of Slack. MODE is http or socket. Prints a line of
// JSON when it is ready, {"ready": url}, and one for everything it hears.
import bolt from "@slack/bolt";

const { API, BOT_TOKEN, APP_TOKEN, SIGNING_SECRET, MODE } = process.env;
const tell = (what) => console.log(JSON.stringify(what));

// Only what is wrong is logged, to standard error.
const quiet = { debug() {}, info() {}, warn: console.error, error: console.error, setLevel() {}, getLevel: () => "warn", setName() {} };

const common = { token: BOT_TOKEN, clientOptions: { slackApiUrl: API }, logger: quiet };
const app = MODE === "socket"
  ? new bolt.App({ ...common, appToken: APP_TOKEN, socketMode: true })
  : new bolt.App({ ...common, signingSecret: SIGNING_SECRET, endpoints: ["/slack/events", "/slack/commands", "/slack/interactions"] });

const form = {
  type: "modal",
  callback_id: "ask",
  title: { type: "plain_text", text: "Ask" },
  submit: { type: "plain_text", text: "Send" },
  blocks: [{
    type: "input", block_id: "why", label: { type: "plain_text", text: "Why?" },
    element: { type: "plain_text_input", action_id: "text" },
  }],
};

app.command("/plan", async ({ command, ack, client, respond }) => {
  tell({ command: command.text, user: command.user_id });
  switch (command.text) {
    case "form":
      await ack();
      await client.views.open({ trigger_id: command.trigger_id, view: form });
      return;
    case "later":
      await ack();
      await respond({ text: "said later", response_type: "ephemeral" });
      return;
  }
  await ack({ text: `heard ${command.text}`, response_type: "ephemeral" });
});

app.event("app_mention", async ({ event, say }) => {
  tell({ mention: event.text, thread: event.thread_ts });
  await say({
    text: "you called",
    blocks: [
      { type: "section", text: { type: "mrkdwn", text: "you *called*" } },
      { type: "actions", elements: [{ type: "button", action_id: "press", value: "7", text: { type: "plain_text", text: "Press" } }] },
    ],
  });
});

app.message("hello", async ({ message, say }) => {
  tell({ message: message.text, type: message.channel_type });
  await say("hello yourself");
});

app.action("press", async ({ action, ack, respond }) => {
  tell({ press: action.value });
  await ack();
  await respond({ replace_original: true, text: "pressed", blocks: [{ type: "section", text: { type: "plain_text", text: "pressed" } }] });
});

app.view("ask", async ({ ack, view, body, client }) => {
  const why = view.state.values.why.text.value;
  tell({ submission: why });
  if (why === "no reason") {
    await ack({ response_action: "errors", errors: { why: "a reason is wanted" } });
    return;
  }
  await ack();
  await client.chat.postMessage({ channel: body.user.id, text: `because ${why}` });
});

app.event("app_home_opened", async ({ event, client }) => {
  tell({ home: event.user });
  await client.views.publish({
    user_id: event.user,
    view: { type: "home", blocks: [{ type: "section", text: { type: "plain_text", text: "your page" } }] },
  });
});

app.error(async (error) => tell({ error: String(error), cause: String(error.original ?? "") }));

if (MODE === "socket") {
  await app.start();
  tell({ ready: "" });
} else {
  const server = await app.start({ port: 0, host: "127.0.0.1" });
  tell({ ready: `http://127.0.0.1:${server.address().port}` });
}
