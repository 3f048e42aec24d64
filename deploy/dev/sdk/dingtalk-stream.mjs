// An app that hears events of DingTalk over a connection, with DingTalk's SDK for its stream. Only where to connect to is
// asked for here: the SDK knows no other address for that than DingTalk's. Prints a line of JSON when it is connected,
// {"ready": ""}, and one for everything it hears.
import { DWClient, EventAck } from "dingtalk-stream";

const { BASE_URL, APP_KEY, APP_SECRET } = process.env;
const tell = (what) => console.log(JSON.stringify(what));

class Client extends DWClient {
  async getEndpoint() {
    const { clientId, clientSecret, ua, subscriptions } = this.getConfig();
    const res = await fetch(`${BASE_URL}/v1.0/gateway/connections/open`, {
      method: "POST", headers: { Accept: "application/json", "Content-Type": "application/json" },
      body: JSON.stringify({ clientId, clientSecret, ua, subscriptions }),
    });
    const { endpoint, ticket } = await res.json();
    this.dw_url = `${endpoint}?ticket=${ticket}`;
    return this;
  }
}

const client = new Client({ clientId: APP_KEY, clientSecret: APP_SECRET, keepAlive: true });
client.registerAllEventListener(({ headers, data }) => {
  const event = JSON.parse(data);
  tell({ event: `${headers.eventType} ${event.type ?? ""} ${event.result ?? ""}`.trim(), instance: event.processInstanceId });
  return { status: EventAck.SUCCESS, message: "OK" };
});
await client.connect();
tell({ ready: "" });
