package storytest

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"

	"slipway"
	"slipway/cmd/slipway/processtest"
)

// Office is an outside system that is asked before plans are executed. It says nothing
// by itself: the stories answer in its place.
type Office struct {
	// API calls back to the Slipway at URL, which is set before the first story.
	API *processtest.Client
	URL string

	mu    sync.Mutex
	asked map[string][]*slipway.HookPlan // by the name of the plan
}

// ServeHTTP takes a hook.
func (o *Office) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	var env slipway.HookEnvelope
	if err == nil {
		err = json.Unmarshal(body, &env)
	}
	if err != nil || env.ReleasePlan == nil {
		http.Error(rw, "no hook", http.StatusBadRequest)
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.asked == nil {
		o.asked = map[string][]*slipway.HookPlan{}
	}
	o.asked[env.ReleasePlan.Name] = append(o.asked[env.ReleasePlan.Name], env.ReleasePlan)
	rw.WriteHeader(http.StatusAccepted)
}

// question returns the nth question about a plan, nil if it has not come yet.
func (o *Office) question(plan string, n int) *slipway.HookPlan {
	o.mu.Lock()
	defer o.mu.Unlock()
	if list := o.asked[plan]; len(list) >= n {
		return list[n-1]
	}
	return nil
}

// answer calls back.
func (o *Office) answer(ctx context.Context, q *slipway.HookPlan, result slipway.Result, text string) (processtest.Answer, error) {
	return o.API.CallBack(ctx, strings.TrimSuffix(o.URL, "/"), processtest.Callback{
		Event: string(q.EventName), PlanID: q.ID, InstanceCode: q.InstanceCode, Result: string(result), FailedReason: text, Description: text,
	})
}
