package httpenginetest

// Settings describe the server in slipway.yaml. SERVER stands for its address; the
// secrets token and hook are those of Config.
const Settings = `headers: {Authorization: "Bearer ${secret.token}"}
start:
  url: SERVER/api/runs
  ref: run.id
  body: |
    {"project": "${project}", "workflow": "${workflow}", "mark": "${mark}", "plan": "${plan_id}", "item": "${item}", "params": ${params}}
status:
  url: SERVER/api/runs/${ref}
  status: run.state
  reason: run.why
  page: run.page
  started: run.begun
  ended: run.over
  attempt: run.attempt
  mark: run.mark
  workflow: run.workflow
  jobs: {list: run.jobs, name: name, stage: group, status: state, reason: why, started: begun, ended: over}
words: {pending: queued, busy: running, asking: waiting, succeeded: passed, broken: failed, stopped: cancelled, expired: timeout, left out: skipped}
callback: {token: hook}
find: {url: "SERVER/api/runs?mark=${mark}", ref: "runs[0].id"}
cancel: {url: "SERVER/api/runs/${ref}/cancel"}
retry: {url: "SERVER/api/runs/${ref}/retry"}
approve: {url: "SERVER/api/runs/${ref}/jobs/${job}/answer", body: '{"approve": true, "by": "${by}", "comment": "${comment}"}'}
reject: {url: "SERVER/api/runs/${ref}/jobs/${job}/answer", body: '{"approve": false, "by": "${by}", "comment": "${comment}"}'}
logs: {url: "SERVER/api/runs/${ref}/log"}
check: {url: SERVER/api/ping}
`
