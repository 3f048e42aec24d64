// Package dingtalktest is a stand-in for the OA approvals of DingTalk: an organisation with
// people, approvals with their forms, and one app. It speaks the server's side of the API
// below /v1.0/ as DingTalk's pages and SDK have it, and sends events over HTTP, encrypted
// and signed, or over the connections of its stream mode.
//
// One side of it faces the app: Server is an http.Handler, and calls the app at the address
// given to SetApp. The other side faces people: they agree, refuse, transfer, remark and
// withdraw by methods, which return when the app has answered the events about it. Events
// about what the app did itself come by themselves; Wait waits for them.
//
// What an app must not do is refused as DingTalk refuses it, with DingTalk's codes. What
// DingTalk takes although it cannot be meant, a value under a name that the form does not
// have, is dropped as DingTalk drops it. Both are kept in Violations, the latter only there.
//
// Times are those of Config.Now.
package dingtalktest
