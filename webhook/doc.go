// Package webhook is the machine-facing HTTP of Slipway: hooks out, callbacks in.
//
// A hook goes out as a Delivery: bytes that were frozen when the event happened, an
// id that stays the same on every try, and what the endpoint's configuration adds.
// Sender.Send makes one try and describes it as an Attempt. The attempt says what
// comes next (its Outcome); Backoff says when. Neither keeps state, sleeps or
// retries: rows and schedule belong to whoever calls.
//
// Deliveries are signed by Standard Webhooks (Sign, Verify): the headers webhook-id,
// webhook-timestamp and webhook-signature, one HMAC per secret, so that secrets can
// be rotated without a gap. An endpoint written for Zadig may get Zadig's X-Zadig-*
// headers besides.
//
// A URL in the configuration is a way into the operator's network, so a Guard looks
// at the address of every connection as it is made, after the name was resolved.
// A name that changes its address between check and use gains nothing by it.
// Redirects are not followed, proxies are not used, and an answer is limited in
// size and in time.
//
// What comes in goes through the handler of NewHandler: the callbacks of outside
// systems, and the REST API for scripts and the command line. It turns requests into
// the use cases of package commands and their errors into answers, and decides
// nothing itself. openapi.json describes all of it. No answer ever holds the instance
// code of a question that is open, which alone is enough to answer it.
package webhook
