package jenkinstest

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"slipway/tasks/engine/enginetest/standin"
)

// build is one of a job.
type build struct {
	path   string
	number int
	item   *item
	flow   standin.Workflow
	run    *standin.Run
	user   string // who stopped it
	told   int    // phases that were told
}

// past puts a build into the history of a job that passed before the test.
func (s *Server) past(flow standin.Workflow) {
	long := s.Now().Add(-24 * time.Hour)
	for i := range flow.Stages {
		jobs := slices.Clone(flow.Stages[i].Jobs)
		for j := range jobs {
			jobs[j].Asks, jobs[j].Lasts, jobs[j].Ends = false, 0, standin.Passes
		}
		flow.Stages = slices.Clone(flow.Stages)
		flow.Stages[i].Jobs = jobs
	}
	i := &item{id: s.NextID(), flow: flow, values: map[string]string{}, user: "ann", since: long}
	s.items = append(s.items, i)
	b := s.build(i)
	b.run, b.told, i.left = standin.NewRun(b.number, flow, nil, long, s.NextID), 3, long
	for b.run.Advance(long) {
	}
}

// advance does what is due.
func (s *Server) advance() {
	now := s.Now()
	for _, i := range s.items {
		if i.waits() && !s.held && now.Sub(i.since) >= s.config.Quiet {
			s.build(i)
		}
	}
	for _, b := range s.builds {
		b.run.CatchUp(now)
		s.announce(b)
	}
}

// result is Jenkins' word for how a build ended, and what interrupted it.
func (s *Server) result(b *build) (word string, interrupted map[string]any) {
	cause := func(class, short string) map[string]any {
		return map[string]any{"_class": "jenkins.model.InterruptedBuildAction", "causes": []any{
			map[string]any{"_class": class, "shortDescription": short},
		}}
	}
	status := b.run.Status()
	switch {
	case b.run.Refused:
		return "ABORTED", cause("org.jenkinsci.plugins.workflow.support.steps.input.Rejection", "Rejected by "+b.user)
	case status == standin.Cancelled:
		return "ABORTED", cause("jenkins.model.CauseOfInterruption$UserInterruption", "Aborted by "+b.user)
	case status == standin.TimedOut && b.flow.Single:
		return "ABORTED", map[string]any{"_class": "jenkins.model.InterruptedBuildAction"}
	case status == standin.TimedOut:
		return "ABORTED", cause("org.jenkinsci.plugins.workflow.steps.TimeoutStepExecution$ExceededTimeout", "Timeout has been exceeded")
	case status == standin.Failed:
		return "FAILURE", nil
	case !status.Over():
		return "", nil
	}
	if other := s.config.Results[b.path]; other != "" {
		return other, nil
	}
	return "SUCCESS", nil
}

func (s *Server) shown(b *build) map[string]any {
	class := "org.jenkinsci.plugins.workflow.job.WorkflowRun"
	if b.flow.Single {
		class = "hudson.model.FreeStyleBuild"
	}
	word, interrupted := s.result(b)
	actions := append([]any{map[string]any{}}, b.item.actions()...)
	if interrupted != nil {
		actions = append(actions, interrupted)
	}
	o := map[string]any{
		"_class": class, "number": b.number, "id": strconv.Itoa(b.number), "queueId": b.item.id, "actions": actions,
		"url": fmt.Sprintf("%s%d/", s.address(b.path), b.number), "building": word == "", "inProgress": word == "", "result": nil,
		"timestamp": b.run.Created.UnixMilli(), "duration": 0, "estimatedDuration": -1, "keepLog": false,
		"displayName": fmt.Sprintf("#%d", b.number), "fullDisplayName": fmt.Sprintf("%s #%d", display(b.path), b.number), "description": nil,
	}
	if word != "" {
		o["result"], o["duration"] = word, b.run.Updated.Sub(b.run.Created).Milliseconds()
	}
	return o
}

// log answers with the log from an offset on, with the lines that Jenkins adds.
func (s *Server) log(w http.ResponseWriter, r *http.Request, b *build) {
	var text strings.Builder
	fmt.Fprintf(&text, "Started by user %s\n", b.item.user)
	if !b.flow.Single {
		text.WriteString("[Pipeline] Start of Pipeline\n")
	}
	for _, a := range b.run.Attempts() {
		if a.Started.IsZero() {
			continue
		}
		if !b.flow.Single {
			fmt.Fprintf(&text, "[Pipeline] stage\n[Pipeline] { (%s)\n", a.Job.Name)
		}
		for _, line := range a.Log {
			fmt.Fprintf(&text, "%s\n", line)
		}
	}
	word, _ := s.result(b)
	if word != "" {
		if b.run.Status() == standin.TimedOut && b.flow.Single {
			text.WriteString("Build timed out (after 3 minutes). Marking the build as aborted.\n")
		}
		fmt.Fprintf(&text, "Finished: %s\n", word)
	}
	start, err := strconv.Atoi(r.URL.Query().Get("start"))
	if err != nil || start < 0 || start > text.Len() {
		start = 0
	}
	w.Header().Set("Content-Type", "text/plain;charset=utf-8")
	w.Header().Set("X-Text-Size", strconv.Itoa(text.Len()))
	if word == "" {
		w.Header().Set("X-More-Data", "true")
	}
	fmt.Fprint(w, text.String()[start:])
}

