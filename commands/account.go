package commands

import (
	"context"
	"encoding/json"
	"fmt"

	"slipway"
	"slipway/storage"
)

// NewAccountLink returns the secret with which somebody, once and within AccountLinkLife,
// makes an account of a chat platform theirs. It is to be shown to the account alone.
func (c *Commands) NewAccountLink(ctx context.Context, a storage.Account) (string, error) {
	subject, err := json.Marshal(a)
	if err != nil {
		return "", fmt.Errorf("write account: %w", err)
	}
	return c.issue(ctx, storage.Credential{Kind: storage.CredentialAccount, Subject: string(subject)}, AccountLinkLife)
}

// AccountLink is what a person is asked before an account becomes theirs.
type AccountLink struct {
	Account storage.Account
	Owner   *slipway.User // who has the account now; nil if nobody
}

// AccountLink tells what a secret links, without using it up. NotFound if it is no longer
// good.
func (c *Commands) AccountLink(ctx context.Context, token string) (AccountLink, error) {
	a, err := c.Store.AccountOf(ctx, HashToken(token), c.Now())
	if err != nil {
		return AccountLink{}, err
	}
	find := c.Store.UserBySlackID
	if a.Platform == "feishu" {
		find = c.Store.UserByFeishuOpenID
	}
	owner, err := find(ctx, a.ID)
	if err != nil && slipway.CodeOf(err) != slipway.NotFound {
		return AccountLink{}, fmt.Errorf("find owner of account: %w", err)
	}
	return AccountLink{Account: a, Owner: owner}, nil
}

// LinkAccount uses up a secret and makes its account the user's. It is refused as
// storage.MoveAccount is.
func (c *Commands) LinkAccount(ctx context.Context, by *slipway.User, token string) (storage.Account, error) {
	return c.Store.MoveAccount(ctx, HashToken(token), by.ID, c.Now())
}
