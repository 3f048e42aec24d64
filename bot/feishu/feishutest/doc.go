// Package feishutest is a stand-in for Feishu and Lark: a company with people, groups and
// one app with a bot. It speaks the server's side of Feishu's interfaces: the HTTP API,
// events and callbacks as encrypted and signed requests or over the long connection, and
// cards in their JSON 2.0 form. Tests of the bot play against it, and so does who wants
// to try the bot without a company on Feishu.
//
// One side of it faces the app: Server is an http.Handler below /open-apis/ and
// /callback/ws/, and calls the app at the address given to SetApp, if it is not
// connected. The other side faces people: Server is a screen.Chat. What an app must not
// do is refused as Feishu refuses it, with Feishu's codes, and kept in Violations.
//
// # What people see
//
// A button's screen.Button.Row is the first line of text of the innermost column_set,
// panel or interactive_container around it that has any; "" if there is none. The
// entries of a menu are buttons too. Markdown is shown as plain text, without its marks.
// Only numeric and named HTML entities escape in it, as Feishu documents, so what a
// person typed is shown as typed only if the bot has escaped it. Whom a message mentions
// tells Server.Mentions.
//
// # Forms
//
// The open form of a person is the newest card with a form in their direct chat, else
// the newest that they alone see in a group, else the newest in any of their rooms. A
// field is known by its own label, or by the text right before it; texts after a field
// are its hint, or what is wrong with it if they are red. Red texts outside of the form
// are about the whole of it.
//
// A picker of people without options offers the members of the chat that the card is in,
// as Feishu does: in a direct chat that is the person alone. What is not filled in comes
// as "", and as an empty list from fields with several values; Feishu's pages leave that
// open.
//
// # Changes before an answer
//
// A card that is changed while a click on it is being answered falls back to what it was.
// That is a violation too, but both only if nothing but this click can be the reason for
// the change: nothing else happened in the two seconds before. So a change that another
// person's click has caused does not count.
//
// # Approvals
//
// The approval center has definitions, of an administrator (Server.AddApproval) or made by
// the app, and instances. People find what waits for them in Server.ApprovalTasks, and in
// their chat with the center, whose buttons decide. Bodies with fields that the
// interfaces do not have are refused, and so are texts, nodes and people that cannot be.
// Events are sent for definitions that the app has subscribed to, in order.
//
// # Time
//
// Config.Now is the clock of the company: of messages, tokens, and the 14 days after
// which cards are fixed. How long the app takes to answer is real time. A limit per
// second is reached when as many calls came within a second of both clocks.
package feishutest
