// Package slack carries the bot to Slack: what people do there becomes events for the
// bot, and what the bot says becomes messages, dialogs and home pages.
//
// Deliveries come in over Socket Mode, a connection that Slipway opens itself, or over
// HTTP, where every request must be signed. Both hand the payload to one path
// (inbound.go) that knows nothing of how it arrived. The path reads the payload into a
// bot.Event with the ways to answer it (occasion.go), lets the bot handle it, answers
// Slack before its three seconds are over, and shows the rest of the reply afterwards
// (deliver.go).
//
// Rendering (card.go, rows.go, modal.go) keeps to the limits of package blockkit for
// whatever a card holds, and says what it left out. Text of people is put into plain text
// objects and rich text elements only, which neither format nor mention.
//
// Whatever is posted under a key goes through the ledger of posts, so that it is posted
// once even if an answer of Slack's is lost or the process dies (post.go).
package slack
