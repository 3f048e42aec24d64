package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// planVerb is a verb of a plan or of its items, as the REST API takes it.
type planVerb struct {
	usage   string // what follows the verb
	item    bool
	said    string   // the field of the last argument, if there is one
	options []string // the other fields
}

// planVerbs is the table of the verbs of `slipway plan`, by their names in the REST API.
var planVerbs = map[string]planVerb{
	"submit":    {usage: "REF", options: []string{"comment"}},
	"start":     {usage: "REF", options: []string{"comment"}},
	"approve":   {usage: "REF", options: []string{"comment"}},
	"reject":    {usage: "REF", options: []string{"comment"}},
	"withdraw":  {usage: "REF", options: []string{"comment"}},
	"transfer":  {usage: "REF", options: []string{"to", "comment"}},
	"remind":    {usage: "REF", options: []string{"comment"}},
	"replan":    {usage: "REF", options: []string{"comment"}},
	"cancel":    {usage: "REF", options: []string{"comment"}},
	"ask_again": {usage: "REF", options: []string{"endpoints", "comment"}},
	"override":  {usage: "REF", options: []string{"comment"}},
	"copy":      {usage: "REF", options: []string{"name", "comment"}},
	"execute":   {usage: "REF ITEM", item: true, options: []string{"remark"}},
	"complete":  {usage: "REF ITEM", item: true, options: []string{"remark"}},
	"skip":      {usage: "REF ITEM", item: true, options: []string{"remark"}},
	"retry":     {usage: "REF ITEM", item: true, options: []string{"accept", "remark"}},
	"adopt":     {usage: "REF ITEM RUN", item: true, said: "run"},
	"decide":    {usage: "REF ITEM yes|no", item: true, said: "approve", options: []string{"job", "comment"}},
}

// lookups are what can be looked up of plans, with the options that narrow it down.
var lookups = map[string]planVerb{
	"list": {options: []string{"status", "q", "manager", "limit"}}, "show": {usage: "REF"}, "log": {usage: "REF"},
}

func planCommand(ctx context.Context, args []string, p process) error {
	var known []string
	for _, v := range slices.Concat(slices.Collect(maps.Values(planVerbs)), slices.Collect(maps.Values(lookups))) {
		known = append(known, v.options...)
	}
	slices.Sort(known)
	args, opts, err := takeOptions(args, slices.Compact(known)...)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		return errors.New("plan list, plan show REF, plan log REF, plan VERB REF or plan VERB REF ITEM is expected; see `slipway help`")
	}
	name, args := args[0], args[1:]
	v, ok := planVerbs[name]
	if !ok {
		v, ok = lookups[name]
	}
	if !ok {
		return fmt.Errorf("plan %s: there is no such verb; there are list, show, log, %s", name, strings.Join(slices.Sorted(maps.Keys(planVerbs)), ", "))
	}
	if err := v.check(name, args, opts); err != nil {
		return err
	}
	c, err := newClient(p)
	if err != nil {
		return err
	}
	switch name {
	case "list":
		return c.listPlans(ctx, opts, p.stdout)
	case "show":
		return c.showPlan(ctx, args[0], p.stdout)
	case "log":
		return c.showLog(ctx, args[0], p.stdout)
	}
	body, err := v.body(args, opts)
	if err != nil {
		return err
	}
	if v.item {
		return c.itemVerb(ctx, name, args[0], args[1], body, p.stdout)
	}
	return c.verb(ctx, planPath(args[0])+"/"+name, body, p.stdout)
}

// check refuses what would be left out, and says what is expected.
func (v planVerb) check(name string, args []string, opts url.Values) error {
	expected := "plan " + strings.TrimSpace(name+" "+v.usage)
	if len(v.options) > 0 {
		expected += ", with --" + strings.Join(v.options, ", --")
	}
	for _, given := range slices.Sorted(maps.Keys(opts)) {
		if !slices.Contains(v.options, given) {
			return fmt.Errorf("--%s does not go with plan %s; expected: %s", given, name, expected)
		}
	}
	if len(args) != len(strings.Fields(v.usage)) {
		return fmt.Errorf("expected: %s", expected)
	}
	return nil
}

// body is what the REST API is sent for the verb.
func (v planVerb) body(args []string, opts url.Values) (map[string]any, error) {
	body := map[string]any{}
	for name := range opts {
		body[name] = opts.Get(name)
	}
	if list := opts.Get("endpoints"); list != "" {
		body["endpoints"] = strings.Split(list, ",")
	}
	switch v.said {
	case "":
	case "approve":
		answer, known := map[string]bool{"yes": true, "no": false}[args[2]]
		if !known {
			return nil, fmt.Errorf("yes or no is expected, not %q", args[2])
		}
		body[v.said] = answer
	default:
		body[v.said] = args[2]
	}
	return body, nil
}

func (c *client) verb(ctx context.Context, path string, body map[string]any, w io.Writer) error {
	var v planView
	if err := c.send(ctx, http.MethodPost, path, body, &v); err != nil {
		return err
	}
	return v.print(w)
}

// itemVerb finds the item by number, id or name, then does the verb.
func (c *client) itemVerb(ctx context.Context, verb, ref, item string, body map[string]any, w io.Writer) error {
	var v planView
	if err := c.call(ctx, http.MethodGet, planPath(ref), nil, nil, &v); err != nil {
		return err
	}
	for i, j := range v.Jobs {
		if j.ID == item || strings.EqualFold(j.Name, item) || fmt.Sprint(i+1) == item {
			return c.verb(ctx, planPath(v.ID)+"/jobs/"+j.ID+"/"+verb, body, w)
		}
	}
	return fmt.Errorf("plan #%d has no item %q", v.Index, item)
}
