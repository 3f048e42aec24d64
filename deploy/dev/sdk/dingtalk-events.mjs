// An app that hears events of DingTalk over HTTP with dingtalk-encrypt, the library that DingTalk's own page names for Node.
// Prints a line of JSON when it is ready, {"ready": url}, and one for everything it hears.
import http from "node:http";
import DingTalkEncryptor from "dingtalk-encrypt";

const { CALLBACK_TOKEN, AES_KEY, APP_KEY } = process.env;
const tell = (what) => console.log(JSON.stringify(what));
const encryptor = new DingTalkEncryptor(CALLBACK_TOKEN, AES_KEY, APP_KEY);

const server = http.createServer(async (req, res) => {
  let body = "";
  for await (const chunk of req) body += chunk;
  const { searchParams: query } = new URL(req.url, "http://app");
  try {
    const event = JSON.parse(encryptor.getDecryptMsg(query.get("signature"), query.get("timestamp"), query.get("nonce"), JSON.parse(body).encrypt));
    tell({ event: `${event.EventType} ${event.type ?? ""} ${event.result ?? ""}`.trim(), instance: event.processInstanceId });
    res.writeHead(200, { "Content-Type": "application/json" });
    res.end(JSON.stringify(encryptor.getEncryptedMap("success", Date.now(), "nonce123")));
  } catch (error) {
    tell({ error: String(error.message ?? error) });
    res.writeHead(401).end();
  }
});
server.listen(0, "127.0.0.1", () => tell({ ready: `http://127.0.0.1:${server.address().port}` }));
