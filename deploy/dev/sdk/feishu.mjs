// A small bot made with the SDK of Feishu for Node, against a stand-in of Feishu. MODE is http or ws. Prints a line of JSON
// when it is ready, {"ready": url}, and one for everything it hears.
import http from "node:http";
import * as lark from "@larksuiteoapi/node-sdk";

const { BASE_URL, APP_ID, APP_SECRET, VERIFICATION_TOKEN, ENCRYPT_KEY, MODE } = process.env;
const tell = (what) => console.log(JSON.stringify(what));

// Only what is wrong is logged, to standard error.
const logger = { trace() {}, debug() {}, info() {}, warn: console.error, error: console.error };

const client = new lark.Client({ appId: APP_ID, appSecret: APP_SECRET, domain: BASE_URL, logger });

const card = (text, pressed) => ({
  schema: "2.0",
  config: { update_multi: true, summary: { content: text } },
  body: {
    elements: [
      { tag: "markdown", content: text },
      ...(pressed ? [] : [{
        tag: "button", text: { tag: "plain_text", content: "Press" }, behaviors: [{ type: "callback", value: { number: 7 } }],
      }]),
    ],
  },
});

const dispatcher = new lark.EventDispatcher({ verificationToken: VERIFICATION_TOKEN, encryptKey: ENCRYPT_KEY, logger }).register({
  "im.message.receive_v1": async ({ message, sender }) => {
    const { text } = JSON.parse(message.content);
    tell({ message: text, from: sender.sender_id.open_id, chat: message.chat_type });
    const [, approval_code, node] = text.match(/ask with (\S+) at (\S+)/) ?? [];
    if (approval_code) {
      await client.approval.approval.subscribe({ path: { approval_code } });
      await client.approval.instance.create({
        data: { approval_code, open_id: sender.sender_id.open_id, form: "[]", node_approver_open_id_list: [{ key: node, value: [sender.sender_id.open_id] }] },
      });
    }
    await client.im.message.reply({
      path: { message_id: message.message_id },
      data: { msg_type: "interactive", content: JSON.stringify(card("you called", false)) },
    });
  },
  approval_instance: async ({ instance_code, status, operate_time }) => tell({ approval: status, instance: instance_code, time: typeof operate_time }),
  approval_task: async ({ status, open_id }) => tell({ task: status, approver: open_id }),
  "card.action.trigger": async (data) => {
    tell({ press: data.action.value.number, by: data.operator.open_id });
    return {
      toast: { type: "success", content: "pressed", i18n: { zh_cn: "已按下", en_us: "pressed" } },
      card: { type: "raw", data: card("pressed", true) },
    };
  },
});

if (MODE === "ws") {
  const connection = new lark.WSClient({
    appId: APP_ID, appSecret: APP_SECRET, domain: BASE_URL, logger, autoReconnect: true, onReady: () => tell({ ready: "" }),
  });
  await connection.start({ eventDispatcher: dispatcher });
} else {
  const handlers = {};
  for (const path of ["/feishu/events", "/feishu/cards"]) {
    handlers[path] = lark.adaptDefault(path, dispatcher, { autoChallenge: true });
  }
  const server = http.createServer((req, res) => {
    const handler = handlers[new URL(req.url, "http://app").pathname];
    if (!handler) {
      res.writeHead(404).end();
      return;
    }
    Promise.resolve(handler(req, res)).catch((error) => {
      tell({ error: String(error) });
      res.writeHead(500).end();
    });
  });
  server.listen(0, "127.0.0.1", () => tell({ ready: `http://127.0.0.1:${server.address().port}` }));
}
