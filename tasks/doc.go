// Package tasks does what has to be done after a change: it sends hooks, runs
// workflows, keeps time and repaints cards.
//
// The rows of the table of tasks are the truth; Redis may be lost at any time. After
// a commit the relay offers the new rows to asynq, whose tasks carry nothing but a
// row's id, or those of the hooks that a commit brought: each of them is still a row
// of its own. A worker that is handed an id leases the row, does the work, records the
// result through a command whose request id is "task:<row id>", and deletes the row.
// A sweep offers every row that is due and not leased again. So work that was done
// but not recorded is done once more with the same effect, and a crash or an emptied
// Redis costs time but loses nothing. asynq itself never retries: when a task has to
// wait, its row says until when.
//
// Redis is reached through OpenRedis, which starts one in this process when no other
// is configured. Engines is the list of workflow engines. Notices tells live pages,
// on all processes, that something has changed.
package tasks
