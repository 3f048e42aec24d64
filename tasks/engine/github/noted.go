package github

import (
	"context"
	"fmt"
	"sync"
	"time"

	"slipway"
	"slipway/tasks/engine"
)

// maxNoted bounds what this process keeps of runs.
const maxNoted = 4096

// notes are what this process knows of runs and GitHub does not tell. The zero value is
// ready.
type notes struct {
	mu      sync.Mutex
	secrets map[engine.Ref][]string
	again   map[engine.Ref]retried
	ending  map[engine.Ref]time.Time // runs that were asked to end, since when
	took    map[string]bool          // marks of starts that GitHub took without telling the run
}

// retried is a run that was asked to run again.
type retried struct {
	attempt int // the last one before
	at      time.Time
}

func (n *notes) keepSecrets(ref engine.Ref, secrets []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.secrets == nil || len(n.secrets) >= maxNoted {
		n.secrets = map[engine.Ref][]string{}
	}
	n.secrets[ref] = secrets
}

func (n *notes) secretsOf(ref engine.Ref) (secrets []string, known bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	secrets, known = n.secrets[ref]
	return secrets, known
}

func (n *notes) runsAgain(ref engine.Ref, attempt int, at time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.again == nil || len(n.again) >= maxNoted {
		n.again = map[engine.Ref]retried{}
	}
	n.again[ref] = retried{attempt, at}
}

// awaited tells whether a newer attempt of a run was asked for, not longer ago than
// patience, and is not to be seen yet.
func (n *notes) awaited(ref engine.Ref, attempt int, now time.Time, patience time.Duration) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	r, asked := n.again[ref]
	if !asked {
		return false
	}
	if attempt > r.attempt || now.Sub(r.at) > patience {
		delete(n.again, ref)
		return false
	}
	return true
}

func (n *notes) ends(ref engine.Ref, at time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ending == nil || len(n.ending) >= maxNoted {
		n.ending = map[engine.Ref]time.Time{}
	}
	n.ending[ref] = at
}

func (n *notes) keepTaken(mark string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.took == nil || len(n.took) >= maxNoted {
		n.took = map[string]bool{}
	}
	n.took[mark] = true
}

func (n *notes) taken(mark string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.took[mark]
}

// hangs tells, once, whether a run was asked to end longer than patience ago.
func (n *notes) hangs(ref engine.Ref, now time.Time, patience time.Duration) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	at, asked := n.ending[ref]
	if !asked || now.Sub(at) < patience {
		return false
	}
	delete(n.ending, ref)
	return true
}

// secretsOf returns the credentials that a run was started with; false if they cannot be
// known.
func (e *Engine) secretsOf(ctx context.Context, ref engine.Ref) ([]string, bool, error) {
	if secrets, known := e.noted.secretsOf(ref); known {
		return secrets, true, nil
	}
	if e.config.Started == nil {
		return nil, false, nil
	}
	spec, err := e.config.Started(ctx, ref)
	switch {
	case slipway.CodeOf(err) == slipway.NotFound:
		return nil, false, nil
	case err != nil:
		return nil, false, fmt.Errorf("look up run: %w", err)
	case spec.Definition == nil:
		return nil, false, nil
	}
	secrets := spec.Definition.Credentials()
	for name, value := range spec.Params {
		if credential.MatchString(name) {
			secrets = append(secrets, value)
		}
	}
	e.noted.keepSecrets(ref, secrets)
	return secrets, true, nil
}
