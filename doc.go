// Package slipway is the domain of Slipway, the release-plan bot: its words, its
// state machine and its errors. It imports the standard library only.
//
// A Plan is one release. It has Items (a person's text to tick off, or a workflow
// that an engine runs), an Approval, a window, a schedule, and at most one Gate: an
// open question to outside systems that holds a move back. What a person or a
// system does to a plan is a Verb. The table Moves says which verb is possible in
// which status, by whom, and where it leads; it refuses moves, chooses buttons,
// draws docs/state.md and drives the exhaustive test.
//
// A transition is a method of Plan. It takes a Request (id, actor, time, rules),
// changes the plan in memory and returns a Change: exactly one Entry of the
// operation log, the Tasks that follow, and the Deliveries and Runs that come into
// being. It knows no context, clock, database or logger, so the same request on the
// same plan always has the same outcome. Package storage locks the plan, calls the
// transition and writes all of it in one transaction.
package slipway
