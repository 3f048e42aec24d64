package commands

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"slipway"
)

// Find returns the plan that a reference names: "#12", "12" or its id.
func (c *Commands) Find(ctx context.Context, ref string) (*slipway.Plan, error) {
	ref = strings.TrimSpace(ref)
	number := strings.TrimLeft(ref, "#＃")
	if n, err := strconv.ParseInt(number, 10, 64); err == nil && len(number) < 20 && (number != ref || len(number) < 24) {
		p, err := c.Store.PlanByIndex(ctx, n)
		if err != nil {
			return nil, fmt.Errorf("find plan: %w", err)
		}
		return p, nil
	}
	p, err := c.Store.Plan(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("find plan: %w", err)
	}
	return p, nil
}

var (
	planID = regexp.MustCompile(`^[0-9a-f]{24}$`)
	itemID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

// Refer returns the ids of the plan and item that references name. Full ids are taken
// as they are, so that the usual request of a machine costs no look-up; whether they
// exist shows when they are used. An empty item is left empty.
func (c *Commands) Refer(ctx context.Context, plan, item string) (string, string, error) {
	if planID.MatchString(plan) && (item == "" || itemID.MatchString(item)) {
		return plan, item, nil
	}
	p, err := c.Find(ctx, plan)
	if err != nil {
		return "", "", err
	}
	if item == "" {
		return p.ID, "", nil
	}
	it, err := FindItem(p, item)
	if err != nil {
		return "", "", err
	}
	return p.ID, it.ID, nil
}

// FindItem returns the item that a reference names: its number, its id or its name
// (case does not matter; the beginning is enough if only one begins so).
func FindItem(p *slipway.Plan, ref string) (*slipway.Item, error) {
	ref = strings.TrimSpace(ref)
	for _, it := range p.Items {
		if it.ID == ref || strings.EqualFold(it.Name, ref) {
			return it, nil
		}
	}
	if n, err := strconv.Atoi(ref); err == nil && n >= 1 && n <= len(p.Items) {
		return p.Items[n-1], nil
	}
	var found []*slipway.Item
	for _, it := range p.Items {
		if ref != "" && strings.HasPrefix(strings.ToLower(it.Name), strings.ToLower(ref)) {
			found = append(found, it)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	names := make([]string, len(p.Items))
	for i, it := range p.Items {
		names[i] = fmt.Sprintf("%d %s", i+1, it.Name)
	}
	return nil, slipway.Refuse(slipway.NotFound,
		"Plan #%[1]d has no item %[2]q. Its items: %[3]s.", "发布计划 #%[1]d 没有发布项 %[2]q。现有发布项：%[3]s。",
		p.Index, ref, strings.Join(names, ", "))
}

// FindUser returns the user that a reference names: e-mail, id or name. A name that
// several people have is refused.
func (c *Commands) FindUser(ctx context.Context, ref string) (*slipway.User, error) {
	ref = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(ref), "@"))
	if s, ok := slipway.ParseSource(ref); ok {
		return nil, s.NoPerson()
	}
	if strings.Contains(ref, "@") {
		if u, err := c.Store.UserByEmail(ctx, strings.ToLower(ref)); slipway.CodeOf(err) != slipway.NotFound {
			return u, err
		}
		return nil, unknownUser(ref)
	}
	if u, err := c.Store.User(ctx, ref); slipway.CodeOf(err) != slipway.NotFound {
		return u, err
	}
	found, err := c.Store.UsersByName(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("find user: %w", err)
	}
	switch len(found) {
	case 0:
		return nil, unknownUser(ref)
	case 1:
		return found[0], nil
	}
	mails := make([]string, len(found))
	for i, u := range found {
		mails[i] = u.Email
	}
	return nil, slipway.Refuse(slipway.Invalid, "Several people are called %[1]s; use an e-mail: %[2]s.",
		"有多位名为 %[1]s 的用户，请使用邮箱：%[2]s。", ref, strings.Join(mails, ", "))
}

func unknownUser(ref string) error {
	return slipway.Refuse(slipway.NotFound, "Nobody knows %q. Use the name, e-mail or id of a user.",
		"找不到用户 %q，请使用用户的姓名、邮箱或 ID。", strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return -1
			}
			return r
		}, ref))
}
