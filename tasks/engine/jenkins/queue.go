package jenkins

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"slipway/tasks/engine"
)

// refOf names a run: the job, and the number of its item in the queue. The item is
// gone some minutes after it left the queue; its build keeps the number.
func refOf(path string, item int64) engine.Ref {
	return engine.Ref(fmt.Sprintf("%s@%d", path, item))
}

func parseRef(ref engine.Ref) (path string, item int64, err error) {
	i := strings.LastIndexByte(string(ref), '@')
	if i > 0 {
		item, err = strconv.ParseInt(string(ref[i+1:]), 10, 64)
	}
	if i <= 0 || err != nil || item <= 0 {
		return "", 0, fmt.Errorf("build %q: %w", ref, engine.ErrNoRun)
	}
	return string(ref[:i]), item, nil
}

// spot is where a run is: in the queue, or built.
type spot struct {
	build     int64  // 0: not built yet
	cancelled bool   // in the queue, and never built
	why       string // it waits in the queue
}

// item is one of the queue.
type item struct {
	ID         int64  `json:"id"`
	Why        string `json:"why"`
	Cancelled  bool   `json:"cancelled"`
	Executable *struct {
		Number int64 `json:"number"`
	} `json:"executable"`
	Task struct {
		URL string `json:"url"`
	} `json:"task"`
	Actions []action `json:"actions"`
}

// action is a part of an item or a build: one holds its parameters, another its causes.
type action struct {
	Class      string `json:"_class"`
	Parameters []struct {
		Class string `json:"_class"`
		Name  string `json:"name"`
		Value any    `json:"value"`
	} `json:"parameters"`
	Causes []struct {
		Class  string `json:"_class"`
		Short  string `json:"shortDescription"`
		UserID string `json:"userId"`
	} `json:"causes"`
}

const actionTree = "actions[parameters[name,value],causes[shortDescription,userId]]"

// maxBuilds bounds the builds that are looked through for one.
const maxBuilds = 1000

// locate finds a run.
func (e *Engine) locate(ctx context.Context, ref engine.Ref) (spot, error) {
	path, id, err := parseRef(ref)
	if err != nil {
		return spot{}, err
	}
	if build, known := e.numbers.Of(ref); known {
		return spot{build: build}, nil
	}
	var found item
	err = e.get(ctx, fmt.Sprintf("/queue/item/%d", id), "id,why,cancelled,executable[number],task[url]", &found)
	switch {
	case isNotFound(err):
		build, err := e.builtFrom(ctx, path, id)
		if err != nil {
			return spot{}, err
		}
		e.numbers.Keep(ref, build)
		return spot{build: build}, nil
	case err != nil:
		return spot{}, err
	case found.Executable != nil && found.Executable.Number > 0:
		e.numbers.Keep(ref, found.Executable.Number)
		return spot{build: found.Executable.Number}, nil
	}
	return spot{cancelled: found.Cancelled, why: found.Why}, nil
}

// builtFrom finds the build of an item that left the queue long ago.
func (e *Engine) builtFrom(ctx context.Context, path string, id int64) (int64, error) {
	var all struct {
		Builds []struct {
			Number  int64 `json:"number"`
			QueueID int64 `json:"queueId"`
		} `json:"allBuilds"`
	}
	if err := e.get(ctx, addressOf(path), fmt.Sprintf("allBuilds[number,queueId]{0,%d}", maxBuilds), &all); err != nil {
		return 0, err
	}
	for _, b := range all.Builds {
		if b.QueueID == id {
			return b.Number, nil
		}
	}
	return 0, &fault{status: http.StatusNotFound, said: "no build of this item"}
}

// refOfBuild names the run of a build.
func (e *Engine) refOfBuild(ctx context.Context, path string, build int64) (engine.Ref, error) {
	var b struct {
		QueueID int64 `json:"queueId"`
	}
	if err := e.get(ctx, fmt.Sprintf("%s/%d", addressOf(path), build), "queueId", &b); err != nil {
		return "", err
	}
	if b.QueueID <= 0 {
		return "", errors.New("the build does not say from which item of the queue it is")
	}
	ref := refOf(path, b.QueueID)
	e.numbers.Keep(ref, build)
	return ref, nil
}
