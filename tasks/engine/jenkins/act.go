package jenkins

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/output"
)

// Cancel implements engine.Engine. A run that waits in the queue is taken out of it; one
// that left the queue in this moment is stopped.
func (e *Engine) Cancel(ctx context.Context, ref engine.Ref) error {
	path, id, err := parseRef(ref)
	if err != nil {
		return err
	}
	at, err := e.locate(ctx, ref)
	if err != nil {
		return e.missing(ctx, err, ref)
	}
	defer e.Nudge(ref)
	if at.build == 0 && !at.cancelled {
		_, err := e.send(ctx, "/queue/cancelItem", url.Values{"id": {strconv.FormatInt(id, 10)}}, url.Values{})
		switch status := statusOf(err); {
		case status == http.StatusFound: // as older servers answer
		case err != nil && status != http.StatusNotFound:
			return e.missing(ctx, err, ref)
		}
		if at, err = e.locate(ctx, ref); err != nil {
			return e.missing(ctx, err, ref)
		}
	}
	if at.build == 0 {
		return nil
	}
	address := fmt.Sprintf("%s/%d", addressOf(path), at.build)
	var b build
	if err := e.get(ctx, address, "building,result", &b); err != nil {
		return e.missing(ctx, err, ref)
	}
	if !b.Building && b.Result != "" {
		return nil
	}
	if _, err := e.send(ctx, address+"/stop", nil, url.Values{}); err != nil && statusOf(err) != http.StatusFound {
		return e.missing(ctx, err, ref)
	}
	return nil
}

// input is a step of a pipeline that waits for a person.
type input struct {
	ID      string `json:"id"`
	Message string `json:"message"`
	Inputs  []struct {
		Name string `json:"name"`
	} `json:"inputs"`
}

// made is the ID that Jenkins makes up for an input that has none of its own.
var made = regexp.MustCompile(`^[A-F0-9][0-9a-f]{31}$`)

// names returns the inputs by what they are called in Slipway: by their IDs, or, where
// those say nothing, by what they ask. The name of another question is never the same, so
// that an answer that comes late answers no other.
func names(all []input) []string {
	var list []string
	for _, i := range all {
		name := i.ID
		if made.MatchString(i.ID) && i.Message != "" {
			name = output.Short(i.Message)
		}
		if slices.Contains(list, name) {
			name += " (" + i.ID + ")"
		}
		list = append(list, name)
	}
	return list
}

func (e *Engine) inputs(ctx context.Context, address string) ([]input, error) {
	var all []input
	err := e.read(ctx, address+"/wfapi/pendingInputActions", nil, &all)
	return all, err
}

// waits adds what a pipeline waits for.
func (v *view) waits(ctx context.Context, address string, s *engine.State) error {
	all, err := v.e.inputs(ctx, address)
	if err != nil {
		return err
	}
	for i, name := range names(all) {
		in := all[i]
		asks := v.logs.show(output.Short(in.Message))
		w := engine.Wait{
			Job: v.logs.show(name), Answerable: len(in.Inputs) == 0,
			For: slipway.T("The pipeline asks: %s", "流水线正在询问：%s", asks),
		}
		if !w.Answerable {
			w.For = slipway.T("The pipeline asks for values, which can be given in Jenkins only: %s", "流水线要求填写参数，只能在 Jenkins 中填写：%s", asks)
		}
		s.Waits = append(s.Waits, w)
	}
	if len(s.Waits) > 0 {
		s.Status, s.WaitFor = engine.Waiting, s.Waits[0].For
	}
	return nil
}

// Answer implements engine.Answerer: yes lets the pipeline go on, no ends it.
func (e *Engine) Answer(ctx context.Context, ref engine.Ref, name string, answer engine.Answer) error {
	path, _, err := parseRef(ref)
	if err != nil {
		return err
	}
	at, err := e.locate(ctx, ref)
	if err != nil {
		return e.missing(ctx, err, ref)
	}
	gone := slipway.Refuse(slipway.Conflict, "“%s” waits for nobody any more.", "“%s”已不再等待处理。", name)
	if at.build == 0 {
		return gone
	}
	address := fmt.Sprintf("%s/%d", addressOf(path), at.build)
	all, err := e.inputs(ctx, address)
	switch {
	case isNotFound(err):
		return gone.Because(e.vendor.Redacted(err))
	case err != nil:
		return e.vendor.Reading(ctx, err)
	}
	i := slices.Index(names(all), name)
	switch {
	case i < 0:
		return gone
	case len(all[i].Inputs) > 0 && answer.Approve:
		return slipway.Refuse(slipway.Conflict, "“%s” asks for values: answer it in Jenkins.", "“%s”要求填写参数，请在 Jenkins 中处理。", name)
	}
	how := "/abort"
	if answer.Approve {
		how = "/proceedEmpty"
	}
	defer e.Nudge(ref)
	_, err = e.send(ctx, address+"/input/"+url.PathEscape(all[i].ID)+how, nil, url.Values{})
	var f *fault
	switch {
	case err == nil, errors.As(err, &f) && f.status == http.StatusFound:
		return nil
	case isNotFound(err):
		return gone.Because(e.vendor.Redacted(err))
	case f != nil && f.status == http.StatusBadRequest:
		return slipway.Refuse(slipway.Conflict,
			"Jenkins does not take the answer to “%s”: it was answered already, or Slipway's account is none of its submitters.",
			"Jenkins 不接受对“%s”的答复：可能已有人处理，或 Slipway 的账号不在允许提交的人员之列。", name).Because(e.vendor.Redacted(err))
	}
	return e.vendor.Acting(ctx, err)
}
