// Package web is Slipway's own console: rooms with messages and cards, the pages of
// plans, and the dashboard of the task queues.
//
// To the bot it is a platform like any other: Web implements bot.Platform, and the
// bot's handler decides what a press or a typed line does. A message is a row of the
// table of messages; a direct room is a room that belongs to one person; whatever a
// person sends carries an id made when its form was made, so that a double press is
// one event.
//
// Pages are made on the server and work as plain HTML; two small scripts swap parts of
// them in place. Nothing in a page is inline, so that the policy on content can be
// strict: what people write is only ever text. A page is told through server-sent
// events that something has changed, and then asks for its newest state: a lost notice
// costs a delay, never a wrong page.
package web
