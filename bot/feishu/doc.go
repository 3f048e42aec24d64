// Package feishu makes Feishu and Lark a home of the bot: the same code with another
// address. It is bot.Platform and all abilities that Feishu has.
//
// # What comes in
//
// Events and callbacks come over a long connection (the default, no public address is
// needed) or by HTTP. Both end in one function, receive, which is given a payload that
// was decrypted and checked; it never trusts the SDK with that, whose dispatcher takes
// forged events when no encrypt key is set, takes old ones again, and answers event types
// that it does not know with an error. What the SDK gives is the wire format: the frames
// of the long connection and the shapes of callbacks and answers.
//
// A handler has 2.5 seconds. What it replies is shown in the answer to the callback where
// Feishu allows that (a toast, a card in place of the clicked one) and posted otherwise,
// under keys made of the event's id, so that an event that arrives twice is answered once.
//
// # What goes out
//
// Cards are card JSON 2.0. A renderer never returns more than Feishu takes: it leaves
// buttons, then rows away and says so. Feishu has no dialogs: a form is a card in the
// person's direct conversation, which is drawn anew when something is wrong with the
// answers and replaced by a short card when it is done. All that is needed to draw it
// anew travels in its submit button, so any replica can answer.
//
// # Approvals
//
// Approvals is Feishu's approval center: the same app asks there with a definition of the
// company's own, whose form and nodes are checked beforehand, or with one that Slipway
// makes. Events about an instance are only a reason to look at it.
//
// # Clicks
//
// A card whose button was pressed must not be changed before the click is answered, or
// the client takes the change back: Update waits for that.
package feishu
