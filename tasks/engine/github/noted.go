package github

import (
	"context"
	"fmt"
	"time"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/remote"
)

// notes are what this process knows of runs and GitHub does not tell. The zero value is
// ready.
type notes struct {
	secrets remote.Memory[engine.Ref, []string]
	again   remote.Memory[engine.Ref, retried]
	ending  remote.Memory[engine.Ref, time.Time] // runs that were asked to end, since when
}

// retried is a run that was asked to run again.
type retried struct {
	attempt int // the last one before
	at      time.Time
}

// awaited tells whether a newer attempt of a run was asked for, not longer ago than
// patience, and is not to be seen yet.
func (n *notes) awaited(ref engine.Ref, attempt int, now time.Time, patience time.Duration) bool {
	r, asked := n.again.Of(ref)
	if asked && (attempt > r.attempt || now.Sub(r.at) > patience) {
		n.again.Forget(ref)
		return false
	}
	return asked
}

// hangs tells, once, whether a run was asked to end longer than patience ago.
func (n *notes) hangs(ref engine.Ref, now time.Time, patience time.Duration) bool {
	at, asked := n.ending.Of(ref)
	return asked && now.Sub(at) >= patience && n.ending.Forget(ref)
}

// secretsOf returns the credentials that a run was started with; false if they cannot be
// known.
func (e *Engine) secretsOf(ctx context.Context, ref engine.Ref) ([]string, bool, error) {
	if secrets, known := e.noted.secrets.Of(ref); known {
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
		if slipway.LooksSecret(name) {
			secrets = append(secrets, value)
		}
	}
	e.noted.secrets.Keep(ref, secrets)
	return secrets, true, nil
}