func (s *Server) stop(w http.ResponseWriter, r *http.Request, b *build) {
	if !s.posted(w, r) {
		return
	}
	if !b.run.Status().Over() {
		b.user = s.config.User
		b.run.Cancel(s.Now())
		s.advance()
	}
	w.Header().Set("Location", fmt.Sprintf("%s%d/", s.address(b.path), b.number))
	w.WriteHeader(http.StatusFound)
}

var stageStatus = map[standin.Status]string{
	standin.Created: "NOT_EXECUTED", standin.Running: "IN_PROGRESS", standin.Asking: "PAUSED_PENDING_INPUT", standin.Passed: "SUCCESS",
	standin.Failed: "FAILED", standin.TimedOut: "ABORTED", standin.Cancelled: "ABORTED", standin.Skipped: "NOT_EXECUTED",
}

// described is what the Pipeline REST API tells of a build: the stages that were
// reached.
func (s *Server) described(b *build) map[string]any {
	stages := []any{}
	status := "IN_PROGRESS"
	for _, a := range b.run.Attempts() {
		if a.Status == standin.Created || (a.Status == standin.Cancelled && a.Started.IsZero() && !a.Job.Asks) {
			continue
		}
		if a.Status == standin.Asking {
			status = "PAUSED_PENDING_INPUT"
		}
		g := map[string]any{
			"id": strconv.Itoa(a.ID), "name": a.Job.Name, "execNode": "", "status": stageStatus[a.Status], "startTimeMillis": 0,
			"durationMillis": 0, "pauseDurationMillis": 0,
		}
		if !a.Started.IsZero() {
			g["startTimeMillis"], g["durationMillis"] = a.Started.UnixMilli(), s.Now().Sub(a.Started).Milliseconds()
		}
		if !a.Ended.IsZero() {
			g["durationMillis"] = a.Ended.Sub(a.Started).Milliseconds()
		}
		if a.Status == standin.Failed {
			g["error"] = map[string]any{"message": "script returned exit code 1", "type": "hudson.AbortException"}
		}
		stages = append(stages, g)
	}
	if word, _ := s.result(b); word != "" {
		status = map[string]string{"SUCCESS": "SUCCESS", "FAILURE": "FAILED", "ABORTED": "ABORTED", "UNSTABLE": "UNSTABLE"}[word]
	}
	return map[string]any{
		"id": strconv.Itoa(b.number), "name": fmt.Sprintf("#%d", b.number), "status": status, "startTimeMillis": b.run.Created.UnixMilli(),
		"stages": stages,
	}
}

// message is what a stage that asks asks, here its own name, and the ID that Jenkins
// makes of it.
func message(a *standin.Attempt) (text, id string) {
	text = a.Job.Name
	sum := md5.Sum([]byte(text))
	id = hex.EncodeToString(sum[:])
	return text, strings.ToUpper(id[:1]) + id[1:]
}

func (s *Server) pending(b *build) []any {
	list := []any{}
	for _, a := range b.run.Present() {
		if a.Status != standin.Asking {
			continue
		}
		text, id := message(a)
		inputs := []any{}
		if slices.Contains(s.config.AsksValues, a.Job.Name) {
			inputs = append(inputs, map[string]any{
				"type": "StringParameterDefinition", "name": "VERSION", "description": "", "definition": map[string]any{"defaultVal": "1"},
			})
		}
		address := fmt.Sprintf("%s/%d/", strings.TrimSuffix(s.address(b.path), "/"), b.number)
		u, err := url.Parse(address)
		if err != nil {
			panic(err)
		}
		list = append(list, map[string]any{
			"id": id, "proceedText": "Proceed", "message": text, "inputs": inputs,
			"proceedUrl": u.Path + "wfapi/inputSubmit?inputId=" + id, "abortUrl": u.Path + "input/" + id + "/abort",
			"redirectApprovalUrl": u.Path + "input/",
		})
	}
	return list
}

// input answers a stage that asks.
func (s *Server) input(w http.ResponseWriter, r *http.Request, b *build, id, how string) {
	if !s.posted(w, r) {
		return
	}
	for _, a := range b.run.Present() {
		if _, is := message(a); is != id || a.Status != standin.Asking {
			continue
		}
		switch how {
		case "proceedEmpty":
			if slices.Contains(s.config.AsksValues, a.Job.Name) {
				s.Notes.Addf("the input of %s was answered without its values", a.Job.Name)
			}
			b.run.Agree(a.ID, s.Now())
		case "abort":
			b.user, b.run.Refused = s.config.User, true
			b.run.Cancel(s.Now())
		default:
			page(w, http.StatusNotFound, "Not Found")
			return
		}
		s.advance()
		w.WriteHeader(http.StatusOK)
		return
	}
	page(w, http.StatusNotFound, "Not Found")
}
