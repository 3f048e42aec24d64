// Package dingtalk asks people in DingTalk to approve: a question becomes an instance of
// an OA approval that was made in DingTalk's console. It is bot.Approvals, and no
// bot.Platform: nobody talks to Slipway in DingTalk.
//
// Of DingTalk's API it needs seven calls, so it makes them itself: the SDK for them is
// seventy modules, and the one for the stream ends the process when it has to reconnect.
//
// # One instance
//
// DingTalk does not promise that asking twice makes one instance: its page shows a
// RequestId in an example and explains it nowhere, so it is not sent. Instead the mark of
// the question stands in the form, and Find looks for it among the instances that were
// started since.
//
// # The form
//
// The fields of a form are known by their names. DingTalk takes a value under a name that
// the form does not have, and drops it silently. So the form is read before every
// question, and nothing is asked if a field was renamed or removed.
//
// # How it ends
//
// Events come over a connection that is made to DingTalk (its stream mode), or to POST
// /dingtalk/events, encrypted and signed; some are not delivered at all. They only say that it is time to look: what counts is
// what the instance itself says. It is approved only if it is COMPLETED and its result is
// agree; an instance that still runs may have a result already.
package dingtalk
