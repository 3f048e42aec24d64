package commands

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"

	"slipway"
	"slipway/storage"
)

// Callback is an outside system's answer to a hook, well-formed already.
type Callback struct {
	Event        slipway.Event
	PlanID       string
	InstanceCode string
	Result       slipway.Result
	FailedReason string
	Description  string
	Bearer       string // the bearer token that came with it
	// Verify checks the request's Standard Webhooks signature against secrets.
	Verify func(secrets []string) error
}

// Answer takes an outside system's answer and returns the id of its record. The same
// answer again has the same record. It is refused with Unauthenticated when the
// endpoint demands credentials that are not there, NotFound for an unknown plan, and
// Conflict for a code of an earlier round, a gate that is not open, or a different
// answer to a closed question.
func (c *Commands) Answer(ctx context.Context, cb Callback) (string, error) {
	d, err := c.Store.DeliveryByCode(ctx, cb.InstanceCode)
	if err != nil && slipway.CodeOf(err) != slipway.NotFound {
		return "", fmt.Errorf("answer: %w", err)
	}
	known := err == nil && d.PlanID == cb.PlanID
	ask := Ask{RequestID: cb.requestID(), actor: slipway.Actor{Kind: slipway.Receiver}}
	if known {
		ask.actor.ID, ask.actor.Name = d.Endpoint, d.Endpoint
		if err := c.authorize(d.Endpoint, cb); err != nil {
			return "", err
		}
	} else if err := c.unknownCode(ctx, cb); err != nil {
		return "", err
	}
	if !known {
		// An unknown code never gets as far as the idempotency look-up.
		ask.RequestID = ""
	}
	out, err := c.change(ctx, ask, cb.PlanID, slipway.VerbAnswer, func(req slipway.Request, p *slipway.Plan) (*slipway.Change, error) {
		return p.Answer(req, slipway.Answer{
			Event: cb.Event, Code: cb.InstanceCode, Result: cb.Result, Reason: cb.FailedReason, Description: cb.Description,
		})
	})
	if err != nil {
		return "", err
	}
	return out.Entry.ID, nil
}

// AnswerHook takes the decision that came with a receiver's answer to the hook itself. It
// is the same as a callback that says so. The caller makes sure that the receiver need
// not prove who it is in another way.
func (c *Commands) AnswerHook(ctx context.Context, d *slipway.Delivery, a slipway.Answer) (storage.Outcome, error) {
	cb := Callback{
		Event: a.Event, PlanID: d.PlanID, InstanceCode: a.Code, Result: a.Result, FailedReason: a.Reason, Description: a.Description,
	}
	ask := Ask{RequestID: cb.requestID(), actor: slipway.Actor{Kind: slipway.Receiver, ID: d.Endpoint, Name: d.Endpoint}}
	return c.change(ctx, ask, d.PlanID, slipway.VerbAnswer, func(req slipway.Request, p *slipway.Plan) (*slipway.Change, error) {
		return p.Answer(req, a)
	})
}

// requestID is the same for the same answer to the same question.
func (cb *Callback) requestID() string {
	said := ""
	if cb.Result == slipway.ResultExecuting {
		sum := sha256.Sum256([]byte(cb.Description))
		said = ":" + hex.EncodeToString(sum[:8])
	}
	return fmt.Sprintf("callback:%s:%s:%s%s", cb.InstanceCode, cb.Event, cb.Result, said)
}

// unknownCode refuses a callback for a plan that is not there, and one without
// credentials where they are demanded.
func (c *Commands) unknownCode(ctx context.Context, cb Callback) error {
	if _, err := c.Store.Plan(ctx, cb.PlanID); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	return c.authorizeAny(cb)
}

func (c *Commands) authorize(endpoint string, cb Callback) error {
	e := c.Rules().Endpoint(endpoint)
	if e != nil && admits(e, cb) {
		return nil
	}
	// What an endpoint that was taken out of the configuration demanded is not known.
	return unauthorized()
}

// admits tells whether a callback brings the credentials that an endpoint demands.
func admits(e *slipway.Endpoint, cb Callback) bool {
	if e.CallbackToken != "" && subtle.ConstantTimeCompare([]byte(e.CallbackToken), []byte(cb.Bearer)) != 1 {
		return false
	}
	return !e.CallbackSigned || cb.Verify != nil && cb.Verify(e.Secrets) == nil
}

// authorizeAny refuses a caller with an unknown code when every endpoint that may
// answer demands credentials and none of them fit, so that codes cannot be probed.
func (c *Commands) authorizeAny(cb Callback) error {
	asked := 0
	rules := c.Rules()
	for i := range rules.Endpoints {
		e := &rules.Endpoints[i]
		if !e.Wait || !e.Hears(cb.Event) {
			continue
		}
		if admits(e, cb) {
			return nil
		}
		asked++
	}
	if asked == 0 {
		return nil
	}
	return unauthorized()
}

func unauthorized() error {
	return slipway.Refuse(slipway.Unauthenticated,
		"This endpoint's callbacks need its bearer token or signature. Send the callback_token as `Authorization: Bearer ...`, or sign the request by Standard Webhooks with the endpoint's secret.",
		"该接收方的回调需要凭证：请以 `Authorization: Bearer ...` 携带 callback_token，或使用其密钥按 Standard Webhooks 规范签名。")
}
