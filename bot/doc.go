// Package bot is where people meet Slipway: it understands what they type and press,
// runs the commands, and says what came of it in their language.
//
// A Platform carries messages: the web console, Slack, Feishu. It verifies what
// arrives, turns it into an Event, gives it to a Handler and shows the Reply. The Bot
// is that handler. It knows no platform: it speaks in Cards (messages without a
// platform), Forms (questions without a platform) and slipway.Texts (every wording in
// English and Chinese).
//
// The verbs table says once what can be typed: the parser, help, "did you mean",
// buttons, slash-command registration and the README section are made from it. Which
// buttons a plan shows comes from the domain's table of moves.
//
// Every plan has one live card per room. Whatever changes the plan, from whatever
// surface, ends in Repaint, which shows the newest state on every copy and puts new
// lines of the operation log into the card's thread.
package bot
